/** What finding a topic's receivers costs: a topic that was seen before, and one that was not, with few and with many
 *  other subscriptions. */
import { RouteCache } from "../../src/broker/route-cache.js";
import { TopicTable } from "../../src/broker/topic-table.js";
import { interleave, median, ratio } from "./rounds.js";

const MANY = 100_000;

function make(others: number) {
	const table = new TopicTable(MANY + 100, 3 * MANY + 300, 1e9, 1000);
	const routes = new RouteCache(table, 1024, MANY + 100, 100, 1000);
	table.add(0, "house/kitchen/temperature", 0, 25, 0, 0);
	table.add(1, "house/+/temperature", 0, 19, 0, 0);
	// of the others a third has wildcards, at 4 levels
	for (let i = 0; i < others; i++) {
		const end = ["value", "+", "#"][i % 3];
		table.add(2 + (i % 900), `site${i % 100}/floor${i % 1000}/room${i}/${end}`, 0, 30, 0, 0);
	}
	let sum = 0;
	return {
		hit: (count: number) => {
			for (let i = 0; i < count; i++) sum += routes.find("house/kitchen/temperature", 25);
			return sum;
		},
		miss: (count: number) => {
			for (let i = 0; i < count; i++) sum += routes.build(`site7/floor7/room7/value${i & 4095}`, 24);
			return sum;
		},
		prepare: () => routes.build("house/kitchen/temperature", 25),
	};
}

const few = make(10);
const many = make(MANY);
few.prepare();
many.prepare();
const hits = interleave(
	[
		{ name: "hit, 10", run: few.hit },
		{ name: "hit, 100,000", run: many.hit },
	],
	9,
	1_000_000,
);
console.log(`a topic seen before: ${median(hits[0]!).toFixed(0)} ns with 10 other subscriptions,`);
console.log(`  with 100,000: ${median(hits[1]!).toFixed(0)} ns; ratio ${ratio(hits[1]!, hits[0]!)} (goal: ≤ 1.3)`);
const misses = interleave(
	[
		{ name: "miss, 10", run: few.miss },
		{ name: "miss, 100,000", run: many.miss },
	],
	9,
	20_000,
);
console.log(`a topic never seen, 4 levels: ${median(misses[0]!).toFixed(0)} ns with 10 other subscriptions,`);
console.log(`  with 100,000: ${median(misses[1]!).toFixed(0)} ns; ratio ${ratio(misses[1]!, misses[0]!)}`);
