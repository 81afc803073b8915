/** Random batches, cuts, restarts, a full flash and rotten bits against a Map. `HEARTH_STORAGE_RUNS=n` plays more. */
import fc from "fast-check";
import { VirtualFlash } from "../../host-sim/sim/flash.js";
import { assert, suite } from "../support/test.js";
import { Harness, SMALL, same, tableOf } from "./harness.js";
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

test.run();
