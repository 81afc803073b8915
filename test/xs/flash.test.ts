/** The journal on the real XS engine with an ESP32's heaps. */
import { CPU, runOnXs, type XsResult } from "../../scripts/xs.mjs";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "./support.js";

const test = suite("journal on XS");
const missing = await whyNoXs();
const onXs = test.if(missing === undefined, missing ?? "");

// biome-ignore lint/suspicious/noExplicitAny: what the programs print
const named = (result: XsResult, name: string): any => result.results.find((r) => r.name === name);

onXs("the power goes within writes and recoveries: the table is the one before a batch or after it", async () => {
	// an emulated processor takes a hundred times as long
	const every = CPU === "x86" ? 5 : 150;
	const result = await runOnXs("test/xs/flash.ts", { config: { every } });
	assert.is(result.errors, "");
	assert.is(result.status, 0);
	assert.is(result.statistics!.aliasesTouched, 0, "nothing that is in ROM was written to");
	assert.ok(named(result, "cuts").cuts >= Math.floor(850 / every), `${named(result, "cuts").cuts}`);
	const { stackPeak, stackSlots } = result.statistics!;
	assert.ok(stackPeak <= 0.9 * stackSlots, `${stackPeak} of ${stackSlots} slots`);
	const { chunkBytes, planned } = named(result, "kept");
	assert.ok(chunkBytes > planned && chunkBytes < planned + 200, `${planned} planned, ${chunkBytes} kept`);
});

test.run();
