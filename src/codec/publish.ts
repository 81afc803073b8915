/** PUBLISH and its four acknowledgements: decode, size and encode side by side.
 *  After framer.ts, before handle-publish.ts. Spec: sections 3.3 to 3.7 */
import { Cause } from "../errors.js";
import type { Text } from "../platform.js";
import { getUint16, putBytes, putUint16, putVariable, sizeOfVariable } from "./data-types.js";
import { PacketType, PublishFlag, ReasonCode, Version } from "./packet-types.js";
import { Properties, sizeOfProperties } from "./properties.js";

/** A PUBLISH where it lies; nothing of it is copied. One object serves all. */
export class PublishPacket {
	bytes: Uint8Array;
	/** the fixed header's low four bits: PublishFlag @internal */
	flags = 0;
	/** Topic Name's bytes; empty when a Topic Alias stands for it @internal */
	topicStart = 0;
	/** @internal */
	topicEnd = 0;
	/** of QoS 1 and 2 */
	packetId = 0;
	payloadStart = 0;
	payloadEnd = 0;
	/** of 5.0; before, it is left as it was */
	readonly properties: Properties;

	/** @param text checks the properties' UTF-8 @param properties shared with other packets of one side, or its own */
	constructor(
		readonly text: Text,
		properties: Properties = new Properties(),
	) {
		this.properties = properties;
		this.bytes = properties.bytes;
	}

	get qos(): number {
		return (this.flags & PublishFlag.Qos) >> 1;
	}

	get retain(): boolean {
		return (this.flags & PublishFlag.Retain) !== 0;
	}

	get dup(): boolean {
		return (this.flags & PublishFlag.Dup) !== 0;
	}
}

/** Takes a PUBLISH's body at bytes[start..end) apart. The Topic Name's UTF-8 is checked by who looks it up.
 *  @param flags the fixed header's low four bits
 *  @returns Cause.None or the check that failed; the fields are valid only after None
 *  Spec: [MQTT-3.3.1-4] [MQTT-3.3.1-2] [MQTT-2.3.1-1] [MQTT-2.3.1-5] */
export function decodePublish(
	packet: PublishPacket,
	bytes: Uint8Array,
	start: number,
	end: number,
	flags: number,
	version: Version,
): Cause {
	packet.bytes = bytes;
	packet.flags = flags;
	let p = start + 2 + ((bytes[start]! << 8) | bytes[start + 1]!);
	if (p > end) return start + 2 > end ? Cause.PacketTooShort : Cause.StringPastEnd;
	packet.topicStart = start + 2;
	packet.topicEnd = p;
	if (flags <= PublishFlag.Retain) {
		// QoS 0, as most are
	} else if ((flags & PublishFlag.Qos) === 0) {
		if (version !== Version.V31) return Cause.PublishDupQos0;
	} else {
		if ((flags & PublishFlag.Qos) === PublishFlag.Qos) return Cause.PublishQos3;
		if (p + 2 > end) return Cause.PacketTooShort;
		const id = (bytes[p]! << 8) | bytes[p + 1]!;
		if (id === 0) return Cause.PacketIdZero;
		packet.packetId = id;
		p += 2;
	}
	if (version === Version.V5) {
		if (p < end && bytes[p] === 0) {
			p++;
			if (packet.properties.end) packet.properties.clear();
		} else {
			const cause = packet.properties.decode(bytes, p, end, PacketType.Publish, packet.text);
			if (cause !== Cause.None) return cause;
			p = packet.properties.end;
		}
	}
	packet.payloadStart = p;
	packet.payloadEnd = end;
	return Cause.None;
}

/** @returns Remaining Length of a PUBLISH
 *  @param propertyBytes encoded properties without their Property Length; ignored before 5.0 */
export function remainingOfPublish(
	version: Version,
	qos: number,
	topicBytes: number,
	propertyBytes: number,
	payloadBytes: number,
): number {
	const size = 2 + topicBytes + (qos > 0 ? 2 : 0) + payloadBytes;
	return version === Version.V5 ? size + sizeOfProperties(propertyBytes) : size;
}

