/** Makes a schedule that fails smaller: steps without which it still fails are left out. */
import { type Failure, play } from "./player.js";
import type { Schedule } from "./steps.js";

/** @param failure of the schedule @returns a smaller schedule, and how that one fails: hardly ever in another way */
export function shrink(schedule: Schedule, failure: Failure): { schedule: Schedule; failure: Failure } {
	const kind = kindOf(failure);
	let steps = schedule.steps.slice(0, failure.at + 1);
	let last = failure;
	// whether something is left over is seen only where the last steps are as they were
	const tail = failure.leftOver ? schedule.ending : 0;
	for (let count = Math.ceil(steps.length / 2); count > 0; ) {
		let smaller = false;
		for (let from = steps.length - tail - count; from > -count; from -= count) {
			const rest = steps.filter((_, i) => i < from || i >= from + count);
			const fails = play({ ...schedule, steps: rest }, failure.leftOver);
			if (fails === undefined || kindOf(fails) !== kind) continue;
			steps = rest.slice(0, fails.at + 1);
			last = fails;
			smaller = true;
		}
		if (!smaller || count > 1) count = count === 1 ? 0 : Math.floor(count / 2);
	}
	return { schedule: { ...schedule, steps }, failure: last };
}

/** The message without what differs from one message to the next: numbers, names, packets. */
function kindOf({ error }: Failure): string {
	return error.message.replace(/\{.*\}|"[^"]*"|\d+/g, "").slice(-60);
}
