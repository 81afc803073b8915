/** The instructions that an Xtensa processor takes for a packet: the XS host for lx106, compiled as the SDK compiles
 *  the engine for a release on an ESP32, under QEMU, whose plugin counts them (insncount.c); the difference of a long
 *  and a short run, without what the program itself takes. */
import { execFileSync, spawnSync } from "node:child_process";
import { buildHost, bundle } from "../../scripts/xs.mjs";
import { cpuNamed } from "../../scripts/xs-cpus.mjs";

const PLUGIN = "build/bench/insncount.so";
const SHORT = 1_000;
const LONG = 3_000;

/** The ESP32's clock, and the cycles that an instruction takes there on average, with the flash cache's misses:
 *  assumed. */
const HERTZ = 240e6;
const CYCLES = 1.5;

/** Instructions by native function, of one packet. */
export type Instructions = Map<string, number>;

/** A packet that is measured: what test/xs/instructions.ts calls it, and how many receivers it has. */
export interface Measured {
	name: string;
	packet: "qos0" | "qos1" | "ping";
	receivers: number;
}

export const MEASURED: readonly Measured[] = [
	{ name: "QoS 0, 1 receiver", packet: "qos0", receivers: 1 },
	{ name: "QoS 0, 5 receivers", packet: "qos0", receivers: 5 },
	{ name: "QoS 1, 1 receiver, with both PUBACKs", packet: "qos1", receivers: 1 },
	{ name: "PINGREQ", packet: "ping", receivers: 0 },
];

async function count(program: string, config: Record<string, string | number>): Promise<Instructions> {
	const { main, preload } = await bundle("test/xs/instructions.ts", [], "esp32", config);
	const [qemu, ...options] = cpuNamed("xtensa").run as [string, ...string[]];
	const args = [...options, "-plugin", PLUGIN, "-d", "plugin", program, "-p", preload!, main];
	const { status, stderr } = spawnSync(qemu, args, { encoding: "utf8", timeout: 300_000 });
	if (status !== 0) throw new Error(`${qemu}: status ${status}: ${stderr.slice(0, 200)}`);
	const found = stderr.matchAll(/^instructions (\d+) (.*)$/gm);
	return new Map(Array.from(found, ([, instructions, name]) => [name!, Number(instructions)]));
}

/** @returns instructions by function of one turn of the program's loop */
async function turn(program: string, config: Record<string, string | number>): Promise<Instructions> {
	const short = await count(program, { ...config, messages: SHORT });
	const long = await count(program, { ...config, messages: LONG });
	for (const [name, instructions] of long) long.set(name, (instructions - (short.get(name) ?? 0)) / (LONG - SHORT));
	return long;
}

/** @returns what a packet takes. Throws CannotBuild */
export async function instructionsOf({ packet, receivers }: Measured): Promise<Instructions> {
	const program = await buildHost({ cpu: "xtensa", release: true });
	execFileSync("gcc", ["-shared", "-fPIC", "-O2", "-o", PLUGIN, "test/bench/insncount.c"]);
	const all = await turn(program, { packet, receivers, nobody: 0 });
	const own = await turn(program, { packet, receivers, nobody: 1 });
	for (const [name, instructions] of all) all.set(name, instructions - (own.get(name) ?? 0));
	return all;
}

export function sum(instructions: Instructions): number {
	let total = 0;
	for (const count of instructions.values()) total += count;
	return total;
}

/** @returns packets a second on an ESP32, by the assumption above: the broker's work alone */
export function packetsPerSecond(instructions: number): number {
	return HERTZ / CYCLES / instructions;
}
