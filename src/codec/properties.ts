/** The properties of MQTT 5.0: reading, checking, writing. Spec: 5.0, section 2.2.2 */

import { Cause } from "../errors.js";
import { frozen } from "../frozen.js";
import type { Text } from "../platform.js";
import {
	endOfData,
	getUint16,
	getUint32,
	getVariable,
	putBytes,
	putString,
	putUint16,
	putUint32,
	putVariable,
	sizeOfVariable,
	VARIABLE_MAX,
} from "./data-types.js";
import { PacketType, PropertyId } from "./packet-types.js";

/** How a property's value is written. Spec: 5.0, table 2-4 */
export const enum PropertyType {
	None,
	Byte,
	TwoByte,
	FourByte,
	Variable,
	Utf8,
	Binary,
	Pair,
}

/** The Will Properties of CONNECT have rules of their own: this stands in for a packet type. */
export const WILL = 0;

const P = PacketType.Publish;
const ANSWERS = 0b1000101010110100; // CONNACK, PUBACK to PUBCOMP, SUBACK, UNSUBACK, AUTH

/** By property identifier: type, and one bit for each Control Packet type that may carry it (bit 0: Will
 *  Properties). */
const RULES: readonly (readonly [type: PropertyType, packets: number] | undefined)[] = frozen([
	undefined,
	[PropertyType.Byte, (1 << P) | 1], // 1 Payload Format Indicator
	[PropertyType.FourByte, (1 << P) | 1], // 2 Message Expiry Interval
	[PropertyType.Utf8, (1 << P) | 1], // 3 Content Type
	undefined,
	undefined,
	undefined,
	undefined,
	[PropertyType.Utf8, (1 << P) | 1], // 8 Response Topic
	[PropertyType.Binary, (1 << P) | 1], // 9 Correlation Data
	undefined,
	[PropertyType.Variable, (1 << P) | (1 << PacketType.Subscribe)], // 11 Subscription Identifier
	undefined,
	undefined,
	undefined,
	undefined,
	undefined,
	[PropertyType.FourByte, (1 << PacketType.Connect) | (1 << PacketType.Connack) | (1 << PacketType.Disconnect)], // 17
	[PropertyType.Utf8, 1 << PacketType.Connack], // 18 Assigned Client Identifier
	[PropertyType.TwoByte, 1 << PacketType.Connack], // 19 Server Keep Alive
	undefined,
	// 21 Auth. Method
	[PropertyType.Utf8, (1 << PacketType.Connect) | (1 << PacketType.Connack) | (1 << PacketType.Auth)],
	// 22 Auth. Data
	[PropertyType.Binary, (1 << PacketType.Connect) | (1 << PacketType.Connack) | (1 << PacketType.Auth)],
	[PropertyType.Byte, 1 << PacketType.Connect], // 23 Request Problem Information
	[PropertyType.FourByte, 1], // 24 Will Delay Interval
	[PropertyType.Byte, 1 << PacketType.Connect], // 25 Request Response Information
	[PropertyType.Utf8, 1 << PacketType.Connack], // 26 Response Information
	undefined,
	[PropertyType.Utf8, (1 << PacketType.Connack) | (1 << PacketType.Disconnect)], // 28 Server Reference
	undefined,
	undefined,
	[PropertyType.Utf8, ANSWERS | (1 << PacketType.Pubrel) | (1 << PacketType.Disconnect)], // 31 Reason String
	undefined,
	[PropertyType.TwoByte, (1 << PacketType.Connect) | (1 << PacketType.Connack)], // 33 Receive Maximum
	[PropertyType.TwoByte, (1 << PacketType.Connect) | (1 << PacketType.Connack)], // 34 Topic Alias Maximum
	[PropertyType.TwoByte, 1 << P], // 35 Topic Alias
	[PropertyType.Byte, 1 << PacketType.Connack], // 36 Maximum QoS
	[PropertyType.Byte, 1 << PacketType.Connack], // 37 Retain Available
	[PropertyType.Pair, 0xffff], // 38 User Property
	[PropertyType.FourByte, (1 << PacketType.Connect) | (1 << PacketType.Connack)], // 39 Maximum Packet Size
	[PropertyType.Byte, 1 << PacketType.Connack], // 40 Wildcard Subscription Available
	[PropertyType.Byte, 1 << PacketType.Connack], // 41 Subscription Identifier Available
	[PropertyType.Byte, 1 << PacketType.Connack], // 42 Shared Subscription Available
]);

/** Largest property identifier, plus one. */
export const PROPERTY_IDS = 43;

/** @returns how the property is written; None when no such property exists */
export function propertyType(id: number): PropertyType {
	return RULES[id]?.[0] ?? PropertyType.None;
}

