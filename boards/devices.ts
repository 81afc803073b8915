/** Devices of a board that cannot keep them: none. The manifests of the others name another file in place. */
import type { DevicesPart } from "./hub.js";

/** What main says of the hub's devices. */
export interface DevicesOptions {
	/** the user who may use the hub's own topics and its page; undefined: nobody */
	admin: string | undefined;
	/** the hub puts itself into Home Assistant's discovery */
	announceHub: boolean;
	/** the window opened or closed, or the hub has got its identifier */
	changed: (hubId: string, open: boolean) => void;
	/** the hub has another one's identity and devices: the board is to start again */
	moved: () => void;
	log: (line: string) => void;
}

/** @returns undefined: there are none, and the console says why */
export function makeDevices({ log }: DevicesOptions): DevicesPart | undefined {
	log("pairing: this board cannot keep devices; clients log in with user and secret");
	return undefined;
}
