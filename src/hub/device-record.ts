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

/** format, flags, pairings; then texts, each behind its length */
const HEAD_BYTES = 4;
const TEXTS = 6;
const SALT_BYTES = 16;
const KEY_BYTES = 32;

/** Writes a record to target[0..). @returns its bytes */
export function encodeDevice(text: Text, device: Device, login: DeviceLogin, target: Uint8Array): number {
	const scram = login.scram;
	target[0] = FORMAT;
	target[1] = (device.seen ? RecordFlag.Seen : 0) | (scram === undefined ? RecordFlag.Password : 0);
	target[2] = device.pairings >> 8;
	target[3] = device.pairings & 255;
	let at = HEAD_BYTES;
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

/** Where a record's login begins, or its texts where a field is none. */
function endOfTexts(bytes: Uint8Array): number {
	let at = HEAD_BYTES;
	for (let i = 0; i < TEXTS; i++) at += 1 + (bytes[at] ?? bytes.length);
	return at;
}

/** @returns whether the bytes are a whole record of this format */
function isRecord(bytes: Uint8Array): boolean {
	if (bytes.length < HEAD_BYTES || bytes[0] !== FORMAT) return false;
	const login = (bytes[1]! & RecordFlag.Password) !== 0 ? KEY_BYTES : 4 + 2 * KEY_BYTES;
	return bytes.length - endOfTexts(bytes) === SALT_BYTES + login;
}

/** @returns the device that a record tells of; undefined: it is no record, or of a format of later versions */
export function decodeDevice(text: Text, bytes: Uint8Array): Device | undefined {
	if (!isRecord(bytes)) return undefined;
	const texts: string[] = [];
	for (let i = 0, at = HEAD_BYTES; i < TEXTS; i++) {
		const stop = at + 1 + bytes[at]!;
		const value = text.decode(bytes, at + 1, stop);
		if (value === undefined) return undefined;
		texts.push(value);
		at = stop;
	}
	const flags = bytes[1]!;
	return {
		id: texts[0]!,
		name: texts[1]!,
		room: texts[2]!,
		model: texts[3]!,
		kind: texts[4]!,
		rights: texts[5]!,
		login: (flags & RecordFlag.Password) !== 0 ? "password" : "scram",
		pairings: (bytes[2]! << 8) | bytes[3]!,
		seen: (flags & RecordFlag.Seen) !== 0,
	};
}

/** @returns what the device's login is judged by; undefined: as decodeDevice */
export function decodeLogin(bytes: Uint8Array): DeviceLogin | undefined {
	if (!isRecord(bytes)) return undefined;
	let at = endOfTexts(bytes);
	const salt = bytes.slice(at, at + SALT_BYTES);
	at += SALT_BYTES;
	if ((bytes[1]! & RecordFlag.Password) !== 0) return { salt, verifier: bytes.slice(at, at + KEY_BYTES) };
	let iterations = 0;
	for (let i = 0; i < 4; i++) iterations = iterations * 256 + bytes[at++]!;
	const storedKey = bytes.slice(at, at + KEY_BYTES);
	const serverKey = bytes.slice(at + KEY_BYTES, at + 2 * KEY_BYTES);
	return { scram: { salt, iterations, storedKey, serverKey } };
}
