/** Devices that are paired, on a board that has room for them: their records lie in the SDK's store of names and values
 *  (NVS on an ESP32), which takes less memory than a journal, and is read when somebody asks for a device. */
import { limits } from "hearth-mqtt/limits";
import config from "mc/config";
import type { KeyValueStorage } from "../src/storage/key-value-storage.js";
import type { DevicesOptions } from "./devices.js";
import { entropy } from "./entropy.js";
import { openMedium } from "./medium-key-value.js";
import { PairingOnDevice } from "./pairing.js";

/** The store's domain. */
const DOMAIN = "hearth-hub";

/** Devices that the hub may have: not all are there at a time. */
const DEVICES_MAX = 2 * limits.connections;

/** A record of a device that has the longest texts, and its change's head. */
const BATCH_BYTES = 768;

/** Bytes of all records, where the board's manifest does not say otherwise: a record mostly has some 160. */
const BYTES_MAX = 12_000;

/** @returns what the hub is made with */
export function makeDevices({ admin, changed }: DevicesOptions): PairingOnDevice {
	return new PairingOnDevice({
		entropy,
		devicesMax: DEVICES_MAX,
		admin,
		openRecords,
		changed: ({ hub }) => changed(hub.hubId, hub.pairing.window !== undefined),
	});
}

/** Throws the SDK's error when the store cannot be opened. */
function openRecords(): KeyValueStorage {
	const bytesMax = Number(config.devicesBytes ?? BYTES_MAX);
	return openMedium({ records: DEVICES_MAX + 1, batchBytes: BATCH_BYTES, bytesMax }, DOMAIN);
}
