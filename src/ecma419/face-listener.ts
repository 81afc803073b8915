/** What the client hears, told by ECMA-419's callbacks; and payload bytes that the program has not read yet. */

import { ClientListener } from "../client/client-listener.js";
import type { IncomingMessage } from "../client/incoming-message.js";
import type { ReasonPacket } from "../codec/connect.js";
import { PacketType } from "../codec/packet-types.js";
import type { AckPacket } from "../codec/publish.js";
import type { Cause } from "../errors.js";
import type { ControlMessage, MqttClient, MqttClientOptions, ReadableOptions } from "./mqtt-client.js";

export class FaceListener extends ClientListener {
	/** by entry: the Packet Identifier that the program gave */
	readonly ids: Map<number, number> = new Map();
	private bytes: Uint8Array = new Uint8Array(0);
	private start = 0;
	private end = 0;
	private laterOnes: ControlMessage[] = [];
	private isClosed = false;

	constructor(
		private readonly face: MqttClient,
		private readonly options: MqttClientOptions,
	) {
		super();
	}

	/** No callback comes any more. */
	close(): void {
		this.isClosed = true;
	}

	/** bytes that the program may read */
	get unread(): number {
		return this.end - this.start;
	}

	/** Gives bytes to the program; with the last ones the client reads on. @returns `count` */
	take(target: Uint8Array, count: number): number {
		target.set(this.bytes.subarray(this.start, this.start + count));
		this.start += count;
		if (this.start === this.end) this.face.core.resume();
		return count;
	}

	control(message: ControlMessage): void {
		if (!this.isClosed) this.options.onControl?.call(this.face, message);
	}

	/** The same, at the end of the turn. */
	later(message: ControlMessage): void {
		this.laterOnes.push(message);
		this.face.core.touch();
	}

	private writableNow(): void {
		const count = this.face.writable;
		if (count > 0 && !this.isClosed) this.options.onWritable?.call(this.face, count);
	}

	override connectAck(packet: ReasonPacket): void {
		if (packet.reason !== 0) return;
		this.control({ operation: PacketType.Connack, returnCode: 0 });
		this.writableNow();
	}

	override publish(message: IncomingMessage): void {
		if (this.isClosed) return;
		const count = message.payloadEnd - message.payloadStart;
		this.bytes = message.bytes;
		this.start = message.payloadStart;
		this.end = message.payloadEnd;
		const options: ReadableOptions = { more: message.left > 0 };
		if (message.offset === 0) {
			options.topic = message.topic;
			options.byteLength = message.byteLength;
			options.QoS = message.qos;
		}
		this.options.onReadable?.call(this.face, count, options);
		if (this.start === this.end || this.isClosed) return;
		// the program reads the rest later, and these bytes are others' by then
		this.bytes = this.bytes.slice(this.start, this.end);
		this.end -= this.start;
		this.start = 0;
		this.face.core.pause();
	}

	private acknowledged(operation: number, packet: AckPacket): void {
		this.control({ operation, id: this.face.idOf(packet) });
	}

	override publishAck(packet: AckPacket): void {
		this.acknowledged(PacketType.Puback, packet);
	}

	override publishReceived(packet: AckPacket): void {
		this.acknowledged(PacketType.Pubrec, packet);
	}

	override publishRelease(packet: AckPacket): void {
		this.control({ operation: PacketType.Pubrel, id: packet.packetId });
	}

	override publishComplete(packet: AckPacket): void {
		this.acknowledged(PacketType.Pubcomp, packet);
	}

	override ping(): void {
		this.control({ operation: PacketType.Pingresp });
	}

	override writable(): void {
		this.writableNow();
	}

	override flushed(): void {
		const later = this.laterOnes;
		if (later.length === 0) return;
		this.laterOnes = [];
		for (const message of later) this.control(message);
	}

	override disconnected(_cause: Cause, _reason: number, _why: string, againMs: number): void {
		this.start = this.end;
		if (againMs >= 0 || this.isClosed) return;
		this.isClosed = true;
		this.face.ended();
		this.options.onError?.call(this.face);
		this.options.onClose?.call(this.face);
	}
}
