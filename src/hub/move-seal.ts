/** What one hub tells another of its devices, so that only the other one can read or change it: a stream of numbered
 *  pieces in each direction, under keys that both have made of SPAKE2+'s. For move.ts and mover.ts. SECURITY.md,
 *  "Moving to another hub" */
import { sameBytes } from "../auth/bytes.js";
import { hkdf } from "../auth/key-derivation.js";
import type { Crypto } from "../platform.js";

const KEY_BYTES = 32;

/** Bytes of a piece's proof. */
const TAG_BYTES = 16;

/** First byte of a message with a sealed piece. */
const MOVE_PIECE = 5;

/** Both directions' keys: encryption and proof of what the mover says, then of what the hub says. */
const enum Key {
	Mover = 0,
	Hub = 2,
}

/** One side of the stream. A piece is encrypted by XOR with HMAC-SHA256(key, number ‖ count of 32 bytes) and proved by
 *  HMAC-SHA256(another key, number ‖ encrypted), of which 16 bytes go along. */
export class MoveSeal {
	private readonly keys: Uint8Array;
	private sent = 0;
	private received = 0;

	/** @param shared of the exchange, confirmed @param info a label of this protocol's own */
	constructor(
		private readonly crypto: Crypto,
		shared: Uint8Array,
		info: Uint8Array,
		private readonly isHub: boolean,
	) {
		this.keys = hkdf(crypto, undefined, shared, info, 4 * KEY_BYTES);
	}

	/** @returns the next message that goes out: MOVE_PIECE, and what it says as a piece */
	seal(bytes: Uint8Array): Uint8Array {
		const key = this.isHub ? Key.Hub : Key.Mover;
		const message = new Uint8Array(1 + bytes.length + TAG_BYTES);
		message[0] = MOVE_PIECE;
		const sealed = message.subarray(1);
		sealed.set(bytes);
		this.mask(key, this.sent, sealed, bytes.length);
		sealed.set(this.proof(key, this.sent++, sealed.subarray(0, bytes.length)), bytes.length);
		return message;
	}

	/** @returns what the next message that came in, at message[start..end), says; undefined: it is none with a piece, has
	 *  another one, or was changed */
	open(message: Uint8Array, start: number, end: number): Uint8Array | undefined {
		return message[start] === MOVE_PIECE ? this.openPiece(message.subarray(start + 1, end)) : undefined;
	}

	private openPiece(sealed: Uint8Array): Uint8Array | undefined {
		const key = this.isHub ? Key.Mover : Key.Hub;
		const end = sealed.length - TAG_BYTES;
		if (end < 0) return undefined;
		if (!sameBytes(this.proof(key, this.received, sealed.subarray(0, end)), sealed.subarray(end))) return undefined;
		const bytes = new Uint8Array(end); // a slice of Node's Buffer would be no copy
		bytes.set(sealed.subarray(0, end));
		this.mask(key, this.received++, bytes, end);
		return bytes;
	}

	private mask(key: Key, number: number, bytes: Uint8Array, end: number): void {
		for (let at = 0; at < end; at += 32) {
			const stream = this.crypto.hmacSha256(this.key(key), counted(number, at >> 5, 0));
			for (let i = 0; i < 32 && at + i < end; i++) bytes[at + i]! ^= stream[i]!;
		}
	}

	private proof(key: Key, number: number, encrypted: Uint8Array): Uint8Array {
		const input = counted(number, encrypted.length, encrypted.length);
		input.set(encrypted, input.length - encrypted.length);
		return this.crypto.hmacSha256(this.key(key + 1), input).slice(0, TAG_BYTES);
	}

	private key(index: number): Uint8Array {
		return this.keys.subarray(index * KEY_BYTES, (index + 1) * KEY_BYTES);
	}
}

/** @returns two numbers, 4 bytes each, and room behind them */
function counted(a: number, b: number, room: number): Uint8Array {
	const bytes = new Uint8Array(8 + room);
	const view = new DataView(bytes.buffer);
	view.setUint32(0, a);
	view.setUint32(4, b);
	return bytes;
}