/** @returns whether a packet of the type (0: Will Properties) may carry the property */
export function mayCarry(packet: number, id: number): boolean {
	const rule = RULES[id];
	return rule !== undefined && ((rule[1] >> packet) & 1) === 1;
}

/** A packet's properties where they lie: numbers by identifier, data as positions in `bytes`. One object serves
 *  all packets. */
export class Properties {
	bytes: Uint8Array = EMPTY;
	/** first and last+1 index of the properties, without the Property Length */
	start = 0;
	end = 0;
	/** how many User Properties and Subscription Identifiers there are; each is met again by walking [start..end)
	 *  @internal */
	userCount = 0;
	/** @internal */
	identifierCount = 0;
	/** which identifiers are present: bits 0-31, and 32-42 */
	private low = 0;
	private high = 0;
	private readonly values: Uint32Array;
	private readonly ends: Uint32Array;

	constructor() {
		this.values = new Uint32Array(PROPERTY_IDS);
		this.ends = new Uint32Array(PROPERTY_IDS);
	}

	has(id: PropertyId): boolean {
		return ((id < 32 ? this.low >>> id : this.high >>> (id - 32)) & 1) === 1;
	}

	/** @returns the number, or `otherwise` when the property is absent */
	number(id: PropertyId, otherwise: number): number {
		return this.has(id) ? this.values[id]! : otherwise;
	}

	/** @returns first index of a string's or binary data's bytes, after the two length bytes */
	dataStart(id: PropertyId): number {
		return this.values[id]!;
	}

	/** @returns index after the data's last byte */
	dataEnd(id: PropertyId): number {
		return this.ends[id]!;
	}

	/** @returns the string; undefined when absent. Allocates it. */
	string(id: PropertyId, text: Text): string | undefined {
		return this.has(id) ? text.decode(this.bytes, this.values[id]!, this.ends[id]!) : undefined;
	}

	/** No properties at all, as in a packet of 3.1.1. @internal */
	clear(): void {
		this.low = 0;
		this.high = 0;
		this.userCount = 0;
		this.identifierCount = 0;
		this.start = 0;
		this.end = 0;
	}

	/** Reads Property Length and properties at bytes[at..end) and checks them; `this.end` is the index after them.
	 *  @param packet PacketType, or WILL
	 *  @param text checks UTF-8: each string costs one string of garbage
	 *  @returns Cause.None or the check that failed. Spec: [MQTT-2.2.2-1] @internal */
	decode(bytes: Uint8Array, at: number, end: number, packet: number, text: Text): Cause {
		this.clear();
		const length = getVariable(bytes, at, end);
		if (length < 0) return Cause.PropertyLength;
		let p = at + sizeOfVariable(length);
		const stop = p + length;
		if (stop > end) return Cause.PropertyLength;
		this.bytes = bytes;
		this.start = p;
		this.end = stop;
		while (p < stop) {
			const id = bytes[p]!; // every known identifier takes one byte
			const rule = RULES[id];
			if (rule === undefined) return Cause.PropertyUnknown;
			if (((rule[1] >> packet) & 1) === 0) return Cause.PropertyNotAllowed;
			const cause = this.mark(id, packet);
			if (cause !== Cause.None) return cause;
			p = this.value(bytes, p + 1, stop, id, rule[0], text);
			if (p < 0) return -p;
		}
		return Cause.None;
	}

	/** `decode` of what a packet ends with. @returns Cause.None or the check that failed @internal */
	decodeLast(bytes: Uint8Array, at: number, end: number, packet: number, text: Text): Cause {
		const cause = this.decode(bytes, at, end, packet, text);
		return cause === Cause.None && this.end !== end ? Cause.PacketTrailingBytes : cause;
	}

	/** Notes that the property is present. */
	private mark(id: number, packet: number): Cause {
		if (id === PropertyId.UserProperty) this.userCount++;
		else if (id === PropertyId.SubscriptionIdentifier) {
			if (this.identifierCount++ > 0 && packet !== PacketType.Publish) return Cause.PropertyDuplicate;
		} else if (this.has(id)) return Cause.PropertyDuplicate;
		if (id < 32) this.low |= 1 << id;
		else this.high |= 1 << (id - 32);
		return Cause.None;
	}

