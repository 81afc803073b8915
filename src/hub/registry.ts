/** The devices that belong to the hub: who they are, how they prove it, and what they may do. Records are kept where
 *  `Records` puts them and looked up when they are needed; in memory lies who is there. After pairing-exchange.ts */
import { bytesOfText, sameBytes } from "../auth/bytes.js";
import type { ScramCredentials } from "../auth/scram.js";
import type { Broker } from "../broker/broker.js";
import type { Saved } from "../broker/own-records.js";
import { Cause } from "../errors.js";
import type { Crypto, Text } from "../platform.js";
import {
	type Device,
	type DeviceLogin,
	decodeDevice,
	encodeDevice,
	RECORD_BYTES_MAX,
	RIGHTS_BYTES_MAX,
	TEXT_BYTES_MAX,
} from "./device-record.js";
import { isDeviceId } from "./pairing-keys.js";

/** Where records lie, by their number, 0 ≤ number < the most devices. Each change is there whole or not at all. */
export interface Records {
	/** Takes up what the broker's storage has. */
	attach?(broker: Broker): void;
	/** Copies a record to target[0..). @returns its bytes; -1: there is none */
	read(number: number, target: Uint8Array): number;
	/** `saved` may be called at once. */
	write(number: number, bytes: Uint8Array, end: number, saved: Saved): void;
	delete(number: number, saved: Saved): void;
}

/** All that a hub keeps: its devices, and who it is. */
export interface HubRecords extends Records {
	/** the hub's identifier, as bytes; undefined: it has none yet */
	readonly hubId: Uint8Array | undefined;
	/** Gives the hub its identifier, for good. */
	keepHubId(bytes: Uint8Array, saved: Saved): void;
}

/** What a person may change of a device. */
export type DeviceChange = Partial<Pick<Device, "name" | "room" | "kind" | "rights">>;

/** Says what came of a change: Cause.None, FullDevices, or FullStore when it could not be written. */
export type Changed = (cause: Cause, replaced: boolean) => void;

export class Devices {
	/** number of a device's record, by its identifier */
	private readonly numbers: Map<string, number>;
	private readonly free: number[];
	private readonly buffer: Uint8Array;
	/** changes that are made or wait for their turn */
	private readonly queue: (() => void)[];
	/** the device that was looked at last */
	private last: { device: Device; login: DeviceLogin } | undefined = undefined;

	/** @param max devices at most, 1 to 65,535 */
	constructor(
		private readonly crypto: Crypto,
		private readonly text: Text,
		readonly max: number,
		private readonly records: Records,
	) {
		this.numbers = new Map();
		this.free = [];
		this.queue = [];
		this.buffer = new Uint8Array(RECORD_BYTES_MAX);
		this.load();
	}

	/** Takes up what the records have, which a storage may have read only now. */
	load(): void {
		this.numbers.clear();
		this.free.length = 0;
		this.last = undefined;
		for (let number = this.max - 1; number >= 0; number--) {
			const found = this.readRecord(number);
			if (found === undefined) this.free.push(number);
			else this.numbers.set(found.device.id, number);
		}
	}

	/** @returns the number of a device's record; -1: there is no such device */
	numberOf(id: string): number {
		return this.numbers.get(id) ?? -1;
	}

	/** how many there are */
	get count(): number {
		return this.numbers.size;
	}

	/** @returns whether the device is there, or has room */
	hasRoom(id: string): boolean {
		return this.numbers.has(id) || this.free.length > 0;
	}

	/** @returns a copy of what is known; undefined: no such device */
	find(id: string): Device | undefined {
		const found = this.lookUp(id);
		return found === undefined ? undefined : { ...found.device };
	}

	/** Calls for each device, in the order of their identifiers. */
	each(visit: (device: Device) => void): void {
		const ids = [...this.numbers.keys()].sort();
		for (let i = 0; i < ids.length; i++) {
			const device = this.find(ids[i]!);
			if (device !== undefined) visit(device);
		}
	}

	/** @returns what SCRAM-SHA-256 judges a device's login by. A device's user name is its Client Identifier. */
	scramCredentials(userName: string, clientId: string): ScramCredentials | undefined {
		return userName === clientId ? this.lookUp(userName)?.login.scram : undefined;
	}

	/** @returns whether a password is a device's; undefined: no device with a password has that user name */
	isPassword(userName: string, password: Uint8Array): boolean | undefined {
		const login = this.lookUp(userName)?.login;
		if (login?.verifier === undefined) return undefined;
		return sameBytes(this.crypto.hmacSha256(login.salt!, password), login.verifier);
	}

	/** A device has paired: its record, an older one's place taken. What people gave the older one stays. */
	pair(given: Pick<Device, "id" | "name" | "room" | "kind" | "model">, scram: ScramCredentials, done: Changed): void {
		this.check(given);
		this.inTurn(() => {
			const before = this.lookUp(given.id)?.device;
			const device: Device = {
				...given,
				name: given.name || before?.name || "",
				room: given.room || before?.room || "",
				kind: given.kind || before?.kind || "device",
				rights: before?.rights ?? "",
				login: "scram",
				pairings: ((before?.pairings ?? 0) + 1) & 0xffff,
				seen: false,
			};
			this.save(device, { scram }, (cause) => done(cause, before !== undefined));
		});
	}

