/** What makes a broker a hub: devices that were paired, let in or added by hand come in with secrets of their own, do
 *  what their kind may do, and can be seen and sent away. It gives a broker its rules and methods, and watches it.
 *  SECURITY.md says who may do what. */
import type { AuthenticationMethod } from "../auth/authentication-method.js";
import { ScramSha256 } from "../auth/scram.js";
import type { AccessRules, Client } from "../broker/access.js";
import type { Broker } from "../broker/broker.js";
import { closeConnection, endSession } from "../broker/close.js";
import type { BrokerEvents } from "../broker/events.js";
import { Cause } from "../errors.js";
import { type UintArray, uintArray } from "../memory/typed-array.js";
import type { Platform } from "../platform.js";
import {
	type AnnouncedDevice,
	availabilityTopic,
	type DiscoveryOptions,
	discoveryConfig,
	discoveryTopic,
	type Entity,
} from "./announce.js";
import { DeviceAccess } from "./device-access.js";
import { DeviceRights } from "./device-rights.js";
import { Knocks, proofOf } from "./knocks.js";
import { type MoveEvents, MoveMethod } from "./move.js";
import { Pairing, type PairingEvents, type PairingPlatform } from "./pairing.js";
import { Devices, type Records } from "./registry.js";

export interface DeviceHubOptions {
	platform: Platform & PairingPlatform;
	/** 8 characters, made once and kept. Default: "", until `pairing.hubId` gets another */
	hubId?: string;
	/** where the devices' records are kept */
	records: Records;
	/** devices at most, 1 to 65,535 */
	devicesMax: number;
	/** the rules for all others: users of a password file, anonymous clients */
	rules?: AccessRules;
	/** @returns whether a client that is no device may use the hub's own topics ($HEARTH/#). Default: nobody may */
	isAdmin?(client: Client): boolean;
	/** who knocked: how many are remembered. Default: 8; 0: none */
	knocksMax?: number;
	events?: DeviceHubEvents;
}

export interface DeviceHubEvents extends PairingEvents, MoveEvents {
	/** a device came, went, was changed or revoked */
	device?(id: string): void;
	/** somebody unknown came with a password */
	knocked?(): void;
}

/** One device's presence. */
export interface Presence {
	online: boolean;
	/** when it came or went; ms on the platform's clock, of whole seconds */
	since: number;
}

/** What the window tells, a device's pairing first to the hub itself. */
class WindowWatch implements PairingEvents {
	constructor(
		private readonly hub: DeviceHub,
		private readonly told: DeviceHubEvents,
	) {}

	changed(): void {
		this.told.changed?.();
	}

	failed(clientId: string, address: string): void {
		this.told.failed?.(clientId, address);
	}

	paired(id: string, replaced: boolean): void {
		this.told.paired?.(id, replaced);
		this.hub.changed(id);
	}
}

export class DeviceHub {
	readonly devices: Devices;
	readonly pairing: Pairing;
	readonly knocks: Knocks;
	/** what the broker is made with */
	readonly access: AccessRules;
	readonly authentication: readonly AuthenticationMethod[];
	readonly rights: DeviceRights;
	/** by the number of a device's record: when it came (more than 0) or went (less), s; 0: it was not there yet.
	 *  An object for each would take a device with little memory some kilobytes */
	private readonly present: Int32Array;
	/** by connection: the number of its device's record + 1; 0: no device has it */
	private placed: UintArray | undefined = undefined;
	/** by device: where its entry in discovery is */
	private readonly announced: Map<string, string>;
	private broker: Broker | undefined = undefined;

	/** @param told Default: the events of the options */
	constructor(
		private readonly options: DeviceHubOptions,
		private readonly told: DeviceHubEvents = options.events ?? {},
	) {
		const { platform, records, devicesMax, hubId = "" } = options;
		this.present = new Int32Array(devicesMax);
		this.announced = new Map();
		this.devices = new Devices(platform.crypto, platform.text, devicesMax, records);
		this.rights = new DeviceRights(this.devices);
		this.pairing = new Pairing(platform, hubId, this.devices, new WindowWatch(this, this.told));
		this.knocks = new Knocks(platform, options.knocksMax ?? 8);
		const scram = new ScramSha256(platform, this.devices);
		const move = records.take === undefined ? [] : [new MoveMethod(this.pairing, records, this.told)];
		this.authentication = [scram, this.pairing, ...move];
		this.access = this.around(options.rules ?? {});
	}

