/** How much a journal has worn its flash, and how long that will go on. */
import type { Wear } from "../platform.js";
import type { JournalCounters } from "./counters.js";
import type { JournalOptions } from "./journal.js";

export class JournalWear implements Wear {
	private readonly started: number;

	/** @param erases of each sector, as far as known */
	constructor(
		private readonly options: JournalOptions,
		private readonly counters: JournalCounters,
		readonly erases: Uint32Array,
	) {
		this.started = options.now();
	}

	get bytesWritten(): number {
		return this.counters.bytesWritten;
	}

	get bytesPerDay(): number {
		const ms = this.options.now() - this.started;
		return ms <= 0 ? 0 : (this.counters.bytesWritten * 86_400_000) / ms;
	}

	get erasesMax(): number {
		const { erases } = this;
		let max = 0;
		for (let i = 0; i < erases.length; i++) if (erases[i]! > max) max = erases[i]!;
		return max;
	}

	get erasesMean(): number {
		const { erases } = this;
		let sum = 0;
		for (let i = 0; i < erases.length; i++) sum += erases[i]!;
		return sum / erases.length;
	}

	get lifeYears(): number {
		const { flash, limits } = this.options;
		const left = Math.max(0, limits.endurance - this.erasesMean) * flash.sectors;
		const perDay = this.bytesPerDay;
		return perDay === 0 ? Number.POSITIVE_INFINITY : (left * flash.sectorBytes) / perDay / 365.25;
	}

	get damaged(): number {
		return this.counters.damaged;
	}
}
