/** What a device may do: the Topic Filters of its kind, and some of its own. A device has its own corner and no
 *  other's, or one broken device could delete or fake all the others. */

import type { Client } from "../broker/access.js";
import { frozen } from "../frozen.js";
import type { Device } from "./device-record.js";
import type { Devices } from "./registry.js";

/** Topic Filters in which "%u" is the device. */
export interface Kind {
	readonly publish: readonly string[];
	readonly subscribe: readonly string[];
}

/** Who belongs to the hub and what it may do, by the name of its kind. */
export const KINDS: Readonly<Record<string, Kind>> = frozen({
	/** a sensor, a switch: its own corner, and its entry in Home Assistant's discovery */
	device: {
		publish: [
			"devices/%u/#",
			"homeassistant/device/%u/config",
			"homeassistant/+/%u/config",
			"homeassistant/+/%u/+/config",
		],
		subscribe: ["devices/%u/#", "homeassistant/status"],
	},
	/** what reads and commands all devices: Home Assistant, Node-RED, a panel on the wall */
	controller: { publish: ["devices/#", "homeassistant/#"], subscribe: ["#"] },
	/** what only looks: a recorder, a display */
	viewer: { publish: [], subscribe: ["#"] },
	/** who may do everything, the hub's own topics included */
	admin: { publish: ["#", "$HEARTH/#"], subscribe: ["#", "$SYS/#", "$HEARTH/#"] },
});

/** The hub's own topics, that only an admin may use. */
export const ADMIN_ROOT = "$HEARTH/";

export class DeviceRights {
	constructor(private readonly devices: Devices) {}

	/** @returns undefined: the client is no device of the hub */
	mayPublish(client: Client, topic: string): boolean | undefined {
		const device = this.deviceOf(client);
		return device === undefined ? undefined : allows(device, "publish", topic);
	}

	/** @returns undefined: the client is no device of the hub */
	maySubscribe(client: Client, filter: string): boolean | undefined {
		const device = this.deviceOf(client);
		return device === undefined ? undefined : allows(device, "subscribe", filter);
	}

	private deviceOf(client: Client): Device | undefined {
		return client.userName === undefined ? undefined : this.devices.find(client.userName);
	}
}

/** @returns whether the device's kind or its own rights cover a Topic Name or Filter */
export function allows(device: Device, what: "publish" | "subscribe", wanted: string): boolean {
	const kind = KINDS[device.kind];
	const filters = kind === undefined ? [] : kind[what];
	for (let i = 0; i < filters.length; i++) if (covers(filters[i]!.replace("%u", device.id), wanted)) return true;
	const lines = device.rights.split("\n");
	for (let i = 0; i < lines.length; i++) {
		const right = parseRight(lines[i]!);
		if (right?.what === what && covers(right.filter.replace("%u", device.id), wanted)) return true;
	}
	return false;
}

/** @returns what a line such as "publish garden/#" allows; undefined: it says nothing */
export function parseRight(line: string): { what: "publish" | "subscribe"; filter: string } | undefined {
	const space = line.indexOf(" ");
	const what = line.slice(0, space);
	const filter = line.slice(space + 1).trim();
	return (what === "publish" || what === "subscribe") && filter !== "" ? { what, filter } : undefined;
}

/** @returns whether every Topic Name that `wanted` matches is matched by `filter`, too. `wanted` may be a name. */
export function covers(filter: string, wanted: string): boolean {
	const most = filter.split("/");
	const levels = wanted.split("/");
	// a wildcard at the beginning leaves out what begins with $ [MQTT-4.7.2-1]
	if (wanted.startsWith("$") && !filter.startsWith("$")) return false;
	for (let i = 0; i < most.length; i++) {
		if (most[i] === "#") return true;
		if (i === levels.length || levels[i] === "#") return false;
		if (most[i] !== "+" && (levels[i] === "+" || most[i] !== levels[i])) return false;
	}
	return levels.length === most.length;
}
