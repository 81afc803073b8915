/** SPAKE2+ and what is made of it, on the real XS engine. */

import { curve } from "../../host-sim/curve.js";
import { runOnXs, type XsResult } from "../../scripts/xs.mjs";
import { bytesOfHex, GENERATOR as generator, hexOf } from "../../src/hub/p256.js";
import { bigintCurve } from "../support/bigint-curve.js";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "./support.js";

const test = suite("pairing on XS");
const missing = await whyNoXs();
const onXs = test.if(missing === undefined, missing ?? "");

// biome-ignore lint/suspicious/noExplicitAny: what the program prints
const named = (result: XsResult, name: string): any => result.results.find((r) => r.name === name);

test("the stand-in for native point arithmetic agrees with the library", () => {
	const scalar = bytesOfHex("7e945f34d78785b8a3ef44d0df5a1a97d6b3b460409a345ca7830387a74b1dba");
	const other = bytesOfHex("d1232c8e8693d02368976c174e2088851b8365d0d79a9eee709c6a05a2fad539");
	const point = curve.multiply(scalar, generator)!;
	assert.is(hexOf(bigintCurve.multiply(scalar, generator)!), hexOf(point));
	const sum = curve.multiplyAdd(scalar, generator, other, point)!;
	assert.is(hexOf(bigintCurve.multiplyAdd(scalar, generator, other, point)!), hexOf(sum));
});

onXs("the vector of RFC 9383 and the derivations of SECURITY.md come out as they do elsewhere", async () => {
	const result = await runOnXs("test/xs/pairing.ts");
	assert.is(result.errors, "");
	assert.is(result.status, 0);
	const spake = named(result, "spake2plus");
	assert.is(spake.confirmP, "926cc713504b9b4d76c9162ded04b5493e89109f6d89462cd33adc46fda27527");
	assert.is(spake.confirmV, "9747bcc4f8fe9f63defee53ac9b07876d907d55047e6ff2def2e7529089d3e68");
	assert.is(spake.shared, "0c5f8ccd1413423a54f6c1fb26ff01534a87f893779c6e68666d772bfd91f3e7");
	assert.ok(spake.same && spake.isPoint);
	const keys = named(result, "keys");
	assert.is(keys.w0, "683b34e6837b5c14069d7a4a1017ab40b38195fbffbf8f71ab265d5afc7fe153");
	assert.is(keys.w1, "3065b92651de4d2f49315a7b9f14af3c8319fe81d6991bb87f80dada9653e1de");
	assert.is(keys.password, "_9NleuL6C_CqHmJcvQJwgmckqAuYtWggylDmWuD3E5c");
	assert.is(keys.storedKey, "0077677ef113f80f3b94ebc85a31c651123f09f433bb5c263a8332c56d6cf55b");
	assert.is(keys.serverKey, "1564c6d3ed51ff917a799bc0eaf9d950497d14ba634717568a0538d3faf6b271");
	assert.ok(named(result, "costs").schedule > 0);
	assert.is(result.statistics!.aliasesTouched, 0, "nothing that is in ROM was written to");
});

onXs(
	"a join takes three calls of point arithmetic a side, and no turn of either is long; a login is cheap",
	async () => {
		const result = await runOnXs("test/xs/pairing-costs.ts", {
			options: ["-c", "250000", "-s", "12000"],
			timeoutMs: 60_000,
		});
		assert.is(result.errors, "");
		assert.equal(named(result, "believed"), { name: "believed", believed: true, paired: "sensor-1" });
		for (const side of ["join: the device", "join: the hub"]) {
			const { points, opcodes, longest } = named(result, side);
			assert.is(points, 3);
			assert.ok(opcodes < 4_000_000, `${side}: ${opcodes} opcodes`);
			assert.ok(longest < 100_000, `${side}: a turn of ${longest} opcodes`);
		}
		assert.ok(named(result, "login: the hub").opcodes < 25_000);
		assert.ok(named(result, "login with a machine's password: the hub").opcodes < 6_000);
	},
);

test.run();
