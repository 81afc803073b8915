/** Random batches, cuts, restarts, a full flash and rotten bits against a Map. `HEARTH_STORAGE_RUNS=n` plays more. */
import fc from "fast-check";
import { VirtualFlash } from "../../host-sim/sim/flash.js";
import { assert, suite } from "../support/test.js";
import { Harness, SMALL, same, type Table, tableOf } from "./harness.js";
import { Script } from "./script.js";

const test = suite("journal, random");
Error.stackTraceLimit = 0; // a cut is an error, and there are many
const runs = Number(process.env.HEARTH_STORAGE_RUNS ?? 60);

/** Plays until the power goes, or to the end: the journal itself throws nothing. */
function play(harness: Harness, script: Script, batches: number): void {
	for (let i = 0; i < batches && !harness.flash.dark; i++) script.play(harness);
}

const geometry = fc.record({
	seed: fc.integer({ min: 1, max: 0x7fffffff }),
	sectors: fc.integer({ min: 5, max: 12 }),
	sectorBytes: fc.constantFrom(512, 1_024),
	programBytes: fc.constantFrom(1, 4, 16, 64),
	keys: fc.integer({ min: 1, max: 80 }),
	cuts: fc.array(fc.record({ after: fc.integer({ min: 0, max: 3_000 }), smeared: fc.boolean() }), { maxLength: 12 }),
});

test("whatever is put, deleted, cut and begun again, the table is that of a Map after some batch", () => {
	fc.assert(
		fc.property(geometry, ({ seed, sectors, sectorBytes, programBytes, keys, cuts }) => {
			const flash = new VirtualFlash({ sectors, sectorBytes, programBytes, seed });
			const limits = { ...SMALL, valueBytes: sectors > 6 ? 150 : 60 };
			const script = new Script(seed, keys, limits.valueBytes);
			const harness = new Harness(flash, limits);
			harness.settle();
			for (const { after, smeared } of cuts) {
				flash.cutAfter(after, smeared ? "smeared" : "clean");
				play(harness, script, 30);
				flash.restore();
				const { durable } = harness;
				const states = harness.states.slice();
				harness.errors.length = 0;
				harness.remount();
				assert.ok(
					states.slice(durable).some((state) => same(state, harness.state)),
					`after ${durable} of ${states.length - 1}`,
				);
			}
			play(harness, script, 30);
			harness.settle();
			const end = harness.state;
			assert.ok(same(tableOf(harness.journal), end));
			harness.remount();
			assert.ok(same(harness.state, end));
		}),
		{ numRuns: runs, seed: 7, includeErrorInReport: true },
	);
});

test("cut again and again within a few bytes, it still comes back and takes what is put", () => {
	fc.assert(
		fc.property(
			fc.integer({ min: 1, max: 0x7fffffff }),
			fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 20, maxLength: 40 }),
			(seed, cuts) => {
				const flash = new VirtualFlash({ sectors: 10, sectorBytes: 1_024, seed });
				const harness = new Harness(flash);
				const script = new Script(seed, 24, 100);
				harness.settle();
				play(harness, script, 60);
				harness.settle();
				harness.remount();
				for (const after of cuts) {
					flash.cutAfter(after, after % 2 === 0 ? "smeared" : "clean");
					play(harness, script, 4);
					flash.restore();
					const { durable } = harness;
					const states = harness.states.slice();
					harness.errors.length = 0;
					harness.remount();
					assert.ok(states.slice(durable).some((state) => same(state, harness.state)));
				}
				harness.settle();
				assert.ok(harness.change([[1, "still there"]]));
				harness.settle();
				assert.ok(same(tableOf(harness.journal), harness.state));
			},
		),
		{ numRuns: runs, seed: 8, includeErrorInReport: true },
	);
});

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
