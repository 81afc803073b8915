/** A storage for tests: a log of batches in memory, each with its length and a check sum, as a disk or a flash would
 *  have them. What a power cut leaves of it is any beginning of the log's bytes. */
import type { RecordVisitor, Storage, StorageTarget } from "../../src/platform.js";

const HEAD = 8;

/** @returns a check sum of bytes[start..end) (FNV-1a) */
function sum(bytes: Uint8Array, start: number, end: number): number {
	let hash = 0x811c9dc5;
	for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
	return hash >>> 0;
}

export class MemoryStorage implements Storage {
	valueBytesMax = 1 << 24;
	bytesMax = 1 << 30;
	/** what is durable */
	readonly table = new Map<number, Uint8Array>();
	/** all that was ever written */
	log = new Uint8Array(0);
	/** index after each batch in the log */
	readonly ends: number[] = [];
	/** batches become durable when `finish` is called, as a test's fixture does where this is so */
	isPrompt = true;
	/** batches fail with this; "": they don't */
	failure = "";
	closed = false;
	puts = 0;
	private target: StorageTarget | undefined;
	private changes: [key: number, value: Uint8Array | undefined][] = [];
	private pending: [key: number, value: Uint8Array | undefined][][] = [];
	private batch = 0;
	private done = 0;

	/** Takes what a power cut left of a log. */
	static of(log: Uint8Array): MemoryStorage {
		const storage = new MemoryStorage();
		storage.mount(log);
		return storage;
	}

	protected mount(log: Uint8Array): void {
		const view = new DataView(log.buffer, log.byteOffset, log.byteLength);
		let at = 0;
		while (at + HEAD <= log.length) {
			const end = at + HEAD + view.getUint32(at);
			if (end > log.length || view.getUint32(at + 4) !== sum(log, at + HEAD, end)) break;
			for (let p = at + HEAD; p < end; ) {
				const key = view.getUint32(p);
				const bytes = view.getUint32(p + 4);
				if (bytes === 0xffffffff) this.table.delete(key);
				else this.table.set(key, log.slice(p + 8, p + 8 + bytes));
				p += 8 + (bytes === 0xffffffff ? 0 : bytes);
			}
			at = end;
			this.ends.push(at);
		}
		this.log = log.slice(0, at);
	}

	/** The same medium, as the next start finds it. */
	again(): MemoryStorage {
		const next = MemoryStorage.of(this.log);
		next.bytesMax = this.bytesMax;
		next.valueBytesMax = this.valueBytesMax;
		return next;
	}

	/** A medium with the same records, whatever was done to `table`. */
	copy(): MemoryStorage {
		const next = new MemoryStorage();
		next.write([...this.table]);
		return next;
	}

	get bytesUsed(): number {
		let bytes = 0;
		for (const value of this.table.values()) bytes += 4 + value.length;
		return bytes;
	}

	open(target: StorageTarget): void {
		this.target = target;
	}

	each(first: number, last: number, visitor: RecordVisitor): void {
		// in an order of its own
		for (const [key, value] of [...this.table].reverse())
			if (key >= first && key <= last) visitor.visit(key, value, 0, value.length);
	}

	put(key: number, bytes: Uint8Array, start: number, end: number): boolean {
		let used = this.bytesUsed + 4 + end - start;
		for (const [changed, value] of this.changes)
			used +=
				(value === undefined ? 0 : 4 + value.length) -
				(this.table.has(changed) ? 4 + this.table.get(changed)!.length : 0);
		if (used > this.bytesMax || end - start > this.valueBytesMax) return false;
		this.puts++;
		this.changes.push([key, bytes.slice(start, end)]);
		return true;
	}

	delete(key: number): boolean {
		this.changes.push([key, undefined]);
		return true;
	}

	rollback(): void {
		this.changes = [];
	}

	commit(): number {
		this.pending.push(this.changes);
		this.changes = [];
		return ++this.batch;
	}

	/** Ends the batches that were committed. @returns whether there were any */
	finish(): boolean {
		if (this.pending.length === 0) return false;
		while (this.pending.length > 0) {
			const changes = this.pending.shift()!;
			this.done++;
			if (this.failure !== "") {
				this.target!.onStorageError(this.done, new Error(this.failure));
				continue;
			}
			this.write(changes);
			this.target!.onDurable(this.done);
		}
		return true;
	}

	/** Appends a batch to the log. */
	private write(changes: [key: number, value: Uint8Array | undefined][]): void {
		const parts: Buffer[] = [];
		for (const [key, value] of changes) {
			const head = Buffer.alloc(8);
			head.writeUInt32BE(key);
			head.writeUInt32BE(value?.length ?? 0xffffffff, 4);
			parts.push(head);
			if (value !== undefined) parts.push(Buffer.from(value));
			if (value === undefined) this.table.delete(key);
			else this.table.set(key, value);
		}
		const body = Buffer.concat(parts);
		const head = Buffer.alloc(HEAD);
		head.writeUInt32BE(body.length);
		head.writeUInt32BE(sum(body, 0, body.length), 4);
		this.log = new Uint8Array(Buffer.concat([this.log, head, body]));
		this.ends.push(this.log.length);
	}

	close(): void {
		for (const changes of this.pending.splice(0)) if (this.failure === "") this.write(changes);
		this.closed = true;
	}
}
