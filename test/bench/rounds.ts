/** Measuring side by side: rounds of each thing in turn, medians and their spread. */

export interface Contender {
	name: string;
	/** Does the work `count` times. */
	run(count: number): void;
}

/** The middle one of some values, the least and the greatest. */
export interface Spread {
	median: number;
	least: number;
	most: number;
}

/** @param values at least one */
export function spread(values: readonly number[]): Spread {
	return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

/** @returns the middle one */
export function median(values: readonly number[]): number {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[sorted.length >> 1]!;
}

/** Runs all contenders in turn, so that what disturbs the machine disturbs each.
 *  @returns ns for one piece of work, by contender, in each round */
export function interleave(contenders: readonly Contender[], rounds: number, count: number): number[][] {
	const times: number[][] = contenders.map(() => []);
	for (const contender of contenders) contender.run(count); // warm
	for (let round = 0; round < rounds; round++)
		for (const [i, contender] of contenders.entries()) {
			const start = process.hrtime.bigint();
			contender.run(count);
			times[i]!.push(Number(process.hrtime.bigint() - start) / count);
		}
	return times;
}

/** @returns "12.3 (11.0 to 13.1)": the median of the rounds' ratios, and the least and greatest */
export function ratio(over: readonly number[], under: readonly number[]): string {
	return spreadText(spread(over.map((value, i) => value / under[i]!)));
}

/** @returns "12.3 (11.0 to 13.1)" */
export function spreadText({ median, least, most }: Spread): string {
	return `${median.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
}
