/** Speed is not lost by accident: what a packet costs on XS, exact and repeatable, against what was taken down.
 *  `npm run bench -- xs --record` takes it down anew, `-- xs --profile` shows where it goes. */
import { readFileSync } from "node:fs";
import { runOnXs } from "../../scripts/xs.mjs";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "./support.js";

const test = suite("costs on XS");
const missing = await whyNoXs();
const onXs = test.if(missing === undefined, missing ?? "");
/** The engine's own differences between processors, and small changes. */
const TOLERANCE = 0.02;

onXs("a packet costs the opcodes that were taken down, within 2 %, and no more garbage", async () => {
	const recorded: Record<string, [opcodes: number, garbage: number]> = JSON.parse(
		readFileSync("test/xs/costs.json", "utf8"),
	);
	const { results, status, errors } = await runOnXs("test/xs/costs.ts");
	assert.is(status, 0, errors);
	const measured = results.filter((r) => r.opcodes !== undefined);
	assert.equal(
		measured.map((r) => r.name),
		Object.keys(recorded),
	);
	const changed: string[] = [];
	for (const { name, opcodes, slots, chunkBytes } of measured) {
		const [before, garbage] = recorded[name]!;
		if (Math.abs(opcodes / before - 1) > TOLERANCE) changed.push(`${name}: ${opcodes} opcodes, it was ${before}`);
		if (slots * 16 + chunkBytes > garbage) changed.push(`${name}: ${slots * 16 + chunkBytes} bytes of garbage`);
	}
	assert.equal(changed, [], "better or wanted: npm run bench -- xs --record");
});

onXs("the most frequent packets stay within what was promised", async () => {
	const recorded: Record<string, [opcodes: number, garbage: number]> = JSON.parse(
		readFileSync("test/xs/costs.json", "utf8"),
	);
	const opcodes = (name: string): number => recorded[name]![0];
	const one = opcodes("QoS 0, 1 receiver");
	assert.ok(one <= 600 && recorded["QoS 0, 1 receiver"]![1] <= 100);
	assert.ok((opcodes("QoS 0, 5 receivers") - one) / 4 <= 150);
	assert.ok(opcodes("PINGREQ") <= 250);
	assert.ok(opcodes("QoS 1, 1 receiver, with both PUBACKs") <= 1_200);
	assert.ok(opcodes("5.0, alias and 2 properties, 1 receiver") <= 900);
});

test.run();
