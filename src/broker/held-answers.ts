/** Answers that wait until what they promise is durable, in blocks of the message store, in the order in which they
 *  were given. After the handlers, before output.ts. */
import { getUint16, getUint32, putUint16, putUint32 } from "../codec/data-types.js";
import { PacketType, ReasonCode, Version } from "../codec/packet-types.js";
import { encodeAck } from "../codec/publish.js";
import type { BlockPool } from "../memory/block-pool.js";
import type { Broker } from "./broker.js";
import { ConnectionState } from "./connection.js";

/** Bytes before each: connection, its stamp, the answer's length. */
const HEAD = 8;

/** The part of the store's blocks that answers may take. */
const SHARE = 4;

export class HeldAnswers {
	/** answers that wait */
	count = 0;
	/** by connection: how many */
	readonly countOf: Uint16Array;
	/** by connection: changes when one ends, whose answers nobody waits for any more */
	private readonly stamps: Uint16Array;
	private first = 0;
	private last = 0;
	/** bytes in the chain, from the first block's beginning; up to where they are gone, and may leave */
	private bytes = 0;
	private gone = 0;
	private due = 0;
	private readonly bytesMax: number;

	/** @param connections they are numbered 0 ≤ n < connections @param scratch index of 8 bytes of pool.bytes */
	constructor(
		private readonly pool: BlockPool,
		connections: number,
		private readonly scratch: number,
	) {
		this.countOf = new Uint16Array(connections);
		this.stamps = new Uint16Array(connections);
		this.bytesMax = Math.floor((pool.blockCount * pool.blockBytes) / SHARE);
	}

	/** Keeps an answer that lies at pool.bytes[start..end); an empty one is a mark. @returns false: full */
	hold(connection: number, start: number, end: number): boolean {
		const count = HEAD + end - start;
		if (this.bytes - this.gone + count > this.bytesMax || !this.hasRoom(count)) return false;
		const bytes = this.pool.bytes;
		const at = this.scratch;
		const p = putUint16(bytes, putUint16(bytes, at, connection), this.stamps[connection]!);
		this.append(at, putUint32(bytes, p, end - start));
		this.append(start, end);
		this.count++;
		this.countOf[connection]!++;
		return true;
	}

	private hasRoom(count: number): boolean {
		const pool = this.pool;
		const inLast = this.first === 0 ? 0 : (pool.blockBytes - (this.bytes % pool.blockBytes)) % pool.blockBytes;
		return pool.freeCount * pool.blockBytes >= count - inLast;
	}

	private append(start: number, end: number): void {
		const pool = this.pool;
		if (this.first === 0) this.first = this.last = pool.take(1);
		if (start === end) return;
		const used = this.bytes % pool.blockBytes;
		const offset = used === 0 && this.bytes > 0 ? pool.blockBytes : used;
		this.last = pool.append(this.last, offset, pool.bytes, start, end);
		this.bytes += end - start;
	}

	/** What waits now may leave when the batch that is written now is durable. */
	mark(): void {
		this.due = this.bytes;
	}

	/** What could have left with the batch that was being written must wait on. */
	unmark(): void {
		this.due = 0;
	}

	/** Hands out the next answer that may leave, written at pool.bytes[at..]. @returns its connection; -1: none may */
	next(at: number): number {
		const pool = this.pool;
		while (this.gone < this.due) {
			const bytes = pool.bytes;
			pool.read(this.first, this.gone, HEAD, bytes, this.scratch);
			const connection = getUint16(bytes, this.scratch);
			const stamp = getUint16(bytes, this.scratch + 2);
			this.answerBytes = getUint32(bytes, this.scratch + 4);
			pool.read(this.first, this.gone + HEAD, this.answerBytes, bytes, at);
			this.gone += HEAD + this.answerBytes;
			this.count--;
			this.giveBack();
			if (stamp !== this.stamps[connection]) continue;
			this.countOf[connection]!--;
			return connection;
		}
		return -1;
	}

	/** bytes of the answer that `next` handed out */
	answerBytes = 0;

	/** Gives blocks back whose answers are all gone. */
	private giveBack(): void {
		const pool = this.pool;
		if (this.gone === this.bytes) {
			pool.giveBack(this.first);
			this.first = this.last = this.bytes = this.gone = this.due = 0;
			return;
		}
		for (; this.gone >= pool.blockBytes; this.gone -= pool.blockBytes) {
			this.first = pool.giveBackFirst(this.first);
			this.bytes -= pool.blockBytes;
			this.due -= pool.blockBytes;
		}
	}

	/** The connection ended: what waits for it is dropped when its turn comes. */
	forget(connection: number): void {
		if (this.countOf[connection] === 0) return;
		this.countOf[connection] = 0;
		this.stamps[connection]!++;
	}
}

/** Sends the answers whose promises are kept. */
export function sendHeld(broker: Broker, held: HeldAnswers): void {
	const at = broker.layout.scratch;
	for (let index = held.next(at); index >= 0; index = held.next(at)) {
		const connection = broker.connections[index]!;
		if (connection.state !== ConnectionState.Connected) continue;
		const end = at + held.answerBytes;
		if (end > at) broker.send(connection, at, end);
		else connection.output.inParts = false;
		// what follows a CONNACK or SUBACK
		if (end === at || broker.memory[at] === PacketType.Suback << 4) connection.serve();
	}
}

/** Nothing can be written: 5.0 clients hear that their messages are not taken, though they may have been delivered;
 *  before, there is no such answer: they wait on. Spec: [5:MQTT-4.3.2-4] [5:MQTT-4.3.3-8] */
export function refuseHeld(broker: Broker, held: HeldAnswers): void {
	const memory = broker.memory;
	const at = broker.layout.scratch;
	held.mark();
	for (let index = held.next(at); index >= 0; index = held.next(at)) {
		const connection = broker.connections[index]!;
		const end = at + held.answerBytes;
		const type = end > at ? memory[at]! >> 4 : PacketType.Connack;
		const isTaken = type === PacketType.Puback || type === PacketType.Pubrec;
		if (!isTaken || connection.version !== Version.V5) {
			broker.persist!.wait(connection, at, end);
			continue;
		}
		const id = getUint16(memory, at + 2);
		const session = connection.session!;
		if (type === PacketType.Pubrec && broker.received.delete(session.index, id)) session.receivedCount--;
		broker.send(connection, at, encodeAck(memory, at, type, id, Version.V5, ReasonCode.QuotaExceeded, memory, 0, 0));
	}
	held.unmark();
}
