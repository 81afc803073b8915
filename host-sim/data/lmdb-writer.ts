/** The thread that writes a hub's data: transactions of LMDB with their syncs, which may take as long as a disk likes.
 *  `work` is handed to the thread as text (lmdb.ts), so it uses nothing but its arguments. */

/** What the thread is told. */
export interface WriterOptions {
	/** where lmdb's module lies */
	lmdb: string;
	path: string;
	maximumBytes: number;
}

/** A batch: `bytes` is a row of key, length (0xffffffff: deleted) and value, the numbers little-endian. */
export interface BatchMessage {
	batch: number;
	bytes: Uint8Array;
}

/** What the thread answers. */
export interface WriterMessage {
	/** 0: it has begun */
	batch: number;
	/** bytes of records */
	used: number;
	/** why the batch is lost; absent: it is durable */
	error?: string;
	/** the batch's buffer, to be used again */
	bytes?: Uint8Array;
}

/** Bytes of records at most, where nobody says another number. */
export const MAXIMUM_BYTES = 8 * 1024 ** 3;

/** Bytes that a record takes beside its value: key, and the tree's own. */
export const RECORD_OVERHEAD = 16;

// biome-ignore lint/suspicious/noExplicitAny: what a thread gets from `require`
export function work(threads: any, require: any, overhead: number): void {
	const { parentPort, workerData } = threads;
	const { open } = require(workerData.lmdb);
	const { statfsSync } = require("node:fs");
	const db = open({
		path: workerData.path,
		noSubdir: true,
		keyEncoding: "uint32",
		encoding: "binary",
		overlappingSync: false,
	});
	let used = 0;
	for (const { value } of db.getRange({})) used += value.length + overhead;
	parentPort.postMessage({ batch: 0, used });

	// LMDB says no more than "Input/output error"
	const causeOf = (error: unknown): string => {
		const { bavail, bsize } = statfsSync(workerData.path);
		if (bavail * bsize < 1_000_000) return "no space is left on the disk";
		return error instanceof Error ? error.message : String(error);
	};
	const sizeOf = (key: number): number => {
		const value = db.getBinaryFast(key);
		return value === undefined ? 0 : value.length + overhead;
	};
	const write = (bytes: Uint8Array): number => {
		const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		let sum = used;
		db.transactionSync(() => {
			for (let at = 0; at < bytes.length; ) {
				const key = view.getUint32(at, true);
				const count = view.getUint32(at + 4, true);
				at += 8;
				sum -= sizeOf(key);
				if (count === 0xffffffff) db.removeSync(key);
				else {
					db.putSync(key, Buffer.from(bytes.buffer, bytes.byteOffset + at, count));
					sum += count + overhead;
					at += count;
				}
			}
			if (sum > workerData.maximumBytes && sum > used)
				throw new Error(`the limit of ${workerData.maximumBytes} bytes is reached (maximumBytes)`);
		});
		return sum;
	};
	parentPort.on("message", ({ batch, bytes }: BatchMessage) => {
		if (bytes.length === 0 && batch === 0) {
			db.close().then(() => parentPort.close());
			return;
		}
		let answer: WriterMessage;
		try {
			used = write(bytes);
			answer = { batch, used, bytes };
		} catch (error) {
			answer = { batch, used, error: causeOf(error), bytes };
		}
		parentPort.postMessage(answer, [bytes.buffer]);
	});
}
