/** Sends what waits in a session's outbox: PUBLISHes of stored messages, resent ones first, whole or in parts.
 *  After outbox.ts, before the connection's output. Spec: sections 3.3, 4.3, 4.4 */
import { putVariable, sizeOfVariable } from "../codec/data-types.js";
import { PacketType, PropertyId, PublishFlag, Version } from "../codec/packet-types.js";
import { putNumber } from "../codec/properties.js";
import { encodeAck, encodePublishHead, remainingOfPublish, sizeOfPacket } from "../codec/publish.js";
import { DeliveryState } from "../delivery/deliveries.js";
import { ALIAS_BYTES, findAlias, putAlias } from "./aliases-given.js";
import type { Broker } from "./broker.js";
import { type Connection, ConnectionOption } from "./connection.js";
import type { Session } from "./session.js";

/** What `sendEntry` did. */
const enum Sent {
	Done,
	NoRoom,
	TooLarge,
}

/** Parts of a PUBLISH that is sent in parts, in their order. */
const enum Part {
	/** fixed header and the Topic Name's length */
	Head,
	Topic,
	/** Packet Identifier, Property Length, properties that the broker makes */
	Middle,
	Identifiers,
	/** stored properties and payload */
	Body,
}

/** Bytes that make it worth beginning a PUBLISH in parts; the small parts are never larger. */
const PART_ROOM = 32;

/** Bytes by which a new Topic Alias makes a packet longer at the most. */
const ALIAS_ROOM = ALIAS_BYTES + 2;

/** Sends as much as the connection takes and the window allows. */
export function pump(broker: Broker, connection: Connection, session: Session): void {
	const outbox = session.outbox;
	const entries = broker.deliveries;
	if (connection.sending !== 0) {
		if (!continueSending(broker, connection)) return;
		outbox.endSending(connection.sending);
		connection.sending = 0;
		connection.output.inParts = false;
	}
	connection.output.drainBacklog();
	while (outbox.resendNext !== 0) {
		const entry = outbox.resendNext;
		const state = entries.state[entry]!;
		if ((state & DeliveryState.Released) !== 0) {
			if (!sendPubrel(broker, connection, entries.packetId[entry]!)) return;
		} else {
			if (outbox.inFlight >= connection.receiveMaximum) break;
			const sent = sendEntry(broker, connection, entry, state);
			if (sent === Sent.NoRoom) return;
			outbox.inFlight++;
			if (sent === Sent.TooLarge) {
				session.drops++;
				broker.counters.dropsTooLarge++;
				outbox.complete(entries.packetId[entry]!, state & DeliveryState.Qos, false);
				continue;
			}
		}
		outbox.resendNext = entries.next[entry]!;
		if (connection.sending !== 0) return;
		outbox.endSending(entry);
	}
	for (let entry = outbox.nextWaiting(connection.receiveMaximum); entry !== 0; ) {
		const state = entries.state[entry]!;
		const message = entries.message[entry]!;
		if (broker.store.isExpired(message, broker.now)) {
			broker.counters.dropsExpired++;
			outbox.drop(entry);
		} else if (packetBytes(broker, connection, entry, state) > connection.packetBytesMax) {
			session.drops++;
			// for this receiver alone; for it the message counts as delivered [5:MQTT-3.1.2-25]
			broker.counters.dropsTooLarge++;
			outbox.drop(entry);
		} else {
			if (!hasRoom(broker, connection, entry, state)) return;
			outbox.startSending(entry);
			sendEntry(broker, connection, entry, state);
			if (connection.sending !== 0) return;
			outbox.endSending(entry);
		}
		entry = outbox.nextWaiting(connection.receiveMaximum);
	}
}

function sendPubrel(broker: Broker, connection: Connection, id: number): boolean {
	const at = connection.output.stage(4);
	if (at < 0) return false;
	const memory = broker.memory;
	connection.output.staged(encodeAck(memory, at, PacketType.Pubrel, id, connection.version, 0, memory, 0, 0));
	broker.touch(connection.output);
	return true;
}

/** @returns bytes of the properties that a stored message has for a 5.0 receiver */
function propertyBytes(broker: Broker, entry: number, message: number): number {
	const store = broker.store;
	const made = broker.deliveries.identifierBytes[entry]! * (broker.deliveries.identifiers[entry] === 0 ? 0 : 1);
	return made + (store.expiresAt(message) === 0 ? 0 : 5) + store.propertyBytes(message);
}

