/** Control Packets as plain objects: what a program sends to clients, and what it keeps of theirs.
 *  Off the packet path: making bytes of one allocates. Spec: sections 3.1 to 3.15 */

import { HearthError } from "../errors.js";
import { frozen } from "../frozen.js";
import { encodeConnack, encodePing, encodeReason, RETURN_CODES, sizeOfConnack, sizeOfReason } from "./connect.js";
import type { PacketProperties } from "./packet-properties.js";
import { PacketType, ReasonCode, ReturnCode, Version } from "./packet-types.js";
import { encodeAck, sizeOfAck } from "./publish.js";
import { encodeSubackHead, sizeOfSuback } from "./subscribe.js";

/** A client's CONNECT. Spec: 3.1 */
export interface Connect {
	type: "connect";
	/** Protocol Level: 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0 */
	version: number;
	/** "": it has none */
	clientId: string;
	cleanStart: boolean;
	/** seconds; 0: none */
	keepAlive: number;
	/** undefined: none */
	userName: string | undefined;
	password: Uint8Array | undefined;
	will: Will | undefined;
	properties: PacketProperties;
}

/** A Will Message. Spec: 3.1.2.5 */
export interface Will {
	topic: string;
	payload: Uint8Array;
	qos: number;
	retain: boolean;
	properties: PacketProperties;
}

/** Spec: 3.2 */
export interface Connack {
	type: "connack";
	/** Default: whether there was a session */
	sessionPresent?: boolean;
	/** 5.0's Reason Code or a return code of 3.1.1: each client gets that of its version which fits. Default: 0 */
	reasonCode?: number;
	/** of 5.0; left out before, as everywhere */
	properties?: PacketProperties;
}

/** An Application Message for a client. At QoS 1 and 2 it gets its Packet Identifier when it is sent. Spec: 3.3 */
export interface Publish {
	type: "publish";
	topic: string;
	/** text is sent as UTF-8 */
	payload: Uint8Array | string;
	/** Default: 0 */
	qos?: 0 | 1 | 2;
	/** Default: false */
	retain?: boolean;
	/** without Topic Alias: the broker gives them itself */
	properties?: PacketProperties;
}

/** A client's PUBLISH. Spec: 3.3 */
export interface ReceivedPublish {
	type: "publish";
	topic: string;
	payload: Uint8Array;
	qos: number;
	retain: boolean;
	dup: boolean;
	/** 0 at QoS 0 */
	packetId: number;
	properties: PacketProperties;
}

interface AckFields {
	/** Default: that of the packet that is answered */
	packetId?: number;
	/** of 5.0. Default: 0 */
	reasonCode?: number;
	properties?: PacketProperties;
}

/** Spec: 3.4 */
export interface Puback extends AckFields {
	type: "puback";
}

/** Spec: 3.5 */
export interface Pubrec extends AckFields {
	type: "pubrec";
}

/** Spec: 3.6 */
export interface Pubrel extends AckFields {
	type: "pubrel";
}

/** Spec: 3.7 */
export interface Pubcomp extends AckFields {
	type: "pubcomp";
}

/** One subscription of a SUBSCRIBE. Spec: 3.8.3 */
export interface Subscription {
	filter: string;
	qos: number;
	/** of 5.0; before: false, false and 0 */
	noLocal: boolean;
	retainAsPublished: boolean;
	retainHandling: number;
}

/** A client's SUBSCRIBE. Spec: 3.8 */
export interface Subscribe {
	type: "subscribe";
	packetId: number;
	subscriptions: Subscription[];
	properties: PacketProperties;
}

/** Spec: 3.9 */
export interface Suback {
	type: "suback";
	/** Default: that of the packet that is answered */
	packetId?: number;
	/** the granted QoS for each filter, or why not; clients before 5.0 get 0x80 for any of those */
	reasonCodes: readonly number[];
	properties?: PacketProperties;
}

/** A client's UNSUBSCRIBE. Spec: 3.10 */
export interface Unsubscribe {
	type: "unsubscribe";
	packetId: number;
	filters: string[];
	properties: PacketProperties;
}

