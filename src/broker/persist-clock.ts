/** A clock that goes on from run to run, for what must end some time after a restart. While the power is off it goes
 *  on where a wall clock was known before and is known after; else it stands still, and nothing ends too early. */
import type { Platform } from "../platform.js";

/** A wall clock before 2024 has not been set. */
const WALL_MIN = 1_704_067_200_000;

/** Where the clock begins when there was none before, ms. */
const BEGINNING = 1_000;

export class PersistClock {
	/** this clock less the platform's, ms */
	private offset: number;

	constructor(private readonly platform: Platform) {
		this.offset = BEGINNING - platform.now();
	}

	/** Goes on from what was stored. @param wall ms since 1970 when it was; 0: not known */
	resume(clock: number, wall: number): void {
		const now = this.wall;
		const off = wall !== 0 && now !== 0 ? Math.max(0, now - wall) : 0;
		this.offset = clock + off - this.platform.now();
	}

	/** ms since 1970; 0: not known */
	get wall(): number {
		const now = this.platform.wallClock?.() ?? 0;
		return now >= WALL_MIN ? now : 0;
	}

	/** @param ms on the platform's clock; 0 stays 0 @returns ms on this one, > 0 */
	store(ms: number): number {
		return ms === 0 ? 0 : Math.max(1, Math.ceil(ms + this.offset));
	}

	/** @param ms on this clock; 0 stays 0 @returns ms on the platform's, not 0, negative where it was long ago */
	recall(ms: number): number {
		return ms === 0 ? 0 : ms - this.offset || 1;
	}
}
