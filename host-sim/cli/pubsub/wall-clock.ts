/** The time of day in fractions of a millisecond. */

/** How far the steady clock may be from the system's before it is set again, ms. */
const DRIFT_MS = 2;

/** @returns a clock: ms since 1970, which follow the system's when that is set */
export function wallClock(): () => number {
	let offset = Date.now() - performance.now();
	return () => {
		const steady = performance.now() + offset;
		const now = Date.now();
		if (Math.abs(now - steady) <= DRIFT_MS) return steady;
		offset += now - steady;
		return now;
	};
}
