/** A client made of a socket and npm's mqtt-packet: it sends what it is told, right or wrong, and reads when it is
 *  told. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { generate, type IConnectPacket, type Packet, parser } from "mqtt-packet";
import { until, within } from "./support.js";

export type Version = 3 | 4 | 5;

export class Raw {
	/** what came and was not taken */
	readonly packets: Packet[] = [];
	private handler: ((packet: Packet) => void) | undefined;
	/** the stream was no MQTT */
	broken: Error | undefined;
	closed = false;
	private readonly parser;

	private constructor(
		readonly socket: Socket,
		readonly version: Version,
	) {
		this.parser = parser({ protocolVersion: version });
		this.parser.on("packet", (packet: Packet) => {
			if (this.handler !== undefined) this.handler(packet);
			else this.packets.push(packet);
		});
		this.parser.on("error", (error: Error) => {
			this.broken ??= error;
		});
		socket.setNoDelay(true);
		socket.on("data", (chunk: Buffer) => this.parser.parse(chunk));
		socket.on("error", () => {});
		socket.on("close", () => {
			this.closed = true;
		});
	}

	/** A connection without CONNECT. */
	static async open(port: number, version: Version = 4): Promise<Raw> {
		const socket = connect(port, "127.0.0.1");
		await within(once(socket, "connect"), "a socket connects");
		return new Raw(socket, version);
	}

	/** A client that came in. */
	static async client(port: number, clientId: string, version: Version = 4, more: Partial<IConnectPacket> = {}) {
		const raw = await Raw.open(port, version);
		const connack = await raw.connect(clientId, more);
		const code = version === 5 ? connack.reasonCode : connack.returnCode;
		if (code !== 0) throw new Error(`${clientId} was refused: ${code}`);
		return raw;
	}

	/** From now on each packet is handed to `handler` in place of keeping it, those that are kept first. */
	each(handler: (packet: Packet) => void): void {
		this.handler = handler;
		for (const packet of this.packets.splice(0)) handler(packet);
	}

	/** Packets are kept again. */
	keep(): void {
		this.handler = undefined;
	}

	/** @returns whether the kernel took the bytes at once */
	write(bytes: Uint8Array): boolean {
		return this.socket.write(bytes);
	}

	send(packet: Packet): boolean {
		return this.write(this.encode(packet));
	}

	encode(packet: Packet): Buffer {
		return generate(packet, { protocolVersion: this.version });
	}

	/** Sends CONNECT. @returns the CONNACK */
	connect(clientId: string, more: Partial<IConnectPacket> = {}): Promise<Packet & { cmd: "connack" }> {
		this.send(connectPacket(this.version, clientId, more));
		return this.take("connack");
	}

	/** When a packet has come. Rejects when it is another, or when the connection ends without one. */
	async take<C extends Packet["cmd"]>(cmd: C): Promise<Packet & { cmd: C }> {
		await until(() => this.packets.length > 0 || this.closed, `${cmd} comes`);
		const packet = this.packets.shift();
		if (packet?.cmd !== cmd) throw new Error(`expected ${cmd}, got ${packet?.cmd ?? "the end"}`);
		return packet as Packet & { cmd: C };
	}

	/** When the hub has ended the connection. @returns what came before the end, without what was taken */
	async end(): Promise<Packet[]> {
		await until(() => this.closed, "the hub ends the connection");
		return this.packets;
	}

	/** Subscribes. @returns the SUBACK's codes */
	async subscribe(filter: string | string[], qos: 0 | 1 | 2 = 0): Promise<number[]> {
		const topics = typeof filter === "string" ? [filter] : filter;
		this.send({ cmd: "subscribe", messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos })) });
		return (await this.take("suback")).granted as number[];
	}

	/** Publishes; QoS 1 waits for PUBACK. @returns its Reason Code */
	async publish(topic: string, payload: string | Buffer, qos: 0 | 1 = 0, retain = false): Promise<number> {
		const id = qos > 0 ? { messageId: 1 } : {};
		this.send({ cmd: "publish", topic, payload, qos, dup: false, retain, ...id });
		if (qos === 0) return 0;
		return (await this.take("puback")).reasonCode ?? 0;
	}

	/** Waits for the answer to a ping: all that was sent before is done. */
	async ping(): Promise<void> {
		this.send({ cmd: "pingreq" });
		await this.take("pingresp");
	}

	/** Breaks the connection. */
	cut(): void {
		this.socket.destroy();
	}

	/** DISCONNECT. */
	async leave(): Promise<void> {
		this.send({ cmd: "disconnect" });
		await until(() => this.closed, "the connection ends");
	}
}

export function connectPacket(version: Version, clientId: string, more: Partial<IConnectPacket> = {}): Packet {
	return {
		cmd: "connect",
		protocolId: version === 3 ? "MQIsdp" : "MQTT",
		protocolVersion: version,
		clientId,
		clean: true,
		keepalive: 0,
		...more,
	};
}
