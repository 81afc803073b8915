/** Measuring side by side: rounds of each thing in turn, medians and their spread. */

export interface Contender {
	name: string;
	/** Does the work `count` times. */
	run(count: number): void;
}

/** @returns the middle one */
export function median(values: number[]): number {
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
export function ratio(over: number[], under: number[]): string {
	const ratios = over.map((value, i) => value / under[i]!);
	const [low, high] = [Math.min(...ratios), Math.max(...ratios)];
	return `${median(ratios).toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}
