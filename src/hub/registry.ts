/** The devices that belong to the hub: who they are, how they prove it, and what they may do. Records are kept where
 *  `Records` puts them and read when they are needed; in memory lie four bytes of each, by which it is found, so that a
 *  board has room for them all. After pairing-exchange.ts */
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
	decodeLogin,
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
	/** @returns a copy of a record; undefined: there is none */
	read(number: number): Uint8Array | undefined;
	/** `saved` may be called at once. */
	write(number: number, bytes: Uint8Array, end: number, saved: Saved): void;
	delete(number: number, saved: Saved): void;
	/** Begins to take another hub's devices and identity; absent: that goes another way here (hearth data import) */
	take?(): TakenRecords;
}

/** All that a hub keeps: its devices, and who it is. */
export interface HubRecords extends Records {
	/** the hub's identifier, as bytes; undefined: it has none yet */
	readonly hubId: Uint8Array | undefined;
	/** Gives the hub its identifier, for good. */
	keepHubId(bytes: Uint8Array, saved: Saved): void;
}

/** Another hub's records, which count when `commit` has been called and said yes, whatever happens in between. */
export interface TakenRecords {
	/** @param number as Records has it @returns false: there is no room for it */
	put(number: number, bytes: Uint8Array): boolean;
	/** What was put stands in place of all that was there. @returns false: it could not be written */
	commit(hubId: Uint8Array): boolean;
}

/** What a person may change of a device. */
export type DeviceChange = Partial<Pick<Device, "name" | "room" | "kind" | "rights">>;

/** Says what came of a change: Cause.None, FullDevices, or FullStore when it could not be written. */
export type Changed = (cause: Cause, replaced: boolean) => void;

/** Bytes of the longest identifier (isDeviceId). */
const ID_BYTES_MAX = 32;

/** FNV-1a, 32 bits. */
const FNV_BASE = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

/** What a place without a device has for its hash. */
const NOBODY = 0;

export class Devices {
	/** by number: a hash of the device's identifier; the record says whether it is the one that is looked for */
	private readonly hashes: Int32Array;
	/** how many there are */
	count = 0;
	/** changes that are made or wait for their turn */
	private readonly queue: (() => void)[];
	/** the device that was looked at last, and its number */
	private last: Device | undefined = undefined;
	private lastNumber = -1;

	/** @param max devices at most, 1 to 65,535 */
	constructor(
		private readonly crypto: Crypto,
		private readonly text: Text,
		readonly max: number,
		private readonly records: Records,
	) {
		this.hashes = new Int32Array(max);
		this.queue = [];
		this.load();
	}

	/** Takes up what the records have, which a storage may have read only now. */
	load(): void {
		this.count = 0;
		this.last = undefined;
		for (let number = 0; number < this.max; number++) {
			const device = this.readDevice(number);
			this.hashes[number] = device === undefined ? NOBODY : this.hashOf(device.id);
			if (device !== undefined) this.count++;
		}
	}

	/** @returns a copy of a device's record; undefined: there is none with this number */
	record(number: number): Uint8Array | undefined {
		return this.hashes[number] === NOBODY ? undefined : this.records.read(number);
	}

	/** @returns whether the bytes are a device's record */
	isRecord(bytes: Uint8Array): boolean {
		return decodeDevice(this.text, bytes) !== undefined;
	}

	/** @returns the number of a device's record; -1: there is no such device */
	numberOf(id: string): number {
		if (this.last?.id === id) return this.lastNumber;
		const { hashes } = this;
		const hash = this.hashOf(id);
		if (hash === NOBODY) return -1;
		for (let number = hashes.indexOf(hash); number >= 0; number = hashes.indexOf(hash, number + 1)) {
			const device = this.readDevice(number);
			if (device?.id !== id) continue;
			this.last = device;
			this.lastNumber = number;
			return number;
		}
		return -1;
	}

	/** @returns not NOBODY; for what is too long to be an identifier NOBODY */
	private hashOf(id: string): number {
		const { text } = this;
		if (text.size(id) > ID_BYTES_MAX) return NOBODY;
		const bytes = new Uint8Array(ID_BYTES_MAX);
		const end = text.encode(id, bytes, 0);
		let hash = FNV_BASE;
		for (let i = 0; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, FNV_PRIME);
		return hash === NOBODY ? 1 : hash;
	}

