/** Bits that turn over: one in a record is mended, more make it count as none. `HEARTH_STORAGE_RUNS=n` plays more. */
import fc from "fast-check";
import { VirtualFlash } from "../../host-sim/sim/flash.js";
import { assert, suite } from "../support/test.js";
import { Harness, SMALL, same, type Table, tableOf } from "./harness.js";
import { Script } from "./script.js";

const test = suite("rotten bits");
const runs = Number(process.env.HEARTH_STORAGE_RUNS ?? 60);

/** All values that a key ever had. */
type History = Map<number, Set<string>>;

function remember(history: History, table: Table): void {
	for (const [key, value] of table) {
		if (!history.has(key)) history.set(key, new Set());
		history.get(key)!.add(value);
	}
}

/** @returns how many keys don't have their value; an older one or none is allowed, any other is not */
function wrong(table: Table, expected: Table, history: History): number {
	let count = 0;
	for (const [key, value] of table) {
		assert.ok(history.get(key)?.has(value), `key ${key} never had ${JSON.stringify(value)}`);
		if (expected.get(key) !== value) count++;
	}
	for (const key of expected.keys()) if (!table.has(key)) count++;
	return count;
}

test("any bit of all may turn over: everything is there as it was, at start, in service and when moved", () => {
	const flash = new VirtualFlash({ sectors: 6, sectorBytes: 512 });
	const harness = new Harness(flash);
	const script = new Script(11, 12, 90);
	harness.settle();
	for (let i = 0; i < 40; i++) script.play(harness);
	harness.settle();
	const expected = harness.state;
	assert.ok(expected.size > 4);
	let mended = 0;
	for (let bit = 0; bit < flash.bytes.length * 8; bit++) {
		const other = flash.clone();
		other.rot(bit);
		const start = new Harness(other);
		assert.ok(same(tableOf(start.journal), expected), `bit ${bit & 7} of byte ${bit >> 3} at start`);
		if (start.journal.counters.mended > 0) mended++;
		if (bit % 64 !== (bit >> 6) % 64) continue;
		const running = new Harness(flash.clone(), SMALL, expected);
		running.settle();
		running.flash.rot(bit);
		assert.ok(same(tableOf(running.journal), expected), `bit ${bit & 7} of byte ${bit >> 3} in service`);
		const { erases } = running.journal.counters;
		// until each sector was moved
		for (let i = 0; running.journal.counters.erases < erases + 9; i++) {
			assert.ok(running.change([[1_000, `${i}`.repeat(10)]]));
			running.settle();
		}
		assert.ok(same(tableOf(running.journal), running.state), `bit ${bit & 7} of byte ${bit >> 3} when it is moved`);
	}
	assert.ok(mended > 4_000, `${mended} records`);
});

test("with rotten bits anywhere no value is ever wrong: it is right, older or missing, and that is counted", () => {
	fc.assert(
		fc.property(
			fc.integer({ min: 1, max: 0x7fffffff }),
			fc.array(fc.nat(), { minLength: 1, maxLength: 20 }),
			fc.boolean(),
			(seed, bits, running) => {
				const flash = new VirtualFlash({ sectors: 8, sectorBytes: 512, seed });
				const harness = new Harness(flash);
				const script = new Script(seed, 20, 150);
				const history: History = new Map();
				harness.settle();
				for (let i = 0; i < 40; i++) {
					script.play(harness);
					remember(history, harness.state);
				}
				harness.settle();
				const expected = harness.state;
				for (const bit of bits) flash.rot(bit % (flash.bytes.length * 8));
				if (!running) harness.remount();
				const { counters } = harness.journal;
				const found = tableOf(harness.journal);
				if (wrong(found, expected, history) > 0) assert.ok(counters.damaged > 0, "it is counted");
				// and it goes on
				harness.states.push(found);
				harness.committed = harness.states.length - 1;
				const journal = harness.journal as unknown as { batch: number };
				journal.batch = harness.committed;
				for (let i = 0; i < 20; i++) {
					script.play(harness);
					remember(history, harness.state);
				}
				harness.settle();
				wrong(tableOf(harness.journal), harness.state, history);
				harness.remount();
				wrong(harness.state, harness.state, history);
			},
		),
		{ numRuns: runs, seed: 9, includeErrorInReport: true },
	);
});

test.run();
