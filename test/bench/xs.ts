/** What the broker and the client cost on XS with an ESP32's limits and heaps: opcodes and garbage a packet, live
 *  bytes, free heap. All figures but the time are exact and repeat. */
import { writeFileSync } from "node:fs";
import { CannotBuild, runOnXs, type XsResult } from "../../scripts/xs.mjs";
import { type Instructions, instructionsOf, MEASURED, packetsPerSecond, sum } from "./instructions.js";

function figure(value: number): string {
	return value.toLocaleString("en-US").padStart(10);
}

function ended(result: XsResult): XsResult {
	if (result.status !== 0) throw new Error(`status ${result.status}: ${result.errors}`);
	return result;
}

/** Prints what each of the measured actions costs. */
function table(title: string, { results }: XsResult, width: number): void {
	console.log(title.padEnd(width), "opcodes".padStart(10), "slots".padStart(10), "chunk B".padStart(10));
	for (const r of results)
		if (r.opcodes !== undefined)
			console.log(r.name.padEnd(width), figure(r.opcodes), figure(r.slots), figure(r.chunkBytes));
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

/** What the packets take on an Xtensa processor; where it goes: `npm run bench -- xs --instructions`. */
async function instructions(withFunctions: boolean): Promise<void> {
	console.log("\non Xtensa lx106".padEnd(45), "instructions".padStart(12), "ESP32, packets/s".padStart(20));
	for (const measured of MEASURED) {
		const found = await instructionsOf(measured);
		const total = sum(found);
		const rate = Math.round(packetsPerSecond(total)).toLocaleString("en-US");
		console.log(measured.name.padEnd(44), figure(Math.round(total)).padStart(12), rate.padStart(20));
		if (withFunctions) functions(found);
	}
	console.log("an ESP32 at 240 MHz and 1.5 cycles an instruction, assumed; without sockets, lwIP and Wi-Fi");
}

/** Prints the engine's functions that take most. */
function functions(found: Instructions): void {
	const rows = [...found].sort((a, b) => b[1] - a[1]).slice(0, 12);
	for (const [name, count] of rows) console.log(`  ${name}`.padEnd(44), figure(Math.round(count)).padStart(12));
}

try {
	if (process.argv.includes("--instructions")) {
		await instructions(true);
		process.exit();
	}
	if (process.argv.includes("--profile")) {
		await profile();
		process.exit();
	}
	if (process.argv.includes("--record")) {
		await record();
		process.exit();
	}
	const costs = ended(await runOnXs("test/xs/costs.ts"));
	table("packet of 60 bytes", costs, 60);
	const collected = costs.results.find((r) => r.collections !== undefined);
	console.log(`\n${collected.name}: ${collected.collections}`);
	const client = costs.results.find((r) => r.name === "a connected client keeps");
	console.log(`\na connected client keeps ${client.bytes} bytes more than a free place for one`);
	const controllers = ended(await runOnXs("test/xs/controllers.ts", { timeoutMs: 60_000 }));
	console.log();
	table("with controllers", controllers, 80);
	const ours = ended(await runOnXs("test/xs/client-costs.ts", { timeoutMs: 60_000 }));
	console.log();
	table("the client, PUBLISH of 57 bytes", ours, 44);
	console.log(`\na client keeps ${ours.results.find((r) => r.name === "a client keeps").bytes} bytes`);
	const pairing = ended(await runOnXs("test/xs/pairing-costs.ts", { options: ["-c", "250000", "-s", "12000"] }));
	const columns = ["opcodes", "SHA-256s", "points", "turns", "longest"].map((name) => name.padStart(11)).join("");
	console.log(`\n${"pairing and logins, native code apart".padEnd(44)}${columns}`);
	for (const r of pairing.results)
		if (r.turns !== undefined)
			console.log(
				String(r.name).padEnd(44) +
					[r.opcodes, r.hashes, r.points, r.turns, r.longest].map((n) => ` ${figure(n)}`).join(""),
			);
	const memory = ended(
		await runOnXs("test/xs/board-devices.ts", { options: ["-c", "250000", "-s", "12000"], timeoutMs: 60_000 }),
	);
	const [alone, full, going] = ["alone", "full", "pairing"].map((name) => memory.results.find((r) => r.name === name));
	console.log(
		`32 devices take ${full.slots - alone.slots} bytes of slots and ${full.chunks - alone.chunks} of chunks, ` +
			`${going.slots - alone.slots} and ${going.chunks - alone.chunks} while one more is being paired`,
	);
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
	await instructions(false);
} catch (error) {
	if (!(error instanceof CannotBuild)) throw error;
	console.log(`left out: ${error.message}`);
}
