/** Data representation: integers, Variable Byte Integers, strings and binary data. Spec: 5.0 section 1.5, 3.1.1
 *  section 1.5 */
import type { Text } from "../platform.js";

/** The largest Remaining Length or Variable Byte Integer. Spec: 5.0, table 1-1 */
export const VARIABLE_MAX = 268_435_455;

/** @returns the Two Byte Integer at bytes[at], big-endian */
export function getUint16(bytes: Uint8Array, at: number): number {
	return (bytes[at]! << 8) | bytes[at + 1]!;
}

/** @returns the Four Byte Integer at bytes[at], 0 ≤ n < 2³² */
export function getUint32(bytes: Uint8Array, at: number): number {
	return bytes[at]! * 0x1000000 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
}

/** @returns index after the two bytes */
export function putUint16(bytes: Uint8Array, at: number, value: number): number {
	bytes[at] = value >> 8;
	bytes[at + 1] = value;
	return at + 2;
}

/** @returns index after the four bytes */
export function putUint32(bytes: Uint8Array, at: number, value: number): number {
	bytes[at] = value / 0x1000000;
	bytes[at + 1] = value >> 16;
	bytes[at + 2] = value >> 8;
	bytes[at + 3] = value;
	return at + 4;
}

/** @returns bytes that a Variable Byte Integer takes, 1 to 4. Spec: [MQTT-1.5.5-1] */
export function sizeOfVariable(value: number): number {
	return value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4;
}

/** @param value 0 to VARIABLE_MAX @returns index after it */
export function putVariable(bytes: Uint8Array, at: number, value: number): number {
	while (value > 127) {
		bytes[at++] = (value & 127) | 128;
		value >>= 7;
	}
	bytes[at] = value;
	return at + 1;
}

/** Reads a Variable Byte Integer in bytes[at..end).
 *  @returns its value, or -1: cut off by `end`, or longer than it need be. Its size follows by `sizeOfVariable`. */
export function getVariable(bytes: Uint8Array, at: number, end: number): number {
	if (at >= end) return -1;
	let byte = bytes[at]!;
	if (byte < 128) return byte;
	let value = byte & 127;
	let shift = 7;
	do {
		if (++at >= end || shift > 21) return -1;
		byte = bytes[at]!;
		value |= (byte & 127) << shift;
		shift += 7;
	} while (byte > 127);
	return byte === 0 ? -1 : value;
}

/** @returns index after the UTF-8 string or binary data whose two length bytes stand at `at`; -1 when it passes
 *  `end` */
export function endOfData(bytes: Uint8Array, at: number, end: number): number {
	if (at + 2 > end) return -1;
	const after = at + 2 + ((bytes[at]! << 8) | bytes[at + 1]!);
	return after > end ? -1 : after;
}

/** Copies source[start..end) to target[at..]; the two may be one array and overlap. @returns index after the last byte.
 *  Allocates nothing within one array, a view otherwise. */
export function putBytes(target: Uint8Array, at: number, source: Uint8Array, start: number, end: number): number {
	if (source === target) target.copyWithin(at, start, end);
	else if (start === 0 && end === source.length) target.set(source, at);
	else target.set(source.subarray(start, end), at);
	return at + end - start;
}

/** Writes two length bytes and source[start..end). @returns index after the last byte */
export function putData(target: Uint8Array, at: number, source: Uint8Array, start: number, end: number): number {
	return putBytes(target, putUint16(target, at, end - start), source, start, end);
}

/** Writes a UTF-8 string with its two length bytes. @returns index after the last byte */
export function putString(target: Uint8Array, at: number, value: string, text: Text): number {
	const end = text.encode(value, target, at + 2);
	putUint16(target, at, end - at - 2);
	return end;
}
