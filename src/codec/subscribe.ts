/** SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK: decode, size and encode side by side. Spec: sections 3.8 to 3.11 */
import { Cause } from "../errors.js";
import type { Text } from "../platform.js";
import { putProperties } from "./connect.js";
import { endOfData, getUint16, putBytes, putString, putUint16, putVariable } from "./data-types.js";
import { PacketType, SubscribeOption, Version } from "./packet-types.js";
import { checkUtf8, Properties, sizeOfProperties } from "./properties.js";
import { sizeOfPacket } from "./publish.js";

/** A SUBSCRIBE or UNSUBSCRIBE where it lies; `next` walks its Topic Filters. */
export class SubscribePacket {
	bytes: Uint8Array;
	packetId = 0;
	/** how many Topic Filters it lists, ≥ 1 */
	filterCount = 0;
	/** the current Topic Filter, after `next` */
	filterStart = 0;
	filterEnd = 0;
	/** its Subscription Options (SubscribeOption bits; the QoS alone before 5.0) */
	options = 0;
	private first = 0;
	private after = 0;
	private withOptions = true;

	constructor(readonly properties: Properties = new Properties()) {
		this.bytes = properties.bytes;
	}

	/** Takes the body at bytes[start..end) apart and checks every Topic Filter's UTF-8 and options, not its levels.
	 *  Spec: [MQTT-2.3.1-1] [MQTT-3.8.3-3] [MQTT-3.8.3-4] [MQTT-3.10.3-2] [MQTT-4.7.3-1] */
	decode(
		bytes: Uint8Array,
		start: number,
		end: number,
		type: PacketType.Subscribe | PacketType.Unsubscribe,
		version: Version,
		text: Text,
	): Cause {
		this.bytes = bytes;
		this.withOptions = type === PacketType.Subscribe;
		this.properties.clear();
		if (end - start < 2) return Cause.PacketTooShort;
		this.packetId = getUint16(bytes, start);
		if (this.packetId === 0) return Cause.PacketIdZero;
		let p = start + 2;
		if (version === Version.V5) {
			const cause = this.properties.decode(bytes, p, end, type, text);
			if (cause !== Cause.None) return cause;
			p = this.properties.end;
		}
		this.first = p;
		this.after = p;
		this.filterCount = 0;
		if (p === end) return Cause.FilterListEmpty;
		while (p < end) {
			const after = endOfData(bytes, p, end);
			if (after < 0) return Cause.StringPastEnd;
			if (after === p + 2) return Cause.FilterInvalid; // [MQTT-4.7.3-1]
			const cause = checkUtf8(bytes, p + 2, after, text);
			if (cause !== Cause.None) return cause;
			p = after;
			if (this.withOptions) {
				if (p >= end) return Cause.PacketTooShort;
				if (!optionsAllowed(bytes[p]!, version)) return Cause.SubscribeOptions;
				p++;
			}
			this.filterCount++;
		}
		return Cause.None;
	}

	/** Goes back before the first Topic Filter. */
	rewind(): void {
		this.after = this.first;
	}

	/** Steps to the next of `filterCount` Topic Filters. */
	next(): void {
		const p = this.after;
		const end = p + 2 + getUint16(this.bytes, p);
		this.filterStart = p + 2;
		this.filterEnd = end;
		this.options = this.withOptions ? this.bytes[end]! : 0;
		this.after = this.withOptions ? end + 1 : end;
	}
}

/** Spec: 3.1.1 [MQTT-3.8.3-4]; 5.0 [MQTT-3.8.3-5]; 3.1 has no rule on the upper bits */
function optionsAllowed(options: number, version: Version): boolean {
	if ((options & SubscribeOption.Qos) === 3) return false;
	if (version === Version.V5)
		return (options & SubscribeOption.Reserved) === 0 && (options & SubscribeOption.RetainHandling) !== 0x30;
	return version === Version.V31 || options < 3;
}

/** One entry of a SUBSCRIBE; UNSUBSCRIBE ignores the options. */
export interface FilterEntry {
	filter: string;
	/** SubscribeOption bits; the QoS alone before 5.0 */
	options: number;
}

