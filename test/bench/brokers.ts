/** Hearth's hub against Debian's Mosquitto and npm's Aedes, in turn: `npm run bench [-- word…]`, where a word selects a
 *  row. `--quick`: fewer and shorter rounds. `--json FILE`, `--svg FILE`: the results as data and as a picture.
 *  `--docs`: of all rows, into docs/performance.md. `--curves`: how cost grows, in the table's place. */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { parseArgs } from "node:util";
import { versions } from "./brokers/contenders.js";
import { CURVES } from "./brokers/curves.js";
import { measure, type Pace, type RowResult } from "./brokers/measure.js";
import { curvesPicture, ratiosPicture } from "./brokers/picture.js";
import { ROWS } from "./brokers/rows.js";
import { heading, lines } from "./brokers/table.js";
import { withTables } from "./brokers/tables.js";

const PAGE = "docs/performance.md";
const PICTURE = "docs/performance.svg";

const FULL: Pace = { rounds: 7, warm: 8, ms: 500 };
/** Many points, none of which is held against a goal. */
const CURVE: Pace = { rounds: 5, warm: 5, ms: 250 };
const QUICK: Pace = { rounds: 3, warm: 9, ms: 110, goalOnly: true };

function arguments_() {
	try {
		return parseArgs({
			allowPositionals: true,
			options: {
				quick: { type: "boolean", default: false },
				curves: { type: "boolean", default: false },
				json: { type: "string" },
				svg: { type: "string" },
				docs: { type: "boolean", default: false },
			},
		});
	} catch (error) {
		console.error(`bench: ${(error as Error).message}`);
		process.exit(2);
	}
}

/** A line that is written over, where a person looks on. */
class Progress {
	private readonly started = performance.now();

	say(text: string): void {
		if (!process.stderr.isTTY) return;
		const seconds = Math.floor((performance.now() - this.started) / 1_000);
		const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
		process.stderr.write(`\r${time} ${text}\x1b[K`);
	}

	clear(): void {
		if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
	}
}

const { values, positionals } = arguments_();
const known = values.curves ? CURVES : ROWS;
const unknown = positionals.find((word) => !known.some((row) => row.word === word));
if (unknown !== undefined) {
	console.error(`bench: ${unknown}: no such row; there are ${known.map((row) => row.word).join(", ")}`);
	process.exit(2);
}
if (values.docs && (values.quick || values.curves || positionals.length > 0)) {
	console.error("bench: --docs takes all rows at full length; leave the rest away");
	process.exit(2);
}
const wanted = known.filter(({ word }) => positionals.length === 0 || positionals.includes(word));
const pace = values.quick ? QUICK : values.curves ? CURVE : FULL;
const progress = new Progress();
const results: RowResult[] = [];
console.log(`${pace.rounds} rounds in turn; × is its figure over the first one's: median (least to most)`);
console.log("CPU is the broker's, user and system, a message that was delivered; * the load was the limit\n");
console.log(heading());
for (const [i, row] of wanted.entries()) {
	const result = await measure(row, pace, (step) => progress.say(`[${i + 1}/${wanted.length}] ${row.name}: ${step}`));
	progress.clear();
	results.push(result);
	for (const line of lines(result)) console.log(line);
}
const machine = { cpu: cpus()[0]?.model ?? "?", cores: cpus().length, kernel: release(), ...versions() };
if (values.json !== undefined)
	writeFileSync(values.json, `${JSON.stringify({ machine, pace, rows: results }, undefined, "\t")}\n`);
if (values.svg !== undefined)
	writeFileSync(values.svg, values.curves ? curvesPicture(results) : ratiosPicture(results));
if (values.docs) {
	writeFileSync(PAGE, withTables(readFileSync(PAGE, "utf8"), results));
	writeFileSync(PICTURE, ratiosPicture(results));
}
const goals = results.flatMap(({ goal }) => goal ?? []);
if (goals.length > 0)
	console.log(`\n${goals.filter(({ reached }) => reached).length} of ${goals.length} goals reached`);
// judging is the reader's; a message that Hearth loses is a fault
const faults = results.flatMap(({ contenders }) => contenders.filter(({ name }) => name.startsWith("hearth")));
process.exit(faults.some(({ lost, repeated }) => lost + repeated > 0) ? 1 : 0);
