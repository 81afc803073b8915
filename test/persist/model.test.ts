/** Random schedules against the model, with a storage below each broker: it has to behave as one without. */
import { assert, suite } from "../support/test.js";

const test = suite("random schedules on a storage");

process.env.HEARTH_TEST_STORAGE = "1"; // before the fixtures are loaded
const { makeSchedule } = await import("../model/schedule.js");
const { play } = await import("../model/player.js");

/** schedules of one test, so that each ends soon */
const BATCH = 30;

for (const from of [501, 531, 561])
	test(`schedules ${from} to ${from + BATCH - 1}: what the model allows, no more and no less`, () => {
		for (let seed = from; seed < from + BATCH; seed++) {
			const failure = play(makeSchedule(seed));
			assert.is(failure, undefined, `seed ${seed}, step ${failure?.at}: ${failure?.error.message}`);
		}
	});

test.run();
