/** Packets as npm's mqtt-packet describes them, written and read by Hearth's codec: for tests that hold one against the
 *  other. */
import type { Packet } from "mqtt-packet";
import { text } from "../../host-sim/text.js";
import * as connect from "../../src/codec/connect.js";
import { endOfData, getUint16, getVariable } from "../../src/codec/data-types.js";
import { PacketType, type PropertyId, Version } from "../../src/codec/packet-types.js";
import * as property from "../../src/codec/properties.js";
import * as publish from "../../src/codec/publish.js";
import * as subscribe from "../../src/codec/subscribe.js";
import { Cause } from "../../src/errors.js";

export const PROPERTY_NAMES: Readonly<Record<string, number>> = {
	payloadFormatIndicator: 1,
	messageExpiryInterval: 2,
	contentType: 3,
	responseTopic: 8,
	correlationData: 9,
	subscriptionIdentifier: 11,
	sessionExpiryInterval: 17,
	assignedClientIdentifier: 18,
	serverKeepAlive: 19,
	authenticationMethod: 21,
	authenticationData: 22,
	requestProblemInformation: 23,
	willDelayInterval: 24,
	requestResponseInformation: 25,
	responseInformation: 26,
	serverReference: 28,
	reasonString: 31,
	receiveMaximum: 33,
	topicAliasMaximum: 34,
	topicAlias: 35,
	maximumQoS: 36,
	retainAvailable: 37,
	userProperties: 38,
	maximumPacketSize: 39,
	wildcardSubscriptionAvailable: 40,
	subscriptionIdentifiersAvailable: 41,
	sharedSubscriptionAvailable: 42,
};

export const PACKET_TYPES: Readonly<Record<string, number>> = {
	connect: 1,
	connack: 2,
	publish: 3,
	puback: 4,
	pubrec: 5,
	pubrel: 6,
	pubcomp: 7,
	subscribe: 8,
	suback: 9,
	unsubscribe: 10,
	unsuback: 11,
	pingreq: 12,
	pingresp: 13,
	disconnect: 14,
	auth: 15,
};

// biome-ignore lint/suspicious/noExplicitAny: mqtt-packet's packets, of all kinds
export type Fields = any;

/** @returns encoded properties, in the order of the object's */
export function encodeProperties(properties: Fields): Uint8Array {
	const bytes = new Uint8Array(100_000);
	let at = 0;
	for (const [name, value] of Object.entries(properties ?? {})) {
		const id = PROPERTY_NAMES[name]! as PropertyId;
		for (const item of Array.isArray(value) ? value : [value]) {
			if (typeof item === "number") at = property.putNumber(bytes, at, id, item);
			else if (typeof item === "boolean") at = property.putNumber(bytes, at, id, item ? 1 : 0);
			else if (typeof item === "string") at = property.putStringProperty(bytes, at, id, item, text);
			else if (item instanceof Uint8Array) at = property.putDataProperty(bytes, at, id, item, 0, item.length);
			else
				for (const [key, one] of Object.entries(item as object))
					for (const each of Array.isArray(one) ? one : [one])
						at = property.putUserProperty(bytes, at, key, each, text);
		}
	}
	return bytes.slice(0, at);
}

