/** The boards whose limits the host simulator can run with. */
import { limits as esp32 } from "../boards/esp32/limits.js";
import { HearthError } from "../src/errors.js";
import { hostLimits, type Limits } from "../src/limits.js";

const BOARDS: Readonly<Record<string, Limits>> = { esp32 };

export function boardNames(): string[] {
	return Object.keys(BOARDS);
}

/** @param name a board, or `host`. Throws HearthError for any other name */
export function boardLimits(name: string): Limits {
	const limits = name === "host" ? hostLimits : BOARDS[name];
	if (limits !== undefined) return limits;
	throw new HearthError("HEARTH_ERR_BOARD", `--board ${name}: no such board; there are host, ${boardNames().join(", ")}`);
}
