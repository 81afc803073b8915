/** The program publishes: at once where nothing is in the way, by the queue otherwise. Before outgoing.ts.
 *  Spec: section 3.3 */

import { VARIABLE_MAX } from "../codec/data-types.js";
import { checkTopicName } from "../codec/topic.js";
import { Cause } from "../errors.js";
import type { Client } from "./client.js";
import type { ClientPublishOptions, PayloadSource } from "./client-options.js";
import { ClientState } from "./client-state.js";
import type { Done } from "./subscriptions.js";

/** Bytes of a PUBLISH beside topic, properties and payload. */
const HEAD_BYTES = 24;

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
	const payloadBytes = source === undefined ? sizeOfPayload(client, payload) : 0;
	return client.queue(payload, options, payloadBytes, source, done);
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
	if (qos >>> 0 !== qos || qos > 2) return -Cause.QosNotSupported;
	if (client.state === ClientState.Idle) return -Cause.TransportClosed;
	if (!topic || topic !== client.topic) {
		const cause = takeTopic(client, topic);
		if (cause !== Cause.None) return -cause;
	}
	client.beginTurn();
	const payloadBytes = source?.byteLength ?? sizeOfPayload(client, payload);
	const total = client.topicBytes + (options?.properties?.length ?? 0) + payloadBytes + HEAD_BYTES;
	if (!(payloadBytes >= 0) || total > VARIABLE_MAX) return -Cause.PacketTooLarge;
	if (!client.isConnected) return qos === 0 && !client.options.queueQos0 ? -Cause.TransportClosed : 1;
	const server = client.server;
	if (qos > server.qosMax) return -Cause.QosNotSupported;
	if (options?.retain && !server.retain) return -Cause.RetainNotSupported;
	if (qos > 0 || source !== undefined || total > client.limits.outputBytes || total > server.packetBytes) return 1;
	return client.sendNow(payload, options, total, payloadBytes) ? 0 : 1;
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
