/** The results as a person reads them in a terminal. */
import { spreadText } from "../rounds.js";
import type { ContenderResult, RowResult } from "./measure.js";
import type { Goal } from "./rows.js";

const NAME_WIDTH = 22;

/** @returns three digits at least, no more than are worth it: "0.845", "12.6", "1,370" */
export function digits(value: number): string {
	if (value >= 100) return Math.round(value).toLocaleString("en-US");
	return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export const COLUMNS = ["a second", "CPU µs", "p50 µs", "p99 µs", "MB"] as const;
const WIDTHS = [12, 10, 10, 11, 8] as const;

function cells(result: ContenderResult, each: boolean): string[] {
	const { rate, cpu, p50, p99, memory, loadIsTheLimit } = result;
	const time = (us: number) => (us === 0 ? "" : digits(us));
	const bytes = each ? `${digits(memory / 1_024)} K` : digits(memory / 1e6);
	return [`${digits(rate)}${loadIsTheLimit ? "*" : ""}`, digits(cpu), time(p50), time(p99), bytes];
}

export function heading(): string {
	return COLUMNS.reduce((line, name, i) => line + name.padStart(WIDTHS[i]!), " ".repeat(NAME_WIDTH));
}

/** @param each the memory is that of a connection @returns the lines of one row */
export function lines(row: RowResult, each = row.word === "idle"): string[] {
	const found = [row.name];
	for (const result of row.contenders) {
		const texts = cells(result, each).map((text, i) => text.padStart(WIDTHS[i]!));
		const over = result.over === undefined ? "" : `   × ${spreadText(result.over)}`;
		found.push(`  ${result.name.padEnd(NAME_WIDTH - 2)}${texts.join("")}${over}`);
		const { lost, repeated } = result;
		if (lost + repeated > 0) found.push(`    ${lost} messages lost, ${repeated} twice or out of order`);
	}
	for (const { name, reason } of row.leftOut) found.push(`  ${name.padEnd(NAME_WIDTH - 2)} left out: ${reason}`);
	if (row.goal !== undefined) {
		const { measured, reached, measure } = row.goal;
		const kilobytes = { median: measured.median / 1_024, least: measured.least / 1_024, most: measured.most / 1_024 };
		const text = spreadText(measure === "memory" ? kilobytes : measured);
		found.push(`  goal: ${goalText(row.goal)}: ${text}, ${reached ? "reached" : "MISSED"}`);
	}
	return found;
}

/** @returns such as "the best rival's CPU ÷ Hearth's ≥ 6" */
export function goalText({ measure, against, least, most }: Goal): string {
	const bound = least === undefined ? `≤ ${measure === "memory" ? `${most! / 1_024} KB` : most}` : `≥ ${least}`;
	if (against === "none") return `Hearth's ${measure} ${bound}`;
	if (against === "self") return `the second's ${measure} ÷ the first's ${bound}`;
	if (against === "mosquitto") return `Hearth's ${measure} ÷ Mosquitto's ${bound}`;
	return measure === "rate" ? `Hearth's rate ÷ the best rival's ${bound}` : `the best rival's CPU ÷ Hearth's ${bound}`;
}
