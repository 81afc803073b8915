/** The program publishes: at once where nothing is in the way, by the queue otherwise. Before send-publish.ts.
 *  Spec: section 3.3 */

import { putBytes, putVariable, VARIABLE_MAX } from "../codec/data-types.js";
import { PublishFlag, Version } from "../codec/packet-types.js";
import { encodePublishHead, remainingOfPublish } from "../codec/publish.js";
import { checkTopicName } from "../codec/topic.js";
import { DeliveryState } from "../delivery/deliveries.js";
import { Cause } from "../errors.js";
import type { Client } from "./client.js";
import type { ClientPublishOptions, PayloadSource } from "./client-options.js";
import { ClientState } from "./client-state.js";
import { pump } from "./send-publish.js";
import type { Done } from "./subscriptions.js";
import { topicOf } from "./topic-of.js";

/** Blocks that messages leave to control packets. */
const BLOCKS_KEPT = 2;

/** Bytes of a PUBLISH beside topic, properties and payload. */
const HEAD_BYTES = 24;

const NOTHING: Uint8Array = new Uint8Array(0); // tidy: never written

/** See `Client.publish`. */
export function publish(
	client: Client,
	topic: string,
	payload: Uint8Array | string,
	options: ClientPublishOptions | undefined,
	done: Done | undefined,
	source?: PayloadSource,
): number {
	const result = publishAtOnce(client, topic, payload, options, source);
	if (result <= 0) return result;
	const entry = keep(client, payload, options, source);
	if (entry < 0) return entry;
	client.waiters[entry] = done;
	client.publishing = entry;
	if (client.isConnected) pump(client);
	client.publishing = 0;
	return entry;
}

/** Checks a message, and sends it if it is of QoS 0 and nothing is in the way.
 *  @returns 0: it has left; < 0: refused, a negated Cause; 1: it must be kept */
export function publishAtOnce(
	client: Client,
	topic: string,
	payload: Uint8Array | string,
	options: ClientPublishOptions | undefined,
	source?: PayloadSource,
): number {
	const qos = options?.qos ?? 0;
	if (!(qos >= 0 && qos <= 2)) return -Cause.QosNotSupported;
	if (client.state === ClientState.Idle) return -Cause.TransportClosed;
	if (topic !== client.topic) {
		const cause = takeTopic(client, topic);
		if (cause !== Cause.None) return -cause;
	}
	client.beginTurn();
	const payloadBytes = source?.byteLength ?? sizeOfPayload(client, payload);
	const properties = options?.properties ?? NOTHING;
	const total = client.topicBytes + properties.length + payloadBytes + HEAD_BYTES;
	if (!(payloadBytes >= 0) || total > VARIABLE_MAX) return -Cause.PacketTooLarge;
	if (!client.isConnected) return qos === 0 && !client.options.queueQos0 ? -Cause.TransportClosed : 1;
	const server = client.server;
	if (qos > server.qosMax) return -Cause.QosNotSupported;
	if (options?.retain && !server.retain) return -Cause.RetainNotSupported;
	if (qos > 0 || source !== undefined || total > client.limits.outputBytes || total > server.packetBytes) return 1;
	return sendNow(client, topic, payload, options, properties, total, payloadBytes) ? 0 : 1;
}

/** Checks a Topic Name, and keeps its text. */
function takeTopic(client: Client, topic: string): Cause {
	const cause = checkTopicName(topic);
	if (cause !== Cause.None) return cause;
	const bytes = client.text.size(topic);
	if (bytes > 0xffff || bytes + HEAD_BYTES > client.limits.controlBytes) return Cause.TopicTooLong;
	client.text.encode(topic, client.memory, client.layout.topic);
	client.topic = topic;
	client.topicBytes = bytes;
	return Cause.None;
}

function sizeOfPayload(client: Client, payload: Uint8Array | string): number {
	return typeof payload === "string" ? client.text.size(payload) : payload.length;
}

