/** A virtual NOR flash: a program only clears bits, an erase sets those of a whole sector, power cuts tear both, and
 *  bits rot on demand. Everything is seeded. */
import type { Flash } from "../../src/platform.js";

/** ms that a part takes, by the data sheets of those on most boards (W25Q and GD25Q: typical times). */
export interface FlashTimes {
	/** a page of 256 bytes, or any part of it */
	programMs: number;
	eraseMs: number;
	/** a kilobyte read */
	readMs: number;
	/** any call */
	callMs: number;
}

export const TYPICAL: FlashTimes = { programMs: 0.7, eraseMs: 45, readMs: 0.1, callMs: 0.02 };
/** The worst that the data sheets allow. */
export const WORST: FlashTimes = { programMs: 3, eraseMs: 400, readMs: 0.1, callMs: 0.02 };

const PAGE = 256;

export interface VirtualFlashOptions {
	sectors: number;
	sectorBytes?: number;
	programBytes?: number;
	seed?: number;
	times?: FlashTimes;
	/** what lies on it; absent: 0xff everywhere */
	bytes?: Uint8Array;
}

/** What `VirtualFlash` throws when the power goes, and until it comes back. */
export class PowerCut extends Error {
	override name = "PowerCut";
}

/** How a torn write looks: up to the cut it is done, or each bit that it touches may or may not be. */
export type Tear = "clean" | "smeared";

export class VirtualFlash implements Flash {
	readonly sectorBytes: number;
	readonly sectors: number;
	readonly programBytes: number;
	readonly bytes: Uint8Array;
	/** erases of each sector */
	readonly erases: Uint32Array;
	bytesProgrammed = 0;
	/** estimated time that the part was busy */
	ms = 0;
	/** called before each write, with the same arguments */
	beforeProgram: ((at: number, bytes: Uint8Array, start: number, end: number) => void) | undefined;
	beforeErase: ((sector: number) => void) | undefined;
	private readonly times: FlashTimes;
	private seed: number;
	private left = Number.POSITIVE_INFINITY;
	private tear: Tear = "clean";
	/** the power is off */
	dark = false;

	constructor(options: VirtualFlashOptions) {
		this.sectors = options.sectors;
		this.sectorBytes = options.sectorBytes ?? 4_096;
		this.programBytes = options.programBytes ?? 4;
		this.times = options.times ?? TYPICAL;
		this.seed = options.seed ?? 1;
		this.bytes = options.bytes?.slice() ?? new Uint8Array(this.sectors * this.sectorBytes).fill(0xff);
		this.erases = new Uint32Array(this.sectors);
	}

	/** @returns another with the same bits, whose power is on */
	clone(): VirtualFlash {
		const { sectors, sectorBytes, programBytes, times, bytes, seed } = this;
		return new VirtualFlash({ sectors, sectorBytes, programBytes, times, bytes, seed });
	}

	/** Lets the power go in the midst of a write: after so many bytes more, those of an erase being `ERASE_STEPS`. */
	cutAfter(bytes: number, tear: Tear): void {
		this.left = bytes;
		this.tear = tear;
	}

	/** The power comes back. */
	restore(): void {
		this.dark = false;
		this.left = Number.POSITIVE_INFINITY;
	}

	/** Turns one bit over. @param bit index over the whole flash */
	rot(bit: number): void {
		this.bytes[bit >> 3]! ^= 1 << (bit & 7);
	}

	read(at: number, bytes: Uint8Array, start: number, end: number): void {
		this.use(at, end - start);
		bytes.set(this.bytes.subarray(at, at + end - start), start);
		this.ms += (this.times.readMs * (end - start)) / 1_024;
	}

	program(at: number, bytes: Uint8Array, start: number, end: number): void {
		const count = end - start;
		const unit = this.programBytes;
		this.use(at, count);
		if (at % unit !== 0 || count % unit !== 0) throw new RangeError(`program ${at}, ${count} bytes: not whole units`);
		if (Math.floor(at / this.sectorBytes) !== Math.floor((at + count - 1) / this.sectorBytes))
			throw new RangeError(`program ${at}, ${count} bytes: over the end of a sector`);
		for (let i = 0; i < count; i++)
			if ((bytes[start + i]! & ~this.bytes[at + i]!) !== 0) throw new RangeError(`program ${at + i}: sets bits`);
		this.beforeProgram?.(at, bytes, start, end);
		const done = Math.min(count, this.left);
		for (let i = 0; i < done; i++) this.bytes[at + i]! &= bytes[start + i]!;
		this.bytesProgrammed += done;
		this.ms += (Math.floor((at + count - 1) / PAGE) - Math.floor(at / PAGE) + 1) * this.times.programMs;
		this.left -= done;
		if (done === count) return;
		// the byte at the cut, or all of the page around it
		const from = this.tear === "clean" ? done : 0;
		const to = this.tear === "clean" ? done + 1 : count;
		for (let i = from; i < to; i++) {
			const keeps = this.random() & 0xff;
			if (i >= done) this.bytes[at + i]! &= bytes[start + i]! | keeps;
			else if (at + i >= Math.floor((at + done) / PAGE) * PAGE) this.bytes[at + i]! |= keeps & ~bytes[start + i]!;
		}
		this.goDark();
	}

	erase(sector: number): void {
		const start = sector * this.sectorBytes;
		this.use(start, this.sectorBytes);
		this.beforeErase?.(sector);
		this.ms += this.times.eraseMs;
		this.erases[sector]!++;
		const done = Math.min(ERASE_STEPS, this.left);
		this.left -= done;
		if (done === ERASE_STEPS) {
			this.bytes.fill(0xff, start, start + this.sectorBytes);
			return;
		}
		const share = (done * this.sectorBytes) / ERASE_STEPS;
		for (let i = 0; i < this.sectorBytes; i++) {
			const at = start + i;
			if (this.tear === "clean") this.bytes[at] = i < share ? 0xff : this.bytes[at]!;
			else if (this.random() % 16 > 2) this.bytes[at] = this.random() % this.sectorBytes < share ? 0xff : this.random();
		}
		this.goDark();
	}

	/** Checks that the power is on and the place exists. */
	private use(at: number, count: number): void {
		if (this.dark) throw new PowerCut("the power is off");
		if (at < 0 || count < 0 || at + count > this.bytes.length) throw new RangeError(`${at}, ${count} bytes: outside`);
		this.ms += this.times.callMs;
	}

	private goDark(): void {
		this.dark = true;
		throw new PowerCut("the power went");
	}

	/** xorshift32 */
	private random(): number {
		let x = this.seed;
		x ^= x << 13;
		x ^= x >>> 17;
		x ^= x << 5;
		this.seed = x;
		return x >>> 0;
	}
}

/** An erase counts as so many bytes for `cutAfter`. */
export const ERASE_STEPS = 16;
