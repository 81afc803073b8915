/** Seeded randomness: the same seed gives the same schedule on every machine. */

export class Random {
	private state: number;

	constructor(seed: number) {
		this.state = seed >>> 0;
	}

	/** mulberry32. @returns 0 ≤ n < 1 */
	next(): number {
		this.state = (this.state + 0x6d2b79f5) >>> 0;
		let t = this.state;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
	}

	/** @returns a whole number, 0 ≤ n < end */
	below(end: number): number {
		return Math.floor(this.next() * end);
	}

	/** @returns a whole number, from ≤ n ≤ to */
	between(from: number, to: number): number {
		return from + this.below(to - from + 1);
	}

	chance(probability: number): boolean {
		return this.next() < probability;
	}

	pick<T>(list: readonly T[]): T {
		return list[this.below(list.length)]!;
	}

	/** @param weights by name @returns a name, as often as its weight says */
	weighted<K extends string>(weights: Record<K, number>): K {
		const names = Object.keys(weights) as K[];
		let left = this.next() * names.reduce((sum, name) => sum + weights[name], 0);
		for (const name of names) {
			left -= weights[name];
			if (left < 0) return name;
		}
		return names[names.length - 1]!;
	}
}
