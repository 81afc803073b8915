/** The low-level calls: one for each packet that a client sends. Everyday use needs none of them, and they know no
 *  retries: what is sent by them and not acknowledged is nobody's affair. */
import { encodeReason } from "../codec/connect.js";
import { PacketType, Version } from "../codec/packet-types.js";
import { sizeOfPacket } from "../codec/publish.js";
import { encodeSubscribe, type FilterEntry, sizeOfSubscribe } from "../codec/subscribe.js";
import { sendControl } from "../delivery/output.js";
import type { Client } from "./client.js";
import { ping } from "./reconnect.js";

const NONE: Uint8Array = new Uint8Array(0); // tidy: never written

export class Packets {
	constructor(private readonly client: Client) {}

	/** PINGREQ; the listener's `ping` hears the answer. */
	ping(): void {
		if (this.client.isConnected) ping(this.client);
	}

	/** PUBACK for a message whose handler has set `deferred`. @param reason of 5.0. Default: 0 */
	publishAck(id: number, reason = 0): void {
		this.answer(PacketType.Puback, id, reason);
	}

	/** PUBREC */
	publishReceived(id: number, reason = 0): void {
		this.answer(PacketType.Pubrec, id, reason);
	}

	/** PUBREL */
	publishRelease(id: number, reason = 0): void {
		this.answer(PacketType.Pubrel, id, reason);
	}

	/** PUBCOMP */
	publishComplete(id: number, reason = 0): void {
		this.answer(PacketType.Pubcomp, id, reason);
	}

	private answer(type: PacketType, id: number, reason: number): void {
		if (this.client.isConnected) this.client.answer(type, id, reason);
	}

	/** SUBSCRIBE with several Topic Filters. The listener's `subscribeAck` hears the answer, `publish` the messages.
	 *  @param properties encoded ones of 5.0 @returns its Packet Identifier; 0: not connected, or no room */
	subscribe(entries: readonly FilterEntry[], properties?: Uint8Array): number {
		return this.ask(PacketType.Subscribe, entries, properties);
	}

	/** UNSUBSCRIBE, likewise. */
	unsubscribe(entries: readonly FilterEntry[], properties?: Uint8Array): number {
		return this.ask(PacketType.Unsubscribe, entries, properties);
	}

	/** @internal */
	ask(
		type: PacketType.Subscribe | PacketType.Unsubscribe,
		entries: readonly FilterEntry[],
		properties: Uint8Array | undefined,
	): number {
		const client = this.client;
		const size = sizeOfSubscribe(type, client.version, entries, properties?.length ?? 0, client.text);
		if (!client.isConnected || sizeOfPacket(size) > client.limits.controlBytes) return 0;
		const id = client.takeId();
		const at = client.layout.scratch;
		const end = encodeSubscribe(client.memory, at, type, client.version, id, entries, properties, client.text);
		return this.sendScratch(end) ? id : 0;
	}

	/** AUTH. Spec: 5.0, 3.15 @param properties encoded ones @returns false: not connected by 5.0, or no room */
	auth(reason: number, properties: Uint8Array = NONE): boolean {
		const client = this.client;
		if (!client.isConnected || client.version !== Version.V5) return false;
		if (properties.length + 8 > client.limits.controlBytes) return false;
		const at = client.layout.scratch;
		const length = properties.length;
		return this.sendScratch(
			encodeReason(client.memory, at, PacketType.Auth, Version.V5, reason, properties, 0, length),
		);
	}

	/** A whole packet as it is. @returns false: not connected, or no room */
	send(packet: Uint8Array): boolean {
		const client = this.client;
		if (!client.isConnected) return false;
		client.touch();
		return sendControl(client.link.output, packet, 0, packet.length);
	}

	private sendScratch(end: number): boolean {
		const client = this.client;
		client.touch();
		return sendControl(client.link.output, client.memory, client.layout.scratch, end);
	}
}
