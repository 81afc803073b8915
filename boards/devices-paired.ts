/** Devices that are paired, on a board that has room for them: their records lie where hub-store.ts puts them, and are
 *  read when somebody asks for a device. */
import { limits } from "hearth-mqtt/limits";
import config from "mc/config";
import type { DevicesOptions } from "./devices.js";
import { entropy } from "./entropy.js";
import { openRecords } from "./hub-store.js";
import { PairingOnDevice } from "./pairing.js";

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