/** @param alias the Topic Alias that goes along; 0: none */
function remainingOf(broker: Broker, connection: Connection, entry: number, state: number, alias: number): number {
	const message = broker.deliveries.message[entry]!;
	const store = broker.store;
	let properties = connection.version === Version.V5 ? propertyBytes(broker, entry, message) : 0;
	let topicBytes = store.topicBytes(message);
	if (alias !== 0) {
		properties += ALIAS_BYTES;
		if (!broker.aliasesGiven.isNew) topicBytes = 0;
	}
	const qos = state & DeliveryState.Qos;
	return remainingOfPublish(connection.version, qos, topicBytes, properties, store.payloadBytes(message));
}

function packetBytes(broker: Broker, connection: Connection, entry: number, state: number): number {
	return sizeOfPacket(remainingOf(broker, connection, entry, state, 0));
}

/** @returns whether the entry's PUBLISH can be sent whole now, or begun where it is sent in parts */
function hasRoom(broker: Broker, connection: Connection, entry: number, state: number): boolean {
	const most = broker.limits.outputBytes;
	let total = packetBytes(broker, connection, entry, state);
	if ((connection.options & ConnectionOption.TakesAliases) !== 0 && total + ALIAS_ROOM <= most) total += ALIAS_ROOM;
	return connection.output.stage(total <= most ? total : PART_ROOM) >= 0;
}

/** Sends the PUBLISH of an entry that has its Packet Identifier. */
function sendEntry(broker: Broker, connection: Connection, entry: number, state: number): Sent {
	const alias = (connection.options & ConnectionOption.TakesAliases) !== 0 ? aliasOf(broker, connection, entry) : 0;
	const remaining = remainingOf(broker, connection, entry, state, alias);
	const total = sizeOfPacket(remaining);
	if (total > connection.packetBytesMax) return Sent.TooLarge;
	if (total > broker.limits.outputBytes) {
		if (connection.output.stage(PART_ROOM) < 0) return Sent.NoRoom;
		connection.sending = entry;
		connection.output.inParts = true;
		connection.sendingStage = Part.Head;
		connection.sendingOffset = 0;
		connection.sendingRemaining = remaining;
		if (continueSending(broker, connection)) {
			connection.sending = 0;
			connection.output.inParts = false;
			broker.deliveries.state[entry] = state | DeliveryState.Sent;
		}
		return Sent.Done;
	}
	const at = connection.output.stage(total);
	if (at < 0) return Sent.NoRoom;
	const copy = broker.copy;
	const entries = broker.deliveries;
	const identifiers = entries.identifiers[entry]!;
	const flags = publishFlags(state);
	const plain = identifiers === 0 && alias === 0;
	if (plain && copy.fits(entries.message[entry]!, connection.version, flags)) {
		copy.put(broker.memory, at, entries.packetId[entry]!);
	} else {
		encodeWhole(broker, connection, entry, state, remaining, alias, at);
		if (plain) copy.set(entries.message[entry]!, connection.version, flags, at, at + total);
	}
	connection.output.staged(at + total);
	broker.counters.publishesSent++;
	broker.touch(connection.output);
	return Sent.Done;
}

/** @returns the Topic Alias of an entry whose message is being published; of others, which wait for longer, 0 */
function aliasOf(broker: Broker, connection: Connection, entry: number): number {
	const message = broker.deliveries.message[entry]!;
	if (message !== broker.publication.message) return 0;
	const identifiers = broker.deliveries.identifiers[entry] === 0 ? 0 : broker.deliveries.identifierBytes[entry]!;
	return findAlias(broker, connection, broker.store.payloadBytes(message) + identifiers);
}

/** Writes the whole PUBLISH of an entry. @returns index after it */
function encodeWhole(
	broker: Broker,
	connection: Connection,
	entry: number,
	state: number,
	remaining: number,
	alias: number,
	at: number,
): number {
	const entries = broker.deliveries;
	const store = broker.store;
	const memory = broker.memory;
	const message = entries.message[entry]!;
	const named = alias === 0 || broker.aliasesGiven.isNew;
	let offset = store.topicBytes(message);
	let p = encodePublishHead(memory, at, publishFlags(state), remaining, memory, 0, 0);
	if (named) {
		memory[p - 2] = offset >> 8;
		memory[p - 1] = offset;
		p = broker.pool.read(message, 0, offset, memory, p);
	}
	if ((state & DeliveryState.Qos) !== 0) broker.copy.idAt = p - at;
	p = encodeMiddle(broker, connection, entry, state, alias, p);
	if (connection.version === Version.V5) {
		const identifiers = entries.identifiers[entry]!;
		if (identifiers !== 0) p = broker.pool.read(identifiers, 0, entries.identifierBytes[entry]!, memory, p);
	} else offset += store.propertyBytes(message);
	return broker.pool.read(message, offset, store.bytes(message) - offset, memory, p);
}