/** @returns Remaining Length of a SUBSCRIBE (with options) or UNSUBSCRIBE */
export function sizeOfSubscribe(
	type: PacketType.Subscribe | PacketType.Unsubscribe,
	version: Version,
	entries: readonly FilterEntry[],
	propertyBytes: number,
	text: Text,
): number {
	let size = version === Version.V5 ? 2 + sizeOfProperties(propertyBytes) : 2;
	for (let i = 0; i < entries.length; i++)
		size += 2 + text.size(entries[i]!.filter) + (type === PacketType.Subscribe ? 1 : 0);
	return size;
}

/** Writes a SUBSCRIBE or UNSUBSCRIBE. @returns index after it */
export function encodeSubscribe(
	bytes: Uint8Array,
	at: number,
	type: PacketType.Subscribe | PacketType.Unsubscribe,
	version: Version,
	packetId: number,
	entries: readonly FilterEntry[],
	properties: Uint8Array | undefined,
	text: Text,
): number {
	bytes[at] = (type << 4) | 2;
	let p = putVariable(bytes, at + 1, sizeOfSubscribe(type, version, entries, properties?.length ?? 0, text));
	p = putUint16(bytes, p, packetId);
	if (version === Version.V5) p = putProperties(bytes, p, properties);
	for (let i = 0; i < entries.length; i++) {
		p = putString(bytes, p, entries[i]!.filter, text);
		if (type === PacketType.Subscribe) bytes[p++] = entries[i]!.options;
	}
	return p;
}

/** SUBACK or UNSUBACK where it lies: one Reason Code each at bytes[codesStart..codesEnd). */
export class SubackPacket {
	bytes: Uint8Array;
	packetId = 0;
	codesStart = 0;
	codesEnd = 0;
	readonly properties: Properties = new Properties();

	constructor() {
		this.bytes = this.properties.bytes;
	}

	/** Takes the body apart. An UNSUBACK before 5.0 has no codes. Spec: sections 3.9 and 3.11, [MQTT-3.9.3-2] */
	decode(
		bytes: Uint8Array,
		start: number,
		end: number,
		type: PacketType.Suback | PacketType.Unsuback,
		version: Version,
		text: Text,
	): Cause {
		this.bytes = bytes;
		this.properties.clear();
		if (end - start < 2) return Cause.PacketTooShort;
		this.packetId = getUint16(bytes, start);
		if (this.packetId === 0) return Cause.PacketIdZero;
		let p = start + 2;
		if (version === Version.V5) {
			const cause = this.properties.decode(bytes, p, end, type, text);
			if (cause !== Cause.None) return cause;
			p = this.properties.end;
		} else if (type === PacketType.Unsuback) {
			this.codesStart = this.codesEnd = p;
			return p === end ? Cause.None : Cause.PacketTrailingBytes;
		}
		this.codesStart = p;
		this.codesEnd = end;
		if (p === end) return Cause.PacketTooShort;
		if (version !== Version.V5)
			for (; p < end; p++) if (bytes[p]! > 2 && bytes[p] !== 0x80) return Cause.ReasonCodeUnknown;
		return Cause.None;
	}
}

/** @returns bytes of a whole SUBACK or UNSUBACK */
export function sizeOfSuback(
	type: PacketType.Suback | PacketType.Unsuback,
	version: Version,
	codeCount: number,
	propertyBytes: number,
): number {
	if (version === Version.V5) return sizeOfPacket(2 + sizeOfProperties(propertyBytes) + codeCount);
	return sizeOfPacket(type === PacketType.Suback ? 2 + codeCount : 2);
}

/** Writes a SUBACK or UNSUBACK up to its codes, which the caller writes next, one byte each, in the order of the
 *  filters
 *  (none in an UNSUBACK before 5.0). Spec: [MQTT-3.8.4-2] [MQTT-3.9.3-1] @returns index of the first code */
export function encodeSubackHead(
	bytes: Uint8Array,
	at: number,
	type: PacketType.Suback | PacketType.Unsuback,
	version: Version,
	packetId: number,
	codeCount: number,
	properties: Uint8Array,
	start: number,
	end: number,
): number {
	const v5 = version === Version.V5;
	bytes[at] = type << 4;
	const body = v5 ? 2 + sizeOfProperties(end - start) + codeCount : type === PacketType.Suback ? 2 + codeCount : 2;
	const p = putUint16(bytes, putVariable(bytes, at + 1, body), packetId);
	return v5 ? putBytes(bytes, putVariable(bytes, p, end - start), properties, start, end) : p;
}
