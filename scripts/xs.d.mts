/** Types of xs.mjs for the tests. */
import type { ChildProcess } from "node:child_process";
import type { Plugin } from "esbuild";

/** What is missing on this computer to build the host: a compiler, 32-bit libraries, or the engine's sources. */
export class CannotBuild extends Error {}

export type XsCpu = "x86" | "arm" | "xtensa";

/** What HEARTH_XS_CPU names; x86 where it doesn't. */
export const CPU: XsCpu;

/** @returns how many times longer a program may take there than on an idle machine's own processor */
export function slowness(cpu?: XsCpu): number;

/** Builds the host if it isn't built. @param options cpu: default x86; profile: one that counts opcodes by function;
 *  release: one that counts nothing, compiled as the SDK compiles a release
 *  @returns its path. Throws CannotBuild */
export function buildHost(options?: { cpu?: XsCpu; profile?: boolean; release?: boolean }): Promise<string>;

export type XsBoard = "esp32" | "esp32s3" | "esp32c3" | "pico_w" | "esp8266" | "lin";

/** The engine's memory by board, as options of the host. */
export const BOARDS: Readonly<Record<XsBoard, readonly string[]>>;

export interface XsOptions {
	/** default esp32 */
	board?: XsBoard;
	/** default CPU */
	cpu?: XsCpu;
	/** what the program imports as "mc/config": mcconfig's options */
	config?: Readonly<Record<string, string | number>>;
	/** further options of the host (test/xs/host/xshost.c) */
	options?: readonly string[];
	/** then the process is killed, if its test has not ended it before; default 60,000, and many times that under
	 *  emulation */
	timeoutMs?: number;
	/** runs on the host that counts opcodes by function (test/xs/host/profile.c) */
	profile?: boolean;
	/** hears each line of stdout as it comes */
	onLine?: (line: string) => void;
}

/** The engine when it ended; sizes in bytes where the name says so, otherwise in slots and pieces. */
export interface XsStatistics {
	slotBytes: number;
	bootSlots: number;
	/** bytes */
	bootChunks: number;
	slots: number;
	maxSlots: number;
	/** bytes */
	chunks: number;
	peakChunks: number;
	maxChunks: number;
	stackPeak: number;
	stackSlots: number;
	keys: number;
	/** preloaded objects that could be copied to RAM, and how many were because somebody wrote to them */
	aliases: number;
	aliasesTouched: number;
	gc: number;
	romSlots: number;
	romChunks: number;
}

export interface XsResult {
	/** exit status; 11 memory full, 12 stack overflow, 15 unhandled exception, 16 no more keys, 18 unhandled rejection;
	 *  -1: killed */
	status: number;
	/** lines of stdout */
	lines: string[];
	/** those that are JSON, as objects (`report` in test/xs/measure.ts) */
	// biome-ignore lint/suspicious/noExplicitAny: what the program printed
	results: any[];
	/** stderr without the statistics */
	errors: string;
	/** undefined when the process was killed or didn't start */
	statistics: XsStatistics | undefined;
}

/** Paths of the program and of what is preloaded into ROM. */
export interface XsBundles {
	main: string;
	preload?: string | undefined;
}

/** Bundles a TypeScript program: src/ and the boards' limits that it imports become the preload.
 *  @param plugins esbuild's, which come first @param board whose limits are "hearth-mqtt/limits"; default esp32 */
export function bundle(
	entry: string,
	plugins?: readonly Plugin[],
	board?: XsBoard,
	config?: Readonly<Record<string, string | number>>,
): Promise<XsBundles>;

/** Writes a script to build/xs/run. @returns its path */
export function writeBundle(name: string, source: string): string;

export function startBundles(
	bundles: XsBundles,
	options?: XsOptions,
): Promise<{ child: ChildProcess; done: Promise<XsResult> }>;

/** Bundles a TypeScript program and starts it on XS. Throws CannotBuild */
export function startOnXs(
	entry: string,
	options?: XsOptions,
): Promise<{ child: ChildProcess; done: Promise<XsResult> }>;

/** The same, to its end. */
export function runOnXs(entry: string, options?: XsOptions): Promise<XsResult>;
