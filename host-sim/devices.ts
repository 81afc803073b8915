/** The hub's devices on a PC: pairing with Node's cryptography, and what the hub tells of them. */
import { randomBytes, randomFillSync } from "node:crypto";
import type { AccessRules, Client } from "../src/broker/access.js";
import type { Broker } from "../src/broker/broker.js";
import type { BrokerEvents } from "../src/broker/events.js";
import { AdminTopics } from "../src/hub/admin-topics.js";
import { DeviceHub, type DeviceHubEvents } from "../src/hub/device-hub.js";
import { StoredRecords } from "../src/hub/stored-records.js";
import { curve } from "./curve.js";
import { crypto, type NodePlatform } from "./platform.js";
import { LOCAL_USER } from "./web/page-server.js";

/** RFC 4648, section 6 */
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Devices on a PC. */
export const DEVICES_MAX = 10_000;

/** How often the window's seconds are looked at, ms. */
const TICK_MS = 1_000;

export interface HubDevicesOptions {
	/** Default: the one that the storage has, or a new one, which is kept there */
	hubId?: string;
	/** see DeviceHubOptions */
	rules: AccessRules;
	/** user names that may use the page and $HEARTH/# */
	admins?: readonly string[];
	log: (level: number, line: string) => void;
	events?: DeviceHubEvents;
}

/** @returns an identifier for a hub that has none: 8 characters, 40 random bits */
export function newHubId(): string {
	return Array.from(randomBytes(8), (byte) => BASE32[byte & 31]).join("");
}

/** Devices, their window and their topics, around one broker. */
export class HubDevices {
	readonly hub: DeviceHub;
	private readonly records = new StoredRecords();
	private readonly complain: (line: string) => void;
	private topics: AdminTopics | undefined;
	private ticks: NodeJS.Timeout | undefined;

	constructor(platform: NodePlatform, options: HubDevicesOptions) {
		const { log, events } = options;
		this.complain = (line) => log(0, line);
		const admins = new Set(options.admins);
		const isAdmin = ({ userName }: Client) =>
			userName !== undefined && (userName === LOCAL_USER || admins.has(userName));
		this.hub = new DeviceHub({
			platform: {
				...platform,
				crypto,
				curve,
				randomBytes: (bytes) => randomFillSync(bytes),
				defer: (task) => setImmediate(task),
			},
			hubId: options.hubId ?? "",
			records: this.records,
			devicesMax: DEVICES_MAX,
			rules: options.rules,
			isAdmin,
			events: {
				changed: () => {
					this.topics?.tellWindow();
					events?.changed?.();
				},
				failed: (id, address) => {
					log(0, `pairing: ${id} from ${address}: wrong code`);
					events?.failed?.(id, address);
				},
				paired: (id, replaced) => {
					log(0, `pairing: ${id}: paired${replaced ? ", in place of the one before" : ""}`);
					events?.paired?.(id, replaced);
				},
				device: (id) => {
					this.topics?.tellDevice(id);
					events?.device?.(id);
				},
				knocked: () => {
					this.topics?.tellKnocks();
					events?.knocked?.();
				},
			},
		});
	}

	/** @returns what the broker is to be told by */
	events(own: BrokerEvents): BrokerEvents {
		return this.hub.events({
			...own,
			connected: (clientId) => {
				this.topics?.connected(clientId);
				own.connected?.(clientId);
			},
			disconnected: (clientId, reason) => {
				this.topics?.disconnected(clientId);
				own.disconnected?.(clientId, reason);
			},
			subscribed: (clientId, filter) => {
				this.topics?.subscribed(filter);
				own.subscribed?.(clientId, filter);
			},
		});
	}

	/** A line of the hub's log, for the page. The broker may be in the middle of something. */
	log(line: string): void {
		setImmediate(() => this.topics?.log(line));
	}

	/** The broker that was made with this hub's rules. */
	attach(broker: Broker): void {
		this.hub.attach(broker);
		if (this.hub.hubId === "") this.identify();
		this.topics = new AdminTopics(this.hub, broker, () => broker.platform.now());
		this.ticks = setInterval(() => this.hub.tick(), TICK_MS);
		this.ticks.unref();
	}

	/** The hub finds who it is, or becomes somebody. */
	private identify(): void {
		const { pairing } = this.hub;
		const kept = this.records.hubId;
		pairing.hubId = kept === undefined ? newHubId() : Buffer.from(kept).toString();
		if (kept !== undefined) return;
		this.records.keepHubId(Buffer.from(pairing.hubId), (ok) => {
			if (!ok)
				this.complain(`devices: the hub's identifier ${pairing.hubId} could not be stored: pair again after a restart`);
		});
	}

	close(): void {
		clearInterval(this.ticks);
	}
}
