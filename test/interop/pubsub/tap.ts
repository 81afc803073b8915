/** Stands between a client and its broker, and notes which packets go by: what a command did, whatever it printed. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { type Packet, parser } from "mqtt-packet";
import { until, within } from "../support.js";

export class Tap {
	/** what the client sent, of all its connections */
	readonly sent: Packet[] = [];
	private readonly answered: Packet[] = [];
	private open = 0;
	private readonly clients = new Set<Socket>();

	private constructor(
		private readonly server: Server,
		readonly port: number,
	) {}

	/** @param brokerPort where the broker listens, on this machine
	 *  @param near how the client comes: by TLS, or by a Unix domain socket at that path; absent: by TCP */
	static async start(brokerPort: number, near: { tls?: TlsOptions; path?: string } = {}): Promise<Tap> {
		const server: Server = near.tls === undefined ? createServer() : createTlsServer(near.tls);
		if (near.path === undefined) server.listen(0, "127.0.0.1");
		else server.listen(near.path);
		await within(once(server, "listening"), "a tap listens");
		const tap = new Tap(server, near.path === undefined ? (server.address() as AddressInfo).port : 0);
		server.on(near.tls === undefined ? "connection" : "secureConnection", (client: Socket) => {
			const broker = connect(brokerPort, "127.0.0.1");
			const sent = parser();
			let answers: ReturnType<typeof parser> | undefined;
			tap.open++;
			tap.clients.add(client);
			sent.on("packet", (packet: Packet) => {
				if (packet.cmd === "connect" && answers === undefined) {
					answers = parser({ protocolVersion: packet.protocolVersion ?? 4 });
					answers.on("packet", (answer: Packet) => tap.answered.push(answer));
					answers.on("error", () => {});
				}
				tap.sent.push(packet);
			});
			sent.on("error", () => {});
			client.on("data", (chunk: Buffer) => sent.parse(chunk));
			broker.on("data", (chunk: Buffer) => answers?.parse(chunk));
			client.pipe(broker);
			broker.pipe(client);
			client.on("error", () => broker.destroy());
			broker.on("error", () => client.destroy());
			client.on("close", () => broker.end().resume());
			broker.on("close", () => {
				client.destroy();
				tap.clients.delete(client);
				tap.open--;
			});
		});
		return tap;
	}

	/** When the broker has answered with such a packet. Rejects when the client is gone before. */
	async answers(cmd: Packet["cmd"], gone: () => boolean): Promise<void> {
		await until(() => gone() || this.answered.some((packet) => packet.cmd === cmd), `${cmd} comes`);
	}

	/** Breaks the client's connections. */
	cut(): void {
		for (const client of this.clients) client.destroy();
	}

	/** When the client's connections are closed. */
	async close(what: string): Promise<void> {
		await until(() => this.open === 0, `${what}: the connections are closed`);
		this.server.close();
	}
}