	has(id: string): boolean {
		return this.numberOf(id) >= 0;
	}

	/** @returns whether the device is there, or has room */
	hasRoom(id: string): boolean {
		return this.count < this.max || this.numberOf(id) >= 0;
	}

	/** @returns a copy of what is known; undefined: no such device */
	find(id: string): Device | undefined {
		const found = this.lookUp(id);
		return found === undefined ? undefined : { ...found };
	}

	/** @returns a copy of what is known of the device whose record has the number; undefined: there is none */
	at(number: number): Device | undefined {
		return this.hashes[number] === NOBODY ? undefined : this.readDevice(number);
	}

	/** Calls for each device, in the order of their identifiers. */
	each(visit: (device: Device) => void): void {
		const ids: string[] = [];
		for (let number = 0; number < this.max; number++) {
			const device = this.at(number);
			if (device !== undefined) ids.push(device.id);
		}
		ids.sort();
		for (let i = 0; i < ids.length; i++) {
			const device = this.find(ids[i]!);
			if (device !== undefined) visit(device);
		}
	}

	/** @returns what SCRAM-SHA-256 judges a device's login by. A device's user name is its Client Identifier. */
	credentials(userName: string, clientId: string): ScramCredentials | undefined {
		return userName === clientId ? this.loginOf(userName)?.scram : undefined;
	}

	/** @returns whether a password is a device's; undefined: no device with a password has that user name */
	isPassword(userName: string, password: Uint8Array): boolean | undefined {
		const login = this.loginOf(userName);
		if (login?.verifier === undefined) return undefined;
		return sameBytes(this.crypto.hmacSha256(login.salt!, password), login.verifier);
	}

	/** A device has paired: its record, an older one's place taken. What people gave the older one stays. */
	pair(given: Pick<Device, "id" | "name" | "room" | "kind" | "model">, scram: ScramCredentials, done: Changed): void {
		this.check(given);
		this.inTurn(() => {
			const before = this.lookUp(given.id);
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
			const before = this.lookUp(given.id);
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
		this.check({ ...known, ...change });
		this.inTurn(() => {
			const [found, login] = [this.lookUp(id), this.loginOf(id)];
			if (found === undefined || login === undefined) return this.ended(done, Cause.NotAuthorized); // revoked meanwhile
			this.save({ ...found, ...change }, login, (cause) => done(cause, true));
		});
		return true;
	}

	/** The device has logged in. Written once after each pairing, not at each login: flash wears. */
	saw(id: string): void {
		if (this.lookUp(id)?.seen !== false) return;
		this.inTurn(() => {
			const [found, login] = [this.lookUp(id), this.loginOf(id)];
			if (found === undefined || login === undefined) return this.ended(() => {}, Cause.None);
			this.save({ ...found, seen: true }, login, () => {});
		});
	}

	/** The device's secret is worth nothing from now on. @returns false: no such device */
	revoke(id: string, done: Changed): boolean {
		if (this.numberOf(id) < 0) return false;
		this.inTurn(() => {
			const number = this.numberOf(id);
			if (number < 0) return this.ended(done, Cause.None);
			this.records.delete(number, (ok) => {
				if (ok) {
					this.hashes[number] = NOBODY;
					this.count--;
				}
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
		const known = this.numberOf(device.id);
		const number = known >= 0 ? known : this.hashes.indexOf(NOBODY);
		if (number < 0) return this.ended(done, Cause.FullDevices);
		const bytes = new Uint8Array(RECORD_BYTES_MAX);
		const end = encodeDevice(this.text, device, login, bytes);
		this.records.write(number, bytes, end, (ok) => {
			this.last = undefined;
			if (ok && known < 0) {
				this.hashes[number] = this.hashOf(device.id);
				this.count++;
			}
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

	private lookUp(id: string): Device | undefined {
		return this.numberOf(id) < 0 ? undefined : this.last;
	}

	private loginOf(id: string): DeviceLogin | undefined {
		const number = this.numberOf(id);
		const bytes = number < 0 ? undefined : this.records.read(number);
		return bytes === undefined ? undefined : decodeLogin(bytes);
	}

	private readDevice(number: number): Device | undefined {
		const bytes = this.records.read(number);
		return bytes === undefined ? undefined : decodeDevice(this.text, bytes);
	}
}
