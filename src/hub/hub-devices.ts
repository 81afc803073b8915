/** Devices, their window and their topics, around one broker: what a hub adds to it on every platform. */
import type { AccessRules, Client } from "../broker/access.js";
import type { Broker } from "../broker/broker.js";
import type { BrokerEvents } from "../broker/events.js";
import { Cause, causeName } from "../errors.js";
import type { Platform } from "../platform.js";
import { AdminTopics } from "./admin-topics.js";
import { DeviceHub, type DeviceHubEvents } from "./device-hub.js";
import { HubEntities } from "./hub-entities.js";
import type { PairingPlatform } from "./pairing.js";
import type { HubRecords } from "./registry.js";

export interface HubDevicesOptions {
	platform: Platform & PairingPlatform;
	/** where devices and the hub's identifier are kept */
	records: HubRecords;
	/** see DeviceHubOptions */
	devicesMax: number;
	knocksMax?: number;
	rules: AccessRules;
	isAdmin: (client: Client) => boolean;
	/** Default: the identifier that the records have, or a new one, which is kept there */
	hubId?: string;
	/** puts the hub itself into Home Assistant's discovery, too (hub-entities.ts). Default: false */
	announceHub?: boolean;
	/** log lines that are remembered for the page. Default: LINES_MAX of admin-topics.ts */
	linesMax?: number;
	log: (level: number, line: string) => void;
	events?: DeviceHubEvents;
}

/** RFC 4648, section 6 */
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** @returns an identifier for a hub that has none: 8 characters, 40 random bits */
export function newHubId(source: { randomBytes(bytes: Uint8Array): void }): string {
	const bytes = new Uint8Array(8);
	source.randomBytes(bytes);
	let id = "";
	for (let i = 0; i < bytes.length; i++) id += BASE32.charAt(bytes[i]! & 31);
	return id;
}

export class HubDevices {
	readonly hub: DeviceHub;
	private topics: AdminTopics | undefined = undefined;
	private entities: HubEntities | undefined = undefined;

	constructor(private readonly options: HubDevicesOptions) {
		const { log, events } = options;
		this.hub = new DeviceHub({
			...options,
			hubId: options.hubId ?? "",
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
		this.options.platform.defer(() => this.topics?.log(line));
	}

	/** The broker that was made with this hub's rules. */
	attach(broker: Broker): void {
		const { platform, linesMax, announceHub = false, log } = this.options;
		this.hub.attach(broker);
		if (this.hub.hubId === "") this.identify();
		this.topics = new AdminTopics(this.hub, broker, () => platform.now(), linesMax);
		if (!announceHub) return;
		const entities = new HubEntities(this.hub, broker);
		const cause = entities.begin();
		if (cause === Cause.None) this.entities = entities;
		else log(0, `Home Assistant: the hub could not be announced: ${causeName(cause)}`);
	}

	/** The broker is about to end. */
	end(): void {
		this.entities?.end();
	}

	/** Once a second or more often. */
	tick(): void {
		this.hub.tick();
		this.entities?.tick(this.options.platform.now());
	}

	/** The hub finds who it is, or becomes somebody. */
	private identify(): void {
		const { platform, records, log } = this.options;
		const { pairing } = this.hub;
		const kept = records.hubId;
		pairing.hubId = (kept === undefined ? undefined : platform.text.decode(kept, 0, kept.length)) ?? newHubId(platform);
		if (kept !== undefined) return;
		const bytes = new Uint8Array(pairing.hubId.length);
		platform.text.encode(pairing.hubId, bytes, 0);
		records.keepHubId(bytes, (ok) => {
			if (!ok) log(0, `devices: the hub's identifier ${pairing.hubId} could not be stored: pair again after a restart`);
		});
	}
}
