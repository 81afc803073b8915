/** Lets a medium do its work between the events of a device: one bounded piece each time. */
import type { Storage } from "../src/platform.js";

/** How often a medium is asked at least, and at most, ms: the network comes in between. */
const MOST_MS = 50;
const LEAST_MS = 5;

/** What a medium needs of a platform. */
export interface MediumPlatform {
	now(): number;
	random(): number;
	/** tells of an exception that would restart the device */
	fault(where: string, error: unknown): void;
}

/** The SDK's Timer, or what a test has for it. */
export interface Timers<T> {
	set(callback: () => void, ms: number, repeatMs: number): T;
	schedule(timer: T, ms: number, repeatMs: number): void;
	clear(timer: T | undefined): void;
}

/** A storage that works in steps. */
export interface DeviceMedium extends Storage {
	/** Does one bounded piece of work. @returns ms until the next one is due */
	step(): number;
}

/** `new MediumSteps(Timer, platform, medium)` */
export class MediumSteps<T> {
	private readonly timer: T;

	constructor(
		private readonly timers: Timers<T>,
		private readonly platform: MediumPlatform,
		private readonly medium: DeviceMedium,
	) {
		this.timer = timers.set(() => this.step(), MOST_MS, MOST_MS);
	}

	/** Ends; the medium is closed by who opened it. */
	close(): void {
		this.timers.clear(this.timer);
	}

	private step(): void {
		try {
			const wait = this.medium.step();
			this.timers.schedule(this.timer, Math.max(LEAST_MS, Math.min(wait, MOST_MS)), MOST_MS);
		} catch (error) {
			this.platform.fault("storage", error);
		}
	}
}