	/** The broker that was made with `access`, `authentication` and `events`: what its storage has is taken up. */
	attach(broker: Broker): void {
		this.broker = broker;
		this.options.records.attach?.(broker);
		this.placed = uintArray(this.devices.max, broker.connections.length);
		this.devices.load();
	}

	/** whether its identity and devices may move over the network (move.ts) */
	get canMove(): boolean {
		return this.options.records.take !== undefined;
	}

	/** whom devices are paired with */
	get hubId(): string {
		return this.pairing.hubId;
	}

	/** Once a second or more often. */
	tick(): void {
		this.pairing.tick();
		if (this.knocks.forget(this.options.platform.now())) this.told.knocked?.();
	}

	/** @param own what the program wants to hear itself @returns what the broker is to tell */
	events(own: BrokerEvents = {}): BrokerEvents {
		return {
			...own,
			connected: (clientId) => {
				this.connected(clientId);
				own.connected?.(clientId);
			},
			disconnected: (clientId, reason) => {
				this.disconnected();
				own.disconnected?.(clientId, reason);
			},
		};
	}

	/** @returns whether the device is there; undefined: it was not, since the hub began */
	presence(id: string): Presence | undefined {
		const since = this.present[this.devices.numberOf(id)] ?? 0;
		return since === 0 ? undefined : { online: since > 0, since: 1_000 * Math.abs(since) };
	}

	/** @returns where a device is connected from; "": it is not */
	addressOf(id: string): string {
		const number = this.devices.numberOf(id);
		const index = number < 0 ? -1 : (this.placed?.indexOf(number + 1) ?? -1);
		return index < 0 ? "" : (this.broker?.connections[index]?.address ?? "");
	}

	private setPresence(number: number, online: boolean): void {
		const now = Math.max(1, Math.floor(this.options.platform.now() / 1_000));
		this.present[number] = online ? now : -now;
	}

	/** @returns whether the client may use the hub's own topics */
	isAdmin(client: Client): boolean {
		const device = client.userName === undefined ? undefined : this.devices.find(client.userName);
		return device === undefined ? (this.options.isAdmin?.(client) ?? false) : device.kind === "admin";
	}

	/** Lets in who knocked, as a device with the password that it brought.
	 *  @returns false: nobody of that user name did */
	adopt(
		userName: string,
		given: { name?: string; room?: string; kind?: string },
		done: (cause: Cause) => void,
	): boolean {
		const knock = this.knocks.take(userName, this.options.platform.now());
		if (knock === undefined) return false;
		const { name = "", room = "", kind = "device" } = given;
		const { salt, verifier } = proofOf(knock);
		this.devices.addVerifier({ id: userName, name, room, kind }, salt, verifier, (cause) => {
			this.changed(userName);
			done(cause);
		});
		this.told.knocked?.();
		return true;
	}

	/** Puts a device into Home Assistant's discovery, retained, with what people have called it; from now on the hub
	 *  tells whether it is there.
	 *  @returns Cause.None, or the budget that is used up. Throws RangeError for what Home Assistant would not take. */
	announce(device: AnnouncedDevice, entities: readonly Entity[], options?: DiscoveryOptions): Cause {
		const known = this.devices.find(device.id);
		const { name = known?.name ?? "", room = known?.room ?? "", model = known?.model ?? "" } = device;
		const via = device.id === this.hubId ? {} : { via: this.hubId };
		const config = discoveryConfig({ ...device, ...via, name, room, model }, entities, options);
		const topic = discoveryTopic(device.id, options?.prefix);
		const cause = this.broker!.publish(topic, config, { qos: 1, retain: true });
		if (cause !== Cause.None) return cause;
		this.announced.set(device.id, topic);
		const online = device.id === this.hubId || (this.presence(device.id)?.online ?? false);
		return this.tellAvailability(device.id, online);
	}

	/** Takes a device out of Home Assistant's discovery. @returns false: it was not announced by this hub */
	unannounce(id: string): boolean {
		const topic = this.announced.get(id);
		if (topic === undefined) return false;
		this.announced.delete(id);
		this.broker!.publish(topic, "", { qos: 1, retain: true });
		this.broker!.publish(availabilityTopic(id), "", { qos: 1, retain: true });
		return true;
	}

	private tellAvailability(id: string, online: boolean): Cause {
		if (!this.announced.has(id)) return Cause.None;
		return this.broker!.publish(availabilityTopic(id), online ? "online" : "offline", { qos: 1, retain: true });
	}

