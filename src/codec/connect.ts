/** CONNECT, CONNACK, DISCONNECT, AUTH, PINGREQ, PINGRESP: decode, size and encode side by side.
 *  Spec: 5.0 sections 3.1, 3.2, 3.12 to 3.15; 3.1.1 sections 3.1, 3.2, 3.12 to 3.14 */
import { Cause } from "../errors.js";
import { frozen } from "../frozen.js";
import type { Text } from "../platform.js";
import {
	endOfData,
	getUint16,
	putBytes,
	putData,
	putString,
	putUint16,
	putVariable,
	sizeOfVariable,
} from "./data-types.js";
import { ConnectFlag, PacketType, ReasonCode, Version } from "./packet-types.js";
import { checkUtf8, Properties, sizeOfProperties, WILL } from "./properties.js";

/** What 5.0 calls the return codes of CONNACK before it, by code. Spec: 3.1.1, table 3.1 */
export const RETURN_CODES: readonly ReasonCode[] = frozen([
	ReasonCode.Success,
	ReasonCode.UnsupportedProtocolVersion,
	ReasonCode.ClientIdentifierNotValid,
	ReasonCode.ServerUnavailable,
	ReasonCode.BadUserNameOrPassword,
	ReasonCode.NotAuthorized,
]);

/** A CONNECT where it lies. One object serves all; positions are indices in `bytes`. */
export class ConnectPacket {
	bytes: Uint8Array;
	version: number = Version.V311;
	/** ConnectFlag bits as they came */
	flags = 0;
	/** seconds, 0: none */
	keepAlive = 0;
	clientIdStart = 0;
	clientIdEnd = 0;
	willTopicStart = 0;
	willTopicEnd = 0;
	willPayloadStart = 0;
	willPayloadEnd = 0;
	/** -1: absent */
	userNameStart = -1;
	userNameEnd = -1;
	passwordStart = -1;
	passwordEnd = -1;
	readonly properties: Properties = new Properties();
	readonly will: Properties = new Properties();

	constructor() {
		this.bytes = this.properties.bytes;
	}

	get cleanStart(): boolean {
		return (this.flags & ConnectFlag.CleanStart) !== 0;
	}

	get hasWill(): boolean {
		return (this.flags & ConnectFlag.Will) !== 0;
	}
}

const NAME_MQTT = 0x4d515454; // "MQTT"
const NAME_MQIS = 0x4d514973; // "MQIs", of "MQIsdp"

function fourBytes(bytes: Uint8Array, at: number): number {
	return (getUint16(bytes, at) << 16) | getUint16(bytes, at + 2);
}

/** Takes a CONNECT's body at bytes[start..end) apart.
 *  @returns Cause.None or the check that failed; `packet.version` is known from Cause.ProtocolVersion on.
 *  Spec: [MQTT-3.1.2-1] [MQTT-3.1.2-3] [MQTT-3.1.3-1] */
export function decodeConnect(packet: ConnectPacket, bytes: Uint8Array, start: number, end: number, text: Text): Cause {
	packet.version = Version.V311;
	if (end - start < 8) return Cause.PacketTooShort;
	const nameBytes = getUint16(bytes, start);
	let p = start + 2 + nameBytes;
	if (nameBytes === 4 && fourBytes(bytes, start + 2) === NAME_MQTT) packet.version = Version.V5;
	else if (nameBytes === 6 && fourBytes(bytes, start + 2) === NAME_MQIS && getUint16(bytes, start + 6) === 0x6470)
		packet.version = Version.V31;
	else return Cause.ProtocolName;
	if (p + 4 > end) {
		packet.version = Version.V311; // 5.0 was not said: no CONNACK [MQTT-3.1.4-1]
		return Cause.PacketTooShort;
	}
	const level = bytes[p]!;
	if (packet.version === Version.V31 ? level !== Version.V31 : level !== Version.V311 && level !== Version.V5) {
		packet.version = Version.V311; // the answer that every client understands [MQTT-3.1.2-2]
		return Cause.ProtocolVersion;
	}
	packet.version = level;
	const flags = bytes[p + 1]!;
	packet.bytes = bytes;
	packet.flags = flags;
	packet.keepAlive = getUint16(bytes, p + 2);
	const cause = checkConnectFlags(flags, level);
	if (cause !== Cause.None) return cause;
	p += 4;
	packet.properties.clear();
	packet.will.clear();
	if (level === Version.V5) {
		const cause = packet.properties.decode(bytes, p, end, PacketType.Connect, text);
		if (cause !== Cause.None) return cause;
		p = packet.properties.end;
	}
	return decodePayload(packet, bytes, p, end, text);
}

function checkConnectFlags(flags: number, level: number): Cause {
	if ((flags & ConnectFlag.Reserved) !== 0 && level !== Version.V31) return Cause.ConnectFlags;
	const willQos = flags & ConnectFlag.WillQos;
	if ((flags & ConnectFlag.Will) === 0) {
		// 3.1 has no rule on the Will bits without a Will
		if (level !== Version.V31 && (willQos | (flags & ConnectFlag.WillRetain)) !== 0) return Cause.ConnectFlags;
	} else if (willQos === ConnectFlag.WillQos) return Cause.ConnectFlags;
	if (level !== Version.V5 && (flags & ConnectFlag.Password) !== 0 && (flags & ConnectFlag.UserName) === 0)
		return Cause.ConnectFlags;
	return Cause.None;
}

