/** A device as the hub knows it, and the bytes that are kept of it. */
import type { ScramCredentials } from "../auth/scram.js";
import type { Text } from "../platform.js";

/** What people see of a device, and what it may do. */
export interface Device {
	/** 1 to 32 of A-Z a-z 0-9 - _: its Client Identifier and user name */
	readonly id: string;
	/** at most TEXT_BYTES_MAX bytes each; "": none yet */
	name: string;
	room: string;
	/** what it said that it is */
	model: string;
	/** a template of rights (device-rights.ts) */
	kind: string;
	/** rights beside those of its kind, one a line (device-rights.ts); at most RIGHTS_BYTES_MAX bytes */
	rights: string;
	/** how it proves who it is: "scram" after pairing, "password" for devices that cannot pair */
	login: "scram" | "password";
	/** how often it was paired; no clock is needed to tell an old secret from a new one */
	pairings: number;
	/** it has logged in since */
	seen: boolean;
}

/** What is kept to judge a login: `scram`, or `salt` and `verifier`. */
export interface DeviceLogin {
	scram?: ScramCredentials;
	/** HMAC-SHA256 of a password that a machine made, with this salt for the key: 16 and 32 bytes */
	salt?: Uint8Array;
	verifier?: Uint8Array;
}

export const TEXT_BYTES_MAX = 64;
export const RIGHTS_BYTES_MAX = 255;

/** The most bytes that a record may have. */
export const RECORD_BYTES_MAX = 16 + 32 + 4 * (TEXT_BYTES_MAX + 1) + RIGHTS_BYTES_MAX + 1 + 16 + 4 + 64;

/** The first byte of a record: what the others mean. */
const FORMAT = 1;

const enum RecordFlag {
	Seen = 1,
	Password = 2,
}

const SALT_BYTES = 16;
const KEY_BYTES = 32;

/** Writes a record to target[0..). @returns its bytes */
export function encodeDevice(text: Text, device: Device, login: DeviceLogin, target: Uint8Array): number {
	const scram = login.scram;
	target[0] = FORMAT;
	target[1] = (device.seen ? RecordFlag.Seen : 0) | (scram === undefined ? RecordFlag.Password : 0);
	target[2] = device.pairings >> 8;
	target[3] = device.pairings & 255;
	let at = 4;
	const texts = [device.id, device.name, device.room, device.model, device.kind, device.rights];
	for (let i = 0; i < texts.length; i++) {
		const end = text.encode(texts[i]!, target, at + 1);
		target[at] = end - at - 1;
		at = end;
	}
	if (scram !== undefined) {
		target.set(scram.salt, at);
		at += SALT_BYTES;
		for (let shift = 24; shift >= 0; shift -= 8) target[at++] = scram.iterations >>> shift;
		target.set(scram.storedKey, at);
		target.set(scram.serverKey, at + KEY_BYTES);
		return at + 2 * KEY_BYTES;
	}
	target.set(login.salt!, at);
	target.set(login.verifier!, at + SALT_BYTES);
	return at + SALT_BYTES + KEY_BYTES;
}

/** @returns what the record at bytes[0..end) says; undefined: it is none, or of a format of later versions */
export function decodeDevice(
	text: Text,
	bytes: Uint8Array,
	end: number,
): { device: Device; login: DeviceLogin } | undefined {
	if (end < 4 || bytes[0] !== FORMAT) return undefined;
	const flags = bytes[1]!;
	const texts: string[] = [];
	let at = 4;
	for (let i = 0; i < 6; i++) {
		const stop = at + 1 + bytes[at]!;
		const value = stop <= end ? text.decode(bytes, at + 1, stop) : undefined;
		if (value === undefined) return undefined;
		texts.push(value);
		at = stop;
	}
	const password = (flags & RecordFlag.Password) !== 0;
	if (end - at !== SALT_BYTES + (password ? KEY_BYTES : 4 + 2 * KEY_BYTES)) return undefined;
	const device: Device = {
		id: texts[0]!,
		name: texts[1]!,
		room: texts[2]!,
		model: texts[3]!,
		kind: texts[4]!,
		rights: texts[5]!,
		login: password ? "password" : "scram",
		pairings: (bytes[2]! << 8) | bytes[3]!,
		seen: (flags & RecordFlag.Seen) !== 0,
	};
	const salt = bytes.slice(at, at + SALT_BYTES);
	at += SALT_BYTES;
	if (password) return { device, login: { salt, verifier: bytes.slice(at, at + KEY_BYTES) } };
	let iterations = 0;
	for (let i = 0; i < 4; i++) iterations = iterations * 256 + bytes[at++]!;
	const storedKey = bytes.slice(at, at + KEY_BYTES);
	const serverKey = bytes.slice(at + KEY_BYTES, at + 2 * KEY_BYTES);
	return { device, login: { scram: { salt, iterations, storedKey, serverKey } } };
}
