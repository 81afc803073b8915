/** What stands on XS for the package `process-nextick-args`. */

export function nextTick(call: (...values: unknown[]) => void, ...values: unknown[]): void {
	call(...values);
}
