/** What a journal on flash takes of a device: memory, flash and its wear. */

import { HearthError } from "../errors.js";
import { frozen } from "../frozen.js";
import type { Flash } from "../platform.js";

export interface JournalLimits {
	/** records at most; a value longer than `recordBytes` takes one for each part. 7 or 9 bytes of memory each */
	records: number;
	/** bytes of a value that lie in one record, a multiple of 4, 32 to a quarter of a sector */
	recordBytes: number;
	/** the buffer in which changes are merged before they are written, a multiple of 4, ≥ recordBytes + 16. What is
	 *  written in one piece is no larger: 4,096 bytes take 12 ms on most parts */
	pendingBytes: number;
	/** bytes of the longest value, at most 255 records */
	valueBytes: number;
	/** ms that a change may wait for others, so that they are written together; 0: written at the next step */
	intervalMs: number;
	/** bytes a day that may be written, those included that make room; 0: any number. Changes wait to meet it, and so
	 *  does the news that they are durable, so that who waits for it merges its own meanwhile */
	bytesPerDay: number;
	/** they wait no longer than this, ms ≥ intervalMs: what is lost at most when the power goes */
	intervalMaxMs: number;
	/** how often a sector can be erased, by the part's data sheet */
	endurance: number;
}

/** What a flash is, without what it does. */
export type FlashSize = Pick<Flash, "sectors" | "sectorBytes" | "programBytes">;

/** For parts of 100,000 erases and 64 KB: the budget wears them out in 17 years. */
export const journalLimits: JournalLimits = frozen({
	records: 256,
	recordBytes: 512,
	pendingBytes: 1_024,
	valueBytes: 8_192,
	intervalMs: 250,
	bytesPerDay: 1_000_000,
	intervalMaxMs: 600_000,
	endurance: 100_000,
});

/** Bytes of a record before its data. */
export const RECORD_HEAD = 16;

/** @returns sectors that are kept free: for what is moved out of the oldest one, and for what is written meanwhile */
export function spareSectors(flash: FlashSize): number {
	return flash.sectors < 12 ? 3 : 4;
}

/** @returns bytes that a record with so many data bytes takes */
export function recordSize(dataBytes: number): number {
	return RECORD_HEAD + ((dataBytes + 3) & ~3);
}

/** @returns bytes rounded up to what is programmed at once */
export function padded(bytes: number, programBytes: number): number {
	return Math.ceil(bytes / programBytes) * programBytes;
}

/** @returns index within a sector of its first record: behind a mark that it is erased, and two copies of one that it
 *  is in use */
export function sectorHead(programBytes: number): number {
	return padded(16, programBytes) + padded(32, programBytes);
}

/** @returns bytes of records that surely fit in a sector: the last one may not fit into what is left */
export function usableBytes(flash: FlashSize, limits: JournalLimits): number {
	const unit = Math.max(4, flash.programBytes);
	return flash.sectorBytes - sectorHead(unit) - padded(recordSize(limits.recordBytes), unit);
}

/** @returns bytes of records that the journal keeps at most: a quarter of the rest stays free, so that what is moved to
 *  make room is at most three times as much as what is new */
export function capacityBytes(flash: FlashSize, limits: JournalLimits): number {
	return Math.floor(((flash.sectors - spareSectors(flash)) * usableBytes(flash, limits) * 3) / 4);
}

/** @returns bytes of memory that a journal's arrays take, the same that its constructors allocate */
export function journalMemory(flash: Flash, limits: JournalLimits): number {
	const addresses = (flash.sectors * flash.sectorBytes + limits.pendingBytes) >> 2;
	const index = limits.records * (4 + 1 + (addresses < 0x10000 ? 2 : 4));
	return index + limits.pendingBytes + scratchBytes(flash) + 8 * flash.sectors;
}

/** @returns bytes of the buffer that records are read into, piece by piece */
export function scratchBytes(flash: Flash): number {
	return Math.max(256, flash.programBytes);
}

type Relation = readonly [name: string, holds: (l: JournalLimits, f: Flash) => boolean];

const RELATIONS: readonly Relation[] = frozen([
	["the flash has 5 to 4,096 sectors", (_, f) => f.sectors >= 5 && f.sectors <= 4_096],
	["records ≥ 1", (l) => l.records >= 1],
	["recordBytes and pendingBytes are multiples of 4", (l) => ((l.recordBytes | l.pendingBytes) & 3) === 0],
	["32 ≤ recordBytes ≤ a quarter of a sector", (l, f) => l.recordBytes >= 32 && 4 * l.recordBytes <= f.sectorBytes],
	["pendingBytes ≥ recordBytes + 16", (l) => l.pendingBytes >= l.recordBytes + RECORD_HEAD],
	["pendingBytes ≤ a sector", (l, f) => l.pendingBytes <= f.sectorBytes],
	["valueBytes ≤ 255 × recordBytes", (l) => l.valueBytes >= 1 && l.valueBytes <= 255 * l.recordBytes],
	["valueBytes ≤ half of what the flash keeps", (l, f) => 2 * l.valueBytes <= capacityBytes(f, l)],
	["intervalMaxMs ≥ intervalMs", (l) => l.intervalMaxMs >= l.intervalMs],
	["programBytes divides a sector and is 1, 2 or a multiple of 4", (_, f) => goodUnit(f)],
]);

function goodUnit(flash: Flash): boolean {
	const unit = flash.programBytes;
	return flash.sectorBytes % Math.max(4, unit) === 0 && (unit === 1 || unit === 2 || (unit > 0 && unit % 4 === 0));
}

/** Throws HearthError `HEARTH_ERR_LIMITS_RELATION` with the relation that does not hold. */
export function checkJournalLimits(limits: JournalLimits, flash: Flash): void {
	for (let i = 0; i < RELATIONS.length; i++) {
		const relation = RELATIONS[i]!;
		if (!relation[1](limits, flash))
			throw new HearthError("HEARTH_ERR_LIMITS_RELATION", `journal: ${relation[0]} does not hold; change one of them`);
	}
}
