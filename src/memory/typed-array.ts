/** Tables of numbers, as small as the largest value allows. */

export type UintArray = Uint8Array | Uint16Array | Uint32Array;

/** @param max largest value that an element must hold @param count elements
 *  @returns a zeroed array of 1, 2 or 4 bytes an element. Allocates: once, at construction of its owner */
export function uintArray(max: number, count: number): UintArray {
	return max < 0x100 ? new Uint8Array(count) : max < 0x10000 ? new Uint16Array(count) : new Uint32Array(count);
}
