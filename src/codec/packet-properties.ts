/** Properties of 5.0 as a plain object, for programs that make and keep packets: read from where they lie, and encoded.
 *  Off the packet path: both allocate. Spec: 5.0, section 2.2.2 */
import { HearthError } from "../errors.js";
import { frozen } from "../frozen.js";
import type { Text } from "../platform.js";
import { getVariable, VARIABLE_MAX } from "./data-types.js";
import { PropertyId } from "./packet-types.js";
import {
	endOfProperty,
	mayCarry,
	type Properties,
	PropertyType,
	propertyType,
	putDataProperty,
	putNumber,
	putStringProperty,
	putUserProperty,
} from "./properties.js";

/** Each has the specification's meaning and the name that JavaScript's MQTT libraries share; what is absent is not
 *  sent. User Properties are pairs, because a device has few property names, and a peer must not choose them. */
export interface PacketProperties {
	/** true: UTF-8 */
	payloadFormatIndicator?: boolean;
	/** seconds */
	messageExpiryInterval?: number;
	contentType?: string;
	responseTopic?: string;
	correlationData?: Uint8Array;
	/** 1 to 268,435,455; several are a list */
	subscriptionIdentifier?: number | readonly number[];
	/** seconds; 0xffffffff: for good */
	sessionExpiryInterval?: number;
	assignedClientIdentifier?: string;
	/** seconds */
	serverKeepAlive?: number;
	authenticationMethod?: string;
	authenticationData?: Uint8Array;
	requestProblemInformation?: boolean;
	/** seconds */
	willDelayInterval?: number;
	requestResponseInformation?: boolean;
	responseInformation?: string;
	serverReference?: string;
	reasonString?: string;
	/** 1 to 65,535 */
	receiveMaximum?: number;
	topicAliasMaximum?: number;
	/** 1 to 65,535 */
	topicAlias?: number;
	/** 0 or 1 */
	maximumQoS?: number;
	retainAvailable?: boolean;
	/** name and value, in their order; a name may come more than once */
	userProperties?: readonly (readonly [name: string, value: string])[];
	/** bytes */
	maximumPacketSize?: number;
	wildcardSubscriptionAvailable?: boolean;
	subscriptionIdentifiersAvailable?: boolean;
	sharedSubscriptionAvailable?: boolean;
}

type Name = keyof PacketProperties;

/** As an object, so that these names are property names of a preloaded module: a device has few for new ones. */
export const PROPERTY_IDS: Readonly<Record<Name, PropertyId>> = frozen({
	payloadFormatIndicator: PropertyId.PayloadFormatIndicator,
	messageExpiryInterval: PropertyId.MessageExpiryInterval,
	contentType: PropertyId.ContentType,
	responseTopic: PropertyId.ResponseTopic,
	correlationData: PropertyId.CorrelationData,
	subscriptionIdentifier: PropertyId.SubscriptionIdentifier,
	sessionExpiryInterval: PropertyId.SessionExpiryInterval,
	assignedClientIdentifier: PropertyId.AssignedClientIdentifier,
	serverKeepAlive: PropertyId.ServerKeepAlive,
	authenticationMethod: PropertyId.AuthenticationMethod,
	authenticationData: PropertyId.AuthenticationData,
	requestProblemInformation: PropertyId.RequestProblemInformation,
	willDelayInterval: PropertyId.WillDelayInterval,
	requestResponseInformation: PropertyId.RequestResponseInformation,
	responseInformation: PropertyId.ResponseInformation,
	serverReference: PropertyId.ServerReference,
	reasonString: PropertyId.ReasonString,
	receiveMaximum: PropertyId.ReceiveMaximum,
	topicAliasMaximum: PropertyId.TopicAliasMaximum,
	topicAlias: PropertyId.TopicAlias,
	maximumQoS: PropertyId.MaximumQos,
	retainAvailable: PropertyId.RetainAvailable,
	userProperties: PropertyId.UserProperty,
	maximumPacketSize: PropertyId.MaximumPacketSize,
	wildcardSubscriptionAvailable: PropertyId.WildcardSubscriptionAvailable,
	subscriptionIdentifiersAvailable: PropertyId.SubscriptionIdentifierAvailable,
	sharedSubscriptionAvailable: PropertyId.SharedSubscriptionAvailable,
});

