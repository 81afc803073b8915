/** Devices, their window and their topics, around one broker: what a hub adds to it on every platform. */

import { bytesOfText } from "../auth/bytes.js";
import type { Broker } from "../broker/broker.js";
import type { BrokerEvents } from "../broker/events.js";
import { Cause, causeName } from "../errors.js";
import { AdminTopics } from "./admin-topics.js";
import { DeviceHub, type DeviceHubEvents, type DeviceHubOptions } from "./device-hub.js";
import { HubEntities } from "./hub-entities.js";
import type { HubRecords } from "./registry.js";

/** Beside what DeviceHub wants. Without a `hubId` the hub has the identifier that the records have, or a new one, which
 *  is kept there. */
export interface HubDevicesOptions extends DeviceHubOptions {
	/** where devices and the hub's identifier are kept */
	records: HubRecords;
	/** puts the hub itself into Home Assistant's discovery, too (hub-entities.ts). Default: false */
	announceHub?: boolean;
	/** log lines that are remembered for the page. Default: LINES_MAX of admin-topics.ts */
	linesMax?: number;
	log(level: number, line: string): void;
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

/** The hub hears what the broker tells before the program does. */
class HubEvents implements BrokerEvents {
	declare published?: (clientId: string, topic: string) => void;

	constructor(
		private readonly devices: HubDevices,
		private readonly own: BrokerEvents,
	) {
		if (own.published !== undefined) this.published = (clientId, topic) => own.published!(clientId, topic);
	}

	connected(clientId: string): void {
		this.devices.connected(clientId);
		this.own.connected?.(clientId);
	}

	disconnected(clientId: string, reason: string): void {
		this.devices.disconnected();
		this.own.disconnected?.(clientId, reason);
	}

	subscribed(clientId: string, filter: string): void {
		this.devices.subscribed(filter);
		this.own.subscribed?.(clientId, filter);
	}
}

export class HubDevices implements DeviceHubEvents {
	readonly hub: DeviceHub;
	private topics: AdminTopics | undefined = undefined;
	private entities: HubEntities | undefined = undefined;

	constructor(private readonly options: HubDevicesOptions) {
		this.hub = new DeviceHub(options, this);
	}

	/** The window opened, closed, or lost an attempt. */
	changed(): void {
		this.topics?.tellWindow();
		this.options.events?.changed?.();
	}

	failed(id: string, address: string): void {
		this.options.log(0, `pairing: ${id} from ${address}: wrong code`);
		this.options.events?.failed?.(id, address);
	}

	paired(id: string, replaced: boolean): void {
		this.options.log(0, `pairing: ${id}: paired${replaced ? ", in place of the one before" : ""}`);
		this.options.events?.paired?.(id, replaced);
	}

	device(id: string): void {
		this.topics?.tellDevice(id);
		this.options.events?.device?.(id);
	}

	knocked(): void {
		this.topics?.tellKnocks();
		this.options.events?.knocked?.();
	}

	moved(hubId: string | undefined): void {
		const { log, events } = this.options;
		log.call(
			this.options,
			0,
			hubId === undefined ? "moving: a copy of all devices has left" : `moving: now hub ${hubId}`,
		);
		events?.moved?.(hubId);
	}

	/** @param own what the program wants to hear itself @returns what the broker is to be told by */
	events(own: BrokerEvents): BrokerEvents {
		return new HubEvents(this, own);
	}

	connected(clientId: string): void {
		this.hub.connected(clientId);
		this.topics?.connected(clientId);
	}

	disconnected(): void {
		this.hub.disconnected();
		this.topics?.disconnected();
	}

	subscribed(filter: string): void {
		this.topics?.subscribed(filter);
	}

	/** A line of the hub's log, for the page. The broker may be in the middle of something. */
	log(line: string): void {
		this.options.platform.defer(() => this.topics?.log(line));
	}

	/** The broker that was made with this hub's rules. */
	attach(broker: Broker): void {
		const { platform, linesMax, announceHub = false } = this.options;
		this.hub.attach(broker);
		if (this.hub.hubId === "") this.identify();
		this.topics = new AdminTopics(this.hub, broker, platform, linesMax);
		if (!announceHub) return;
		const entities = new HubEntities(this.hub, broker);
		const cause = entities.begin();
		if (cause === Cause.None) this.entities = entities;
		else this.options.log(0, `Home Assistant: the hub could not be announced: ${causeName(cause)}`);
	}

	/** The broker is about to end. */
	end(): void {
		this.entities?.end();
	}

	/** The hub is as new: it knows no device, and is another one than before. @returns false: it could not be written, or
	 *  its records cannot be replaced at once (on a PC: begin with another --data) */
	reset(): boolean {
		const { platform, records } = this.options;
		const { hub } = this;
		const ids: string[] = [];
		hub.devices.each(({ id }) => ids.push(id));
		const taken = records.take?.();
		const hubId = newHubId(platform);
		if (taken === undefined || !taken.commit(bytesOfText(platform.text, hubId))) return false;
		hub.becomes(hubId, ids);
		this.options.log(0, `reset: now hub ${hubId}`);
		return true;
	}

	/** Once a second or more often. */
	tick(): void {
		this.hub.tick();
		this.entities?.tick(this.options.platform.now());
	}

	/** The hub finds who it is, or becomes somebody. */
	private identify(): void {
		const { platform, records } = this.options;
		const { pairing } = this.hub;
		const kept = records.hubId;
		pairing.hubId = (kept === undefined ? undefined : platform.text.decode(kept, 0, kept.length)) ?? newHubId(platform);
		if (kept !== undefined) return;
		const bytes = new Uint8Array(pairing.hubId.length);
		platform.text.encode(pairing.hubId, bytes, 0);
		records.keepHubId(bytes, (ok) => {
			if (!ok)
				this.options.log(
					0,
					`devices: the hub's identifier ${pairing.hubId} could not be stored: pair again after a restart`,
				);
		});
	}
}
