/** Constants that stay in ROM. */

/** Freezes a module's constant and, on XS, all that it leads to: what could be written to takes four bytes of RAM each.
 *  @returns the same value */
/* @__NO_SIDE_EFFECTS__ */
export function frozen<T>(value: T): T {
	return (Object.freeze as (value: T, deep: boolean) => T)(value, true);
}
