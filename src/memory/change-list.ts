/** Which of a fixed number of things were changed since they were last written, and which are being written: each is in
 *  a list once, so that nothing is ever full. */
import { type UintArray, uintArray } from "./typed-array.js";

/** Bits of a thing's `marks`. */
export const enum Mark {
	/** changed since it was last taken to be written */
	Changed = 1,
	/** there may be a record of it */
	Stored = 2,
	/** there is to be a record of it */
	Kept = 4,
}

export class ChangeList {
	/** changed things */
	count = 0;
	/** Mark bits by thing */
	readonly marks: Uint8Array;
	private readonly next: UintArray;
	private readonly nextWritten: UintArray;
	private first = 0;
	private last = 0;
	private writtenFirst = 0;

	/** @param max things are numbered 1 ≤ n ≤ max */
	constructor(max: number) {
		this.marks = new Uint8Array(max + 1);
		this.next = uintArray(max, max + 1);
		this.nextWritten = uintArray(max, max + 1);
	}

	/** The thing was changed. */
	add(thing: number): void {
		if ((this.marks[thing]! & Mark.Changed) !== 0) return;
		this.marks[thing]! |= Mark.Changed;
		if (this.first === 0) this.first = thing;
		else this.next[this.last] = thing;
		this.last = thing;
		this.next[thing] = 0;
		this.count++;
	}

	/** Calls for each changed thing, in the order of their first changes. @returns false: the visitor did, at once */
	each(visitor: ChangeVisitor): boolean {
		for (let thing = this.first; thing !== 0; thing = this.next[thing]!) if (!visitor.changed(thing)) return false;
		return true;
	}

	/** All that were changed are being written from now on. The ones before were `confirm`ed. */
	take(): void {
		for (let thing = this.first; thing !== 0; thing = this.next[thing]!) {
			const marks = this.marks[thing]! & ~Mark.Changed;
			this.marks[thing] = (marks & Mark.Kept) !== 0 ? marks | Mark.Stored : marks & ~Mark.Stored;
			this.nextWritten[thing] = this.next[thing]!;
		}
		this.writtenFirst = this.first;
		this.first = this.last = this.count = 0;
	}

	/** What was being written is written. */
	confirm(): void {
		this.writtenFirst = 0;
	}

	/** What was being written is not: it counts as changed again. */
	reject(): void {
		for (let thing = this.writtenFirst; thing !== 0; thing = this.nextWritten[thing]!) {
			this.marks[thing]! |= Mark.Stored;
			this.add(thing);
		}
		this.writtenFirst = 0;
	}
}

/** Takes changed things. */
export interface ChangeVisitor {
	/** @returns false: no more are wanted */
	changed(thing: number): boolean;
}