/** Spec: 3.11 */
export interface Unsuback {
	type: "unsuback";
	/** Default: that of the packet that is answered */
	packetId?: number;
	/** one for each filter; clients before 5.0 get none */
	reasonCodes: readonly number[];
	properties?: PacketProperties;
}

/** Spec: 3.12 */
export interface Pingreq {
	type: "pingreq";
}

/** Spec: 3.13 */
export interface Pingresp {
	type: "pingresp";
}

/** Ends the connection; clients before 5.0 get no packet. Spec: 3.14 */
export interface Disconnect {
	type: "disconnect";
	/** Default: 0 */
	reasonCode?: number;
	properties?: PacketProperties;
}

/** Of 5.0 only. Spec: 5.0, 3.15 */
export interface Auth {
	type: "auth";
	/** Default: 0 */
	reasonCode?: number;
	properties?: PacketProperties;
}

/** What a server sends, PUBLISH apart. */
export type ServerControlPacket =
	| Connack
	| Puback
	| Pubrec
	| Pubrel
	| Pubcomp
	| Suback
	| Unsuback
	| Pingresp
	| Disconnect
	| Auth;

/** What a server sends. */
export type ServerPacket = ServerControlPacket | Publish;

const TYPES: readonly (readonly [name: string, type: PacketType])[] = frozen([
	["connack", PacketType.Connack],
	["publish", PacketType.Publish],
	["puback", PacketType.Puback],
	["pubrec", PacketType.Pubrec],
	["pubrel", PacketType.Pubrel],
	["pubcomp", PacketType.Pubcomp],
	["suback", PacketType.Suback],
	["unsuback", PacketType.Unsuback],
	["pingresp", PacketType.Pingresp],
	["disconnect", PacketType.Disconnect],
	["auth", PacketType.Auth],
]);

/** @returns which packet the object is. Throws HearthError for what a server does not send */
export function typeOf(packet: ServerPacket): PacketType {
	for (let i = 0; i < TYPES.length; i++) if (TYPES[i]![0] === packet?.type) return TYPES[i]![1];
	throw new HearthError("HEARTH_ERR_PACKET", `packet: type ${String(packet?.type)}: give one that a server sends`);
}

/** @returns bytes of the whole packet. Throws HearthError for a field that cannot be sent
 *  @param properties encoded ones, without Property Length; empty before 5.0
 *  @param packetId of the packet that is answered, where the object has none */
export function sizeOfServerPacket(
	packet: ServerControlPacket,
	version: Version,
	properties: Uint8Array,
	packetId: number,
): number {
	const bytes = properties.length;
	switch (packet.type) {
		case "connack":
			reasonOf(packet);
			return sizeOfConnack(version, bytes);
		case "suback":
		case "unsuback":
			idOf(packet, packetId);
			for (let i = 0; i < packet.reasonCodes.length; i++) checkReason(packet, packet.reasonCodes[i]!);
			return sizeOfSuback(
				packet.type === "suback" ? PacketType.Suback : PacketType.Unsuback,
				version,
				packet.reasonCodes.length,
				bytes,
			);
		case "pingresp":
			return 2;
		case "disconnect":
		case "auth":
			return sizeOfReason(version, reasonOf(packet), bytes);
		default:
			idOf(packet, packetId);
			return sizeOfAck(version, reasonOf(packet), bytes);
	}
}

/** Writes the packet to bytes[at..]; the arguments are those of `sizeOfServerPacket`. @returns index after it */
export function encodeServerPacket(
	bytes: Uint8Array,
	at: number,
	packet: ServerControlPacket,
	version: Version,
	properties: Uint8Array,
	packetId: number,
): number {
	const end = properties.length;
	const type = typeOf(packet);
	switch (packet.type) {
		case "connack": {
			const reason = connackCode(version, reasonOf(packet));
			const present = packet.sessionPresent === true && reason === 0 && version !== Version.V31;
			return encodeConnack(bytes, at, version, present, reason, properties, 0, end);
		}
		case "suback":
		case "unsuback": {
			const codes = packet.reasonCodes;
			const kind = type as PacketType.Suback;
			let p = encodeSubackHead(bytes, at, kind, version, idOf(packet, packetId), codes.length, properties, 0, end);
			if (version !== Version.V5 && packet.type === "unsuback") return p;
			for (let i = 0; i < codes.length; i++)
				bytes[p++] = version === Version.V5 ? codes[i]! : Math.min(codes[i]!, 0x80);
			return p;
		}
		case "pingresp":
			return encodePing(bytes, at, PacketType.Pingresp);
		case "disconnect":
		case "auth":
			return encodeReason(bytes, at, type as PacketType.Auth, version, reasonOf(packet), properties, 0, end);
		default:
			return encodeAck(bytes, at, type, idOf(packet, packetId), version, reasonOf(packet), properties, 0, end);
	}
}

