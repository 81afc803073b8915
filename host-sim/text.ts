/** UTF-8 on Node. */
import { isUtf8 } from "node:buffer";
import type { Text } from "../src/platform.js";

/** The Buffer over the array that was asked for last: nearly always the broker's memory. */
let wrapped: Buffer = Buffer.alloc(0);

function bufferOf(bytes: Uint8Array): Buffer {
	if (bytes instanceof Buffer) return bytes;
	if (wrapped.buffer !== bytes.buffer || wrapped.byteOffset !== bytes.byteOffset || wrapped.length !== bytes.length)
		wrapped = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
	return wrapped;
}

export const text: Text = {
	decode(bytes, start, end) {
		return isUtf8(bytes.subarray(start, end)) ? bufferOf(bytes).toString("utf8", start, end) : undefined;
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
