/** A connection of the load to a broker, over TCP, TLS or WebSocket: a raw socket, and packets that were encoded
 *  before. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { generate, type IConnectPacket } from "mqtt-packet";
import { FrameStream, frame, PacketStream, type TakePacket } from "./packet-stream.js";

export type Carrier = "tcp" | "tls" | "ws";

export interface Endpoint {
	port: number;
	carrier: Carrier;
	/** a client's user name and password */
	user?: readonly [name: string, password: string];
}

/** What all sockets over TCP read into: each is done with it before the next reads. */
const READ = Buffer.alloc(1 << 16);

export class Link {
	/** Takes each packet that comes. */
	onPacket: TakePacket = () => {};
	/** Called when all packets of a read have been taken. */
	onRead = (): void => {};
	onClose = (): void => {};
	private socket!: Socket;
	private feed!: (chunk: Buffer) => void;

	private constructor(readonly endpoint: Endpoint) {}

	/** Connects, without CONNECT. Rejects when it cannot. */
	static async open(endpoint: Endpoint): Promise<Link> {
		const link = new Link(endpoint);
		const packets = new PacketStream((bytes, start, body, end) => link.onPacket(bytes, start, body, end));
		const take = (chunk: Buffer): void => {
			link.feed(chunk);
			link.onRead();
		};
		const at = { host: "127.0.0.1", port: endpoint.port };
		link.feed = (chunk) => packets.feed(chunk);
		if (endpoint.carrier === "tls") {
			link.socket = connectTls({ ...at, rejectUnauthorized: false });
			link.socket.on("data", take);
			await once(link.socket, "secureConnect");
		} else {
			const callback = (count: number): boolean => {
				take(READ.subarray(0, count));
				return true;
			};
			link.socket = connectTcp({ ...at, onread: { buffer: READ, callback } });
			await once(link.socket, "connect");
		}
		link.socket.setNoDelay(true);
		link.socket.on("error", () => {}); // "close" follows
		link.socket.on("close", () => link.onClose());
		if (endpoint.carrier === "ws") await link.upgrade(packets);
		return link;
	}

	/** Becomes a WebSocket. Spec: RFC 6455, 4.1 */
	private upgrade(packets: PacketStream): Promise<void> {
		const frames = new FrameStream((chunk) => packets.feed(chunk));
		const key = randomBytes(16).toString("base64");
		const lines = ["GET /mqtt HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade"];
		lines.push(`Sec-WebSocket-Key: ${key}`, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: mqtt", "", "");
		return new Promise((resolve, reject) => {
			let head = "";
			this.onClose = () => reject(new Error("no WebSocket"));
			this.feed = (chunk) => {
				head += chunk.toString("latin1");
				const end = head.indexOf("\r\n\r\n");
				if (end < 0) return;
				if (!head.startsWith("HTTP/1.1 101")) return reject(new Error(head.slice(0, head.indexOf("\r\n"))));
				this.feed = (next) => frames.feed(next);
				this.onClose = () => {};
				const rest = Buffer.from(head.slice(end + 4), "latin1");
				if (rest.length > 0) frames.feed(rest);
				resolve();
			};
			this.socket.write(lines.join("\r\n"));
		});
	}

	/** @returns a packet as it lies on this link's wire; several may be written at once */
	wrap(packet: Buffer): Buffer {
		return this.endpoint.carrier === "ws" ? frame(packet) : packet;
	}

	/** @param bytes what `wrap` made; the link's until it has left */
	write(bytes: Buffer): void {
		this.socket.write(bytes);
	}

	/** Writes a packet and waits for the next one that comes. @returns its type, 1 to 15, and its body.
	 *  Rejects when the connection ends. */
	ask(packet: Buffer): Promise<{ type: number; body: Buffer }> {
		return new Promise((resolve, reject) => {
			const { onPacket } = this;
			this.onClose = () => reject(new Error("the broker has ended the connection"));
			this.onPacket = (bytes, start, body, end) => {
				this.onPacket = onPacket;
				this.onClose = () => {};
				resolve({ type: bytes[start]! >> 4, body: Buffer.from(bytes.subarray(body, end)) });
			};
			this.write(this.wrap(packet));
		});
	}

	end(): void {
		this.socket.destroy();
	}

	/** Lets what was written leave first. */
	endGently(): Promise<void> {
		return new Promise((resolve) => {
			this.onClose = resolve;
			this.socket.end();
			this.socket.resume();
		});
	}
}

/** Connects as a client. Rejects when the broker does not let it in. */
export async function openClient(endpoint: Endpoint, clientId: string, version: 4 | 5 = 4): Promise<Link> {
	const link = await Link.open(endpoint);
	const { body } = await link.ask(connectPacket(endpoint, clientId, version));
	if (body[1] === 0) return link;
	link.end();
	throw new Error(`the broker refuses ${clientId}: ${body[1]}`);
}

/** @returns a CONNECT without Keep Alive; 5.0 takes Topic Aliases */
export function connectPacket(endpoint: Endpoint, clientId: string, version: 4 | 5, clean = true): Buffer {
	const packet: IConnectPacket = {
		cmd: "connect",
		clientId,
		keepalive: 0,
		clean,
		protocolVersion: version,
		protocolId: "MQTT",
		...(version === 5 ? { properties: { topicAliasMaximum: 16 } } : {}),
		...(endpoint.user === undefined ? {} : { username: endpoint.user[0], password: Buffer.from(endpoint.user[1]) }),
	};
	return generate(packet);
}

/** Subscribes. Rejects when the broker grants less than one of the filters with that QoS. */
export async function subscribe(link: Link, filters: readonly string[], qos: 0 | 1 | 2, version: 4 | 5): Promise<void> {
	const subscriptions = filters.map((topic) => ({ topic, qos }));
	const packet = generate({ cmd: "subscribe", messageId: 1, subscriptions }, { protocolVersion: version });
	const { type, body } = await link.ask(packet);
	const codes = [...body.subarray(body.length - filters.length)];
	if (type !== 9 || codes.some((code) => code !== qos)) throw new Error(`SUBSCRIBE ${filters[0]}: ${codes[0]}`);
}
