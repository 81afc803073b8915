/** A call for each packet that a client sends, for programs that speak MQTT themselves: a listener hears what comes
 *  (client-listener.ts), these calls answer. Everyday use needs none of them. Spec: chapter 3 */
import { encodePing, encodeReason } from "../codec/connect.js";
import { putBytes, putUint16, putVariable } from "../codec/data-types.js";
import { PacketType, PublishFlag, ReasonCode, Version } from "../codec/packet-types.js";
import { encodeAck, encodePublishHead, remainingOfPublish, sizeOfPacket } from "../codec/publish.js";
import { encodeSubscribe, type FilterEntry, sizeOfSubscribe } from "../codec/subscribe.js";
import { checkTopicFilter, checkTopicName, sharedFilterAt } from "../codec/topic.js";
import { sendControl } from "../delivery/output.js";
import { Cause } from "../errors.js";
import type { Client } from "./client.js";

/** A packet to send. Properties are encoded ones of 5.0 (`encodeProperties`), left out before; a Packet Identifier that
 *  is absent is chosen. CONNECT is sent by `Client.connect`. */
export type ClientPacket =
	| { type: "pingreq" }
	| { type: "puback" | "pubrec" | "pubrel" | "pubcomp"; packetId: number; reasonCode?: number }
	| {
			type: "publish";
			topic: string;
			payload: Uint8Array;
			qos?: number;
			retain?: boolean;
			duplicate?: boolean;
			packetId?: number;
			properties?: Uint8Array;
	  }
	| { type: "subscribe"; filters: readonly FilterEntry[]; packetId?: number; properties?: Uint8Array }
	| { type: "unsubscribe"; filters: readonly string[]; packetId?: number; properties?: Uint8Array }
	| { type: "disconnect"; reasonCode?: number; properties?: Uint8Array }
	| { type: "auth"; reasonCode: number; properties: Uint8Array };

const ACKS = {
	puback: PacketType.Puback,
	pubrec: PacketType.Pubrec,
	pubrel: PacketType.Pubrel,
	pubcomp: PacketType.Pubcomp,
} as const;

const NOTHING: Uint8Array = new Uint8Array(0); // tidy: never written

export class LowLevel {
	/** @param client one with `manualAcks`, if this program acknowledges what comes */
	constructor(readonly client: Client) {}

	connect(): void {
		this.client.connect();
	}

	ping(): number {
		return this.send({ type: "pingreq" });
	}

	publish(topic: string, payload: Uint8Array, options: { qos?: number; retain?: boolean } = {}): number {
		return this.send({ type: "publish", topic, payload, ...options });
	}

	publishAck(packetId: number, reasonCode = 0): number {
		return this.send({ type: "puback", packetId, reasonCode });
	}

	publishReceived(packetId: number, reasonCode = 0): number {
		return this.send({ type: "pubrec", packetId, reasonCode });
	}

	publishRelease(packetId: number, reasonCode = 0): number {
		return this.send({ type: "pubrel", packetId, reasonCode });
	}

	publishComplete(packetId: number, reasonCode = 0): number {
		return this.send({ type: "pubcomp", packetId, reasonCode });
	}

	/** @param options of each filter, as SUBSCRIBE has them: QoS in bits 0 and 1 */
	subscribe(filter: string, options = 0): number {
		return this.send({ type: "subscribe", filters: [{ filter, options }] });
	}

	unsubscribe(filter: string): number {
		return this.send({ type: "unsubscribe", filters: [filter] });
	}

	disconnect(reasonCode: number = ReasonCode.Success): number {
		return this.send({ type: "disconnect", reasonCode });
	}

