/** How many bytes may be written, so that the flash lives as long as it is meant to. */

const DAY_MS = 86_400_000;

/** What may be written at once after a quiet time: an eighth of a day's bytes. */
const BURST = 8;

export class WriteBudget {
	private level: number;
	private at: number;

	/** @param bytesPerDay 0: any number @param now ms */
	constructor(
		private readonly bytesPerDay: number,
		now: number,
	) {
		this.level = bytesPerDay / BURST;
		this.at = now;
	}

	/** Takes what was written off. */
	spend(bytes: number, now: number): void {
		this.refill(now);
		this.level -= bytes;
	}

	/** @returns ms until so many bytes may be written; 0: now */
	delay(bytes: number, now: number): number {
		if (this.bytesPerDay === 0) return 0;
		this.refill(now);
		const missing = Math.min(bytes, this.bytesPerDay / BURST) - this.level;
		return missing <= 0 ? 0 : Math.ceil((missing * DAY_MS) / this.bytesPerDay);
	}

	private refill(now: number): void {
		const level = this.level + ((now - this.at) * this.bytesPerDay) / DAY_MS;
		this.level = Math.min(level, this.bytesPerDay / BURST);
		this.at = now;
	}
}
