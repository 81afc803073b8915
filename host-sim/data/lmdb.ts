/** The storage of a hub on a PC: LMDB. It is read here, at start; a thread of its own writes, so that the broker goes
 *  on while the disk does. */
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import type { RootDatabase } from "lmdb";
import { HearthError } from "../../src/errors.js";
import type { RecordVisitor, Storage, StorageTarget } from "../../src/platform.js";
import {
	type BatchMessage,
	MAXIMUM_BYTES,
	RECORD_OVERHEAD,
	type WriterMessage,
	type WriterOptions,
	work,
} from "./lmdb-writer.js";

const DELETED = 0xffffffff;

/** How often is said how far reading has come, ms. */
const PROGRESS_MS = 1_000;

const BUFFER_BYTES = 64 * 1024;

export interface LmdbOptions {
	/** the file; its folder is there */
	path: string;
	/** bytes of records at most. Default: 8 GB */
	maximumBytes?: number;
	/** told each second while the start takes longer */
	progress?: (percent: number) => void;
}

/** What stands in LMDB's first two pages, which tell how large the file is at least. */
const META_BYTES = 256;
const MAGIC_AT = 24;
const MAGIC = 0xbeefc0de;
const PAGE_BYTES_AT = 48;
const LAST_PAGE_AT = 144;

/** The last pages may have been given up before they were ever written. */
const UNWRITTEN_PAGES = 256;

/** Looks at a file before LMDB does, which ends the process when it is cut short or none of its own.
 *  @returns what is wrong; "": nothing, or there is no file */
function faultOf(path: string): string {
	if (!existsSync(path) || statSync(path).size === 0) return "";
	const file = openSync(path, "r");
	try {
		const meta = Buffer.alloc(META_BYTES);
		let last = 0;
		let pageBytes = 0;
		for (let page = 0; page < 2; page++) {
			if (readSync(file, meta, 0, META_BYTES, page * pageBytes) < META_BYTES) return "it is cut short";
			if (meta.readUInt32LE(MAGIC_AT) !== MAGIC) return "it is no data of a hub";
			pageBytes = meta.readUInt32LE(PAGE_BYTES_AT);
			last = Math.max(last, meta.readUInt32LE(LAST_PAGE_AT));
		}
		return statSync(path).size < (last - UNWRITTEN_PAGES) * pageBytes ? "it is cut short" : "";
	} finally {
		closeSync(file);
	}
}

/** Loads LMDB when it is first needed: most commands don't. */
function lmdb(): typeof import("lmdb") {
	return createRequire(import.meta.url)("lmdb");
}

/** Opens a file of LMDB. Throws HearthError with path and cause. */
export function openFile(path: string, readOnly: boolean): RootDatabase<Buffer, number> {
	try {
		const fault = faultOf(path);
		if (fault !== "") throw new Error(fault);
		const { open } = lmdb();
		return open<Buffer, number>({
			path,
			noSubdir: true,
			keyEncoding: "uint32",
			encoding: "binary",
			overlappingSync: false,
			readOnly,
		});
	} catch (error) {
		const cause = error instanceof Error ? error.message : String(error);
		throw new HearthError("HEARTH_ERR_DATA", `${path}: cannot be opened (${cause}); give another directory`);
	}
}

export class LmdbStorage implements Storage {
	readonly valueBytesMax = 0x7fffffff;
	readonly bytesMax: number;
	bytesUsed = 0;
	/** resolves when all was written and the files are closed */
	readonly closed: Promise<void>;
	/** why what changed last is not on disk, after the end; "": it is */
	fault = "";
	private readonly db: RootDatabase<Buffer, number>;
	private target: StorageTarget | undefined;
	private worker: Worker | undefined;
	private bytes: Buffer = Buffer.alloc(BUFFER_BYTES);
	private end = 0;
	private batch = 0;
	/** the batch that was heard of last */
	private heard = 0;
	private isClosing = false;
	private resolveClosed = (): void => {};
	/** records that were read, and about how many will be */
	private readCount = 0;
	private readonly readAll: number;
	private saidAt = 0;

