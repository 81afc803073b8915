/** The boards whose limits the host simulator can run with. */
import { limits as esp32 } from "../boards/esp32/limits.js";
import esp32Manifest from "../boards/esp32/manifest-limits.json" with { type: "json" };
import { limits as esp32c3 } from "../boards/esp32c3/limits.js";
import esp32c3Manifest from "../boards/esp32c3/manifest-limits.json" with { type: "json" };
import { limits as esp32s3 } from "../boards/esp32s3/limits.js";
import esp32s3Manifest from "../boards/esp32s3/manifest-limits.json" with { type: "json" };
import { limits as esp8266 } from "../boards/esp8266/limits.js";
import esp8266Manifest from "../boards/esp8266/manifest-limits.json" with { type: "json" };
import { limits as lin } from "../boards/lin/limits.js";
import linManifest from "../boards/lin/manifest-limits.json" with { type: "json" };
import { limits as picoW } from "../boards/pico_w/limits.js";
import picoWManifest from "../boards/pico_w/manifest-limits.json" with { type: "json" };
import { HearthError } from "../src/errors.js";
import { hostLimits, type Limits } from "../src/limits.js";

/** What Moddable's manifest says of the engine's memory. */
interface Creation {
	/** bytes */
	chunk: { initial: number };
	/** slots */
	heap: { initial: number };
}

interface Board {
	limits: Limits;
	creation: Creation;
}

const BOARDS: Readonly<Record<string, Board>> = {
	esp32: { limits: esp32, creation: esp32Manifest.creation },
	esp32s3: { limits: esp32s3, creation: esp32s3Manifest.creation },
	esp32c3: { limits: esp32c3, creation: esp32c3Manifest.creation },
	pico_w: { limits: picoW, creation: picoWManifest.creation },
	esp8266: { limits: esp8266, creation: esp8266Manifest.creation },
	lin: { limits: lin, creation: linManifest.creation },
};

const SLOT = 16;

/** Bytes of the engine's two heaps. Where they lie in one block they can grow a little at each other's cost. */
export interface Heaps {
	slots: number;
	chunks: number;
}

/** @returns the board's heaps; undefined for the host, which has no fixed ones */
export function boardHeaps(name: string): Heaps | undefined {
	const creation = BOARDS[name]?.creation;
	if (creation === undefined) return undefined;
	return { slots: creation.heap.initial * SLOT, chunks: creation.chunk.initial };
}

export function boardNames(): string[] {
	return Object.keys(BOARDS);
}

/** @param name a board, or `host`. Throws HearthError for any other name */
export function boardLimits(name: string): Limits {
	const limits = name === "host" ? hostLimits : BOARDS[name]?.limits;
	if (limits !== undefined) return limits;
	throw new HearthError(
		"HEARTH_ERR_BOARD",
		`--board ${name}: no such board; there are host, ${boardNames().join(", ")}`,
	);
}
