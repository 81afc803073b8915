/** Bytes as authentication handles them. */
import type { Text } from "../platform.js";

/** @returns whether both have the same bytes, in a time that doesn't tell where they differ */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
	let different = a.length ^ b.length;
	for (let i = 0; i < a.length; i++) different |= a[i]! ^ (b[i] ?? 0);
	return different === 0;
}

/** @returns the text in UTF-8 */
export function bytesOfText(text: Text, value: string): Uint8Array<ArrayBuffer> {
	const bytes = new Uint8Array(text.size(value));
	text.encode(value, bytes, 0);
	return bytes;
}