	/** A device that cannot pair logs in with a password that a machine made (≥ 100 bits), of which one HMAC is kept.
	 *  @param salt 16 random bytes */
	addPassword(
		given: Pick<Device, "id" | "name" | "room" | "kind">,
		password: string,
		salt: Uint8Array,
		done: Changed,
	): void {
		this.addVerifier(given, salt, this.crypto.hmacSha256(salt, bytesOfText(this.text, password)), done);
	}

	/** The same of a password that nobody knows any more but the device (knocks.ts). */
	addVerifier(
		given: Pick<Device, "id" | "name" | "room" | "kind">,
		salt: Uint8Array,
		verifier: Uint8Array,
		done: Changed,
	): void {
		this.check(given);
		this.inTurn(() => {
			const before = this.lookUp(given.id)?.device;
			const pairings = ((before?.pairings ?? 0) + 1) & 0xffff;
			const device: Device = { model: "", rights: "", ...given, login: "password", pairings, seen: false };
			this.save(device, { salt, verifier }, (cause) => done(cause, before !== undefined));
		});
	}

	/** Changes what people see of a device and what it may do. @returns false: no such device
	 *  Throws RangeError when a text is too long. */
	change(id: string, change: DeviceChange, done: Changed): boolean {
		const known = this.lookUp(id);
		if (known === undefined) return false;
		this.check({ ...known.device, ...change });
		this.inTurn(() => {
			const found = this.lookUp(id);
			if (found === undefined) return this.ended(done, Cause.NotAuthorized); // revoked meanwhile
			this.save({ ...found.device, ...change }, found.login, (cause) => done(cause, true));
		});
		return true;
	}

	/** The device has logged in. Written once after each pairing, not at each login: flash wears. */
	saw(id: string): void {
		if (this.lookUp(id)?.device.seen !== false) return;
		this.inTurn(() => {
			const found = this.lookUp(id);
			if (found === undefined) return this.ended(() => {}, Cause.None);
			this.save({ ...found.device, seen: true }, found.login, () => {});
		});
	}

	/** The device's secret is worth nothing from now on. @returns false: no such device */
	revoke(id: string, done: Changed): boolean {
		if (!this.numbers.has(id)) return false;
		this.inTurn(() => {
			const number = this.numbers.get(id);
			if (number === undefined) return this.ended(done, Cause.None);
			this.records.delete(number, (ok) => {
				if (ok && this.numbers.delete(id)) this.free.push(number);
				this.last = undefined;
				this.ended(done, ok ? Cause.None : Cause.FullStore);
			});
		});
		return true;
	}

	/** Changes come one after the other: each sees what the one before has left. */
	private inTurn(change: () => void): void {
		this.queue.push(change);
		if (this.queue.length === 1) change();
	}

	private ended(done: Changed, cause: Cause): void {
		done(cause, true);
		this.queue.shift();
		this.queue[0]?.();
	}

	private save(device: Device, login: DeviceLogin, done: (cause: Cause) => void): void {
		const known = this.numbers.get(device.id);
		const number = known ?? this.free.pop();
		if (number === undefined) return this.ended(done, Cause.FullDevices);
		const end = encodeDevice(this.text, device, login, this.buffer);
		this.records.write(number, this.buffer, end, (ok) => {
			this.last = undefined;
			if (ok) this.numbers.set(device.id, number);
			else if (known === undefined) this.free.push(number);
			this.ended(done, ok ? Cause.None : Cause.FullStore);
		});
	}

	/** Throws RangeError for texts that are too long, and for an identifier that is none. */
	private check(device: Pick<Device, "id" | "name" | "room" | "kind"> & Partial<Device>): void {
		if (!isDeviceId(device.id)) throw new RangeError(`device: ${device.id}: give 1 to 32 of A-Z a-z 0-9 - _`);
		const texts = { name: device.name, room: device.room, model: device.model ?? "", kind: device.kind };
		for (const [what, value] of Object.entries(texts))
			if (this.text.size(value) > TEXT_BYTES_MAX)
				throw new RangeError(`device: ${device.id}: ${what}: give at most ${TEXT_BYTES_MAX} bytes`);
		if (this.text.size(device.rights ?? "") > RIGHTS_BYTES_MAX)
			throw new RangeError(`device: ${device.id}: rights: give at most ${RIGHTS_BYTES_MAX} bytes`);
	}

	private lookUp(id: string): { device: Device; login: DeviceLogin } | undefined {
		if (this.last?.device.id === id) return this.last;
		const number = this.numbers.get(id);
		if (number === undefined) return undefined;
		this.last = this.readRecord(number);
		return this.last;
	}

	private readRecord(number: number): { device: Device; login: DeviceLogin } | undefined {
		const end = this.records.read(number, this.buffer);
		return end < 0 ? undefined : decodeDevice(this.text, this.buffer, end);
	}
}
