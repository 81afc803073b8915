/** `-D`: properties of MQTT 5.0 on the command line of `hearth pub` and `hearth sub`. Spec: 5.0, 2.2.2.2 */

import { VARIABLE_MAX } from "../../../src/codec/data-types.js";
import { PacketType, PropertyId } from "../../../src/codec/packet-types.js";
import {
	mayCarry,
	PropertyType,
	propertyType,
	putNumber,
	putStringProperty,
	putUserProperty,
	WILL,
} from "../../../src/codec/properties.js";
import { text } from "../../text.js";

/** A property as it was given: a number, text (of binary data too), or the name and value of a User Property. */
export interface GivenProperty {
	id: PropertyId;
	value: number | string | [name: string, value: string];
}

/** The Control Packets (and the Will) that properties can be given for, by their names on the command line. */
export const PROPERTY_PACKETS = {
	connect: PacketType.Connect,
	will: WILL,
	publish: PacketType.Publish,
	subscribe: PacketType.Subscribe,
	unsubscribe: PacketType.Unsubscribe,
	disconnect: PacketType.Disconnect,
} as const;

export type PropertyPacket = keyof typeof PROPERTY_PACKETS;

/** The properties that were given, by the packet that carries them. */
export type GivenProperties = Record<PropertyPacket, GivenProperty[]>;

/** The specification's names with a hyphen between the words. */
export const PROPERTY_NAMES: readonly (readonly [name: string, id: PropertyId])[] = [
	["payload-format-indicator", PropertyId.PayloadFormatIndicator],
	["message-expiry-interval", PropertyId.MessageExpiryInterval],
	["content-type", PropertyId.ContentType],
	["response-topic", PropertyId.ResponseTopic],
	["correlation-data", PropertyId.CorrelationData],
	["subscription-identifier", PropertyId.SubscriptionIdentifier],
	["session-expiry-interval", PropertyId.SessionExpiryInterval],
	["authentication-method", PropertyId.AuthenticationMethod],
	["authentication-data", PropertyId.AuthenticationData],
	["request-problem-information", PropertyId.RequestProblemInformation],
	["will-delay-interval", PropertyId.WillDelayInterval],
	["request-response-information", PropertyId.RequestResponseInformation],
	["receive-maximum", PropertyId.ReceiveMaximum],
	["topic-alias-maximum", PropertyId.TopicAliasMaximum],
	["topic-alias", PropertyId.TopicAlias],
	["user-property", PropertyId.UserProperty],
	["maximum-packet-size", PropertyId.MaximumPacketSize],
];

/** Numbers that must not be 0. Spec: 5.0, 3.1.2.11.3, 3.1.2.11.4, 3.3.2.3.4, 3.8.2.1.2 */
const NOT_ZERO: readonly PropertyId[] = [
	PropertyId.ReceiveMaximum,
	PropertyId.MaximumPacketSize,
	PropertyId.TopicAlias,
	PropertyId.SubscriptionIdentifier,
];

/** Bytes of the longest string or binary data. Spec: 5.0, 1.5.4 */
const DATA_BYTES_MAX = 65_535;

export function noProperties(): GivenProperties {
	return { connect: [], will: [], publish: [], subscribe: [], unsubscribe: [], disconnect: [] };
}

/** Takes `PACKET NAME VALUE`, or `PACKET user-property NAME VALUE`, and adds it to what was given before.
 *  @param next the next argument; `what` says what is missing when there is none
 *  @param unusable makes the error for what can't be used, from a text that begins with where */
export function takeProperty(
	given: GivenProperties,
	next: (what: string) => string,
	unusable: (what: string) => Error,
): void {
	const packetName = next("PACKET NAME VALUE").toLowerCase();
	const name = next("NAME VALUE");
	const where = `-D ${packetName} ${name}`;
	if (!Object.hasOwn(PROPERTY_PACKETS, packetName))
		throw unusable(`${where}: give one of ${Object.keys(PROPERTY_PACKETS).join(", ")}`);
	const packet = packetName as PropertyPacket;
	const id = PROPERTY_NAMES.find(([known]) => known === name)?.[1];
	if (id === undefined || !mayBeGiven(packet, id))
		throw unusable(`${where}: give one of ${namesFor(packet).join(", ")}`);
	if (id === PropertyId.UserProperty) {
		const pair: [string, string] = [next("NAME VALUE"), next("VALUE")];
		if (pair.some((text) => Buffer.byteLength(text) > DATA_BYTES_MAX)) throw unusable(`${where}: ${TOO_LONG}`);
		given[packet].push({ id, value: pair });
		return;
	}
	if (given[packet].some((other) => other.id === id)) throw unusable(`${where}: is there twice; give it once`);
	given[packet].push({ id, value: propertyValue(id, next("VALUE"), where, unusable) });
}

const TOO_LONG = `is too long; ${DATA_BYTES_MAX} bytes are the most`;

/** @returns names of the properties that may be given for the packet */
export function namesFor(packet: PropertyPacket): string[] {
	return PROPERTY_NAMES.filter(([, id]) => mayBeGiven(packet, id)).map(([name]) => name);
}

/** Subscription Identifiers in a PUBLISH come from servers alone ([MQTT-3.3.4-6]). */
function mayBeGiven(packet: PropertyPacket, id: PropertyId): boolean {
	if (packet === "publish" && id === PropertyId.SubscriptionIdentifier) return false;
	return mayCarry(PROPERTY_PACKETS[packet], id);
}

function propertyValue(
	id: PropertyId,
	value: string,
	where: string,
	unusable: (what: string) => Error,
): GivenProperty["value"] {
	const most = greatest(propertyType(id));
	if (most === 0) {
		if (Buffer.byteLength(value) > DATA_BYTES_MAX) throw unusable(`${where}: ${TOO_LONG}`);
		return value;
	}
	const least = NOT_ZERO.includes(id) ? 1 : 0;
	const number = Number(value);
	if (/^\d+$/.test(value) && number >= least && number <= most) return number;
	throw unusable(`${where} ${value}: give a number from ${least} to ${most}`);
}

/** @returns the greatest number of the type; 0: it is no number */
function greatest(type: PropertyType): number {
	switch (type) {
		case PropertyType.Byte:
			return 1; // each byte property is 0 or 1
		case PropertyType.TwoByte:
			return 0xffff;
		case PropertyType.FourByte:
			return 0xffff_ffff;
		case PropertyType.Variable:
			return VARIABLE_MAX;
		default:
			return 0;
	}
}

/** @returns the properties as they are in a packet, without Property Length; undefined: there are none */
export function encodeGiven(given: readonly GivenProperty[]): Uint8Array | undefined {
	if (given.length === 0) return undefined;
	const bytes = new Uint8Array(given.reduce((size, { value }) => size + sizeOfValue(value) + ROOM, 0));
	let at = 0;
	for (const { id, value } of given) {
		if (typeof value === "number") at = putNumber(bytes, at, id, value);
		else if (typeof value === "string") at = putStringProperty(bytes, at, id, value, text);
		else at = putUserProperty(bytes, at, value[0], value[1], text);
	}
	return bytes.subarray(0, at);
}

/** Bytes of an identifier, a number, and the lengths of two strings at most. */
const ROOM = 8;

function sizeOfValue(value: GivenProperty["value"]): number {
	if (typeof value === "number") return 0;
	return typeof value === "string" ? text.size(value) : text.size(value[0]) + text.size(value[1]);
}
