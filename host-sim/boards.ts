/** The boards whose limits the host simulator can run with. */
import { limits as esp32 } from "../boards/esp32/limits.js";
import { HearthError } from "../src/errors.js";
import { hostLimits, type Limits } from "../src/limits.js";

const BOARDS: Readonly<Record<string, Limits>> = { esp32 };

/** Bytes of the engine's two heaps. */
export interface Heaps {
	slots: number;
	chunks: number;
}

/** By board: the fixed heaps of Moddable's `creation` for it. */
const HEAPS: Readonly<Record<string, Heaps>> = { esp32: { slots: 4_928 * 16, chunks: 78_848 } };

/** @returns the board's heaps; undefined for the host, which has no fixed ones */
export function boardHeaps(name: string): Heaps | undefined {
	return HEAPS[name];
}

export function boardNames(): string[] {
	return Object.keys(BOARDS);
}

/** @param name a board, or `host`. Throws HearthError for any other name */
export function boardLimits(name: string): Limits {
	const limits = name === "host" ? hostLimits : BOARDS[name];
	if (limits !== undefined) return limits;
	throw new HearthError(
		"HEARTH_ERR_BOARD",
		`--board ${name}: no such board; there are host, ${boardNames().join(", ")}`,
	);
}