/** Writes a packet at bytes[at..]. @returns index after it, and the bytes that the codec said it would take */
export function encode(p: Fields, version: Version, bytes: Uint8Array, at: number): { end: number; size: number } {
	const v5 = version === Version.V5;
	const props = encodeProperties(v5 ? p.properties : undefined);
	const n = props.length;
	const reason = p.reasonCode ?? p.returnCode ?? 0;
	switch (p.cmd) {
		case "connect": {
			const fields: connect.ConnectFields = {
				version,
				clientId: p.clientId,
				cleanStart: p.clean,
				keepAlive: p.keepalive,
				...(p.username === undefined ? {} : { userName: p.username }),
				...(p.password === undefined ? {} : { password: p.password }),
				...(n > 0 ? { properties: props } : {}),
			};
			if (p.will) {
				const { topic, payload, qos, retain, properties } = p.will;
				fields.will = { topic, payload, qos, retain, properties: encodeProperties(v5 ? properties : undefined) };
			}
			const size = publish.sizeOfPacket(connect.sizeOfConnect(fields, text));
			return { end: connect.encodeConnect(bytes, at, fields, text), size };
		}
		case "connack": {
			const end = connect.encodeConnack(bytes, at, version, p.sessionPresent, reason, props, 0, n);
			return { end, size: connect.sizeOfConnack(version, n) };
		}
		case "publish":
			return encodePublish(p, version, props, bytes, at);
		case "subscribe":
		case "unsubscribe": {
			const type = PACKET_TYPES[p.cmd] as PacketType.Subscribe | PacketType.Unsubscribe;
			const entries =
				p.subscriptions?.map(entryOf) ?? p.unsubscriptions.map((filter: string) => ({ filter, options: 0 }));
			const size = publish.sizeOfPacket(subscribe.sizeOfSubscribe(type, version, entries, n, text));
			return { end: subscribe.encodeSubscribe(bytes, at, type, version, p.messageId, entries, props, text), size };
		}
		case "suback":
		case "unsuback": {
			const type = PACKET_TYPES[p.cmd] as PacketType.Suback | PacketType.Unsuback;
			const codes: number[] = v5 || p.cmd === "suback" ? p.granted : [];
			let end = subscribe.encodeSubackHead(bytes, at, type, version, p.messageId, codes.length, props, 0, n);
			for (const code of codes) bytes[end++] = code;
			return { end, size: subscribe.sizeOfSuback(type, version, codes.length, n) };
		}
		case "pingreq":
		case "pingresp":
			return { end: connect.encodePing(bytes, at, PACKET_TYPES[p.cmd] as PacketType.Pingreq), size: 2 };
		case "disconnect":
		case "auth": {
			const type = PACKET_TYPES[p.cmd] as PacketType.Disconnect;
			const end = connect.encodeReason(bytes, at, type, version, reason, props, 0, n);
			return { end, size: connect.sizeOfReason(version, reason, n) };
		}
		default: {
			const type = PACKET_TYPES[p.cmd] as PacketType;
			const end = publish.encodeAck(bytes, at, type, p.messageId, version, reason, props, 0, n);
			return { end, size: publish.sizeOfAck(version, reason, n) };
		}
	}
}

function entryOf(s: Fields): subscribe.FilterEntry {
	const options = s.qos | (s.nl ? 4 : 0) | (s.rap ? 8 : 0) | ((s.rh ?? 0) << 4);
	return { filter: s.topic, options };
}

function encodePublish(p: Fields, version: Version, props: Uint8Array, bytes: Uint8Array, at: number) {
	const topic = new TextEncoder().encode(p.topic);
	const payload: Uint8Array = p.payload;
	const remaining = publish.remainingOfPublish(version, p.qos, topic.length, props.length, payload.length);
	const flags = (p.dup ? 8 : 0) | (p.qos << 1) | (p.retain ? 1 : 0);
	let end = publish.encodePublishHead(bytes, at, flags, remaining, topic, 0, topic.length);
	if (p.qos > 0) {
		bytes[end++] = p.messageId >> 8;
		bytes[end++] = p.messageId & 255;
	}
	if (version === Version.V5) end = connect.putProperties(bytes, end, props);
	bytes.set(payload, end);
	return { end: end + payload.length, size: publish.sizeOfPacket(remaining) };
}

/** @returns the properties as mqtt-packet has them; walks them by `endOfProperty` */
function readProperties(p: property.Properties): Fields {
	const result: Fields = {};
	for (let at = p.start; at < p.end; at = property.endOfProperty(p.bytes, at, p.end)) {
		const id = p.bytes[at]! as PropertyId;
		const name = Object.keys(PROPERTY_NAMES).find((key) => PROPERTY_NAMES[key] === id)!;
		const type = property.propertyType(id);
		if (type === property.PropertyType.Pair) {
			const middle = endOfData(p.bytes, at + 1, p.end);
			const key = text.decode(p.bytes, at + 3, middle)!;
			const value = text.decode(p.bytes, middle + 2, endOfData(p.bytes, middle, p.end))!;
			result.userProperties ??= Object.create(null);
			const had = result.userProperties[key];
			result.userProperties[key] = had === undefined ? value : [...(Array.isArray(had) ? had : [had]), value];
		} else if (type === property.PropertyType.Variable) {
			const value = getVariable(p.bytes, at + 1, p.end);
			const had = result[name];
			result[name] = had === undefined ? value : [...(Array.isArray(had) ? had : [had]), value];
		} else if (type === property.PropertyType.Utf8) result[name] = p.string(id, text);
		else if (type === property.PropertyType.Binary) result[name] = p.bytes.slice(p.dataStart(id), p.dataEnd(id));
		else result[name] = p.number(id, -1);
	}
	return result;
}

