/** Random batches, the same for the same seed. */
import type { Harness } from "./harness.js";

export class Script {
	private state: number;

	/** @param keys how many keys there are @param valueBytes the longest value; most are short */
	constructor(
		seed: number,
		private readonly keys: number,
		private readonly valueBytes: number,
	) {
		this.state = seed;
	}

	/** @returns 0 ≤ n < max */
	random(max: number): number {
		let x = this.state;
		x ^= x << 13;
		x ^= x >>> 17;
		x ^= x << 5;
		this.state = x;
		return (x >>> 0) % max;
	}

	private value(): string {
		const longest = this.random(6) === 0 ? this.valueBytes : 40;
		return String.fromCharCode(...Array.from({ length: this.random(longest + 1) }, () => this.random(256)));
	}

	/** @returns one batch's changes; some keys change twice */
	batch(): [key: number, value: string | undefined][] {
		return Array.from({ length: 1 + this.random(4) }, () => [
			this.random(this.keys),
			this.random(4) === 0 ? undefined : this.value(),
		]);
	}

	/** Adds one batch, or one that is rolled back, or lets the journal do some of its work. */
	play(harness: Harness): void {
		const changes = this.batch();
		if (this.random(8) === 0) {
			const { journal } = harness;
			for (const [key] of changes) journal.put(key, new Uint8Array(30), 0, 30);
			journal.rollback();
		}
		if (!harness.change(changes)) {
			harness.settle();
			harness.change(changes.slice(0, 1));
		}
		if (this.random(3) > 0) harness.settle();
		else for (let steps = this.random(4); steps > 0; steps--) harness.step();
	}
}
