/** The results as the two tables of docs/performance.md. */
import { spreadText } from "../rounds.js";
import type { ContenderResult, RowResult } from "./measure.js";
import { digits } from "./table.js";

const HEADING = ["load", "Hearth: a second", "CPU µs", "p50 µs", "p99 µs", "MB"];
const RIVALS = ["mosquitto", "aedes"] as const;

/** Where the tables stand in a page. */
export const MARKS = ["<!-- npm run bench -- --docs writes from here -->", "<!-- to here -->"] as const;

function line(cells: readonly string[]): string {
	return `| ${cells.join(" | ")} |`;
}

function goals(rows: readonly RowResult[]): string[] {
	const lines = [line(["load", "goal", "measured", ""]), "|---|---|---|---|"];
	for (const { name, goal } of rows) {
		if (goal === undefined) continue;
		const { least, most, measure, measured, reached } = goal;
		const per = measure === "memory" ? 1_024 : 1;
		const bound = least === undefined ? `≤ ${most! / per}${measure === "memory" ? " KB" : ""}` : `≥ ${least}`;
		const { median, least: low, most: high } = measured;
		const text = spreadText({ median: median / per, least: low / per, most: high / per });
		lines.push(line([name, bound, text, reached ? "reached" : "**missed**"]));
	}
	return lines;
}

const time = (us: number): string => (us === 0 ? "" : digits(us));

function figures({ rate, cpu, p50, p99, memory }: ContenderResult, each: boolean): string[] {
	const bytes = each ? `${digits(memory / 1_024)} KB each` : digits(memory / 1e6);
	return [digits(rate), digits(cpu), time(p50), time(p99), bytes];
}

function absolute(rows: readonly RowResult[]): string[] {
	const rivals = ["Mosquitto: CPU µs", "p50 µs", "Aedes: CPU µs", "p50 µs"];
	const lines = [line([...HEADING, ...rivals]), `|${"---|".repeat(HEADING.length + rivals.length)}`];
	for (const { word, name, goal, contenders } of rows) {
		// where Hearth is compared with itself, the one with something
		const ours = contenders[goal?.against === "self" ? 1 : 0];
		if (ours === undefined) continue;
		const theirs = RIVALS.flatMap((rival) => {
			const found = contenders.find((one) => one.name.startsWith(rival));
			return found === undefined ? ["–", "–"] : [digits(found.cpu), time(found.p50)];
		});
		lines.push(line([name, ...figures(ours, word === "idle"), ...theirs]));
	}
	return lines;
}

/** @returns the page with these results in it. Throws Error when it has no place for them. */
export function withTables(page: string, rows: readonly RowResult[]): string {
	const [from, to] = MARKS;
	const start = page.indexOf(from);
	const end = page.indexOf(to);
	if (start < 0 || end < start) throw new Error(`the page has no line ${from}, or none ${to} after it`);
	const between = "The same in absolute terms, each broker's median, which are not of the same round and say less:";
	const tables = [from, "", ...goals(rows), "", between, "", ...absolute(rows), "", ""];
	return page.slice(0, start) + tables.join("\n") + page.slice(end);
}
