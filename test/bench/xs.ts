/** What the broker costs on XS with an ESP32's limits and heaps: opcodes and garbage a packet, live bytes, free
 *  heap. All
 *  figures but the time are exact and repeat. */
import { writeFileSync } from "node:fs";
import { CannotBuild, runOnXs, type XsResult } from "../../scripts/xs.mjs";
import { instructionsEach, messagesPerSecond } from "./instructions.js";

function figure(value: number): string {
	return value.toLocaleString("en-US").padStart(10);
}

function ended(result: XsResult): XsResult {
	if (result.status !== 0) throw new Error(`status ${result.status}: ${result.errors}`);
	return result;
}

/** Where the opcodes of each packet go, function by function: `npm run bench -- xs --profile`. */
async function profile(): Promise<void> {
	const { results } = ended(await runOnXs("test/xs/costs.ts", { profile: true }));
	const rows = results.filter((r) => r.function !== undefined && r.opcodes > 0);
	for (const name of new Set(rows.map((r) => r.name))) {
		const own = rows.filter((r) => r.name === name).sort((a, b) => b.opcodes - a.opcodes);
		console.log(`\n${name}`.padEnd(45), "opcodes".padStart(10), "calls".padStart(10));
		for (const r of own) console.log(`  ${r.function}`.padEnd(44), figure(r.opcodes), figure(r.calls));
	}
}

/** Takes down what test/xs/costs.test.ts holds the costs against: `npm run bench -- xs --record`. */
async function record(): Promise<void> {
	const { results } = ended(await runOnXs("test/xs/costs.ts"));
	const figures = results.filter((r) => r.opcodes !== undefined);
	const lines = figures.map((r) => `\t${JSON.stringify(r.name)}: [${r.opcodes}, ${r.slots * 16 + r.chunkBytes}]`);
	writeFileSync("test/xs/costs.json", `{\n${lines.join(",\n")}\n}\n`);
	console.log("test/xs/costs.json is written");
}

try {
	if (process.argv.includes("--profile")) {
		await profile();
		process.exit();
	}
	if (process.argv.includes("--record")) {
		await record();
		process.exit();
	}
	const costs = ended(await runOnXs("test/xs/costs.ts"));
	console.log("packet of 60 bytes".padEnd(44), "opcodes".padStart(10), "slots".padStart(10), "chunk B".padStart(10));
	for (const r of costs.results)
		if (r.opcodes !== undefined)
			console.log(r.name.padEnd(44), figure(r.opcodes), figure(r.slots), figure(r.chunkBytes));
	const collected = costs.results.find((r) => r.collections !== undefined);
	console.log(`\n${collected.name}: ${collected.collections}`);
	const client = costs.results.find((r) => r.name === "a connected client keeps");
	console.log(`\na connected client keeps ${client.bytes} bytes more than a free place for one`);
	const controllers = ended(await runOnXs("test/xs/controllers.ts", { timeoutMs: 60_000 }));
	console.log("\nwith controllers".padEnd(81), "opcodes".padStart(10), "slots".padStart(10), "chunk B".padStart(10));
	for (const r of controllers.results)
		if (r.opcodes !== undefined)
			console.log(r.name.padEnd(80), figure(r.opcodes), figure(r.slots), figure(r.chunkBytes));
	const codec = await runOnXs("test/xs/codec.ts");
	for (const r of codec.results)
		if (String(r.name).startsWith("frame and decode"))
			console.log(`${r.name}: ${r.opcodes} opcodes, ${r.slots} slots, ${r.chunkBytes} bytes of chunks`);
	const started = performance.now();
	const load = await runOnXs("test/xs/load.ts", { timeoutMs: 120_000 });
	const seconds = (performance.now() - started) / 1000;
	const late = load.results.find((r) => r.name === "after 100000");
	const { maxSlots, maxChunks, stackPeak, stackSlots, gc } = load.statistics!;
	const free = (used: number, all: number) => `${((100 * (all - used)) / all).toFixed(1)} %`;
	console.log(`\n16 clients, 128 subscriptions, 64 retained, after 100,000 messages (${seconds.toFixed(1)} s here):`);
	console.log(`  slots ${late.slots} of ${maxSlots}, ${free(late.slots, maxSlots)} free`);
	console.log(`  chunks ${late.chunks} of ${maxChunks} bytes, ${free(late.chunks, maxChunks)} free`);
	console.log(`  stack ${stackPeak} of ${stackSlots} slots at the most; ${gc} garbage collections`);
	const each = await instructionsEach();
	const rate = Math.round(messagesPerSecond(each)).toLocaleString("en-US");
	console.log(`\nXtensa lx106: ${Math.round(each).toLocaleString("en-US")} instructions a routed QoS 0 PUBLISH;`);
	console.log(`  an ESP32 at 240 MHz and 1.5 cycles an instruction (assumed): ${rate}/s, without lwIP and Wi-Fi`);
} catch (error) {
	if (!(error instanceof CannotBuild)) throw error;
	console.log(`left out: ${error.message}`);
}