	/** @returns index after the value at `p`, or the cause, negated */
	private value(bytes: Uint8Array, p: number, stop: number, id: number, type: PropertyType, text: Text): number {
		switch (type) {
			case PropertyType.Byte: {
				if (p + 1 > stop) return -Cause.StringPastEnd;
				const value = bytes[p]!;
				this.values[id] = value;
				return value > 1 ? -Cause.PropertyValue : p + 1; // each byte property is 0 or 1
			}
			case PropertyType.TwoByte: {
				if (p + 2 > stop) return -Cause.StringPastEnd;
				const value = getUint16(bytes, p);
				this.values[id] = value;
				if (value === 0 && id === PropertyId.ReceiveMaximum) return -Cause.PropertyValue;
				if (value === 0 && id === PropertyId.TopicAlias) return -Cause.TopicAliasInvalid;
				return p + 2;
			}
			case PropertyType.FourByte: {
				if (p + 4 > stop) return -Cause.StringPastEnd;
				const value = getUint32(bytes, p);
				this.values[id] = value;
				return value === 0 && id === PropertyId.MaximumPacketSize ? -Cause.PropertyValue : p + 4;
			}
			case PropertyType.Variable: {
				const value = getVariable(bytes, p, stop);
				if (value < 0) return -Cause.VariableByteInteger;
				this.values[id] = value;
				return value === 0 ? -Cause.PropertyValue : p + sizeOfVariable(value);
			}
			case PropertyType.Pair: {
				const middle = this.utf8(bytes, p, stop, text);
				return middle < 0 ? middle : this.utf8(bytes, middle, stop, text);
			}
			case PropertyType.Utf8: {
				const after = this.utf8(bytes, p, stop, text);
				this.values[id] = p + 2;
				this.ends[id] = after;
				return after;
			}
			default: {
				const after = endOfData(bytes, p, stop);
				this.values[id] = p + 2;
				this.ends[id] = after;
				return after < 0 ? -Cause.StringPastEnd : after;
			}
		}
	}

	private utf8(bytes: Uint8Array, p: number, stop: number, text: Text): number {
		const after = endOfData(bytes, p, stop);
		if (after < 0) return -Cause.StringPastEnd;
		const cause = checkUtf8(bytes, p + 2, after, text);
		return cause === Cause.None ? after : -cause;
	}
}

const EMPTY: Uint8Array = new Uint8Array(0); // tidy: never written

/** Checks a UTF-8 encoded string. Spec: [MQTT-1.5.3-1] [MQTT-1.5.3-2] (3.1.1), [MQTT-1.5.4-1] [MQTT-1.5.4-2] (5.0) */
export function checkUtf8(bytes: Uint8Array, start: number, end: number, text: Text): Cause {
	const value = text.decode(bytes, start, end);
	if (value === undefined) return Cause.StringIllFormed;
	return value.indexOf("\0") >= 0 ? Cause.StringHasNul : Cause.None;
}

/** @returns index after the property that begins (with its identifier) at `at`; the properties were checked by
 *  `decode` */
export function endOfProperty(bytes: Uint8Array, at: number, end: number): number {
	const p = at + 1;
	switch (propertyType(bytes[at]!)) {
		case PropertyType.Byte:
			return p + 1;
		case PropertyType.TwoByte:
			return p + 2;
		case PropertyType.FourByte:
			return p + 4;
		case PropertyType.Variable:
			return p + sizeOfVariable(getVariable(bytes, p, end));
		case PropertyType.Pair:
			return endOfData(bytes, endOfData(bytes, p, end), end);
		default:
			return endOfData(bytes, p, end);
	}
}

/** Writes a property whose value is a number. @returns index after it, at most 5 bytes on */
export function putNumber(bytes: Uint8Array, at: number, id: PropertyId, value: number): number {
	bytes[at++] = id;
	switch (propertyType(id)) {
		case PropertyType.Byte:
			bytes[at] = value;
			return at + 1;
		case PropertyType.TwoByte:
			return putUint16(bytes, at, value);
		case PropertyType.FourByte:
			return putUint32(bytes, at, value);
		default:
			return putVariable(bytes, at, value);
	}
}

/** Writes a property whose value is a string. @returns index after it */
export function putStringProperty(bytes: Uint8Array, at: number, id: PropertyId, value: string, text: Text): number {
	bytes[at] = id;
	return putString(bytes, at + 1, value, text);
}

/** Writes a property whose value is binary data or encoded text. @returns index after it */
export function putDataProperty(
	bytes: Uint8Array,
	at: number,
	id: PropertyId,
	data: Uint8Array,
	start: number,
	end: number,
): number {
	bytes[at] = id;
	return putBytes(bytes, putUint16(bytes, at + 1, end - start), data, start, end);
}

/** Writes a User Property. @returns index after it */
export function putUserProperty(bytes: Uint8Array, at: number, name: string, value: string, text: Text): number {
	bytes[at] = PropertyId.UserProperty;
	return putString(bytes, putString(bytes, at + 1, name, text), value, text);
}

/** @returns bytes of a Property Length and the properties after it */
export function sizeOfProperties(bytes: number): number {
	return bytes > VARIABLE_MAX ? VARIABLE_MAX + 4 : sizeOfVariable(bytes) + bytes;
}
