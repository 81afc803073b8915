/** The hub's devices on a PC: pairing with Node's cryptography. */
import { randomFillSync } from "node:crypto";
import type { AccessRules } from "../src/broker/access.js";
import type { Broker } from "../src/broker/broker.js";
import type { DeviceHubEvents } from "../src/hub/device-hub.js";
import { HubDevices } from "../src/hub/hub-devices.js";
import { LOCAL_USER } from "../src/hub/page-api.js";
import { StoredRecords } from "../src/hub/stored-records.js";
import { curve } from "./curve.js";
import { crypto, type NodePlatform } from "./platform.js";

/** Devices on a PC. */
export const DEVICES_MAX = 10_000;

/** How often the window's seconds are looked at, ms. */
const TICK_MS = 1_000;

export interface NodeDevicesOptions {
	/** Default: the one that the storage has, or a new one, which is kept there */
	hubId?: string;
	/** see DeviceHubOptions */
	rules: AccessRules;
	/** user names that may use the page and $HEARTH/# */
	admins?: readonly string[];
	/** see HubDevicesOptions */
	announceHub?: boolean;
	log: (level: number, line: string) => void;
	events?: DeviceHubEvents;
}

export class NodeDevices extends HubDevices {
	private ticks: NodeJS.Timeout | undefined;

	constructor(platform: NodePlatform, { admins: names, ...options }: NodeDevicesOptions) {
		const admins = new Set(names);
		super({
			...options,
			platform: {
				...platform,
				crypto,
				curve,
				randomBytes: (bytes) => randomFillSync(bytes),
				defer: (task) => setImmediate(task),
			},
			records: new StoredRecords(),
			devicesMax: DEVICES_MAX,
			isAdmin: ({ userName }) => userName !== undefined && (userName === LOCAL_USER || admins.has(userName)),
		});
	}

	override attach(broker: Broker): void {
		super.attach(broker);
		this.ticks = setInterval(() => this.tick(), TICK_MS);
		this.ticks.unref();
	}

	close(): void {
		clearInterval(this.ticks);
		this.end();
	}
}