function idOf(packet: { type: string; packetId?: number }, packetId: number): number {
	const id = packet.packetId ?? packetId;
	if (Number.isInteger(id) && id > 0 && id < 0x10000) return id;
	throw new HearthError("HEARTH_ERR_PACKET", `${packet.type}: packetId: ${id}: give 1 to 65535`);
}

/** @returns the packet's Reason Code, and in CONNACK what 5.0 calls a return code of 3.1.1 */
function reasonOf(packet: ServerControlPacket): number {
	const given = "reasonCode" in packet ? (packet.reasonCode ?? 0) : 0;
	return checkReason(packet, packet.type === "connack" ? (RETURN_CODES[given] ?? given) : given);
}

function checkReason(packet: ServerControlPacket, reason: number): number {
	if (reasonsOf(typeOf(packet)).indexOf(reason) >= 0) return reason;
	throw new HearthError(
		"HEARTH_ERR_PACKET",
		`${packet.type}: Reason Code ${reason}: give one that this packet may have`,
	);
}

/** @returns what CONNACK says for a Reason Code. Spec: 3.1.1, table 3.1 */
function connackCode(version: Version, reason: number): number {
	if (version === Version.V5 || reason === ReasonCode.Success) return reason;
	switch (reason) {
		case ReasonCode.UnsupportedProtocolVersion:
			return ReturnCode.UnacceptableProtocolVersion;
		case ReasonCode.ClientIdentifierNotValid:
			return ReturnCode.IdentifierRejected;
		case ReasonCode.BadUserNameOrPassword:
			return ReturnCode.BadUserNameOrPassword;
		case ReasonCode.NotAuthorized:
		case ReasonCode.Banned:
		case ReasonCode.BadAuthenticationMethod:
			return ReturnCode.NotAuthorized;
		default:
			return ReturnCode.ServerUnavailable;
	}
}

/** Reason Codes that a server's packets may have. Spec: 5.0, tables 3-1, 3-4 to 3-10, 3-13 and 3-14 */
const CONNACK_REASONS: readonly number[] = frozen([
	0, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b, 0x9c,
	0x9d, 0x9f,
]);
const PUBACK_REASONS: readonly number[] = frozen([0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]);
const PUBREL_REASONS: readonly number[] = frozen([0, 0x92]);
const SUBACK_REASONS: readonly number[] = frozen([0, 1, 2, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2]);
const UNSUBACK_REASONS: readonly number[] = frozen([0, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91]);
const DISCONNECT_REASONS: readonly number[] = frozen([
	0, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
	0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
]);
const AUTH_REASONS: readonly number[] = frozen([0, 0x18]);

function reasonsOf(type: PacketType): readonly number[] {
	switch (type) {
		case PacketType.Connack:
			return CONNACK_REASONS;
		case PacketType.Puback:
		case PacketType.Pubrec:
			return PUBACK_REASONS;
		case PacketType.Pubrel:
		case PacketType.Pubcomp:
			return PUBREL_REASONS;
		case PacketType.Suback:
			return SUBACK_REASONS;
		case PacketType.Unsuback:
			return UNSUBACK_REASONS;
		case PacketType.Auth:
			return AUTH_REASONS;
		default:
			return DISCONNECT_REASONS;
	}
}

/** @returns the reason of a refusal as a packet of the type may have it; another one is 0x80 */
export function reasonFor(type: PacketType, reason: number): number {
	return reasonsOf(type).indexOf(reason) >= 0 ? reason : ReasonCode.UnspecifiedError;
}
