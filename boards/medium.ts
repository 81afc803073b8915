/** What outlives a restart of a board that has no medium, or no room for what one takes: nothing. The manifests of the
 *  boards that have one name another file in place of this. */
import type { ReadableStorage } from "../src/hub/medium-records.js";
import type { DeviceMedium, MediumPlatform } from "./medium-steps.js";

/** @returns undefined: there is none */
export function openMedium(_platform: MediumPlatform, _records: number, _valueBytes: number): DeviceMedium | undefined {
	return undefined;
}

/** Devices that the hub may have. */
export const DEVICES_MAX = 0;

/** @returns undefined: there is none */
export function openRecords(_platform: MediumPlatform): (DeviceMedium & ReadableStorage) | undefined {
	return undefined;
}