/** Takes a packet's body at bytes[start..end) apart. @returns the cause, and the fields after Cause.None */
export function decode(
	first: number,
	bytes: Uint8Array,
	start: number,
	end: number,
	version: Version,
): { cause: Cause; fields?: Fields } {
	const type = first >> 4;
	const cmd = Object.keys(PACKET_TYPES)[type - 1] as Packet["cmd"];
	const data = (from: number, to: number) => bytes.slice(from, to);
	const string = (from: number, to: number) => text.decode(bytes, from, to);
	switch (type) {
		case PacketType.Connect: {
			const p = new connect.ConnectPacket();
			const cause = connect.decodeConnect(p, bytes, start, end, text);
			if (cause !== Cause.None) return { cause };
			const fields: Fields = { cmd, version: p.version, clean: p.cleanStart, keepalive: p.keepAlive };
			fields.clientId = string(p.clientIdStart, p.clientIdEnd);
			fields.properties = readProperties(p.properties);
			if (p.userNameStart >= 0) fields.username = string(p.userNameStart, p.userNameEnd);
			if (p.passwordStart >= 0) fields.password = data(p.passwordStart, p.passwordEnd);
			if (p.hasWill)
				fields.will = {
					topic: string(p.willTopicStart, p.willTopicEnd),
					payload: data(p.willPayloadStart, p.willPayloadEnd),
					qos: (p.flags >> 3) & 3,
					retain: (p.flags & 0x20) !== 0,
					properties: readProperties(p.will),
				};
			return { cause, fields };
		}
		case PacketType.Publish: {
			const p = new publish.PublishPacket(text);
			const cause = publish.decodePublish(p, bytes, start, end, first & 15, version);
			if (cause !== Cause.None) return { cause };
			const fields: Fields = { cmd, qos: p.qos, retain: p.retain, dup: p.dup };
			fields.topic = string(p.topicStart, p.topicEnd);
			fields.payload = data(p.payloadStart, p.payloadEnd);
			if (p.qos > 0) fields.messageId = p.packetId;
			if (version === Version.V5) fields.properties = readProperties(p.properties);
			return { cause, fields };
		}
		case PacketType.Subscribe:
		case PacketType.Unsubscribe: {
			const p = new subscribe.SubscribePacket();
			const cause = p.decode(bytes, start, end, type, version, text);
			if (cause !== Cause.None) return { cause };
			const entries = [];
			p.rewind();
			for (let i = 0; i < p.filterCount; i++) {
				p.next();
				entries.push([string(p.filterStart, p.filterEnd), p.options]);
			}
			return { cause, fields: { cmd, messageId: p.packetId, entries, properties: readProperties(p.properties) } };
		}
		case PacketType.Suback:
		case PacketType.Unsuback: {
			const p = new subscribe.SubackPacket();
			const cause = p.decode(bytes, start, end, type, version, text);
			if (cause !== Cause.None) return { cause };
			const granted = [...data(p.codesStart, p.codesEnd)];
			return { cause, fields: { cmd, messageId: p.packetId, granted, properties: readProperties(p.properties) } };
		}
		case PacketType.Connack:
		case PacketType.Disconnect:
		case PacketType.Auth: {
			const p = new connect.ReasonPacket();
			const cause =
				type === PacketType.Connack
					? connect.decodeConnack(p, bytes, start, end, version, text)
					: connect.decodeReason(p, bytes, start, end, type, version, text);
			if (cause !== Cause.None) return { cause };
			const fields: Fields = { cmd, reason: p.reason, properties: readProperties(p.properties) };
			if (type === PacketType.Connack) fields.sessionPresent = p.sessionPresent;
			return { cause, fields };
		}
		case PacketType.Pingreq:
		case PacketType.Pingresp:
			return start === end ? { cause: Cause.None, fields: { cmd } } : { cause: Cause.PacketTrailingBytes };
		default: {
			const p = new publish.AckPacket();
			const cause = publish.decodeAck(p, bytes, start, end, type, version, text);
			if (cause !== Cause.None) return { cause };
			const properties = readProperties(p.properties);
			return { cause, fields: { cmd, messageId: getUint16(bytes, start), reason: p.reason, properties } };
		}
	}
}
