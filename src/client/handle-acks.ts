/** The acknowledgements of QoS 1 and 2, in both directions. Spec: sections 3.4 to 3.7, 4.3 */
import { PacketType, ReasonCode } from "../codec/packet-types.js";
import { decodeAck, encodeAck } from "../codec/publish.js";
import { DeliveryState } from "../delivery/deliveries.js";
import { sendControl } from "../delivery/output.js";
import { Cause } from "../errors.js";
import type { Client } from "./client.js";
import { pump } from "./send-publish.js";

/** Sends an acknowledgement. Spec: [MQTT-2.3.1-6] */
export function answer(client: Client, type: PacketType, id: number, reason: number): void {
	const memory = client.memory;
	const at = client.link.output.stage(5);
	if (at >= 0) {
		client.link.output.staged(encodeAck(memory, at, type, id, client.version, reason, memory, 0, 0));
		client.touch();
		return;
	}
	const scratch = client.layout.scratch;
	const end = encodeAck(memory, scratch, type, id, client.version, reason, memory, 0, 0);
	if (sendControl(client.link.output, memory, scratch, end)) client.touch();
	else client.fail(Cause.FullStore);
}

/** PUBACK, PUBREC and PUBCOMP: for what this side sent. One that nobody waits for is counted and changes nothing; one
 *  that contradicts what is in flight ends the connection. */
export function handleAck(
	client: Client,
	type: PacketType.Puback | PacketType.Pubrec | PacketType.Pubcomp,
	bytes: Uint8Array,
	start: number,
	end: number,
): void {
	const packet = client.ackPacket;
	const cause = decodeAck(packet, bytes, start, end, type, client.version, client.text);
	if (cause !== Cause.None) return client.fail(cause);
	const listener = client.listener;
	if (type === PacketType.Puback) listener.publishAck(packet);
	else if (type === PacketType.Pubrec) listener.publishReceived(packet);
	else listener.publishComplete(packet);
	const id = packet.packetId;
	const entry = client.outbox.findSent(id);
	if (entry === 0) {
		client.counters.unexpectedAcks++;
		if (type === PacketType.Pubrec) answer(client, PacketType.Pubrel, id, ReasonCode.PacketIdentifierNotFound);
		return;
	}
	// acknowledged before it was sent whole, on this connection
	if (entry === client.partsOut.entry || isToBeResent(client, entry)) return client.fail(Cause.PacketNotAllowed);
	const state = client.deliveries.state[entry]!;
	const qos = state & DeliveryState.Qos;
	const released = (state & DeliveryState.Released) !== 0;
	if (qos !== (type === PacketType.Puback ? 1 : 2) || (type === PacketType.Pubcomp) !== released) {
		if (type !== PacketType.Pubrec || !released) return client.fail(Cause.PacketNotAllowed);
	}
	if (type === PacketType.Pubrec && packet.reason < ReasonCode.UnspecifiedError) {
		client.outbox.receive(id);
		client.forgetSource(entry);
		return answer(client, PacketType.Pubrel, id, ReasonCode.Success);
	}
	client.outbox.complete(id, qos, released);
	// a PUBCOMP that does not know the identifier ends the exchange as well: the message was received
	client.settle(entry, Cause.None, type === PacketType.Pubcomp ? ReasonCode.Success : packet.reason);
	if (client.outbox.waitingFirst !== 0 || client.outbox.resendNext !== 0) pump(client);
}

/** @returns whether the entry was sent on an earlier connection only */
function isToBeResent(client: Client, entry: number): boolean {
	const next = client.deliveries.next;
	for (let at = client.outbox.resendNext; at !== 0; at = next[at]!) if (at === entry) return true;
	return false;
}

/** PUBREL: the sender has given the message up; its Packet Identifier is free. Spec: [MQTT-4.3.3-2], 5.0
 *  [MQTT-4.3.3-11] */
export function handlePubrel(client: Client, bytes: Uint8Array, start: number, end: number): void {
	const packet = client.ackPacket;
	const cause = decodeAck(packet, bytes, start, end, PacketType.Pubrel, client.version, client.text);
	if (cause !== Cause.None) return client.fail(cause);
	client.listener.publishRelease(packet);
	const known = client.received.delete(0, packet.packetId);
	const reason = known ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound;
	answer(client, PacketType.Pubcomp, packet.packetId, reason);
}
