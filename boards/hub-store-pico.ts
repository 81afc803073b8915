/** Where a Pico keeps the hub's records: in a journal of its own on the flash that the SDK keeps for storage. The SDK's
 *  store of names and values does not compile there, and its preferences have 63 bytes at most. */
import { bytes, erase, program, read } from "hearth-mqtt/flash";
import type { Flash } from "../src/platform.js";
import { Journal } from "../src/storage/journal.js";
import type { MediumPlatform } from "./medium-steps.js";
import { hubJournalLimits, MediumValues } from "./medium-values.js";

const SECTOR_BYTES = 4_096;

class Partition implements Flash {
	readonly sectorBytes = SECTOR_BYTES;
	readonly sectors: number;
	/** the SDK fills a page of 256 bytes up with ones, which change nothing */
	readonly programBytes = 4;

	constructor() {
		this.sectors = Math.floor(bytes() / SECTOR_BYTES);
	}

	read(at: number, target: Uint8Array, start: number, end: number): void {
		read(at, target.subarray(start, end));
	}

	program(at: number, source: Uint8Array, start: number, end: number): void {
		program(at, source.subarray(start, end));
	}

	erase(sector: number): void {
		erase(sector);
	}
}

/** Throws HearthError when the flash has no room for a journal, or one of a later version. @param devices at most */
export function openRecords(platform: MediumPlatform, devices: number): MediumValues {
	const flash = new Partition();
	const now = (): number => platform.now();
	const random = (): number => platform.random();
	return new MediumValues(new Journal({ flash, limits: hubJournalLimits(devices), now, random }));
}
