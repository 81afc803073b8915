/** Hands each whole packet to its handler. After incoming.ts. */
import { PacketType } from "../codec/packet-types.js";
import { Cause } from "../errors.js";
import type { Client } from "./client.js";
import { ClientState } from "./client-state.js";
import { handleAck, handlePubrel } from "./handle-acks.js";
import { handleAuth, handleConnack, handleDisconnect } from "./handle-connack.js";
import { handlePublish } from "./handle-publish.js";
import { handleSuback } from "./handle-suback.js";

/** A whole packet: PUBLISH first, as most are. */
export function dispatch(client: Client, first: number, bytes: Uint8Array, start: number, end: number): void {
	client.counters.packetsReceived++;
	const type = first >> 4;
	if (client.state !== ClientState.Connected) {
		if (type === PacketType.Connack) return handleConnack(client, bytes, start, end);
		if (type === PacketType.Auth) return handleAuth(client, bytes, start, end);
		return client.fail(Cause.ConnectMissing);
	}
	switch (type) {
		case PacketType.Publish:
			return handlePublish(client, bytes, start, end, first & 15);
		case PacketType.Puback:
		case PacketType.Pubrec:
		case PacketType.Pubcomp:
			return handleAck(client, type, bytes, start, end);
		case PacketType.Pubrel:
			return handlePubrel(client, bytes, start, end);
		case PacketType.Suback:
		case PacketType.Unsuback:
			return handleSuback(client, type, bytes, start, end);
		case PacketType.Pingresp:
			if (start !== end) return client.fail(Cause.PacketTrailingBytes);
			client.pingedAt = 0;
			return client.listener.ping();
		case PacketType.Disconnect:
			return handleDisconnect(client, bytes, start, end);
		case PacketType.Auth:
			return handleAuth(client, bytes, start, end);
		default:
			return client.fail(Cause.PacketNotAllowed);
	}
}
