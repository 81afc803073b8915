/** What outlives a restart of an ESP32: a journal on a data partition. */
import flash from "embedded:storage/flash";
import type { Flash } from "../src/platform.js";
import { Journal } from "../src/storage/journal.js";
import { journalLimits } from "../src/storage/journal-limits.js";
import type { MediumPlatform } from "./medium-steps.js";

/** The partition's label in sdkconfig/partitions.csv. */
const LABEL = "hearth";

/** A partition; without flash encryption any number of bytes is programmed at once. */
class Partition implements Flash {
	readonly programBytes = 1;
	readonly sectorBytes: number;
	readonly sectors: number;
	private readonly partition;

	/** Throws when there is no such partition. @param label its name in partitions.csv, of type data */
	constructor(label: string) {
		this.partition = flash.open({ path: label });
		const status = this.partition.status();
		this.sectorBytes = status.blockLength;
		this.sectors = status.blocks;
	}

	read(at: number, bytes: Uint8Array, start: number, end: number): void {
		this.partition.read(bytes.subarray(start, end), at);
	}

	program(at: number, bytes: Uint8Array, start: number, end: number): void {
		this.partition.write(bytes.subarray(start, end), at);
	}

	erase(sector: number): void {
		this.partition.eraseBlock(sector);
	}
}

/** The partition gets a journal if it has none yet, whatever else it had. Throws when there is no such partition.
 *  @param records that it has room for in RAM @param valueBytes of the longest */
export function openMedium(platform: MediumPlatform, records: number, valueBytes: number): Journal {
	return new Journal({
		flash: new Partition(LABEL),
		limits: { ...journalLimits, records, valueBytes },
		now: () => platform.now(),
		random: () => platform.random(),
	});
}
