/** The results as SVG: plain, without a script or a font of its own, readable on a light and on a dark page. */

import { AXES } from "./curves.js";
import type { RowResult } from "./measure.js";
import { digits, goalText } from "./table.js";

const STYLE = `<style>
	text { font: 13px system-ui, sans-serif; fill: #24292f; }
	.quiet { fill: #57606a; font-size: 11px; }
	.title { font-size: 15px; font-weight: 600; }
	.number { text-anchor: end; }
	.middle { text-anchor: middle; }
	.hearth { fill: #c2410c; stroke: #c2410c; }
	.rival { fill: #6e7781; stroke: #6e7781; }
	polyline.line { fill: none; stroke-width: 2; }
	.rule { stroke: #8c959f; stroke-opacity: 0.35; }
	.goal { stroke: #24292f; stroke-width: 2; }
	.spread { stroke: #24292f; stroke-opacity: 0.55; }
	@media (prefers-color-scheme: dark) {
		text { fill: #e6edf3; }
		.quiet { fill: #9da7b3; }
		.hearth { fill: #fb923c; stroke: #fb923c; }
		.goal, .spread { stroke: #e6edf3; }
	}
</style>`;

function svg(width: number, height: number, title: string, body: readonly string[]): string {
	const size = `viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`;
	const open = `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">`;
	return [open, `<title>${escaped(title)}</title>`, STYLE, ...body, "</svg>", ""].join("\n");
}

function escaped(text: string): string {
	return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

function text(x: number, y: number, words: string, of = ""): string {
	return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}"${of === "" ? "" : ` class="${of}"`}>${escaped(words)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, of: string): string {
	const [a, b, c, d] = [x1, y1, x2, y2].map((value) => value.toFixed(1));
	return `<line x1="${a}" y1="${b}" x2="${c}" y2="${d}" class="${of}"/>`;
}

function bar(x: number, y: number, width: number, height: number, of = "hearth"): string {
	const at = `x="${x.toFixed(1)}" y="${y.toFixed(1)}"`;
	return `<rect ${at} width="${width.toFixed(1)}" height="${height}" rx="2" class="${of}"/>`;
}

const WIDTH = 760;
const NAMES = 250;
const ROW = 24;
const TOP = 74;

/** A bar for each load in which rivals are compared: how many times Hearth's CPU the best of them takes, with the
 *  spread and the goal. */
export function ratiosPicture(results: readonly RowResult[]): string {
	const rows = results.filter(({ goal }) => goal?.measure === "cpu" && goal.against === "rivals");
	const most = Math.max(1, ...rows.map(({ goal }) => Math.max(goal!.measured.median, goal!.least ?? 0)));
	const ceiling = Math.ceil((most * 1.05) / 2) * 2;
	const at = (value: number) => NAMES + ((WIDTH - NAMES - 80) * Math.min(value, ceiling)) / ceiling;
	const body = [text(16, 26, "How much more CPU the best other broker takes", "title")];
	const about = "of Mosquitto and Aedes, for a delivered message, over Hearth's; median, least and most of the rounds";
	body.push(text(16, 45, about, "quiet"));
	const bottom = TOP + rows.length * ROW;
	const step = ceiling > 16 ? 4 : 2;
	for (let tick = 0; tick <= ceiling; tick += step) {
		body.push(line(at(tick), TOP - 6, at(tick), bottom, "rule"));
		body.push(text(at(tick), TOP - 10, `${tick} ×`, "quiet middle"));
	}
	for (const [i, { name, goal }] of rows.entries()) {
		const y = TOP + i * ROW + ROW / 2;
		const { median, least, most } = goal!.measured;
		body.push(text(NAMES - 12, y + 4.5, name, "number"));
		body.push(bar(at(0), y - 7, at(median) - at(0), 14));
		body.push(line(at(least), y, at(most), y, "spread"));
		if (goal!.least !== undefined) body.push(line(at(goal!.least), y - 9, at(goal!.least), y + 9, "goal"));
		body.push(text(WIDTH - 16, y + 4.5, `${digits(median)} ×`, "number"));
	}
	body.push(
		text(16, bottom + 24, "The upright stroke is the goal. npm run bench measures it on your machine.", "quiet"),
	);
	return svg(WIDTH, bottom + 38, `${goalText({ measure: "cpu", against: "rivals", least: 1 })}`, body);
}

