/** The history of a number. */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Point } from "./topic-tree.js";

const HEIGHT = 180;

export function Plot({ points }: { points: readonly Point[] }) {
	const element = useRef<HTMLDivElement>(null);
	const plot = useRef<uPlot>(undefined);
	const last = points.at(-1)?.at;
	useEffect(() => {
		const style = getComputedStyle(document.documentElement);
		const colour = (name: string) => style.getPropertyValue(name).trim();
		const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line") }, ticks: { stroke: colour("--line") } };
		plot.current = new uPlot(
			{
				width: element.current!.clientWidth,
				height: HEIGHT,
				legend: { show: false },
				cursor: { drag: { x: false, y: false } },
				series: [{}, { stroke: colour("--accent"), width: 2, fill: colour("--shade") }],
				axes: [axis, { ...axis, size: 56 }],
			},
			[[], []],
			element.current!,
		);
		const resize = new ResizeObserver(([entry]) =>
			plot.current?.setSize({ width: entry!.contentRect.width, height: HEIGHT }),
		);
		resize.observe(element.current!);
		return () => {
			resize.disconnect();
			plot.current?.destroy();
		};
	}, []);
	useEffect(() => {
		plot.current?.setData([points.map(({ at }) => at), points.map(({ value }) => value)]);
	}, [points, last]);
	return <div class="plot" ref={element} role="img" aria-label={`History of ${points.length} values`} />;
}
