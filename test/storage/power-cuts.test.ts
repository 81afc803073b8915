/** The power goes at every byte of every write of a scripted day, and again at every byte of what the recovery writes:
 *  the table is always the one before a batch or after it. The first list is complete; for the second each write is cut
 *  once, `npm run bench -- flash --cuts` does it for all. */
import { VirtualFlash } from "../../host-sim/sim/flash.js";
import { assert, suite } from "../support/test.js";
import { cutEverywhere } from "./cuts.js";
import { SMALL } from "./harness.js";
import { Script } from "./script.js";

const test = suite("power cuts");
Error.stackTraceLimit = 0; // a cut is an error, and there are many

test("at every byte of every write of a day, and of the recovery: the table before a batch, or after it", () => {
	const make = () => new VirtualFlash({ sectors: 8, sectorBytes: 512 });
	const counts = cutEverywhere(make, SMALL, new Script(1, 24, 150), 30, "one");
	assert.ok(counts.cuts > 7_000, `${counts.cuts} cuts`);
	assert.ok(counts.again > 7_000, `${counts.again} cuts of recoveries`);
});

for (const programBytes of [1, 16, 64])
	test(`the same with ${programBytes} bytes programmed at once`, () => {
		const make = () => new VirtualFlash({ sectors: 10, sectorBytes: 1_024, programBytes });
		const counts = cutEverywhere(make, SMALL, new Script(2, 16, 150), 25, "none");
		assert.ok(counts.cuts > 4_000, `${counts.cuts} cuts`);
	});

test("the same on a flash of 64 KB with sectors of 4,096 bytes", () => {
	const limits = { ...SMALL, recordBytes: 512, pendingBytes: 1_024, valueBytes: 4_400 };
	const counts = cutEverywhere(() => new VirtualFlash({ sectors: 16 }), limits, new Script(3, 12, 1_500), 8, "none");
	assert.ok(counts.cuts > 4_000, `${counts.cuts} cuts`);
});

test.run();
