/** Sends packets that a program made as plain objects (codec/packets.ts). Before output.ts and outbox.ts. */

import { scratchBytes } from "../budget.js";
import { encodeProperties, type PacketProperties } from "../codec/packet-properties.js";
import { PacketType, ReasonCode, Version } from "../codec/packet-types.js";
import {
	encodeServerPacket,
	type Publish,
	type ServerControlPacket,
	type ServerPacket,
	sizeOfServerPacket,
	typeOf,
} from "../codec/packets.js";
import { remainingOfPublish, sizeOfPacket } from "../codec/publish.js";
import { checkTopicName, tooDeep } from "../codec/topic.js";
import { sendControl } from "../delivery/output.js";
import { Cause, causeName, HearthError } from "../errors.js";
import type { Broker } from "./broker.js";
import { closeConnection } from "./close.js";
import type { Connection } from "./connection.js";
import { deliverTo } from "./deliver.js";
import { keepReceived } from "./received.js";
import type { Session } from "./session.js";

/** Sends a packet. DISCONNECT, and a CONNACK that refuses, end the connection. Properties are left out where the packet
 *  would be larger than the client takes, as those of a PUBLISH cannot be.
 *  @param packetId of the packet that is answered, where the object has none; 0: none
 *  @returns Cause.None; PacketTooLarge, PacketNotAllowed (AUTH before 5.0), TransportClosed, FullQueue: nothing was
 *  sent; SlowReceiver: and the connection ends. Throws HearthError for a packet that cannot be made */
export function sendPacket(broker: Broker, connection: Connection, packet: ServerPacket, packetId: number): Cause {
	const type = typeOf(packet);
	if (packet.type === "publish")
		return connection.session === undefined ? Cause.TransportClosed : sendPublish(broker, connection.session, packet);
	const v5 = connection.version === Version.V5;
	if (!v5 && type === PacketType.Auth) return Cause.PacketNotAllowed;
	const given = packet.type === "pingresp" ? undefined : packet.properties;
	const properties = encodeProperties(given, type, packet.type, broker.text);
	const silent = !v5 && type === PacketType.Disconnect;
	const sent = silent ? Cause.None : sendEncoded(broker, connection, packet, v5 ? properties : undefined, packetId);
	if (sent !== Cause.None) return sent;
	const refuses = type === PacketType.Connack && reasonOf(packet) !== ReasonCode.Success;
	if (type === PacketType.Disconnect || refuses) closeConnection(broker, connection, Cause.ControllerRefused, -1);
	return Cause.None;
}

function reasonOf(packet: ServerControlPacket): number {
	return "reasonCode" in packet ? (packet.reasonCode ?? 0) : 0;
}

function sendEncoded(
	broker: Broker,
	connection: Connection,
	packet: ServerControlPacket,
	properties: Uint8Array | undefined,
	packetId: number,
): Cause {
	const version = connection.version as Version;
	let encoded = properties ?? new Uint8Array(0);
	let size = sizeOfServerPacket(packet, version, encoded, packetId);
	if (size > connection.packetBytesMax && encoded.length > 0) {
		encoded = new Uint8Array(0);
		size = sizeOfServerPacket(packet, version, encoded, packetId);
	}
	if (size > connection.packetBytesMax) return Cause.PacketTooLarge;
	const inScratch = size <= scratchBytes(broker.limits);
	const bytes = inScratch ? broker.memory : new Uint8Array(size);
	const at = inScratch ? broker.layout.scratch : 0;
	const end = encodeServerPacket(bytes, at, packet, version, encoded, packetId);
	if (packet.type === "pubrec" && reasonOf(packet) < ReasonCode.UnspecifiedError)
		noteReceived(broker, connection, packet, packetId);
	if (inScratch && connection.session !== undefined && isAnswer(packet)) {
		connection.sendAnswer(at, end); // perhaps only when what it promises is durable
		return connection.closing;
	}
	if (sendControl(connection.output, bytes, at, end)) {
		broker.touch(connection.output);
		return Cause.None;
	}
	broker.closeLater(connection, Cause.SlowReceiver);
	return Cause.SlowReceiver;
}

/** @returns whether the packet says that something is kept */
function isAnswer(packet: ServerControlPacket): boolean {
	const type = packet.type;
	return type !== "connack" && type !== "pingresp" && type !== "disconnect" && type !== "auth";
}

/** The client has heard that its QoS 2 message is here: the same Packet Identifier is a duplicate until PUBREL. */
function noteReceived(broker: Broker, connection: Connection, packet: ServerControlPacket, packetId: number): void {
	const session = connection.session;
	const id = ("packetId" in packet ? packet.packetId : undefined) ?? packetId;
	if (session === undefined || broker.received.has(session.index, id)) return;
	if (broker.received.count < broker.received.max) keepReceived(broker, session, id);
}

