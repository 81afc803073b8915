/** The bench's own arithmetic. */
import { readFileSync } from "node:fs";
import { assert, suite } from "../support/test.js";
import { CURVES } from "./brokers/curves.js";
import { Histogram } from "./brokers/histogram.js";
import { type ContenderResult, judge, measure, quotients, reaches } from "./brokers/measure.js";
import { curvesPicture, ratiosPicture } from "./brokers/picture.js";
import { ROWS } from "./brokers/rows.js";
import { digits, goalText, heading, lines } from "./brokers/table.js";
import { MARKS, withTables } from "./brokers/tables.js";
import type { Figures } from "./brokers/work.js";
import { median, spread } from "./rounds.js";

const test = suite("the bench's arithmetic");

function figures(cpu: number, more: Partial<Figures> = {}): Figures {
	return { rate: 1_000, cpu, p50: 10, p99: 20, memory: 1e6, lost: 0, repeated: 0, busy: 0.5, ...more };
}

function result(name: string, rounds: Figures[]): ContenderResult {
	return { name, ...rounds[0]!, loadIsTheLimit: false, rounds };
}

test("a spread is the middle, the least and the greatest", () => {
	assert.equal(spread([3, 1, 2]), { median: 2, least: 1, most: 3 });
	assert.is(median([1, 2, 3, 4]), 3);
});

test("a histogram finds shares to 1 %", () => {
	const histogram = new Histogram();
	assert.is(histogram.at(0.5), 0);
	for (let us = 1; us <= 10_000; us++) histogram.add(us);
	for (const share of [0.01, 0.5, 0.99, 1]) {
		const found = histogram.at(share) / (share * 10_000);
		assert.ok(found > 0.99 && found < 1.01, `${share}: ${found}`);
	}
});

test("a histogram takes what is shorter or longer than its classes", () => {
	const histogram = new Histogram();
	histogram.add(0);
	histogram.add(1e12);
	assert.ok(histogram.at(0.5) < 0.2);
	assert.ok(histogram.at(1) > 1e6);
});

test("quotients are those of the same round", () => {
	assert.equal(quotients([figures(8), figures(6)], [figures(2), figures(3)], "cpu"), [4, 2]);
});

test("the best rival is looked for in each round", () => {
	const ours = result("hearth", [figures(1), figures(2), figures(1)]);
	const mosquitto = result("mosquitto", [figures(6), figures(10), figures(9)]);
	const aedes = result("aedes", [figures(8), figures(8), figures(8)]);
	const measured = judge({ measure: "cpu", against: "rivals", least: 6 }, [ours, mosquitto, aedes]);
	assert.equal(measured, { median: 6, least: 4, most: 8 });
});

test("other hubs of ours are no rivals", () => {
	const ours = result("hearth", [figures(1)]);
	const measured = judge({ measure: "cpu", against: "rivals", least: 6 }, [
		ours,
		result("hearth, rights", [figures(1)]),
	]);
	assert.is(measured, undefined);
});

test("a rate is ours over the best rival's", () => {
	const ours = result("hearth", [figures(1, { rate: 900 })]);
	const rivals = [300, 100].map((rate, i) => result(`rival ${i}`, [figures(1, { rate })]));
	assert.is(judge({ measure: "rate", against: "rivals", least: 3 }, [ours, ...rivals])?.median, 3);
});

test("a latency is held against Mosquitto's, and only if it is there", () => {
	const goal = { measure: "latency", against: "mosquitto", most: 1.05 } as const;
	const ours = result("hearth", [figures(1, { p50: 60 })]);
	assert.is(judge(goal, [ours, result("mosquitto", [figures(1, { p50: 50 })])])?.median, 1.2);
	assert.is(judge(goal, [ours, result("aedes", [figures(1)])]), undefined);
	assert.is(judge(goal, [result("mosquitto", [figures(1)])]), undefined);
});

test("a goal is a least or a most", () => {
	assert.ok(reaches({ measure: "cpu", against: "rivals", least: 6 }, 6));
	assert.not(reaches({ measure: "cpu", against: "rivals", least: 6 }, 5.9));
	assert.not(reaches({ measure: "cpu", against: "self", most: 1.1 }, 1.2));
});

