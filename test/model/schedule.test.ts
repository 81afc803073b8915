/** Random schedules of 2 to 6 clients against the model of the specification. One that fails is printed with its seed
 *  and the steps that it needs to fail.
 *
 *  HEARTH_MODEL_SEED=n npm test -- test/model: that schedule alone, with all its steps;
 *  HEARTH_MODEL_RUNS=n npm test -- test/model: the schedules 1 to n */
import { suite } from "../support/test.js";
import { play } from "./player.js";
import { makeSchedule } from "./schedule.js";
import { shrink } from "./shrink.js";
import { describe, type Schedule } from "./steps.js";

const test = suite("random schedules against the model");

const RUNS = Number(process.env.HEARTH_MODEL_RUNS ?? 500);
/** schedules of one test, so that each ends soon */
const BATCH = 100;

function tell({ steps, limits }: Schedule, title: string): void {
	const lines = steps.map((step, i) => `${`${i + 1}`.padStart(5)}. ${describe(step)}`);
	console.log([title, ...lines, `       limits ${JSON.stringify(limits)}`].join("\n"));
}

/** Plays the schedule of a seed. Throws when the model does not allow what the broker does. */
function run(seed: number): void {
	const schedule = makeSchedule(seed);
	const failure = play(schedule);
	if (failure === undefined) return;
	const needed = shrink(schedule, failure);
	tell(needed.schedule, `\nseed ${seed} fails at its step ${failure.at + 1}; these of its steps are enough:`);
	console.log(`       ${needed.failure.error.message}`);
	console.log(`       All steps: HEARTH_MODEL_SEED=${seed} npm test -- test/model`);
	throw new Error(`seed ${seed}, step ${failure.at + 1}: ${failure.error.message}`);
}

const single = process.env.HEARTH_MODEL_SEED;
if (single !== undefined)
	test(`schedule ${single}`, () => {
		tell(makeSchedule(Number(single)), `\nseed ${single}:`);
		run(Number(single));
	});
else
	for (let from = 1; from <= RUNS; from += BATCH) {
		const to = Math.min(from + BATCH - 1, RUNS);
		test(`schedules ${from} to ${to}: what the model allows, no more and no less`, () => {
			for (let seed = from; seed <= to; seed++) run(seed);
		});
	}

test.run();
