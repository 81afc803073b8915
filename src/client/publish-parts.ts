/** A PUBLISH that is larger than the buffer: its Topic Name and properties are gathered, its payload is handed on as it
 *  comes. Before handle-publish.ts. Spec: section 3.3 */
import { getUint16, getVariable, putBytes, sizeOfVariable } from "../codec/data-types.js";
import { PacketType, PublishFlag, Version } from "../codec/packet-types.js";
import { decodePublish } from "../codec/publish.js";
import { Cause } from "../errors.js";
import type { Client } from "./client.js";
import { begin, finish, hand } from "./handle-publish.js";

/** A PUBLISH that comes in parts. */
export class Parts {
	/** the fixed header's first byte; 0: none comes */
	first = 0;
	/** bytes of Topic Name, Packet Identifier and properties that lie in the head buffer; -1: they are complete */
	headBytes = 0;
	/** the message came before: its parts are passed over */
	skip = false;
}

/** A packet begins that the buffer cannot hold. */
export function beginParts(client: Client, first: number): void {
	const parts = client.link.parts;
	if (first >> 4 !== PacketType.Publish || !client.isConnected) return client.fail(Cause.PacketTooLarge);
	parts.first = first;
	parts.headBytes = 0;
	parts.skip = false;
}

/** The next bytes of its body. @param left how many come after them */
export function takePart(client: Client, bytes: Uint8Array, start: number, end: number, left: number): void {
	const parts = client.link.parts;
	if (parts.headBytes >= 0) {
		start = takeHead(client, bytes, start, end, left);
		if (parts.headBytes >= 0 || !client.link.isOpen) return;
	}
	const message = client.message;
	if (!parts.skip) {
		message.bytes = bytes;
		message.payloadStart = start;
		message.payloadEnd = end;
		message.left = left;
		if (end > start || left === 0) hand(client);
		message.offset += end - start;
	}
	if (left > 0 || !client.link.isOpen) return;
	parts.first = 0;
	if (!parts.skip) finish(client);
}

/** Gathers Topic Name, Packet Identifier and properties. @returns index of the payload's first byte, once they are
 *  complete */
function takeHead(client: Client, bytes: Uint8Array, start: number, end: number, left: number): number {
	const parts = client.link.parts;
	const memory = client.memory;
	const head = client.layout.head;
	let at = start;
	for (;;) {
		const needed = headNeeded(memory, head, parts.headBytes, parts.first, client.version);
		if (needed === parts.headBytes) break;
		if (needed > client.limits.headBytes) {
			client.fail(Cause.PacketTooLarge);
			return end;
		}
		const count = Math.min(needed - parts.headBytes, end - at);
		if (count === 0) {
			if (left === 0) client.fail(Cause.StringPastEnd);
			return end;
		}
		putBytes(memory, head + parts.headBytes, bytes, at, at + count);
		parts.headBytes += count;
		at += count;
	}
	const message = client.message;
	const cause = decodePublish(message, memory, head, head + parts.headBytes, parts.first & 15, client.version);
	parts.headBytes = -1;
	if (cause !== Cause.None) {
		client.fail(cause);
		return end;
	}
	message.offset = 0;
	parts.skip = !begin(client);
	return at;
}

/** @returns bytes of a PUBLISH's body before its payload, as far as the first `have` bytes tell */
export function headNeeded(bytes: Uint8Array, at: number, have: number, first: number, version: number): number {
	if (have < 2) return 2;
	let needed = 2 + getUint16(bytes, at);
	if ((first & PublishFlag.Qos) !== 0) needed += 2;
	if (version !== Version.V5 || have < needed) return needed;
	const length = getVariable(bytes, at + needed, at + have);
	if (length >= 0) return needed + sizeOfVariable(length) + length;
	// the Property Length is cut off; one of five bytes is malformed, which the decoder says
	return have - needed >= 4 ? have : have + 1;
}
