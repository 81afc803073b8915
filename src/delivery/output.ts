/** What leaves on one connection: bytes are gathered in a buffer and handed to the transport once a turn.
 *  Buffers are few and shared: one is with a connection only while bytes wait in it. Control packets that find no room
 *  wait in blocks of the store; a PUBLISH that finds none stays in its outbox. After outbox.ts, before the
 *  transport. */
import { putBytes } from "../codec/data-types.js";
import type { ByteChains } from "../memory/byte-chains.js";
import type { Transport } from "../platform.js";

/** The buffers of all outputs, and which outputs have something to flush. */
export class Outputs {
	/** by buffer: who has it */
	private readonly owner: (Output | undefined)[];
	private readonly free: number[];
	private freeCount: number;
	/** bytes that were handed to transports */
	bytesSent = 0;
	/** how often something was staged */
	stagings = 0;

	/** @param bytes the array that holds the buffers @param from index of the first one's first byte
	 *  @param backlogs by output: control packets that found no room */
	constructor(
		readonly bytes: Uint8Array,
		private readonly from: number,
		readonly bufferBytes: number,
		private readonly count: number,
		readonly backlogs: ByteChains,
	) {
		this.owner = [];
		this.free = [];
		for (let i = count - 1; i >= 0; i--) {
			this.owner.push(undefined);
			this.free.push(i);
		}
		this.freeCount = count;
	}

	/** @returns a buffer for the output, flushing another's where none is free; -1: all are held by their transports */
	take(output: Output): number {
		if (this.freeCount === 0) {
			for (let i = 0; i < this.count && this.freeCount === 0; i++) {
				const other = this.owner[i];
				if (other !== undefined && other !== output) other.flush();
			}
			if (this.freeCount === 0) return -1;
		}
		const buffer = this.free[--this.freeCount]!;
		this.owner[buffer] = output;
		return buffer;
	}

	giveBack(buffer: number): void {
		this.owner[buffer] = undefined;
		this.free[this.freeCount++] = buffer;
	}

	at(buffer: number): number {
		return this.from + buffer * this.bufferBytes;
	}
}

/** Bits of `Output.busy`. */
export const enum Busy {
	/** bytes wait in a buffer for the end of the turn */
	Staged = 1,
	/** the transport keeps the buffer until it is writable again */
	Held = 2,
	/** a PUBLISH is being sent in parts: nothing else may come between */
	InParts = 4,
	/** control packets that found no room wait in blocks */
	Backlog = 8,
	/** in the list of outputs that have something to flush (see broker.ts) */
	Dirty = 16,
	/** what is held lies elsewhere, and no buffer is with this output */
	Elsewhere = 32,
}

export class Output {
	/** Busy bits; 0: what is written now comes next */
	busy = 0;
	/** bytes that the transport takes now, those in the buffer included */
	writable = 0;
	transport: Transport | undefined = undefined;
	readonly outputs: Outputs;
	private readonly index: number;
	/** buffer number, where one is staged or held */
	private buffer = 0;
	private start = 0;
	private end = 0;
	/** the next in that list */
	nextDirty: Output | undefined = undefined;

	/** @param index of its backlog */
	constructor(outputs: Outputs, index: number) {
		this.outputs = outputs;
		this.index = index;
	}

	/** @param writable bytes that the transport takes at once */
	open(transport: Transport, writable: number): void {
		this.transport = transport;
		this.writable = writable;
	}

	/** Forgets all that waits. */
	close(): void {
		if ((this.busy & (Busy.Staged | Busy.Held)) !== 0) this.giveBack();
		if ((this.busy & Busy.Backlog) !== 0) this.outputs.backlogs.drop(this.index);
		this.busy &= Busy.Dirty;
		this.start = this.end = this.writable = 0;
		this.transport = undefined;
	}

	/** @returns bytes that the transport would take now, whatever waits */
	get room(): number {
		return (this.busy & Busy.Held) !== 0 ? 0 : this.writable - (this.end - this.start);
	}

	/** @returns whether a packet that is staged now would come after all that waits */
	get free(): boolean {
		return (this.busy & (Busy.Backlog | Busy.InParts)) === 0;
	}

	/** A PUBLISH is sent in parts from now on, or not any more. */
	set inParts(is: boolean) {
		this.busy = is ? this.busy | Busy.InParts : this.busy & ~Busy.InParts;
	}

	/** Makes room for `count` ≤ bufferBytes contiguous bytes of whole packets, to be written at the returned index of
	 *  `outputs.bytes` and then told by `staged`. @returns -1: no room now */
	stage(count: number): number {
		return (this.busy & (Busy.Backlog | Busy.InParts)) !== 0 ? -1 : this.stagePart(count);
	}

