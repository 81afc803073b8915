/** What makes a broker a hub: devices that were paired, let in or added by hand come in with secrets of their own, do
 *  what their kind may do, and can be seen and sent away. It gives a broker its rules and methods, and watches it.
 *  SECURITY.md says who may do what. */
import type { AuthenticationMethod } from "../auth/authentication-method.js";
import { ScramSha256 } from "../auth/scram.js";
import type { AccessRules, Answer, Client } from "../broker/access.js";
import type { Broker } from "../broker/broker.js";
import { closeConnection, endSession } from "../broker/close.js";
import type { BrokerEvents } from "../broker/events.js";
import { Cause } from "../errors.js";
import type { Platform } from "../platform.js";
import {
	type AnnouncedDevice,
	availabilityTopic,
	type DiscoveryOptions,
	discoveryConfig,
	discoveryTopic,
	type Entity,
} from "./announce.js";
import { ADMIN_ROOT, DeviceRights } from "./device-rights.js";
import { Knocks } from "./knocks.js";
import { Pairing, type PairingEvents, type PairingPlatform } from "./pairing.js";
import { Devices, type Records } from "./registry.js";

export interface DeviceHubOptions {
	platform: Platform & PairingPlatform;
	/** 8 characters, made once and kept */
	hubId: string;
	/** where the devices' records are kept */
	records: Records;
	/** devices at most, 1 to 65,535 */
	devicesMax: number;
	/** the rules for all others: users of a password file, anonymous clients */
	rules?: AccessRules;
	/** @returns whether a client that is no device may use the hub's own topics ($HEARTH/#). Default: nobody may */
	isAdmin?: (client: Client) => boolean;
	/** who knocked: how many are remembered. Default: 8; 0: none */
	knocksMax?: number;
	events?: DeviceHubEvents;
}

export interface DeviceHubEvents extends PairingEvents {
	/** a device came, went, was changed or revoked */
	device?(id: string): void;
	/** somebody unknown came with a password */
	knocked?(): void;
}

/** One device's presence. */
export interface Presence {
	online: boolean;
	/** when it came or went; ms on the platform's clock */
	since: number;
}

export class DeviceHub {
	readonly devices: Devices;
	readonly pairing: Pairing;
	readonly knocks: Knocks;
	/** what the broker is made with */
	readonly access: AccessRules;
	readonly authentication: readonly AuthenticationMethod[];
	private readonly rights: DeviceRights;
	/** by the number of a device's record: when it came (more than 0) or went (less); 0: it was not there yet. An object
	 *  for each would take a device with little memory some kilobytes */
	private readonly present: Float64Array;
	/** by Client Identifier: the device that is connected by it */
	private readonly clients: Map<string, string>;
	/** by device: where its entry in discovery is */
	private readonly announced: Map<string, string>;
	private broker: Broker | undefined = undefined;

	constructor(private readonly options: DeviceHubOptions) {
		const { platform } = options;
		this.present = new Float64Array(options.devicesMax);
		this.clients = new Map();
		this.announced = new Map();
		this.devices = new Devices(platform.crypto, platform.text, options.devicesMax, options.records);
		this.rights = new DeviceRights(this.devices);
		this.pairing = new Pairing(platform, options.hubId, this.devices, {
			changed: () => options.events?.changed?.(),
			failed: (id, address) => options.events?.failed?.(id, address),
			paired: (id, replaced) => this.devicePaired(id, replaced),
		});
		this.knocks = new Knocks(platform.crypto, (bytes) => platform.randomBytes(bytes), options.knocksMax ?? 8);
		const scram = new ScramSha256(platform, {
			credentials: (userName, clientId) => this.devices.scramCredentials(userName, clientId),
		});
		this.authentication = [scram, this.pairing];
		this.access = this.around(options.rules ?? {});
	}

	/** The broker that was made with `access`, `authentication` and `events`: what its storage has is taken up. */
	attach(broker: Broker): void {
		this.broker = broker;
		this.options.records.attach?.(broker);
		this.devices.load();
	}

	/** whom devices are paired with */
	get hubId(): string {
		return this.pairing.hubId;
	}

	/** Once a second or more often. */
	tick(): void {
		this.pairing.tick();
		if (this.knocks.forget(this.options.platform.now())) this.options.events?.knocked?.();
	}

	/** @param own what the program wants to hear itself @returns what the broker is to tell */
	events(own: BrokerEvents = {}): BrokerEvents {
		return {
			...own,
			connected: (clientId) => {
				this.came(clientId);
				own.connected?.(clientId);
			},
			disconnected: (clientId, reason) => {
				this.went(clientId);
				own.disconnected?.(clientId, reason);
			},
		};
	}

	/** @returns whether the device is there; undefined: it was not, since the hub began */
	presence(id: string): Presence | undefined {
		const since = this.present[this.devices.numberOf(id)] ?? 0;
		return since === 0 ? undefined : { online: since > 0, since: Math.abs(since) };
	}

	/** @returns where a device is connected from; "": it is not */
	addressOf(id: string): string {
		for (const [clientId, device] of this.clients)
			if (device === id) return this.broker?.sessions.find(clientId)?.connection?.address ?? "";
		return "";
	}