/** @returns bytes of a whole packet with this Remaining Length */
export function sizeOfPacket(remaining: number): number {
	return 1 + sizeOfVariable(remaining) + remaining;
}

/** Writes a PUBLISH's fixed header and Topic Name. What follows is the Packet Identifier (QoS > 0), Property Length and
 *  properties (5.0) and the payload. @param flags PublishFlag bits @returns index after the Topic Name */
export function encodePublishHead(
	bytes: Uint8Array,
	at: number,
	flags: number,
	remaining: number,
	topic: Uint8Array,
	topicStart: number,
	topicEnd: number,
): number {
	bytes[at] = (PacketType.Publish << 4) | flags;
	let p = at + 1;
	if (remaining < 128) bytes[p++] = remaining;
	else p = putVariable(bytes, p, remaining);
	const topicBytes = topicEnd - topicStart;
	bytes[p] = topicBytes >> 8;
	bytes[p + 1] = topicBytes;
	return topicBytes === 0 ? p + 2 : putBytes(bytes, p + 2, topic, topicStart, topicEnd);
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP where it lies. */
export class AckPacket {
	packetId = 0;
	/** 0 before 5.0 */
	reason = 0;

	constructor(readonly properties: Properties = new Properties()) {}
}

/** Takes an acknowledgement's body apart. Spec: sections 3.4 to 3.7, [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1]
 *  [MQTT-3.7.2-1] */
export function decodeAck(
	packet: AckPacket,
	bytes: Uint8Array,
	start: number,
	end: number,
	type: PacketType,
	version: Version,
	text: Text,
): Cause {
	packet.reason = 0;
	packet.properties.clear();
	if (end - start < 2) return Cause.PacketTooShort;
	packet.packetId = getUint16(bytes, start);
	if (packet.packetId === 0) return Cause.PacketIdZero;
	if (end === start + 2) return Cause.None;
	if (version !== Version.V5) return Cause.PacketTrailingBytes;
	packet.reason = bytes[start + 2]!;
	if (!isAckReason(type, packet.reason)) return Cause.ReasonCodeUnknown;
	if (end === start + 3) return Cause.None;
	return packet.properties.decodeLast(bytes, start + 3, end, type, text);
}

function isAckReason(type: PacketType, reason: number): boolean {
	if (type === PacketType.Pubrel || type === PacketType.Pubcomp)
		return reason === ReasonCode.Success || reason === ReasonCode.PacketIdentifierNotFound;
	switch (reason) {
		case ReasonCode.Success:
		case ReasonCode.NoMatchingSubscribers:
		case ReasonCode.UnspecifiedError:
		case ReasonCode.ImplementationSpecificError:
		case ReasonCode.NotAuthorized:
		case ReasonCode.TopicNameInvalid:
		case ReasonCode.PacketIdentifierInUse:
		case ReasonCode.QuotaExceeded:
		case ReasonCode.PayloadFormatInvalid:
			return true;
		default:
			return false;
	}
}

/** @returns bytes of a whole acknowledgement */
export function sizeOfAck(version: Version, reason: number, propertyBytes: number): number {
	if (version !== Version.V5 || (reason === 0 && propertyBytes === 0)) return 4;
	return sizeOfPacket(propertyBytes === 0 ? 3 : 3 + sizeOfProperties(propertyBytes));
}

/** Writes an acknowledgement in its shortest form. Spec: [MQTT-2.3.1-6] @returns index after it */
export function encodeAck(
	bytes: Uint8Array,
	at: number,
	type: PacketType,
	packetId: number,
	version: Version,
	reason: number,
	properties: Uint8Array,
	start: number,
	end: number,
): number {
	bytes[at] = type === PacketType.Pubrel ? 0x62 : type << 4;
	const short = version !== Version.V5 || (reason === 0 && start === end);
	let p = putVariable(bytes, at + 1, short ? 2 : start === end ? 3 : 3 + sizeOfProperties(end - start));
	p = putUint16(bytes, p, packetId);
	if (short) return p;
	bytes[p++] = reason;
	return start === end ? p : putBytes(bytes, putVariable(bytes, p, end - start), properties, start, end);
}