/** The payload's fields in their fixed order. Spec: [MQTT-3.1.3-1] */
function decodePayload(packet: ConnectPacket, bytes: Uint8Array, p: number, end: number, text: Text): Cause {
	let after = endOfData(bytes, p, end);
	if (after < 0) return Cause.StringPastEnd;
	let cause = checkUtf8(bytes, p + 2, after, text);
	if (cause !== Cause.None) return cause;
	packet.clientIdStart = p + 2;
	packet.clientIdEnd = after;
	p = after;
	if (packet.hasWill) {
		if (packet.version === Version.V5) {
			cause = packet.will.decode(bytes, p, end, WILL, text);
			if (cause !== Cause.None) return cause;
			p = packet.will.end;
		}
		after = endOfData(bytes, p, end);
		if (after < 0) return Cause.StringPastEnd;
		cause = checkUtf8(bytes, p + 2, after, text);
		if (cause !== Cause.None) return cause;
		packet.willTopicStart = p + 2;
		packet.willTopicEnd = after;
		p = endOfData(bytes, after, end);
		if (p < 0) return Cause.StringPastEnd;
		packet.willPayloadStart = after + 2;
		packet.willPayloadEnd = p;
	}
	packet.userNameStart = -1;
	packet.passwordStart = -1;
	// 3.1: a Remaining Length that ends before these fields takes precedence over their flags
	const cutOff = packet.version === Version.V31 && p === end;
	if ((packet.flags & ConnectFlag.UserName) !== 0 && !cutOff) {
		after = endOfData(bytes, p, end);
		if (after < 0) return Cause.StringPastEnd;
		cause = checkUtf8(bytes, p + 2, after, text);
		if (cause !== Cause.None) return cause;
		packet.userNameStart = p + 2;
		packet.userNameEnd = after;
		p = after;
	}
	if ((packet.flags & ConnectFlag.Password) !== 0 && !(packet.version === Version.V31 && p === end)) {
		after = endOfData(bytes, p, end);
		if (after < 0) return Cause.StringPastEnd;
		packet.passwordStart = p + 2;
		packet.passwordEnd = after;
		p = after;
	}
	return p === end ? Cause.None : Cause.PacketTrailingBytes;
}

/** What a client puts into CONNECT. Properties are encoded bytes (see `putNumber` and the like in properties.ts). */
export interface ConnectFields {
	version: Version;
	clientId: string;
	cleanStart: boolean;
	/** seconds, 0 to 65,535 */
	keepAlive: number;
	userName?: string | undefined;
	password?: Uint8Array | undefined;
	properties?: Uint8Array | undefined;
	will?:
		| { topic: string; payload: Uint8Array; qos: number; retain: boolean; properties?: Uint8Array | undefined }
		| undefined;
}

/** @returns Remaining Length of the CONNECT */
export function sizeOfConnect(fields: ConnectFields, text: Text): number {
	const v5 = fields.version === Version.V5;
	let size = (fields.version === Version.V31 ? 12 : 10) + 2 + text.size(fields.clientId);
	if (v5) size += sizeOfProperties(fields.properties?.length ?? 0);
	const will = fields.will;
	if (will !== undefined) {
		size += 4 + text.size(will.topic) + will.payload.length;
		if (v5) size += sizeOfProperties(will.properties?.length ?? 0);
	}
	if (fields.userName !== undefined) size += 2 + text.size(fields.userName);
	if (fields.password !== undefined) size += 2 + fields.password.length;
	return size;
}

/** Writes a CONNECT to bytes[at..]. @returns index after it */
export function encodeConnect(bytes: Uint8Array, at: number, fields: ConnectFields, text: Text): number {
	const v5 = fields.version === Version.V5;
	const will = fields.will;
	bytes[at] = PacketType.Connect << 4;
	let p = putVariable(bytes, at + 1, sizeOfConnect(fields, text));
	p = putString(bytes, p, fields.version === Version.V31 ? "MQIsdp" : "MQTT", text);
	bytes[p] = fields.version;
	let flags: number = fields.cleanStart ? ConnectFlag.CleanStart : 0;
	if (will !== undefined) flags |= ConnectFlag.Will | (will.qos << 3) | (will.retain ? ConnectFlag.WillRetain : 0);
	if (fields.userName !== undefined) flags |= ConnectFlag.UserName;
	if (fields.password !== undefined) flags |= ConnectFlag.Password;
	bytes[p + 1] = flags;
	p = putUint16(bytes, p + 2, fields.keepAlive);
	if (v5) p = putProperties(bytes, p, fields.properties);
	p = putString(bytes, p, fields.clientId, text);
	if (will !== undefined) {
		if (v5) p = putProperties(bytes, p, will.properties);
		p = putString(bytes, p, will.topic, text);
		p = putData(bytes, p, will.payload, 0, will.payload.length);
	}
	if (fields.userName !== undefined) p = putString(bytes, p, fields.userName, text);
	if (fields.password !== undefined) p = putData(bytes, p, fields.password, 0, fields.password.length);
	return p;
}