export const PROPERTY_NAMES: readonly Name[] = frozen(Object.keys(PROPERTY_IDS) as Name[]);

/** @returns the properties of a packet that was taken apart, as an object of its own */
export function readProperties(properties: Properties, text: Text): PacketProperties {
	const result: Record<string, unknown> = {};
	for (let i = 0; i < PROPERTY_NAMES.length; i++) {
		const name = PROPERTY_NAMES[i]!;
		const id = PROPERTY_IDS[name];
		if (!properties.has(id)) continue;
		let value: unknown;
		if (id === PropertyId.UserProperty || id === PropertyId.SubscriptionIdentifier)
			value = readRepeated(properties, id, text);
		else if (propertyType(id) === PropertyType.Utf8) value = properties.string(id, text);
		else if (propertyType(id) === PropertyType.Binary)
			value = properties.bytes.slice(properties.dataStart(id), properties.dataEnd(id));
		else value = isFlag(id) ? properties.number(id, 0) === 1 : properties.number(id, 0);
		result[name] = value;
	}
	return result;
}

/** Those that may come more than once are met by walking. */
function readRepeated(properties: Properties, id: PropertyId, text: Text): unknown {
	const { bytes, start, end } = properties;
	const values: unknown[] = [];
	for (let at = start; at < end; at = endOfProperty(bytes, at, end)) {
		if (bytes[at] !== id) continue;
		if (id === PropertyId.SubscriptionIdentifier) values.push(getVariable(bytes, at + 1, end));
		else {
			const middle = at + 3 + ((bytes[at + 1]! << 8) | bytes[at + 2]!);
			const name = text.decode(bytes, at + 3, middle)!;
			values.push([name, text.decode(bytes, middle + 2, endOfProperty(bytes, at, end))!]);
		}
	}
	return id === PropertyId.SubscriptionIdentifier && values.length === 1 ? values[0] : values;
}

/** @returns whether the value is true or false */
function isFlag(id: PropertyId): boolean {
	return propertyType(id) === PropertyType.Byte && id !== PropertyId.MaximumQos;
}

/** Encodes properties, without their Property Length.
 *  @param packet PacketType, or WILL; `name` says in an error whose they are
 *  @param apart those that are checked, and written by somebody else
 *  Throws HearthError for a property that the packet may not carry, and for a value that it cannot have */
export function encodeProperties(
	properties: PacketProperties | undefined,
	packet: number,
	name: string,
	text: Text,
	apart: readonly Name[] = NOBODY,
): Uint8Array {
	const ids = properties === undefined ? [] : check(properties, packet, name, text, apart);
	let size = 0;
	for (let i = 0; i < ids.length; i++) size += sizeOf(ids[i]!, propertyOf(properties!, ids[i]!), text);
	const bytes = new Uint8Array(size);
	let at = 0;
	for (let i = 0; i < ids.length; i++) at = put(bytes, at, ids[i]!, propertyOf(properties!, ids[i]!), text);
	return at === size ? bytes : bytes.slice(0, at);
}

function propertyOf(properties: PacketProperties, id: PropertyId): unknown {
	for (let i = 0; i < PROPERTY_NAMES.length; i++)
		if (PROPERTY_IDS[PROPERTY_NAMES[i]!] === id) return properties[PROPERTY_NAMES[i]!];
	return undefined;
}

const NOBODY: readonly Name[] = frozen([]);

/** @returns the identifiers of those that are there, but for those apart */
function check(
	properties: PacketProperties,
	packet: number,
	packetName: string,
	text: Text,
	apart: readonly Name[],
): PropertyId[] {
	const ids: PropertyId[] = [];
	const names = Object.keys(properties);
	for (let n = 0; n < names.length; n++) {
		const name = names[n]!;
		const value: unknown = properties[name as Name];
		if (value === undefined) continue;
		let id = 0;
		for (let i = 0; i < PROPERTY_NAMES.length; i++)
			if (PROPERTY_NAMES[i] === name) id = PROPERTY_IDS[PROPERTY_NAMES[i]!];
		if (id === 0 || !mayCarry(packet, id)) throw wrong(packetName, name, "this packet has no such property");
		const expected = expectedOf(id, value, text);
		if (expected !== "") throw wrong(packetName, name, `give ${expected}`);
		if (!apart.includes(name as Name)) ids.push(id);
	}
	return ids;
}

