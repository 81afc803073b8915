/** How long things took: counts in classes that are 1 % wide, so that millions of values take no memory. */
const CLASSES = 2_048;
const LEAST_US = 0.1;
const WIDTH = Math.log(1.01);

export class Histogram {
	private readonly counts = new Uint32Array(CLASSES);
	private total = 0;

	/** @param us microseconds */
	add(us: number): void {
		const index = us <= LEAST_US ? 0 : Math.floor(Math.log(us / LEAST_US) / WIDTH);
		this.counts[index < CLASSES ? index : CLASSES - 1]!++;
		this.total++;
	}

	/** @param share 0.5: the median @returns microseconds, to 1 %; 0 when nothing was added */
	at(share: number): number {
		if (this.total === 0) return 0;
		let left = Math.ceil(share * this.total);
		for (let i = 0; i < CLASSES; i++) {
			left -= this.counts[i]!;
			if (left <= 0) return LEAST_US * Math.exp((i + 0.5) * WIDTH);
		}
		return LEAST_US * Math.exp(CLASSES * WIDTH);
	}
}
