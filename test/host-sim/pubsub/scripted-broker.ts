/** A broker that answers as a test wants, made of npm's mqtt-packet. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { generate, type Packet, parser } from "mqtt-packet";
import { within } from "../../interop/support.js";

export class ScriptedBroker {
	/** what came, over all connections */
	readonly packets: Packet[] = [];
	readonly sockets: Socket[] = [];

	private constructor(
		private readonly server: Server,
		readonly port: number,
	) {}

	/** @param answer the packets that answer one; connections without CONNACK come from it, too */
	static async start(
		version: 3 | 4 | 5,
		answer: (packet: Packet, socket: Socket) => Packet[],
	): Promise<ScriptedBroker> {
		const server = createServer().listen(0, "127.0.0.1");
		await within(once(server, "listening"), "a broker listens");
		const broker = new ScriptedBroker(server, (server.address() as AddressInfo).port);
		server.on("connection", (socket) => {
			broker.sockets.push(socket);
			const packets = parser({ protocolVersion: version });
			packets.on("packet", (packet: Packet) => {
				broker.packets.push(packet);
				for (const one of answer(packet, socket)) socket.write(generate(one, { protocolVersion: version }));
			});
			packets.on("error", () => socket.destroy());
			socket.on("data", (chunk: Buffer) => packets.parse(chunk));
			socket.on("error", () => {});
		});
		return broker;
	}

	/** @returns the packets of a kind that came */
	got<C extends Packet["cmd"]>(cmd: C): (Packet & { cmd: C })[] {
		return this.packets.filter((packet): packet is Packet & { cmd: C } => packet.cmd === cmd);
	}

	close(): void {
		for (const socket of this.sockets) socket.destroy();
		this.server.close();
	}
}

/** CONNACK with success. */
export const CONNACK: Packet = { cmd: "connack", returnCode: 0, reasonCode: 0, sessionPresent: false };