	/** The same for what goes before all that waits: the rest of a PUBLISH sent in parts, and the backlog itself. */
	stagePart(count: number): number {
		if ((this.busy & Busy.Held) !== 0 || count > this.writable - (this.end - this.start)) return -1;
		const outputs = this.outputs;
		if ((this.busy & Busy.Staged) !== 0 && this.end + count > outputs.at(this.buffer) + outputs.bufferBytes) {
			this.flush();
			if ((this.busy & Busy.Held) !== 0 || count > this.writable) return -1;
		}
		if ((this.busy & Busy.Staged) === 0) {
			const buffer = outputs.take(this);
			if (buffer < 0) return -1;
			this.busy |= Busy.Staged;
			this.buffer = buffer;
			this.start = this.end = outputs.at(buffer);
		}
		return this.end;
	}

	/** The staged bytes end before `end`. */
	staged(end: number): void {
		this.outputs.stagings++;
		this.end = end;
	}

	/** Stages whole packets that lie at source[start..end). @returns false: no room now */
	put(source: Uint8Array, start: number, end: number): boolean {
		const at = end - start <= this.outputs.bufferBytes ? this.stage(end - start) : -1;
		if (at < 0) return false;
		this.staged(putBytes(this.outputs.bytes, at, source, start, end));
		return true;
	}

	/** Hands the gathered bytes to the transport. */
	flush(): void {
		if ((this.busy & Busy.Staged) === 0) return;
		const start = this.start;
		const end = this.end;
		this.start = end;
		if (start < end && this.transport !== undefined) {
			this.outputs.bytesSent += end - start;
			const left = this.transport.write(this.outputs.bytes, start, end);
			if (this.transport === undefined) return; // it failed meanwhile, and this output was closed
			if (left < 0) {
				this.busy ^= Busy.Staged | Busy.Held;
				this.writable = 0;
				return;
			}
			this.writable = left;
		}
		this.outputs.giveBack(this.buffer);
		this.busy &= ~Busy.Staged;
		this.start = this.end = 0;
	}

	/** The transport takes `count` bytes; what it kept has left the buffer. */
	onWritable(count: number): void {
		this.writable = count;
		if ((this.busy & Busy.Held) === 0) return;
		this.giveBack();
		this.busy &= ~(Busy.Held | Busy.Elsewhere);
		this.start = this.end = 0;
	}

	private giveBack(): void {
		if ((this.busy & Busy.Elsewhere) === 0) this.outputs.giveBack(this.buffer);
	}

	/** Hands bytes to the transport from where they lie, behind all that is staged: part of a PUBLISH sent in parts. They
	 *  must stay as they are while `held`. @returns how many it took */
	writeFrom(bytes: Uint8Array, start: number, end: number): number {
		this.flush();
		if (this.held || this.transport === undefined) return 0;
		const count = end - start < this.writable ? end - start : this.writable;
		if (count === 0) return 0;
		this.outputs.bytesSent += count;
		const left = this.transport.write(bytes, start, start + count);
		if (this.transport === undefined) return 0; // it failed meanwhile
		if (left < 0) this.busy |= Busy.Held | Busy.Elsewhere;
		this.writable = left < 0 ? 0 : left;
		return count;
	}

	/** The transport keeps bytes that it was given, until it is writable again. */
	get held(): boolean {
		return (this.busy & Busy.Held) !== 0;
	}

	/** bytes that may be staged before those that are there leave */
	get spare(): number {
		return (this.busy & Busy.Staged) === 0 ? 0 : this.outputs.at(this.buffer) + this.outputs.bufferBytes - this.end;
	}

	/** @returns whether the peer does not take what is there for it */
	get stalled(): boolean {
		return (this.busy & (Busy.Held | Busy.Backlog)) !== 0 || (this.transport !== undefined && this.writable < 64);
	}

	/** Puts a control packet behind all that waits. The packet lies at source[start..end).
	 *  @returns false: the store is full too */
	backlog(source: Uint8Array, start: number, end: number): boolean {
		if (!this.outputs.backlogs.add(this.index, source, start, end)) return false;
		this.busy |= Busy.Backlog;
		return true;
	}

	/** Stages control packets that waited, as far as there is room. Not while a PUBLISH is sent in parts. */
	drainBacklog(): void {
		if ((this.busy & (Busy.Backlog | Busy.InParts)) !== Busy.Backlog) return;
		const outputs = this.outputs;
		const backlogs = outputs.backlogs;
		for (let left = backlogs.bytes(this.index); left > 0; left = backlogs.bytes(this.index)) {
			const count = Math.min(left, this.room, outputs.bufferBytes);
			const at = count > 0 ? this.stagePart(count) : -1;
			if (at < 0) return;
			this.staged(backlogs.take(this.index, count, outputs.bytes, at));
		}
		backlogs.drop(this.index);
		this.busy &= ~Busy.Backlog;
	}
}

/** Copies a control packet that was encoded at source[start..end) behind what the output has already, or lets it wait.
 *  @returns false: no room anywhere */
export function sendControl(output: Output, source: Uint8Array, start: number, end: number): boolean {
	if (output.put(source, start, end)) return true;
	if (!output.backlog(source, start, end)) return false;
	output.drainBacklog();
	return true;
}
