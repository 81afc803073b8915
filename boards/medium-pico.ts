/** What outlives a restart of a Pico: the hub's devices. The SDK has no raw flash for it, and its store of names and
 *  values has one sector, in which nothing else of the broker has room. */
import type { KeyValueStorage } from "../src/storage/key-value-storage.js";
import { openMedium as openKeyValue } from "./medium-key-value.js";
import type { DeviceMedium, MediumPlatform } from "./medium-steps.js";

/** Devices that the hub may have. */
export const DEVICES_MAX = 12;

/** A sector has 4,096 bytes, of which the store takes some for each name. */
const BYTES_MAX = 2_800;

/** A record of a device that has the longest texts, and its change's head. */
const BATCH_BYTES = 768;

/** @returns undefined: there is none */
export function openMedium(_platform: MediumPlatform, _records: number, _valueBytes: number): DeviceMedium | undefined {
	return undefined;
}

/** Throws the SDK's error when the store cannot be opened. */
export function openRecords(_platform: MediumPlatform): KeyValueStorage {
	return openKeyValue({ records: DEVICES_MAX + 1, batchBytes: BATCH_BYTES, bytesMax: BYTES_MAX }, "hearth-hub");
}