	private setPresence(id: string, online: boolean): void {
		const now = Math.max(1, this.options.platform.now());
		this.present[this.devices.numberOf(id)] = online ? now : -now;
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
		this.devices.addVerifier({ id: userName, name, room, kind }, knock.salt, knock.verifier, (cause) => {
			this.changed(userName);
			done(cause);
		});
		this.options.events?.knocked?.();
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
		this.options.events?.device?.(id);
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
			}
			this.changed(id);
			done(cause);
		});
	}

	/** Ends a client's connection. @returns whether it had one */
	disconnect(clientId: string): boolean {
		return this.broker?.disconnect(clientId) ?? false;
	}

	/** @param rules for all who are no devices @returns the hub's rules, for a listener that has others than `access` */
	around(rules: AccessRules): AccessRules {
		const { rights } = this;
		const access: AccessRules = {
			...rules,
			authenticate: (client, password, address, answer, allowAnonymous) =>
				this.authenticate(rules, client, password, address, answer, allowAnonymous),
			authorizePublish: (client, topic) => {
				if (topic.startsWith(ADMIN_ROOT)) return this.isAdmin(client);
				return rights.mayPublish(client, topic) ?? rules.authorizePublish?.(client, topic) ?? true;
			},
			authorizeSubscribe: (client, filter) => {
				if (filter.startsWith(ADMIN_ROOT)) return this.isAdmin(client);
				return rights.maySubscribe(client, filter) ?? rules.authorizeSubscribe?.(client, filter) ?? true;
			},
		};
		// of the rules for others, devices need to hear nothing; what those rules don't judge is not asked
		if (rules.authorizeWill !== undefined)
			access.authorizeWill = (client, topic) => {
				if (topic.startsWith(ADMIN_ROOT)) return this.isAdmin(client);
				return rights.mayPublish(client, topic) ?? rules.authorizeWill!(client, topic);
			};
		if (rules.authorizeReceive !== undefined)
			access.authorizeReceive = (client, topic) => {
				if (topic.startsWith(ADMIN_ROOT)) return this.isAdmin(client);
				return rights.maySubscribe(client, topic) ?? rules.authorizeReceive!(client, topic);
			};
		if (rules.mayStay !== undefined)
			access.mayStay = (client) =>
				(client.userName !== undefined && this.devices.find(client.userName) !== undefined) || rules.mayStay!(client);
		return access;
	}

	/** Devices with a password are judged here, those with keys by SCRAM-SHA-256 alone, all others by the rules. */
	private authenticate(
		rules: AccessRules,
		client: Client,
		password: Uint8Array | undefined,
		address: string,
		answer: Answer,
		allowAnonymous: boolean,
	): Cause | undefined {
		const { userName } = client;
		if (userName !== undefined && this.devices.find(userName) !== undefined) {
			const right = password !== undefined && this.devices.isPassword(userName, password) === true;
			return right ? Cause.None : Cause.BadUserNameOrPassword;
		}
		const judge = (cause: Cause): Cause => {
			if (cause !== Cause.None && userName !== undefined && password !== undefined)
				this.knock(client.clientId, userName, password, address);
			return cause;
		};
		const judged =
			rules.authenticate === undefined
				? this.judgeUnknown(client, allowAnonymous)
				: rules.authenticate(client, password, address, (cause) => answer(judge(cause)), allowAnonymous);
		return judged === undefined ? undefined : judge(judged);
	}

	/** Without other rules, a name that nobody knows is as good as none, but nobody gets an admin's for the asking. */
	private judgeUnknown(client: Client, allowAnonymous: boolean): Cause {
		const { userName } = client;
		if (userName === undefined) return allowAnonymous ? Cause.None : Cause.NotAuthorized;
		return allowAnonymous && !this.isAdmin(client) ? Cause.None : Cause.BadUserNameOrPassword;
	}

	private knock(clientId: string, userName: string, password: Uint8Array, address: string): void {
		if (this.knocks.add(clientId, userName, password, address, this.options.platform.now()))
			this.options.events?.knocked?.();
	}

	private devicePaired(id: string, replaced: boolean): void {
		this.options.events?.paired?.(id, replaced);
		this.changed(id);
	}

	/** @returns the device that a client is; undefined: it is none */
	private deviceOf(clientId: string): string | undefined {
		const userName = this.broker?.sessions.find(clientId)?.userName;
		return userName !== undefined && this.devices.find(userName) !== undefined ? userName : undefined;
	}

	private came(clientId: string): void {
		const id = this.deviceOf(clientId);
		if (id === undefined) return;
		this.clients.set(clientId, id);
		this.setPresence(id, true);
		this.devices.saw(id);
		this.tellAvailability(id, true);
		this.options.events?.device?.(id);
	}

	private went(clientId: string): void {
		const id = this.clients.get(clientId);
		if (id === undefined) return;
		this.clients.delete(clientId);
		for (const other of this.clients.values()) if (other === id) return; // it has another connection
		this.setPresence(id, false);
		this.tellAvailability(id, false);
		this.options.events?.device?.(id);
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
