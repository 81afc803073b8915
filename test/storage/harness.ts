/** A journal on a virtual flash, with a virtual clock and a Map that says what must be there. */
import type { VirtualFlash } from "../../host-sim/sim/flash.js";
import type { RecordVisitor, StorageTarget } from "../../src/platform.js";
import { Journal, NOTHING } from "../../src/storage/journal.js";
import type { JournalLimits } from "../../src/storage/journal-limits.js";

/** key → value, as text of bytes */
export type Table = Map<number, string>;

/** Small enough that groups, sectors and values come to their ends often. */
export const SMALL: JournalLimits = {
	records: 64,
	recordBytes: 64,
	pendingBytes: 160,
	valueBytes: 400,
	intervalMs: 0,
	bytesPerDay: 0,
	intervalMaxMs: 0,
	endurance: 100_000,
};

export function textOf(bytes: Uint8Array): string {
	let text = "";
	for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
	return text;
}

export function bytesOf(text: string): Uint8Array {
	const bytes = new Uint8Array(text.length);
	for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
	return bytes;
}

/** @returns all that a journal holds */
export function tableOf(journal: Journal): Table {
	const table: Table = new Map();
	const visitor: RecordVisitor = {
		visit: (key, bytes, start, end) => table.set(key, textOf(bytes.subarray(start, end))),
	};
	journal.each(0, 0xffffffff, visitor);
	return table;
}

export function same(a: Table, b: Table): boolean {
	if (a.size !== b.size) return false;
	for (const [key, value] of a) if (b.get(key) !== value) return false;
	return true;
}

export class Harness implements StorageTarget {
	now = 1_000;
	journal: Journal;
	/** the batches that are durable, lost, and all that were committed */
	durable = 0;
	readonly errors: number[] = [];
	committed = 0;
	/** what the table is after each batch; index 0: before the first */
	readonly states: Table[] = [new Map()];
	/** the greatest flash time of one call, of those that don't erase, ms; and of any */
	worstMs = 0;
	worstEraseMs = 0;

	constructor(
		readonly flash: VirtualFlash,
		readonly limits: JournalLimits = SMALL,
		state?: Table,
	) {
		this.journal = this.mount();
		if (state !== undefined) this.states[0] = state;
	}

	private mount(): Journal {
		const { flash, limits } = this;
		const journal = new Journal({ flash, limits, now: () => this.now, random: () => 0x12345678 });
		journal.open(this);
		return journal;
	}

	/** As after a reset: whatever was in memory is gone. */
	remount(): void {
		this.journal = this.mount();
		this.states[0] = tableOf(this.journal);
		this.states.length = 1;
		this.committed = this.durable = 0;
	}

	onDurable(batch: number): void {
		this.durable = batch;
	}

	onStorageError(batch: number): void {
		this.errors.push(batch);
	}

	get state(): Table {
		return this.states[this.states.length - 1]!;
	}

	/** Adds a batch: undefined deletes. @returns false: it found no room, and was rolled back */
	change(changes: readonly (readonly [key: number, value: string | undefined])[]): boolean {
		const next = new Map(this.state);
		for (const [key, value] of changes) {
			const done = this.timed(() => {
				if (value === undefined) return this.journal.delete(key);
				const bytes = bytesOf(`..${value}..`);
				return this.journal.put(key, bytes, 2, bytes.length - 2);
			});
			if (!done) {
				this.journal.rollback();
				return false;
			}
			if (value === undefined) next.delete(key);
			else next.set(key, value);
		}
		this.states.push(next);
		this.committed++;
		if (this.journal.commit() !== this.committed) throw new Error("batches are not counted");
		return true;
	}

	/** Lets the journal work until nothing is left to do. @param steps at most */
	settle(steps = 1_000): void {
		for (let i = 0; i < steps; i++) {
			const wait = this.timed(() => this.journal.step());
			if (wait === NOTHING || this.flash.dark) return;
			this.now += wait;
		}
		throw new Error("the journal never comes to rest");
	}

	/** One step. @returns what it returned */
	step(): number {
		return this.timed(() => this.journal.step());
	}

	private timed<T>(action: () => T): T {
		const { ms } = this.flash;
		const erases = this.journal.counters.erases;
		const result = action();
		const took = this.flash.ms - ms;
		if (this.journal.counters.erases > erases) this.worstEraseMs = Math.max(this.worstEraseMs, took);
		else this.worstMs = Math.max(this.worstMs, took);
		return result;
	}
}