/** DUP only on what was sent before. Spec: [MQTT-3.3.1-1] [MQTT-3.3.1-3] */
function publishFlags(state: number): number {
	const flags = (state & DeliveryState.Qos) << 1;
	const dup = (state & DeliveryState.Sent) !== 0 ? PublishFlag.Dup : 0;
	return flags | dup | ((state & DeliveryState.Retain) !== 0 ? PublishFlag.Retain : 0);
}

/** Writes Packet Identifier, Property Length, Topic Alias and Message Expiry Interval, as far as they are there. */
function encodeMiddle(
	broker: Broker,
	connection: Connection,
	entry: number,
	state: number,
	alias: number,
	at: number,
): number {
	const memory = broker.memory;
	const entries = broker.deliveries;
	if ((state & DeliveryState.Qos) !== 0) {
		const id = entries.packetId[entry]!;
		memory[at] = id >> 8;
		memory[at + 1] = id;
		at += 2;
	}
	if (connection.version !== Version.V5) return at;
	const message = entries.message[entry]!;
	at = putVariable(memory, at, propertyBytes(broker, entry, message) + (alias === 0 ? 0 : ALIAS_BYTES));
	if (alias !== 0) at = putAlias(broker, connection, alias, memory, at);
	const expires = broker.store.expiresAt(message);
	if (expires === 0) return at;
	// what is left of the interval; a message that was sent once is never too old [5:MQTT-3.3.2-6] [5:MQTT-4.3.3-7]
	const left = Math.max(0, Math.ceil((expires - broker.now) / 1000));
	return putNumber(memory, at, PropertyId.MessageExpiryInterval, left);
}

/** Sends on where the PUBLISH stopped. @returns whether its last byte is staged */
function continueSending(broker: Broker, connection: Connection): boolean {
	const entry = connection.sending;
	const entries = broker.deliveries;
	const store = broker.store;
	const output = connection.output;
	const memory = broker.memory;
	const message = entries.message[entry]!;
	const state = entries.state[entry]!;
	const v5 = connection.version === Version.V5;
	broker.touch(output);
	for (; connection.sendingStage <= Part.Body; connection.sendingStage++) {
		switch (connection.sendingStage) {
			case Part.Head: {
				const at = output.stagePart(PART_ROOM);
				if (at < 0) return false;
				const topicBytes = store.topicBytes(message);
				const p = encodePublishHead(memory, at, publishFlags(state), connection.sendingRemaining, memory, 0, 0);
				memory[p - 2] = topicBytes >> 8;
				memory[p - 1] = topicBytes;
				output.staged(p);
				connection.sendingOffset = 0;
				break;
			}
			case Part.Topic:
				if (!sendChain(broker, connection, message, store.topicBytes(message))) return false;
				break;
			case Part.Middle: {
				const at = output.stagePart(PART_ROOM);
				if (at < 0) return false;
				output.staged(encodeMiddle(broker, connection, entry, state, 0, at));
				connection.sendingOffset = 0;
				break;
			}
			case Part.Identifiers: {
				const first = entries.identifiers[entry]!;
				if (v5 && first !== 0 && !sendChain(broker, connection, first, entries.identifierBytes[entry]!)) return false;
				connection.sendingOffset = store.topicBytes(message) + (v5 ? 0 : store.propertyBytes(message));
				break;
			}
			default:
				if (!sendChain(broker, connection, message, store.bytes(message))) return false;
		}
	}
	broker.counters.publishesSent++;
	return true;
}

/** Stages a chain's bytes from `sendingOffset` on. @returns whether all up to `end` are staged */
function sendChain(broker: Broker, connection: Connection, chain: number, end: number): boolean {
	const output = connection.output;
	const pool = broker.pool;
	const most = broker.limits.outputBytes;
	while (connection.sendingOffset < end) {
		const rest = end - connection.sendingOffset;
		const spare = output.spare;
		if (spare === 0 && rest >= most) {
			const run = pool.run(chain, connection.sendingOffset, rest);
			if (run >= most) {
				const sent = output.writeFrom(pool.bytes, pool.runStart, pool.runStart + run);
				if (sent === 0) return false;
				connection.sendingOffset += sent;
				continue;
			}
		}
		const count = Math.min(rest, spare > 0 ? spare : most, output.room);
		const at = count > 0 ? output.stagePart(count) : -1;
		if (at < 0) return false;
		output.staged(pool.read(chain, connection.sendingOffset, count, broker.memory, at));
		connection.sendingOffset += count;
	}
	return !output.held; // what is held lies in the chain, perhaps
}

/** Bytes of the longest Subscription Identifier property. */
export const IDENTIFIER_BYTES_MAX = 5;

/** @returns bytes of a Subscription Identifier property */
export function sizeOfIdentifier(identifier: number): number {
	return 1 + sizeOfVariable(identifier);
}