test("numbers have three digits", () => {
	assert.equal([0.8449, 12.64, 1370.2].map(digits), ["0.84", "12.6", "1,370"]);
});

test("a row says what was lost, who was left out and whether its goal is reached", () => {
	const goal = { measure: "cpu", against: "rivals", least: 6 } as const;
	const found = lines({
		word: "pairs",
		name: "10 → 10",
		contenders: [{ ...result("hearth", [figures(1)]), lost: 3, loadIsTheLimit: true }],
		leftOut: [{ name: "mosquitto", reason: "mosquitto is not installed" }],
		goal: { ...goal, measured: { median: 5, least: 4, most: 6 }, reached: false },
	}).join("\n");
	for (const words of ["1,000*", "3 messages lost", "mosquitto is not installed", "5.00 (4.00 to 6.00), MISSED"])
		assert.ok(found.includes(words), `${words} in ${found}`);
	assert.ok(heading().includes("CPU µs"));
	assert.is(goalText(goal), "the best rival's CPU ÷ Hearth's ≥ 6");
});

test("the page's tables are written between its marks, and nothing else of it", () => {
	const spreadOf = (median: number) => ({ median, least: 1, most: 9 });
	const goal = { measure: "cpu", against: "rivals", least: 6, measured: spreadOf(7), reached: true } as const;
	const ours = { ...goal, against: "self", measured: spreadOf(2), reached: false } as const;
	const rows = [
		{ word: "one", name: "1 → 1", contenders: [figures(1), figures(7)], goal },
		{ word: "rights", name: "rights", contenders: [figures(1), figures(2)], goal: { ...ours, most: 1.1 } },
	].map((row) => {
		const contenders = row.contenders.map((one, i) => result(["hearth", "mosquitto"][i]!, [one]));
		return { ...row, leftOut: [], contenders };
	});
	const page = `before\n\n${MARKS[0]}\nold\n${MARKS[1]}\n\nafter\n`;
	const written = withTables(page, rows);
	assert.ok(written.startsWith("before\n\n") && written.endsWith(`\n${MARKS[1]}\n\nafter\n`));
	assert.not.match(written, /old/);
	assert.match(written, "| 1 → 1 | ≥ 6 | 7.00 (1.00 to 9.00) | reached |");
	assert.match(written, "| 1 → 1 | 1,000 | 1.00 | 10.0 | 20.0 | 1.00 | 7.00 | 10.0 | – | – |");
	assert.match(written, "| rights | 1,000 | 2.00 |");
	assert.is(withTables(written, rows), written);
	assert.throws(() => withTables("no marks", rows), /has no line/);
	withTables(readFileSync("docs/performance.md", "utf8"), rows);
});

test("rows and curves are selected by words of their own", () => {
	assert.is(new Set(ROWS.map(({ word }) => word)).size, ROWS.length);
	for (const { word } of CURVES) assert.not(ROWS.some((row) => row.word === word));
});

test("a contender that does not start is left out, and the others are measured", async () => {
	const row = {
		word: "none",
		name: "none",
		contenders: () => [{ name: "absent", start: () => Promise.reject(new Error("it is not installed")) }],
		work: { kind: "churn", clients: 1 },
	} as const;
	const { contenders, leftOut } = await measure(row, { rounds: 1, warm: 0, ms: 1 }, () => {});
	assert.equal(contenders, []);
	assert.equal(leftOut, [{ name: "absent", reason: "it is not installed" }]);
});

test("pictures are well-formed, and have a bar for each goal and a point for each value", () => {
	const goal = { measure: "cpu", against: "rivals", least: 6 } as const;
	const row = {
		word: "pairs",
		name: "a < b & c",
		contenders: [result("hearth", [figures(1)]), result("mosquitto", [figures(9)])],
		leftOut: [],
		goal: { ...goal, measured: { median: 9, least: 8, most: 10 }, reached: true },
	};
	const bars = ratiosPicture([row, row]);
	assert.is(bars.match(/<rect /g)?.length, 2);
	assert.ok(bars.includes("a &#60; b &#38; c"));
	const curves = curvesPicture([0, 10, 100].map((x) => ({ ...row, word: "subscriptions", x })));
	assert.is(curves.match(/<circle /g)?.length, 6);
	assert.not(/NaN|Infinity/.test(bars + curves));
});

test.run();
