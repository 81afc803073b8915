/** The instructions that an Xtensa processor takes for a routed message: the XS host for lx106 under QEMU, whose plugin
 *  counts them (insncount.c); the difference of a long and a short run. */
import { execFileSync, spawnSync } from "node:child_process";
import { buildHost, bundle } from "../../scripts/xs.mjs";
import { cpuNamed } from "../../scripts/xs-cpus.mjs";

const PLUGIN = "build/bench/insncount.so";
const SHORT = 1_000;
const LONG = 6_000;

/** The ESP32's clock, and the cycles that an instruction takes there on average, with the flash cache's misses:
 *  assumed. */
const HERTZ = 240e6;
const CYCLES = 1.5;

async function count(messages: number): Promise<number> {
	const program = await buildHost({ cpu: "xtensa" });
	const { main, preload } = await bundle("test/xs/instructions.ts", [], "esp32", { messages });
	const [qemu, ...options] = cpuNamed("xtensa").run as [string, ...string[]];
	const args = [...options, "-plugin", PLUGIN, "-d", "plugin", program, "-p", preload!, main];
	const { status, stderr } = spawnSync(qemu, args, { encoding: "utf8", timeout: 300_000 });
	const found = /instructions (\d+)/.exec(stderr);
	if (status !== 0 || found === null) throw new Error(`${qemu}: status ${status}: ${stderr}`);
	return Number(found[1]);
}

/** @returns instructions for a QoS 0 PUBLISH of 60 bytes from a client to a client. Throws CannotBuild */
export async function instructionsEach(): Promise<number> {
	await buildHost({ cpu: "xtensa" });
	execFileSync("gcc", ["-shared", "-fPIC", "-O2", "-o", PLUGIN, "test/bench/insncount.c"]);
	return ((await count(LONG)) - (await count(SHORT))) / (LONG - SHORT);
}

/** @returns messages a second on an ESP32, by the assumption above: the broker's work alone */
export function messagesPerSecond(instructions: number): number {
	return HERTZ / CYCLES / instructions;
}