/** Writes Property Length and encoded properties. Spec: [MQTT-2.2.2-1] */
export function putProperties(bytes: Uint8Array, at: number, properties: Uint8Array | undefined): number {
	if (properties === undefined) return putVariable(bytes, at, 0);
	return putBytes(bytes, putVariable(bytes, at, properties.length), properties, 0, properties.length);
}

/** CONNACK, DISCONNECT or AUTH where it lies. */
export class ReasonPacket {
	sessionPresent = false;
	/** Reason Code, or CONNACK's return code before 5.0 */
	reason = 0;

	constructor(readonly properties: Properties = new Properties()) {}
}

/** Takes a CONNACK's body apart. Spec: section 3.2, [MQTT-3.2.2-1] */
export function decodeConnack(
	packet: ReasonPacket,
	bytes: Uint8Array,
	start: number,
	end: number,
	version: Version,
	text: Text,
): Cause {
	packet.properties.clear();
	if (end - start < 2) return Cause.PacketTooShort;
	if (bytes[start]! > 1) return Cause.ConnectFlags;
	packet.sessionPresent = bytes[start] === 1;
	packet.reason = bytes[start + 1]!;
	if (version !== Version.V5) {
		if (packet.reason > 5) return Cause.ReasonCodeUnknown;
		return end === start + 2 ? Cause.None : Cause.PacketTrailingBytes;
	}
	return packet.properties.decodeLast(bytes, start + 2, end, PacketType.Connack, text);
}

/** @returns bytes of the whole CONNACK with so many bytes of encoded properties */
export function sizeOfConnack(version: Version, propertyBytes: number): number {
	if (version !== Version.V5) return 4;
	const body = 2 + sizeOfProperties(propertyBytes);
	return 1 + sizeOfVariable(body) + body;
}

/** Writes a CONNACK; properties[start..end) are encoded, and left out before 5.0. @returns index after it */
export function encodeConnack(
	bytes: Uint8Array,
	at: number,
	version: Version,
	sessionPresent: boolean,
	reason: number,
	properties: Uint8Array,
	start: number,
	end: number,
): number {
	bytes[at] = PacketType.Connack << 4;
	const v5 = version === Version.V5;
	let p = putVariable(bytes, at + 1, v5 ? 2 + sizeOfProperties(end - start) : 2);
	bytes[p] = sessionPresent ? 1 : 0;
	bytes[p + 1] = reason;
	p += 2;
	return v5 ? putBytes(bytes, putVariable(bytes, p, end - start), properties, start, end) : p;
}

/** Takes a DISCONNECT's or AUTH's body apart. Spec: 5.0, 3.14 and 3.15; before 5.0 the body is empty */
export function decodeReason(
	packet: ReasonPacket,
	bytes: Uint8Array,
	start: number,
	end: number,
	type: PacketType.Disconnect | PacketType.Auth,
	version: Version,
	text: Text,
): Cause {
	packet.properties.clear();
	packet.reason = 0;
	if (start === end) return Cause.None;
	if (version !== Version.V5) return Cause.PacketTrailingBytes;
	packet.reason = bytes[start]!;
	if (start + 1 === end) return Cause.None;
	return packet.properties.decodeLast(bytes, start + 1, end, type, text);
}

/** @returns bytes of the whole DISCONNECT or AUTH */
export function sizeOfReason(version: Version, reason: number, propertyBytes: number): number {
	if (version !== Version.V5 || (reason === 0 && propertyBytes === 0)) return 2;
	const body = propertyBytes === 0 ? 1 : 1 + sizeOfProperties(propertyBytes);
	return 1 + sizeOfVariable(body) + body;
}

/** Writes a DISCONNECT or AUTH in its shortest form. @returns index after it */
export function encodeReason(
	bytes: Uint8Array,
	at: number,
	type: PacketType.Disconnect | PacketType.Auth,
	version: Version,
	reason: number,
	properties: Uint8Array,
	start: number,
	end: number,
): number {
	bytes[at] = type << 4;
	if (version !== Version.V5 || (reason === 0 && start === end)) return putVariable(bytes, at + 1, 0);
	const p = putVariable(bytes, at + 1, start === end ? 1 : 1 + sizeOfProperties(end - start));
	bytes[p] = reason;
	if (start === end) return p + 1;
	return putBytes(bytes, putVariable(bytes, p + 1, end - start), properties, start, end);
}

/** Writes a PINGREQ or PINGRESP. @returns index after it */
export function encodePing(bytes: Uint8Array, at: number, type: PacketType.Pingreq | PacketType.Pingresp): number {
	bytes[at] = type << 4;
	bytes[at + 1] = 0;
	return at + 2;
}