/** Sends a message to one session. At QoS 1 and 2 it waits with those that were routed, also for a client that is away.
 *  @returns Cause.None; PacketTooLarge, FullQueue, TransportClosed (QoS 0, and the client is away): it is not sent.
 *  Throws HearthError for a message that cannot be made */
export function sendPublish(broker: Broker, session: Session, packet: Publish): Cause {
	const cause = compose(broker, packet);
	return cause === Cause.None ? end(broker, hand(broker, session, packet)) : cause;
}

/** Sends a message to all clients that are connected. @returns how many get it. Throws as `sendPublish` */
export function publishToAll(broker: Broker, packet: Publish): number {
	if (compose(broker, packet) !== Cause.None) return 0;
	let count = 0;
	for (let i = 0; i < broker.connections.length; i++) {
		const session = broker.connections[i]!.session;
		if (session !== undefined && hand(broker, session, packet) === Cause.None) count++;
	}
	end(broker, Cause.None);
	return count;
}

/** Makes the broker's publication of the packet. */
function compose(broker: Broker, packet: Publish): Cause {
	const { topic, payload } = packet;
	const limits = broker.limits;
	const qos = packet.qos ?? 0;
	const wrong = typeof topic === "string" ? checkTopicName(topic) : Cause.TopicEmpty;
	if (wrong !== Cause.None || tooDeep(topic, limits.topicLevels))
		throw new HearthError("HEARTH_ERR_TOPIC", `publish: topic "${topic}": ${causeName(wrong || Cause.TopicTooLong)}`);
	if (typeof payload !== "string" && !(payload instanceof Uint8Array))
		throw new HearthError("HEARTH_ERR_PACKET", `publish: payload of ${topic}: give a text or a Uint8Array`);
	if (qos !== 0 && qos !== 1 && qos !== 2)
		throw new HearthError("HEARTH_ERR_PACKET", `publish: qos of ${topic}: ${qos}: give 0, 1 or 2`);
	const properties = encodeProperties(sentProperties(packet), PacketType.Publish, "publish", broker.text);
	const topicBytes = broker.text.size(topic);
	const bytes = topicBytes + properties.length + payloadBytes(broker, payload);
	if (topicBytes > limits.topicBytes || bytes + 16 > limits.packetBytes) return Cause.PacketTooLarge;
	broker.local.compose(topic, payload, qos, false, broker.layout.assembly);
	const p = broker.publication;
	p.properties = properties;
	p.propertyStart = 0;
	p.propertyEnd = properties.length;
	const expiry = packet.properties?.messageExpiryInterval;
	p.expires = expiry === undefined ? 0 : broker.expiryOf(expiry);
	broker.copy.clear();
	return Cause.None;
}

function payloadBytes(broker: Broker, payload: Uint8Array | string): number {
	return typeof payload === "string" ? broker.text.size(payload) : payload.length;
}

/** The Message Expiry Interval is kept apart, because what is left of it is sent. */
function sentProperties(packet: Publish): PacketProperties | undefined {
	const given = packet.properties;
	if (given === undefined) return undefined;
	if (given.topicAlias !== undefined)
		throw new HearthError(
			"HEARTH_ERR_PACKET",
			"publish: properties.topicAlias: leave it out: the broker gives aliases",
		);
	const interval = given.messageExpiryInterval;
	if (interval === undefined) return given;
	if (!Number.isInteger(interval) || interval < 0 || interval > 0xffffffff)
		throw new HearthError("HEARTH_ERR_PACKET", "publish: properties.messageExpiryInterval: give 0 to 4294967295");
	const rest: Record<string, unknown> = {};
	const names = Object.keys(given);
	for (let i = 0; i < names.length; i++)
		if (names[i] !== "messageExpiryInterval") rest[names[i]!] = given[names[i] as keyof PacketProperties];
	return rest;
}

/** Hands the broker's publication, made of the packet, to a session. */
function hand(broker: Broker, session: Session, packet: Publish): Cause {
	const p = broker.publication;
	const connection = session.connection;
	if (connection === undefined && p.qos === 0) return Cause.TransportClosed;
	if (connection !== undefined) {
		const properties = p.propertyEnd + (p.expires === 0 ? 0 : 5);
		const topicBytes = p.topicEnd - p.topicStart;
		const bytes = p.payloadEnd - p.payloadStart;
		const remaining = remainingOfPublish(connection.version as Version, p.qos, topicBytes, properties, bytes);
		if (sizeOfPacket(remaining) > connection.packetBytesMax) return Cause.PacketTooLarge;
	}
	return deliverTo(broker, p, session, p.qos, packet.retain === true, 0, 0) ? Cause.None : Cause.FullQueue;
}

/** The publication is done with. */
function end(broker: Broker, cause: Cause): Cause {
	const p = broker.publication;
	if (p.message !== 0) broker.store.release(p.message);
	p.message = 0;
	broker.copy.clear();
	return cause;
}
