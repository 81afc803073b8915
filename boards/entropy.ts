/** Chance on boards whose random numbers are the same after each start: none, so there is no pairing. */
import { HearthError } from "../src/errors.js";

export function entropy(_bytes: Uint8Array): void {
	throw new HearthError(
		"HEARTH_ERR_ENTROPY",
		"pairing: this board has no random numbers that nobody could foretell: add devices with passwords",
	);
}
