/** On XS: clients without sockets, whose bytes go straight into a broker. */
import type { Broker } from "../../src/broker/broker.js";
import type { Connection } from "../../src/broker/connection.js";
import type { Transport } from "../../src/platform.js";

/** Takes all bytes; one for all clients, so that it does not count. */
export class Sink implements Transport {
	readonly remoteAddress = "xs";
	closed = 0;
	/** where the last bytes lie in the broker's memory */
	start = 0;
	end = 0;

	write(_bytes: Uint8Array, start: number, end: number): number {
		this.start = start;
		this.end = end;
		return 5_744;
	}

	resume(): void {}

	close(): void {
		this.closed++;
	}
}

/** Brings bytes as a board does: into the broker's own memory, one turn an event. */
export class Feeder {
	readonly sink = new Sink();

	constructor(readonly broker: Broker) {}

	/** Sends bytes from a client. */
	feed(connection: Connection, bytes: readonly number[] | Uint8Array): void {
		const memory = this.broker.memory;
		const at = this.broker.layout.receive;
		memory.set(bytes, at);
		connection.onReadable(memory, at, at + bytes.length);
		this.broker.endTurn();
	}

	/** Connects a client of 3.1.1. @returns undefined when no connection is free */
	connect(clientId: string, clean = true, keepAlive = 60): Connection | undefined {
		const connection = this.broker.accept(this.sink, 5_744);
		if (connection === undefined) return undefined;
		const flags = clean ? 2 : 0;
		const body = [0, 4, 0x4d, 0x51, 0x54, 0x54, 4, flags, keepAlive >> 8, keepAlive & 255].concat(text(clientId));
		this.feed(connection, packet(0x10, body));
		return connection;
	}

	/** Connects a client of 5.0 that takes so many Topic Aliases. @returns undefined when no connection is free */
	connect5(clientId: string, aliases: number): Connection | undefined {
		const connection = this.broker.accept(this.sink, 5_744);
		if (connection === undefined) return undefined;
		const properties = [0x22, aliases >> 8, aliases & 255];
		const head = [0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 2, 0, 60, properties.length];
		this.feed(connection, packet(0x10, head.concat(properties, text(clientId))));
		return connection;
	}

	subscribe5(connection: Connection, filter: string, qos: number): void {
		this.feed(connection, packet(0x82, [0, 1, 0].concat(text(filter), [qos])));
	}

	subscribe(connection: Connection, filter: string, qos: number): void {
		this.feed(connection, packet(0x82, [0, 1].concat(text(filter), [qos])));
	}

	publish(connection: Connection, topic: string, payloadBytes: number, qos: number, retain: boolean, id = 7): void {
		this.feed(connection, publishBytes(topic, payloadBytes, qos, retain, id));
	}

	unsubscribe(connection: Connection, filter: string): void {
		this.feed(connection, packet(0xa2, [0, 1].concat(text(filter))));
	}

	/** @returns the last packet's byte at an index */
	last(index: number): number {
		return this.broker.memory[this.sink.start + index]!;
	}
}

/** @returns a PUBLISH */
export function publishBytes(topic: string, payloadBytes: number, qos: number, retain: boolean, id: number): number[] {
	const body = text(topic);
	if (qos > 0) body.push(id >> 8, id & 255);
	for (let i = 0; i < payloadBytes; i++) body.push(0x41 + (i % 26));
	return packet(0x30 | (qos << 1) | (retain ? 1 : 0), body);
}

/** @returns two length bytes and ASCII characters */
export function text(value: string): number[] {
	const bytes = [value.length >> 8, value.length & 255];
	for (let i = 0; i < value.length; i++) bytes.push(value.charCodeAt(i));
	return bytes;
}

/** @returns a packet with its fixed header */
export function packet(first: number, body: readonly number[]): number[] {
	const bytes = [first];
	let rest = body.length;
	do {
		bytes.push(rest > 127 ? (rest & 127) | 128 : rest);
		rest >>= 7;
	} while (rest > 0);
	return bytes.concat(body);
}
