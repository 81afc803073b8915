/** A client on a virtual clock whose server is the test: what the client sends is read by mqtt-packet. */
import { generate, type Packet, parser } from "mqtt-packet";
import type { Client } from "../../src/client/client.js";
import { ClientListener } from "../../src/client/client-listener.js";
import type { ClientOptions, ConnectorTarget } from "../../src/client/client-options.js";
import { type Cause, causeName } from "../../src/errors.js";
import type { Transport, TransportTarget } from "../../src/platform.js";
import { World } from "./world.js";

/** Notes what the client is told. */
export class Notes extends ClientListener {
	readonly ends: string[] = [];
	readonly pauses: number[] = [];
	readonly drops: string[] = [];
	readonly packets: string[] = [];
	override disconnected(cause: Cause, reason: number, why: string, againMs: number): void {
		this.ends.push(`${causeName(cause)} ${reason} ${why}`);
		this.pauses.push(againMs);
	}
	override dropped(cause: Cause, topic: string): void {
		this.drops.push(`${causeName(cause)} ${topic}`);
	}
	override connectAck(): void {
		this.packets.push("connack");
	}
	override publishAck(): void {
		this.packets.push("puback");
	}
	override publishReceived(): void {
		this.packets.push("pubrec");
	}
	override publishComplete(): void {
		this.packets.push("pubcomp");
	}
	override publishRelease(): void {
		this.packets.push("pubrel");
	}
	override subscribeAck(): void {
		this.packets.push("suback");
	}
	override unsubscribeAck(): void {
		this.packets.push("unsuback");
	}
	override ping(): void {
		this.packets.push("pingresp");
	}
}

/** A server that is a test's: what the client sends is read by mqtt-packet. */
export class Script implements Transport {
	readonly remoteAddress = "script";
	readonly packets: Packet[] = [];
	/** references that were asked for */
	readonly asked: string[] = [];
	closed = 0;
	client!: Client;
	readonly notes = new Notes();
	private target: ConnectorTarget | undefined;
	private parser = parser();

	constructor(
		readonly world: World,
		options: Partial<ClientOptions>,
	) {
		const connector = {
			open: (target: ConnectorTarget, reference: string) => {
				this.asked.push(reference);
				this.target = target;
			},
			cancel: () => {},
		};
		this.client = world.client({ clientId: "c", connector, listener: this.notes, ...options });
		this.client.connect();
	}

	write(bytes: Uint8Array, start: number, end: number): number {
		this.parser.parse(Buffer.from(bytes.slice(start, end)));
		return 4_096;
	}
	resume(): void {}
	close(): void {
		this.closed++;
	}

	/** The transport is there, and the server answers CONNECT. */
	accept(connack: Partial<Packet> | number[] = {}): this {
		const protocolVersion = this.client.version;
		this.parser = parser({ protocolVersion });
		this.parser.on("packet", (packet: Packet) => this.packets.push(packet));
		this.target!.opened(this, 4_096);
		this.world.advance(1);
		if (Array.isArray(connack)) return this.raw(connack);
		return this.send({ cmd: "connack", reasonCode: 0, returnCode: 0, sessionPresent: false, ...connack } as Packet);
	}

	refuse(): void {
		this.target!.failed("nobody");
		this.world.advance(1);
	}

	send(packet: Packet): this {
		return this.raw([...generate(packet, { protocolVersion: this.client.version })]);
	}

	raw(bytes: number[]): this {
		(this.target as unknown as TransportTarget).onReadable(new Uint8Array(bytes), 0, bytes.length);
		this.world.advance(1);
		return this;
	}

	sent(cmd: string): Packet[] {
		return this.packets.filter((packet) => packet.cmd === cmd);
	}
}

export function script(options: Partial<ClientOptions> = {}): Script {
	return new Script(new World(), options);
}
