/** Properties of 5.0 as an object, by the names that JavaScript's MQTT libraries share. Spec: 5.0, 2.2.2.2 */

import { endOfData, getVariable } from "../codec/data-types.js";
import { type PacketProperties, PROPERTY_IDS, PROPERTY_NAMES } from "../codec/packet-properties.js";
import { PacketType, PropertyId } from "../codec/packet-types.js";
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
} from "../codec/properties.js";
import { HearthError } from "../errors.js";
import type { Text } from "../platform.js";

/** What a property's name leads to. */
export interface PropertyRecord extends Omit<PacketProperties, "subscriptionIdentifier" | "userProperties"> {
	/** 1 to 268,435,455; several are a list */
	subscriptionIdentifier?: number | number[];
	/** a value, or several, by name */
	userProperties?: Record<string, string | string[]>;
}

/** Numbers' bytes and identifiers of any property. */
const ROOM = 8;

/** @param packet PacketType, or WILL
 *  @returns the encoded properties, without Property Length; undefined: there are none. Throws HearthError for a name
 *  that is none, a value of another type, and what a client may not send in that packet [5:MQTT-3.3.4-6] */
export function encodeProperties(
	record: PropertyRecord | undefined,
	text: Text,
	packet: number,
): Uint8Array | undefined {
	if (record === undefined) return undefined;
	const values: [PropertyId, unknown][] = [];
	let size = 0;
	for (const [name, given] of Object.entries(record)) {
		if (given === undefined) continue;
		const id = PROPERTY_NAMES.includes(name as keyof PacketProperties)
			? PROPERTY_IDS[name as keyof PacketProperties]
			: undefined;
		const serversOnly = packet === PacketType.Publish && id === PropertyId.SubscriptionIdentifier;
		if (id === undefined || serversOnly || !mayCarry(packet, id))
			throw new HearthError("HEARTH_ERR_PROPERTY", `properties: ${name}: there is no such property here; leave it out`);
		for (const value of id === PropertyId.UserProperty
			? pairs(given as object)
			: Array.isArray(given)
				? given
				: [given]) {
			check(name, propertyType(id), value);
			values.push([id, value]);
			size += ROOM + sizeOf(value, text);
		}
	}
	if (values.length === 0) return undefined;
	const bytes = new Uint8Array(size);
	let at = 0;
	for (const [id, value] of values) {
		if (typeof value === "string") at = putStringProperty(bytes, at, id, value, text);
		else if (value instanceof Uint8Array) at = putDataProperty(bytes, at, id, value, 0, value.length);
		else if (Array.isArray(value)) at = putUserProperty(bytes, at, value[0], value[1], text);
		else at = putNumber(bytes, at, id, Number(value));
	}
	return bytes.subarray(0, at);
}

function* pairs(record: object): Generator<[string, string]> {
	for (const [key, value] of Object.entries(record))
		for (const one of Array.isArray(value) ? value : [value]) yield [key, String(one)];
}
Object.freeze(pairs.prototype); // it could be written to, too

function sizeOf(value: unknown, text: Text): number {
	if (typeof value === "string") return text.size(value);
	if (value instanceof Uint8Array) return value.length;
	return Array.isArray(value) ? text.size(value[0]) + text.size(value[1]) : 0;
}

function check(name: string, type: PropertyType, value: unknown): void {
	let good: boolean;
	if (type === PropertyType.Utf8) good = typeof value === "string";
	else if (type === PropertyType.Binary) good = value instanceof Uint8Array;
	else if (type === PropertyType.Pair) good = true;
	else good = typeof value === "boolean" || (Number.isInteger(value) && (value as number) >= 0);
	if (!good) throw new HearthError("HEARTH_ERR_PROPERTY", `properties: ${name}: ${String(value)} is not of its type`);
}

/** @returns the properties of a packet as an object of its own; undefined: there are none */
export function decodeProperties(p: Properties, text: Text): PropertyRecord | undefined {
	if (p.start === p.end) return undefined;
	const record: Record<string, unknown> = {};
	for (let at = p.start; at < p.end; at = endOfProperty(p.bytes, at, p.end)) {
		const id = p.bytes[at]! as PropertyId;
		const name = PROPERTY_NAMES.find((known) => PROPERTY_IDS[known] === id)!;
		switch (propertyType(id)) {
			case PropertyType.Pair: {
				const middle = endOfData(p.bytes, at + 1, p.end);
				const key = text.decode(p.bytes, at + 3, middle)!;
				const value = text.decode(p.bytes, middle + 2, endOfData(p.bytes, middle, p.end))!;
				// no prototype: a peer chooses the names
				record[name] ??= Object.create(null);
				addTo(record[name] as Record<string, unknown>, key, value);
				break;
			}
			case PropertyType.Variable:
				addTo(record, name, getVariable(p.bytes, at + 1, p.end));
				break;
			case PropertyType.Utf8:
				record[name] = p.string(id, text);
				break;
			case PropertyType.Binary:
				record[name] = p.bytes.slice(p.dataStart(id), p.dataEnd(id));
				break;
			case PropertyType.Byte:
				record[name] = id === PropertyId.MaximumQos ? p.number(id, 0) : p.number(id, 0) === 1;
				break;
			default:
				record[name] = p.number(id, 0);
		}
	}
	return record;
}

function addTo(record: Record<string, unknown>, name: string, value: unknown): void {
	const before = record[name];
	if (before === undefined) record[name] = value;
	else if (Array.isArray(before)) before.push(value);
	else record[name] = [before, value];
}