	/** Throws HearthError when the file cannot be opened. */
	constructor(private readonly options: LmdbOptions) {
		this.bytesMax = options.maximumBytes ?? MAXIMUM_BYTES;
		this.db = openFile(options.path, false);
		this.readAll = 1.5 * this.db.getCount(); // messages are looked at twice
		this.closed = new Promise((resolve) => {
			this.resolveClosed = resolve;
		});
	}

	open(target: StorageTarget): void {
		this.target = target;
		this.start();
	}

	private start(): void {
		const { path } = this.options;
		const module = createRequire(import.meta.url).resolve("lmdb");
		const options: WriterOptions = { path, lmdb: module, maximumBytes: this.bytesMax };
		const source = `(${work.toString()})(require("node:worker_threads"), require, ${RECORD_OVERHEAD});`;
		const worker = new Worker(source, { eval: true, workerData: options });
		this.worker = worker;
		worker.on("message", (message: WriterMessage) => this.answered(message));
		worker.on("error", (error) => this.lost(error));
		worker.on("exit", () => {
			if (this.worker === worker) this.lost(new Error("the writing thread has ended"));
		});
	}

	private answered({ batch, used, error, bytes }: WriterMessage): void {
		this.bytesUsed = used;
		if (bytes !== undefined && bytes.buffer.byteLength > this.bytes.length) this.bytes = asBuffer(bytes);
		if (batch === 0) return;
		this.heard = batch;
		if (this.isClosing && error !== undefined) this.fault = error;
		if (this.isClosing) return;
		if (error === undefined) this.target?.onDurable(batch);
		else this.target?.onStorageError(batch, new Error(error));
	}

	/** The thread has ended by itself: another one begins with the next batch. */
	private lost(error: Error): void {
		this.worker = undefined;
		if (this.isClosing) return this.finish();
		while (this.heard < this.batch) this.target?.onStorageError(++this.heard, error);
	}

	each(first: number, last: number, visitor: RecordVisitor): void {
		if (this.saidAt === 0) this.saidAt = performance.now();
		const range = last === 0xffffffff ? { start: first } : { start: first, end: last + 1 };
		for (const { key, value } of this.db.getRange(range)) {
			visitor.visit(key, value, 0, value.length);
			if ((++this.readCount & 1023) === 0) this.tell();
		}
	}

	private tell(): void {
		const now = performance.now();
		if (now - this.saidAt < PROGRESS_MS) return;
		this.saidAt = now;
		this.options.progress?.(Math.min(99, Math.floor((100 * this.readCount) / this.readAll)));
	}

	put(key: number, bytes: Uint8Array, start: number, end: number): boolean {
		const at = this.reserve(end - start);
		this.bytes.writeUInt32LE(key, at);
		this.bytes.writeUInt32LE(end - start, at + 4);
		this.bytes.set(bytes.subarray(start, end), at + 8);
		return true;
	}

	delete(key: number): boolean {
		const at = this.reserve(0);
		this.bytes.writeUInt32LE(key, at);
		this.bytes.writeUInt32LE(DELETED, at + 4);
		return true;
	}

	/** @returns index of so many bytes and a head */
	private reserve(count: number): number {
		const at = this.end;
		this.end = at + 8 + count;
		if (this.end > this.bytes.length) {
			const larger = Buffer.alloc(Math.max(this.end, 2 * this.bytes.length, BUFFER_BYTES));
			this.bytes.copy(larger, 0, 0, at);
			this.bytes = larger;
		}
		return at;
	}

	rollback(): void {
		this.end = 0;
	}

	commit(): number {
		const bytes = new Uint8Array(this.bytes.buffer, this.bytes.byteOffset, this.end);
		const message: BatchMessage = { batch: ++this.batch, bytes };
		this.end = 0;
		this.bytes = Buffer.alloc(0);
		if (this.worker === undefined) this.start();
		this.worker!.postMessage(message, [bytes.buffer as ArrayBuffer]);
		return this.batch;
	}

	close(): void {
		if (this.isClosing) return;
		this.isClosing = true;
		if (this.worker === undefined) return this.finish();
		this.worker.postMessage({ batch: 0, bytes: new Uint8Array(0) });
	}

	private finish(): void {
		this.worker = undefined;
		this.db.close().then(this.resolveClosed, this.resolveClosed);
	}
}

function asBuffer(bytes: Uint8Array): Buffer {
	return Buffer.from(bytes.buffer as ArrayBuffer);
}