function wrong(packet: string, name: string, what: string): HearthError {
	return new HearthError("HEARTH_ERR_PACKET", `${packet}: properties.${name}: ${what}`);
}

/** @returns what the value should be; "": it is */
function expectedOf(id: PropertyId, value: unknown, text: Text): string {
	if (id === PropertyId.UserProperty) {
		const pairs = value as readonly (readonly string[])[];
		let good = Array.isArray(pairs);
		for (let i = 0; good && i < pairs.length; i++)
			good = Array.isArray(pairs[i]) && fits(pairs[i]![0], text) && fits(pairs[i]![1], text);
		return good ? "" : "pairs of a name and a value, texts of at most 65,535 bytes";
	}
	if (id === PropertyId.SubscriptionIdentifier) {
		const numbers = listOf(value);
		let good = true;
		for (let i = 0; i < numbers.length; i++) good &&= isWithin(numbers[i], 1, VARIABLE_MAX);
		return good ? "" : `a number, 1 to ${VARIABLE_MAX}, or a list of them`;
	}
	switch (propertyType(id)) {
		case PropertyType.Byte:
			if (isFlag(id)) return typeof value === "boolean" ? "" : "true or false";
			return isWithin(value, 0, 1) ? "" : "0 or 1";
		case PropertyType.TwoByte: {
			const least = id === PropertyId.ReceiveMaximum || id === PropertyId.TopicAlias ? 1 : 0;
			return isWithin(value, least, 65_535) ? "" : `a number, ${least} to 65535`;
		}
		case PropertyType.FourByte: {
			const least = id === PropertyId.MaximumPacketSize ? 1 : 0;
			return isWithin(value, least, 0xffffffff) ? "" : `a number, ${least} to 4294967295`;
		}
		case PropertyType.Binary:
			return value instanceof Uint8Array && value.length <= 65_535 ? "" : "a Uint8Array of at most 65,535 bytes";
		default:
			return fits(value, text) ? "" : "a text of at most 65,535 bytes";
	}
}

function listOf(value: unknown): readonly number[] {
	return Array.isArray(value) ? value : [value as number];
}

function isWithin(value: unknown, min: number, max: number): boolean {
	return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

/** @returns whether the value is a text that a packet can hold. Spec: 5.0, 1.5.4 */
function fits(value: unknown, text: Text): boolean {
	return typeof value === "string" && text.size(value) <= 65_535 && value.indexOf("\0") < 0;
}

/** @returns bytes of the encoded property at the most */
function sizeOf(id: PropertyId, value: unknown, text: Text): number {
	if (id === PropertyId.UserProperty) {
		const pairs = value as readonly (readonly [string, string])[];
		let size = 0;
		for (let i = 0; i < pairs.length; i++) size += 5 + text.size(pairs[i]![0]) + text.size(pairs[i]![1]);
		return size;
	}
	if (id === PropertyId.SubscriptionIdentifier) return 5 * listOf(value).length;
	if (typeof value === "string") return 3 + text.size(value);
	return value instanceof Uint8Array ? 3 + value.length : 5;
}

function put(bytes: Uint8Array, at: number, id: PropertyId, value: unknown, text: Text): number {
	if (id === PropertyId.UserProperty) {
		const pairs = value as readonly (readonly [string, string])[];
		for (let i = 0; i < pairs.length; i++) at = putUserProperty(bytes, at, pairs[i]![0], pairs[i]![1], text);
		return at;
	}
	if (id === PropertyId.SubscriptionIdentifier) {
		const numbers = listOf(value);
		for (let i = 0; i < numbers.length; i++) at = putNumber(bytes, at, id, numbers[i]!);
		return at;
	}
	if (typeof value === "string") return putStringProperty(bytes, at, id, value, text);
	if (value instanceof Uint8Array) return putDataProperty(bytes, at, id, value, 0, value.length);
	return putNumber(bytes, at, id, Number(value));
}