/** Encodes a QoS 0 message to where it leaves from, if it may pass what waits. @returns whether it did */
function sendNow(
	client: Client,
	topic: string,
	payload: Uint8Array | string,
	options: ClientPublishOptions | undefined,
	properties: Uint8Array,
	total: number,
	payloadBytes: number,
): boolean {
	if (!client.outbox.mayPass(client.window)) return false;
	const output = client.link.output;
	const at = output.stage(total);
	if (at < 0) return false;
	const memory = client.memory;
	const from = client.layout.topic;
	const v5 = client.version === Version.V5;
	const alias = v5 ? client.aliases.find(topic) : 0;
	const named = alias === 0 || client.aliases.isNew;
	const expiry = v5 ? options?.expirySeconds : undefined;
	const propertyBytes = properties.length + (alias === 0 ? 0 : 3) + (expiry === undefined ? 0 : 5);
	const topicBytes = named ? client.topicBytes : 0;
	const remaining = remainingOfPublish(client.version, 0, topicBytes, propertyBytes, payloadBytes);
	const flags = options?.retain ? PublishFlag.Retain : 0;
	let p = encodePublishHead(memory, at, flags, remaining, memory, from, from + topicBytes);
	if (v5) {
		p = putVariable(memory, p, propertyBytes);
		if (alias !== 0) {
			memory[p] = 35; // Topic Alias
			memory[p + 1] = alias >> 8;
			memory[p + 2] = alias;
			p += 3;
		}
		if (expiry !== undefined) p = putExpiry(memory, p, expiry);
		if (properties.length > 0) p = putBytes(memory, p, properties, 0, properties.length);
	}
	if (typeof payload === "string") p = payloadBytes === 0 ? p : client.text.encode(payload, memory, p);
	else if (payloadBytes > 0) p = putBytes(memory, p, payload, 0, payloadBytes);
	output.staged(p);
	client.touch();
	client.counters.publishesSent++;
	return true;
}

/** Puts the message into the store and the queue. @returns its entry, or a negated Cause */
function keep(
	client: Client,
	payload: Uint8Array | string,
	options: ClientPublishOptions | undefined,
	source: PayloadSource | undefined,
): number {
	const store = client.store;
	const properties = options?.properties ?? NOTHING;
	const topicBytes = client.topicBytes;
	const payloadBytes = sizeOfPayload(client, payload);
	const stored = source === undefined ? payloadBytes : 0;
	const refused = makeRoom(client, topicBytes + properties.length + stored);
	if (refused !== Cause.None) return -refused;
	const memory = client.memory;
	const scratch = client.layout.scratch;
	const topicAt = client.layout.topic;
	let from: Uint8Array = NOTHING;
	let start = 0;
	if (source !== undefined) {
		// only the topic and the properties are kept
	} else if (typeof payload !== "string") from = payload;
	else if (payloadBytes <= client.limits.controlBytes) {
		from = memory;
		start = scratch;
		if (payloadBytes > 0) client.text.encode(payload, memory, scratch);
	} else {
		from = new Uint8Array(payloadBytes);
		client.text.encode(payload, from, 0);
	}
	const seconds = options?.expirySeconds;
	const expires = seconds === undefined ? 0 : client.now + seconds * 1000;
	const message = store.add(
		0,
		expires,
		memory,
		topicAt,
		topicAt + topicBytes,
		properties,
		0,
		properties.length,
		from,
		start,
		start + stored,
	);
	if (message === 0) return -Cause.FullStore;
	const retain = options?.retain ? DeliveryState.Retain : 0;
	const entry = client.outbox.push(message, (options?.qos ?? 0) | retain);
	store.release(message);
	if (source !== undefined) client.setSource(entry, source);
	return entry;
}

/** @returns Cause.None when there is room for a message of so many bytes in queue and store, where the oldest messages
 *  may have been given up for it */
function makeRoom(client: Client, bytes: number): Cause {
	const limits = client.limits;
	const outbox = client.outbox;
	const pool = client.pool;
	const blocks = Math.max(1, Math.ceil(bytes / limits.blockBytes)) + BLOCKS_KEPT;
	for (;;) {
		const queued = outbox.hasRoom(bytes, limits.queueBytes, limits.queueMessages);
		if (queued && blocks <= pool.freeCount) return Cause.None;
		if (client.options.whenQueueFull !== "drop-oldest" || outbox.waitingFirst === 0 || bytes > limits.queueBytes)
			return queued ? Cause.FullStore : Cause.FullQueue;
		const oldest = outbox.nextWaiting(0xffff);
		const topic = topicOf(client, oldest);
		outbox.drop(oldest);
		client.giveUp(oldest, Cause.FullQueue, topic);
	}
}

function putExpiry(bytes: Uint8Array, at: number, seconds: number): number {
	bytes[at] = 2; // Message Expiry Interval
	bytes[at + 1] = seconds / 0x1000000;
	bytes[at + 2] = seconds >> 16;
	bytes[at + 3] = seconds >> 8;
	bytes[at + 4] = seconds;
	return at + 5;
}

/** See `Client.cancel`. */
export function cancel(client: Client, entry: number): boolean {
	client.waiters[entry] = undefined;
	const deliveries = client.deliveries;
	let before = 0;
	for (let at = client.outbox.waitingFirst; at !== 0; at = deliveries.next[at]!) {
		if (at === entry) {
			deliveries.before = before;
			client.outbox.drop(entry);
			client.forgetSource(entry);
			return true;
		}
		before = at;
	}
	return false;
}
