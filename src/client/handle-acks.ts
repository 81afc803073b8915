/** The acknowledgements of QoS 1 and 2, in both directions. Spec: sections 3.4 to 3.7, 4.3 */
import { PacketType, ReasonCode } from "../codec/packet-types.js";
import { decodeAck, encodeAck } from "../codec/publish.js";
import { sendControl } from "../delivery/output.js";
import { Cause } from "../errors.js";
import type { Client } from "./client.js";

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

/** PUBACK, PUBREC and PUBCOMP: for what this side sent. */
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
	client.acknowledged(type, packet);
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
