/** What outlives a restart of an ESP32: a journal on a data partition. */
import flash from "embedded:storage/flash";
import type { Flash } from "../src/platform.js";
import { Journal } from "../src/storage/journal.js";
import type { JournalLimits } from "../src/storage/journal-limits.js";
import type { MediumPlatform } from "./medium-steps.js";

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

/** @param label the partition's; one that has no journal yet gets one, whatever else it had */
export function openMedium(platform: MediumPlatform, limits: JournalLimits, label = "hearth"): Journal {
	return new Journal({
		flash: new Partition(label),
		limits,
		now: () => platform.now(),
		random: () => platform.random(),
	});
}
