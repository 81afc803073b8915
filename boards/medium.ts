/** What outlives a restart of a board that has no medium, or no room for what one takes: nothing. The manifests of the
 *  boards that have one name another file in place of this. */
import type { DeviceMedium, MediumPlatform } from "./medium-steps.js";

/** @returns undefined: there is none */
export function openMedium(_platform: MediumPlatform, _records: number, _valueBytes: number): DeviceMedium | undefined {
	return undefined;
}
