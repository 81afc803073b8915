/** The history of a number, as one line. A library for plots is larger than the rest of the page. */
import { useState } from "preact/hooks";
import type { Point } from "./topic-tree.js";

const WIDTH = 400;
const HEIGHT = 140;

export function Plot({ points }: { points: readonly Point[] }) {
	const [at, setAt] = useState(-1);
	const first = points[0]!.at;
	const seconds = points.at(-1)!.at - first || 1;
	const values = points.map(({ value }) => value);
	const least = Math.min(...values);
	const most = Math.max(...values);
	const x = (point: Point) => ((point.at - first) / seconds) * WIDTH;
	const y = (value: number) => (most === least ? HEIGHT / 2 : HEIGHT - ((value - least) / (most - least)) * HEIGHT);
	const line = points.map((point) => `${x(point).toFixed(1)},${y(point.value).toFixed(1)}`).join(" ");
	const near = (event: MouseEvent) => {
		const box = (event.currentTarget as Element).getBoundingClientRect();
		const wanted = ((event.clientX - box.left) / box.width) * WIDTH;
		let best = 0;
		for (const [i, point] of points.entries())
			if (Math.abs(x(point) - wanted) < Math.abs(x(points[best]!) - wanted)) best = i;
		setAt(best);
	};
	const shown = points[at] ?? points.at(-1)!;
	return (
		<figure class="plot">
			<svg
				viewBox={`0 -6 ${WIDTH} ${HEIGHT + 12}`}
				preserveAspectRatio="none"
				role="img"
				aria-label={`${points.length} values from ${least} to ${most}`}
				onMouseMove={near}
				onMouseLeave={() => setAt(-1)}
			>
				<path class="area" d={`M0,${HEIGHT + 6} L${line.replaceAll(" ", " L")} L${WIDTH},${HEIGHT + 6} Z`} />
				<polyline points={line} />
				<line x1={x(shown)} x2={x(shown)} y1={-6} y2={HEIGHT + 6} />
			</svg>
			<figcaption>
				<span>
					{least} to {most}
				</span>
				<span>
					{new Date(shown.at * 1_000).toLocaleTimeString()}: <strong>{shown.value}</strong>
				</span>
			</figcaption>
		</figure>
	);
}
