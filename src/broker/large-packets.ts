/** Packets that a connection's buffer cannot hold: they go into blocks of the store as they arrive, and are put
 *  together in one buffer when they are whole. Between framer.ts and connection.ts. */
import type { BlockPool } from "../memory/block-pool.js";

/** Numbers that are kept for a connection, in this order: first block (0: none), last block, bytes so far. */
const KEPT = 3;

export class LargePackets {
	private readonly kept: Uint32Array;

	/** @param connections how many there are @param assembly index of the buffer in `pool.bytes` */
	constructor(
		private readonly pool: BlockPool,
		private readonly assembly: number,
		connections: number,
	) {
		this.kept = new Uint32Array(KEPT * connections);
	}

	/** @param connection its index @returns false: the store is full */
	begin(connection: number): boolean {
		const kept = this.kept;
		const at = KEPT * connection;
		kept[at] = kept[at + 1] = this.pool.take(1);
		kept[at + 2] = 0;
		return kept[at] !== 0;
	}

	/** Takes a part of the body, bytes[start..end). @returns false: the store is full */
	add(connection: number, bytes: Uint8Array, start: number, end: number): boolean {
		const kept = this.kept;
		const at = KEPT * connection;
		const blockBytes = this.pool.blockBytes;
		const before = kept[at + 2]!;
		const used = before > 0 && before % blockBytes === 0 ? blockBytes : before % blockBytes;
		const last = this.pool.append(kept[at + 1]!, used, bytes, start, end);
		if (last === 0) return false;
		kept[at + 1] = last;
		kept[at + 2] = before + end - start;
		return true;
	}

	/** Puts the body together in the buffer and gives its blocks back. @returns index after it */
	take(connection: number): number {
		const at = KEPT * connection;
		const end = this.pool.read(this.kept[at]!, 0, this.kept[at + 2]!, this.pool.bytes, this.assembly);
		this.drop(connection);
		return end;
	}

	/** Gives the blocks of a packet back that is not whole. */
	drop(connection: number): void {
		const at = KEPT * connection;
		if (this.kept[at] !== 0) this.pool.giveBack(this.kept[at]!);
		this.kept[at] = 0;
	}
}
