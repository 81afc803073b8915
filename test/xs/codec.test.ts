/** The codec on the real XS engine: what a PUBLISH costs there, and that nothing in it needs more than a device has. */
import { runOnXs, type XsResult } from "../../scripts/xs.mjs";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "./support.js";

const test = suite("codec on XS");
const missing = await whyNoXs();
const onXs = test.if(missing === undefined, missing ?? "");

/** Opcodes of Framer.next and decodePublish together, at most, for a PUBLISH of 60 bytes. Calling two functions with so
 *  many parameters takes 70 of them. */
const BUDGETS: Readonly<Record<string, number>> = {
	"frame and decode 3.1.1 QoS 0": 200,
	"frame and decode 3.1.1 QoS 1": 240,
	"frame and decode 5.0 QoS 0": 214,
};

let result: XsResult;

onXs("every function of the codec runs on XS", async () => {
	result = await runOnXs("test/xs/codec.ts");
	assert.is(result.errors, "");
	assert.is(result.status, 0);
	assert.is(result.results.at(-1)?.name, "done");
});

onXs("nothing that is preloaded is written to", () => {
	assert.is(result.statistics?.aliasesTouched, 0);
});

onXs("no property name is made at run time", () => {
	assert.is(result.statistics?.keys, 0);
});

for (const [name, opcodes] of Object.entries(BUDGETS))
	onXs(`a PUBLISH of 60 bytes takes at most ${opcodes} opcodes and no memory: ${name}`, () => {
		const cost = result.results.find((r) => r.name === name);
		assert.ok(cost.opcodes <= opcodes, `${cost.opcodes} opcodes`);
		assert.is(cost.slots, 0);
		assert.is(cost.chunkBytes, 0);
	});

onXs("a topic's key costs one chunk and no slot", () => {
	const cost = result.results.find((r) => r.name === "Text.key and Map.get");
	assert.ok(cost.opcodes <= 45, `${cost.opcodes} opcodes`);
	assert.is(cost.slots, 0);
	assert.is(cost.chunkBytes, 28); // 8 of a header, 18 characters and a zero, rounded up to 4
});

test.run();
