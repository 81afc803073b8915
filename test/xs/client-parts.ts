/** A client on XS without sockets: a device's limits, a server that is a few bytes, and the host's clock. */
import { Client } from "../../src/client/client.js";
import { deviceClientLimits } from "../../src/client/client-limits.js";
import type { ClientOptions, Connector, ConnectorTarget } from "../../src/client/client-options.js";
import type { Transport } from "../../src/platform.js";
import { XsPlatform } from "./platform.js";

/** Takes all bytes, and keeps the last ones. */
export class Taker implements Transport {
	readonly remoteAddress = "server";
	/** the last write's bytes, where they lie */
	bytes: Uint8Array = new Uint8Array(0);
	start = 0;
	end = 0;
	taken = 0;
	/** bytes that are taken at once */
	room = 4_096;
	closed = false;

	write(bytes: Uint8Array, start: number, end: number): number {
		this.bytes = bytes;
		this.start = start;
		this.end = end;
		this.taken += end - start;
		return this.room;
	}

	resume(): void {}

	close(): void {
		this.closed = true;
	}
}

export class Bench implements Connector {
	readonly platform: XsPlatform;
	readonly client: Client;
	readonly transport: Taker = new Taker();
	target: ConnectorTarget | undefined = undefined;
	/** what the server sends is laid here first */
	private readonly incoming: Uint8Array = new Uint8Array(1_024);
	/** ms that are added to the host's clock */
	later = 0;

	constructor(options: Partial<ClientOptions>) {
		const platform = new XsPlatform();
		platform.log = () => {};
		const now = platform.now.bind(platform);
		platform.now = () => now() + this.later;
		this.platform = platform;
		this.client = new Client({ limits: deviceClientLimits, platform, connector: this, ...options });
	}

	open(target: ConnectorTarget): void {
		this.target = target;
		this.transport.closed = false;
	}

	cancel(): void {
		this.target = undefined;
	}

	/** The server sends bytes. */
	feed(bytes: readonly number[]): void {
		this.incoming.set(bytes);
		this.client.link.onReadable(this.incoming, 0, bytes.length);
		this.client.endTurn();
	}

	/** Connects, and the server says yes. @param connack its bytes */
	connect(connack: readonly number[]): void {
		this.client.connect();
		this.opened();
		this.feed(connack);
	}

	/** The transport is there. */
	opened(): void {
		this.target!.opened(this.transport, this.transport.room);
		this.client.endTurn();
	}
}

export const CONNACK: readonly number[] = [0x20, 2, 0, 0];
export const CONNACK_PRESENT: readonly number[] = [0x20, 2, 1, 0];
/** 5.0, with Topic Alias Maximum 8 */
export const CONNACK5: readonly number[] = [0x20, 6, 0, 0, 3, 0x22, 0, 8];
