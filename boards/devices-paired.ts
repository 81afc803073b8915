/** Devices that are paired, on a board that has room for them. */
import type { DevicesOptions } from "./devices.js";
import { entropy } from "./entropy.js";
import { DEVICES_MAX, openRecords } from "./medium.js";
import { PairingOnDevice } from "./pairing.js";

export type { DevicesOptions } from "./devices.js";

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
