/** One due time each for a fixed number of things; a scan a tick finds those that are over. */

export class Deadlines {
	/** ms on the platform's clock; 0: none */
	private readonly due: Float64Array;

	constructor(private readonly count: number) {
		this.due = new Float64Array(count);
	}

	/** @param when ms on the platform's clock, > 0 */
	set(index: number, when: number): void {
		this.due[index] = when;
	}

	clear(index: number): void {
		this.due[index] = 0;
	}

	get(index: number): number {
		return this.due[index]!;
	}

	/** @returns the first index ≥ `from` whose time is over; -1: none */
	over(from: number, now: number): number {
		const due = this.due;
		for (let i = from, n = this.count; i < n; i++) {
			const when = due[i]!;
			if (when !== 0 && when <= now) return i;
		}
		return -1;
	}
}
