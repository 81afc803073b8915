/** Devices that are paired, on a board that has room for them: their records lie in the SDK's store of names and values
 *  (NVS on an ESP32), which takes less memory than a journal, and is read when somebody asks for a device. */
import { limits } from "hearth-mqtt/limits";
import config from "mc/config";
import { VALUE_BYTES_MAX } from "../src/hub/key-value-records.js";
import type { DevicesOptions } from "./devices.js";
import { entropy } from "./entropy.js";
import { Domain } from "./medium-key-value.js";
import { PairingOnDevice } from "./pairing.js";

/** The store's domain. */
const DOMAIN = "hearth-hub";

/** Devices that the hub may have: not all are there at a time. */
const DEVICES_MAX = 2 * limits.connections;

/** @returns what the hub is made with */
export function makeDevices({ admin, announceHub, changed, moved }: DevicesOptions): PairingOnDevice {
	return new PairingOnDevice({
		entropy,
		devicesMax: DEVICES_MAX,
		admin,
		announceHub,
		openRecords,
		moved,
		...(config.devicesBytes === undefined ? {} : { bytesMax: Number(config.devicesBytes) }),
		changed: ({ hub }) => changed(hub.hubId, hub.pairing.window !== undefined),
	});
}

/** Throws the SDK's error when the store cannot be opened. */
function openRecords(): Domain {
	return new Domain(DOMAIN, VALUE_BYTES_MAX);
}
