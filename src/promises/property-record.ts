/** Properties of 5.0 as an object, by the names that JavaScript's MQTT libraries share. Spec: 5.0, 2.2.2.2 */

import { encodeProperties as encode, type PacketProperties, readProperties } from "../codec/packet-properties.js";
import type { Properties } from "../codec/properties.js";
import { HearthError } from "../errors.js";
import type { Text } from "../platform.js";

/** What a property's name leads to. */
export interface PropertyRecord extends Omit<PacketProperties, "subscriptionIdentifier" | "userProperties"> {
	/** 1 to 268,435,455; several are a list */
	subscriptionIdentifier?: number | number[];
	/** a value, or several, by name */
	userProperties?: Record<string, string | string[]>;
}

/** @param packet PacketType, or WILL; `name` says in an error whose they are
 *  @param apart those that are checked, and that the client writes itself
 *  @returns the encoded properties, without Property Length; undefined: there are none. Throws HearthError for a name
 *  that is none, a value that the property cannot have, and what a client may not send in that packet
 *  [5:MQTT-3.3.4-6] */
export function encodeProperties(
	record: PropertyRecord | undefined,
	text: Text,
	packet: number,
	name: string,
	apart?: readonly (keyof PacketProperties)[],
): Uint8Array | undefined {
	if (record === undefined) return undefined;
	const { userProperties, ...given } = record;
	const properties: PacketProperties = given;
	if (given.subscriptionIdentifier !== undefined)
		throw new HearthError(
			"HEARTH_ERR_PACKET",
			`${name}: properties.subscriptionIdentifier: leave it out: the client gives each subscription its own`,
		);
	if (userProperties !== undefined) properties.userProperties = pairs(userProperties);
	const bytes = encode(properties, packet, name, text, apart);
	return bytes.length === 0 ? undefined : bytes;
}

function pairs(record: Record<string, string | string[]>): [string, string][] {
	if (typeof record !== "object" || record === null) return record; // the check says what it should be
	const result: [string, string][] = [];
	for (const [key, value] of Object.entries(record))
		for (const one of Array.isArray(value) ? value : [value]) result.push([key, one]);
	return result;
}

/** @returns the properties of a packet as an object of its own; undefined: there are none */
export function decodeProperties(p: Properties, text: Text): PropertyRecord | undefined {
	if (p.start === p.end) return undefined;
	const { userProperties, ...record } = readProperties(p, text);
	if (userProperties === undefined) return record as PropertyRecord;
	// no prototype: a peer chooses the names
	const users: Record<string, string | string[]> = Object.create(null);
	for (const [key, value] of userProperties) {
		const before = users[key];
		if (before === undefined) users[key] = value;
		else if (Array.isArray(before)) before.push(value);
		else users[key] = [before, value];
	}
	return { ...record, userProperties: users } as PropertyRecord;
}