const PLOT = { width: 352, height: 210, left: 56, right: 14, top: 40, bottom: 40 };

/** A small diagram for each curve: CPU a message by what grows, both on logarithmic scales. */
export function curvesPicture(results: readonly RowResult[]): string {
	const words = [...new Set(results.map(({ word }) => word))];
	const body: string[] = [text(16, 26, "How the CPU of a delivered message grows", "title")];
	body.push(text(16, 45, "µs of the broker's CPU, user and system; both scales are logarithmic", "quiet"));
	body.push(bar(468, 17, 12, 12), text(486, 28, "Hearth"));
	body.push(bar(556, 17, 12, 12, "rival"), text(574, 28, "Mosquitto"));
	for (const [i, word] of words.entries()) {
		const x = 16 + (i % 2) * (PLOT.width + 16);
		const y = 60 + Math.floor(i / 2) * (PLOT.height + 10);
		const points = results.filter((result) => result.word === word);
		body.push(`<g transform="translate(${x} ${y})">`, ...plot(points, AXES[word] ?? word), "</g>");
	}
	return svg(WIDTH, 70 + Math.ceil(words.length / 2) * (PLOT.height + 10), "How cost grows", body);
}

function plot(points: readonly RowResult[], axis: string): string[] {
	const { width, height, left, right, top, bottom } = PLOT;
	// a scale that begins at 0 has no logarithm: 0 stands a step before the first other value
	const xs = points.map(({ x = 0 }) => x);
	const least = Math.min(...xs.filter((x) => x > 0));
	const place = (x: number) => Math.log(x > 0 ? x : least / 10);
	const [first, last] = [place(xs[0]!), place(xs.at(-1)!)];
	const atX = (x: number) => left + ((width - left - right) * (place(x) - first)) / Math.max(1e-9, last - first);
	const costs = points.flatMap(({ contenders }) => contenders.map(({ cpu }) => cpu));
	const [low, high] = [Math.floor(Math.log10(Math.min(...costs))), Math.ceil(Math.log10(Math.max(...costs)))];
	const atY = (cpu: number) => height - bottom - ((height - top - bottom) * (Math.log10(cpu) - low)) / (high - low);
	const body = [text(left, 22, `by ${axis}`)];
	for (let power = low; power <= high; power++) {
		body.push(line(left, atY(10 ** power), width - right, atY(10 ** power), "rule"));
		body.push(text(left - 8, atY(10 ** power) + 4, `${Number((10 ** power).toPrecision(1))}`, "quiet number"));
	}
	for (const x of xs) body.push(text(atX(x), height - bottom + 18, short(x), "quiet middle"));
	const names = [...new Set(points.flatMap(({ contenders }) => contenders.map(({ name }) => name)))];
	for (const [i, name] of names.entries()) {
		const of = i === 0 ? "hearth" : "rival";
		const found = points.flatMap(({ x = 0, contenders }) => {
			const cpu = contenders.find((contender) => contender.name === name)?.cpu;
			return cpu === undefined ? [] : [{ x: atX(x), y: atY(cpu) }];
		});
		const path = found.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
		body.push(`<polyline points="${path}" class="line ${of}"/>`);
		for (const { x, y } of found) body.push(`<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" class="${of}"/>`);
	}
	return body;
}

/** @returns 16384 as "16k" */
function short(x: number): string {
	if (x >= 1_024 && x % 1_024 === 0) return `${x / 1_024}Ki`;
	return x >= 1_000 ? `${x / 1_000}k` : `${x}`;
}
