/** What outlives a restart of an ESP8266: a journal on the flash area that the SDK calls "storage". */
import SdkFlash from "flash";
import type { Flash } from "../src/platform.js";
import { Journal } from "../src/storage/journal.js";
import { journalLimits } from "../src/storage/journal-limits.js";
import type { MediumPlatform } from "./medium-steps.js";

class Area implements Flash {
	readonly programBytes = 4;
	readonly sectorBytes: number;
	readonly sectors: number;
	private readonly area;

	constructor(name: string) {
		this.area = new SdkFlash(name);
		this.sectorBytes = this.area.blockSize;
		this.sectors = Math.floor(this.area.byteLength / this.sectorBytes);
	}

	read(at: number, bytes: Uint8Array, start: number, end: number): void {
		// the SDK has no read into an array that is there
		bytes.set(new Uint8Array(this.area.read(at, end - start)), start);
	}

	program(at: number, bytes: Uint8Array, start: number, end: number): void {
		this.area.write(at, end - start, bytes.subarray(start, end));
	}

	erase(sector: number): void {
		this.area.erase(sector);
	}
}

/** The area gets a journal if it has none yet, whatever else it had.
 *  @param records that it has room for in RAM @param valueBytes of the longest */
export function openMedium(platform: MediumPlatform, records: number, valueBytes: number): Journal {
	return new Journal({
		flash: new Area("storage"),
		limits: { ...journalLimits, records, valueBytes },
		now: () => platform.now(),
		random: () => platform.random(),
	});
}
