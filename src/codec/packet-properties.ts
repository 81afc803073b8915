/** Properties of 5.0 as a plain object, for programs that make and keep packets: read from where they lie, and encoded.
 *  Off the packet path: both allocate. Spec: 5.0, section 2.2.2 */
import { HearthError } from "../errors.js";
import { frozen } from "../frozen.js";
import type { Text } from "../platform.js";
import { endOfData, getVariable, VARIABLE_MAX } from "./data-types.js";
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

const NAMES: readonly Name[] = frozen(Object.keys(PROPERTY_IDS) as Name[]);

/** @returns the properties of a packet that was taken apart, as an object of its own */
export function readProperties(properties: Properties, text: Text): PacketProperties {
	const result: Record<string, unknown> = {};
	const { bytes, end } = properties;
	for (let at = properties.start; at < end; ) {
		const id = bytes[at]! as PropertyId;
		const name = NAMES.find((one) => PROPERTY_IDS[one] === id)!;
		const after = endOfProperty(bytes, at, end);
		const before = result[name];
		let value: unknown = properties.number(id, 0);
		switch (propertyType(id)) {
			case PropertyType.Byte:
				if (id !== PropertyId.MaximumQos) value = value === 1;
				break;
			case PropertyType.Variable:
				value = getVariable(bytes, at + 1, end);
				if (before !== undefined) value = listOf(before).concat(value as number);
				break;
			case PropertyType.Utf8:
				value = text.decode(bytes, at + 3, after);
				break;
			case PropertyType.Binary:
				value = bytes.slice(at + 3, after);
				break;
			case PropertyType.Pair: {
				const middle = endOfData(bytes, at + 1, end);
				const pair = [text.decode(bytes, at + 3, middle), text.decode(bytes, middle + 2, after)];
				value = ((before as unknown[] | undefined) ?? []).concat([pair]);
			}
		}
		result[name] = value;
		at = after;
	}
	return result;
}

/** Encodes properties, without their Property Length.
 *  @param packet PacketType, or WILL; `packetName` says in an error whose they are
 *  @param apart those that are checked, and written by somebody else
 *  Throws HearthError for a property that the packet may not carry, and for a value that it cannot have */
export function encodeProperties(
	properties: PacketProperties | undefined,
	packet: number,
	packetName: string,
	text: Text,
	apart: readonly Name[] = NOBODY,
): Uint8Array {
	const given = (properties ?? {}) as Record<string, unknown>;
	const names = Object.keys(given);
	let size = 0;
	for (let i = 0; i < names.length; i++) {
		const name = names[i]!;
		if (given[name] === undefined) continue;
		const id = NAMES.includes(name as Name) ? PROPERTY_IDS[name as Name] : 0;
		const expected = mayCarry(packet, id) ? expectedOf(id as PropertyId, given[name], text) : NONE;
		if (expected !== "") throw new HearthError("HEARTH_ERR_PACKET", `${packetName}: properties.${name}: ${expected}`);
		size += sizeOf(given[name], text);
	}
	const bytes = new Uint8Array(size);
	let at = 0;
	for (let i = 0; i < names.length; i++) {
		const name = names[i] as Name;
		if (given[name] !== undefined && !apart.includes(name)) at = put(bytes, at, PROPERTY_IDS[name], given[name], text);
	}
	return at === size ? bytes : bytes.slice(0, at);
}

const NOBODY: readonly Name[] = frozen([]);

const NONE = "this packet has no such property";

/** @returns what the value should be; "": it is */
function expectedOf(id: PropertyId, value: unknown, text: Text): string {
	const type = propertyType(id);
	switch (type) {
		case PropertyType.Pair:
			if (
				Array.isArray(value) &&
				value.every((pair) => Array.isArray(pair) && fits(pair[0], text) && fits(pair[1], text))
			)
				return "";
			return "give pairs of a name and a value, texts of at most 65,535 bytes";
		case PropertyType.Binary:
			return value instanceof Uint8Array && value.length <= 65_535 ? "" : "give a Uint8Array of at most 65,535 bytes";
		case PropertyType.Utf8:
			return fits(value, text) ? "" : "give a text of at most 65,535 bytes";
	}
	if (type === PropertyType.Byte && id !== PropertyId.MaximumQos)
		return typeof value === "boolean" ? "" : "give true or false";
	const least = NOT_ZERO.includes(id) ? 1 : 0;
	const most = MOST[type]!;
	const mayBeList = type === PropertyType.Variable;
	const numbers = mayBeList ? listOf(value) : [value as number];
	return numbers.every((one) => Number.isInteger(one) && one >= least && one <= most)
		? ""
		: `give a number, ${least} to ${most}${mayBeList ? ", or a list of them" : ""}`;
}

/** Numbers that may not be 0. */
const NOT_ZERO: readonly number[] = frozen([
	PropertyId.ReceiveMaximum,
	PropertyId.TopicAlias,
	PropertyId.MaximumPacketSize,
	PropertyId.SubscriptionIdentifier,
]);

/** The largest number, by type. */
const MOST: readonly number[] = frozen([0, 1, 65_535, 0xffff_ffff, VARIABLE_MAX]);

function listOf(value: unknown): readonly number[] {
	return Array.isArray(value) ? value : [value as number];
}

/** @returns whether the value is a text that a packet can hold. Spec: 5.0, 1.5.4 */
export function fits(value: unknown, text: Text): boolean {
	return typeof value === "string" && text.size(value) <= 65_535 && !value.includes("\0");
}

/** @returns bytes of the encoded property at the most */
function sizeOf(value: unknown, text: Text): number {
	if (typeof value === "string") return 3 + text.size(value);
	if (value instanceof Uint8Array) return 3 + value.length;
	return Array.isArray(value) ? value.reduce((size, one) => size + sizeOf(one, text), 0) : 5;
}

function put(bytes: Uint8Array, at: number, id: PropertyId, value: unknown, text: Text): number {
	if (typeof value === "string") return putStringProperty(bytes, at, id, value, text);
	if (value instanceof Uint8Array) return putDataProperty(bytes, at, id, value, 0, value.length);
	if (!Array.isArray(value)) return putNumber(bytes, at, id, Number(value));
	for (let i = 0; i < value.length; i++) {
		const one: unknown = value[i];
		at = Array.isArray(one) ? putUserProperty(bytes, at, one[0], one[1], text) : put(bytes, at, id, one, text);
	}
	return at;
}