	/** Sends a packet. @returns its Packet Identifier, 0 where it has none; < 0: a negated Cause, and nothing was sent */
	send(packet: ClientPacket): number {
		const { client } = this;
		if (packet.type === "disconnect") {
			client.disconnect(packet.reasonCode ?? 0, packet.properties);
			return 0;
		}
		if (!client.isConnected) return -Cause.TransportClosed;
		switch (packet.type) {
			case "pingreq":
				return this.stage(0, encodePing(client.memory, client.layout.scratch, PacketType.Pingreq));
			case "publish":
				return this.sendPublish(packet);
			case "subscribe":
				return this.sendFilters(PacketType.Subscribe, packet.filters, packet);
			case "unsubscribe": {
				const filters = packet.filters.map((filter) => ({ filter, options: 0 }));
				return this.sendFilters(PacketType.Unsubscribe, filters, packet);
			}
			case "auth": {
				if (client.version !== Version.V5) return -Cause.PacketNotAllowed;
				const { reasonCode, properties } = packet;
				if (properties.length + 16 > client.limits.controlBytes) return -Cause.PacketTooLarge;
				const { memory, layout } = client;
				const args = [memory, layout.scratch, PacketType.Auth, Version.V5] as const;
				return this.stage(0, encodeReason(...args, reasonCode, properties, 0, properties.length));
			}
			default: {
				const { packetId, reasonCode = 0 } = packet;
				if (!(packetId > 0 && packetId <= 0xffff)) return -Cause.PacketIdZero;
				const { memory, layout, version } = client;
				const end = encodeAck(memory, layout.scratch, ACKS[packet.type], packetId, version, reasonCode, NOTHING, 0, 0);
				return this.stage(packetId, end);
			}
		}
	}

	private sendPublish(packet: ClientPacket & { type: "publish" }): number {
		const { client } = this;
		const { topic, payload, qos = 0, packetId } = packet;
		const cause = checkTopicName(topic);
		if (cause !== Cause.None) return -cause;
		if (!(qos >= 0 && qos <= client.server.qosMax)) return -Cause.QosNotSupported;
		const v5 = client.version === Version.V5;
		const properties = v5 ? (packet.properties ?? NOTHING) : NOTHING;
		const topicBytes = client.text.size(topic);
		const remaining = remainingOfPublish(client.version, qos, topicBytes, properties.length, payload.length);
		const most = Math.min(client.limits.controlBytes, client.server.packetBytes);
		if (topicBytes > 0xffff || sizeOfPacket(remaining) > most) return -Cause.PacketTooLarge;
		const { memory } = client;
		const id = qos === 0 ? 0 : (packetId ?? client.takeId());
		const retain = packet.retain ? PublishFlag.Retain : 0;
		const flags = retain | (qos << 1) | (packet.duplicate && qos > 0 ? PublishFlag.Dup : 0);
		// the head with an empty topic, which is then written behind its length
		let p = encodePublishHead(memory, client.layout.scratch, flags, remaining, memory, 0, 0);
		putUint16(memory, p - 2, topicBytes);
		p = client.text.encode(topic, memory, p);
		if (qos > 0) p = putUint16(memory, p, id);
		if (v5) p = putBytes(memory, putVariable(memory, p, properties.length), properties, 0, properties.length);
		return this.stage(id, putBytes(memory, p, payload, 0, payload.length));
	}

	private sendFilters(
		type: PacketType.Subscribe | PacketType.Unsubscribe,
		filters: readonly FilterEntry[],
		packet: { packetId?: number; properties?: Uint8Array },
	): number {
		const { client } = this;
		if (filters.length === 0) return -Cause.FilterListEmpty;
		for (const { filter } of filters) {
			const at = sharedFilterAt(filter);
			const cause = at < 0 ? Cause.FilterInvalid : checkTopicFilter(at > 0 ? filter.slice(at) : filter);
			if (cause !== Cause.None) return -cause;
		}
		const properties = client.version === Version.V5 ? packet.properties : undefined;
		const remaining = sizeOfSubscribe(type, client.version, filters, properties?.length ?? 0, client.text);
		const most = Math.min(client.limits.controlBytes, client.server.packetBytes);
		if (sizeOfPacket(remaining) > most) return -Cause.PacketTooLarge;
		const id = packet.packetId ?? client.takeId();
		const args = [client.memory, client.layout.scratch, type, client.version, id] as const;
		return this.stage(id, encodeSubscribe(...args, filters, properties, client.text));
	}

	/** @param end index after the packet that was encoded at `layout.scratch` */
	private stage(id: number, end: number): number {
		const { client } = this;
		if (!sendControl(client.link.output, client.memory, client.layout.scratch, end)) return -Cause.FullStore;
		client.touch();
		return id;
	}
}
