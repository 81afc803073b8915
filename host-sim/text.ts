/** UTF-8 on Node. */
import { isUtf8 } from "node:buffer";
import type { Text } from "../src/platform.js";

/** The Buffers over the arrays that were asked for last: memory of a broker or client, and what a socket reads into. */
let wrapped: Buffer = Buffer.alloc(0);
let before: Buffer = wrapped;

function bufferOf(bytes: Uint8Array): Buffer {
	if (bytes instanceof Buffer) return bytes;
	if (isOver(wrapped, bytes)) return wrapped;
	const other = isOver(before, bytes) ? before : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
	before = wrapped;
	wrapped = other;
	return other;
}

function isOver(buffer: Buffer, bytes: Uint8Array): boolean {
	return buffer.buffer === bytes.buffer && buffer.byteOffset === bytes.byteOffset && buffer.length === bytes.length;
}

export const text: Text = {
	decode(bytes, start, end) {
		const value = bufferOf(bytes).toString("utf8", start, end);
		// what is no UTF-8 has left U+FFFD
		return !value.includes("\ufffd") || isUtf8(bytes.subarray(start, end)) ? value : undefined;
	},
	key(bytes, start, end) {
		return bufferOf(bytes).toString("utf8", start, end);
	},
	size(value) {
		return Buffer.byteLength(value);
	},
	encode(value, bytes, at) {
		return at + bufferOf(bytes).write(value, at);
	},
};