	/** What a person changed of a device is in force at once. */
	changed(id: string): void {
		this.broker?.accessChanged();
		this.told.device?.(id);
	}

	/** The device is out: its secret is worth nothing, its connections and sessions end (DISCONNECT 0x98).
	 *  @param clearRetained also its Retained Messages: those below devices/ID/ and its entries in discovery
	 *  @returns false: no such device */
	revoke(id: string, clearRetained: boolean, done: (cause: Cause) => void): boolean {
		const number = this.devices.numberOf(id);
		return this.devices.revoke(id, (cause) => {
			if (cause === Cause.None) {
				this.expel(id);
				this.unannounce(id);
				if (clearRetained) this.clearRetained(id);
				this.present[number] = 0;
				const placed = this.placed;
				if (placed !== undefined) for (let i = 0; i < placed.length; i++) if (placed[i] === number + 1) placed[i] = 0;
			}
			this.changed(id);
			done(cause);
		});
	}

	/** The records are another hub's from now on. @param gone devices that there were: all that they had ends */
	becomes(hubId: string, gone: readonly string[]): void {
		this.pairing.close();
		this.pairing.hubId = hubId;
		this.devices.load();
		this.present.fill(0);
		this.placed?.fill(0);
		for (let i = 0; i < gone.length; i++) {
			this.expel(gone[i]!);
			this.unannounce(gone[i]!);
			this.clearRetained(gone[i]!);
			this.changed(gone[i]!);
		}
	}

	/** Ends a client's connection. @returns whether it had one */
	disconnect(clientId: string): boolean {
		return this.broker?.disconnect(clientId) ?? false;
	}

	/** @param rules for all who are no devices @returns the hub's rules, for a listener that has others than `access` */
	around(rules: AccessRules): AccessRules {
		return new DeviceAccess(this, rules);
	}

	/** Somebody unknown was refused with this password. */
	knock(clientId: string, userName: string, password: Uint8Array, address: string): void {
		if (this.knocks.add(clientId, userName, password, address, this.options.platform.now())) this.told.knocked?.();
	}

	/** The broker tells that a client came: it may be a device. */
	connected(clientId: string): void {
		const session = this.broker?.sessions.find(clientId);
		const index = session?.connection?.index ?? -1;
		const userName = session?.userName;
		if (index >= 0) this.left(index); // whoever was there before
		const number = userName === undefined ? -1 : this.devices.numberOf(userName);
		if (number < 0) return;
		if (index >= 0) this.placed![index] = number + 1;
		this.setPresence(number, index >= 0);
		this.devices.saw(userName!);
		this.tellAvailability(userName!, index >= 0);
		this.told.device?.(userName!);
	}

	/** The broker tells that a client has gone. */
	disconnected(): void {
		const { placed, broker } = this;
		if (placed === undefined || broker === undefined) return;
		for (let index = 0; index < broker.connectionsUsed; index++)
			if (placed[index] !== 0 && broker.connections[index]!.session === undefined) this.left(index);
	}

	/** A connection has its device no more. */
	private left(index: number): void {
		const placed = this.placed!;
		const number = placed[index]! - 1;
		placed[index] = 0;
		if (number < 0 || placed.includes(number + 1)) return; // or the device has another connection
		this.setPresence(number, false);
		const id = this.devices.at(number)?.id;
		if (id === undefined) return;
		this.tellAvailability(id, false);
		this.told.device?.(id);
	}

	/** Ends all connections and sessions of a user name. */
	private expel(userName: string): void {
		const { broker } = this;
		if (broker === undefined) return;
		broker.beginTurn();
		for (let i = 0; i < broker.sessions.max; i++) {
			const session = broker.sessions.at(i);
			if (session.clientId === "" || session.userName !== userName) continue;
			if (session.connection !== undefined) closeConnection(broker, session.connection, Cause.AdministrativeAction);
			if (session.clientId !== "") endSession(broker, session);
		}
	}

	private clearRetained(id: string): void {
		const { broker } = this;
		if (broker === undefined) return;
		const corner = `devices/${id}/`;
		const topics: string[] = [];
		for (let place = 1; place <= broker.retained.placeCount; place++) {
			const topic = broker.retained.topicAt(place);
			const levels = topic.split("/");
			if (topic.startsWith(corner) || (levels[0] === "homeassistant" && levels[2] === id)) topics.push(topic);
		}
		for (let i = 0; i < topics.length; i++) broker.publish(topics[i]!, "", { retain: true });
	}
}
