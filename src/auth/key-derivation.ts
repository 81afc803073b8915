/** Keys from secrets, over the platform's HMAC: HKDF of RFC 5869, PBKDF2 of RFC 8018, both with SHA-256. */
import type { Crypto } from "../platform.js";

/** Bytes of SHA-256 and of HMAC with it. */
const HASH_BYTES = 32;

/** Bytes of a block that SHA-256 takes at a time. */
const BLOCK_BYTES = 64;

/** HKDF: extract, then expand.
 *  @param salt undefined: 32 zero bytes @param bytes of the result, at most 8,160. RFC 5869, 2.2 and 2.3 */
export function hkdf(
	crypto: Crypto,
	salt: Uint8Array | undefined,
	secret: Uint8Array,
	info: Uint8Array,
	bytes: number,
): Uint8Array {
	const key = crypto.hmacSha256(salt ?? new Uint8Array(HASH_BYTES), secret);
	const result = new Uint8Array(bytes);
	const block = new Uint8Array(HASH_BYTES + info.length + 1);
	block.set(info, HASH_BYTES);
	for (let at = 0, count = 1; at < bytes; at += HASH_BYTES, count++) {
		block[block.length - 1] = count;
		const part = crypto.hmacSha256(key, count === 1 ? block.subarray(HASH_BYTES) : block);
		block.set(part);
		result.set(at + HASH_BYTES <= bytes ? part : part.subarray(0, bytes - at), at);
	}
	return result;
}

/** PBKDF2 in slices, because a device cannot do thousands of HMACs in one turn. One block of 32 bytes, which is what
 *  SCRAM-SHA-256 takes. The password's part of both hashes of a HMAC is made once, and XORs are done word by word: an
 *  iteration costs XS 830 opcodes, and by plain HMACs 3,800. RFC 8018, 5.2; RFC 2104 */
export class Pbkdf2 {
	/** iterations that are still to be done */
	left: number;
	/** what the hashes of a HMAC are made of: a block of the password's, and what is hashed or the hash of that */
	private inner: Uint8Array;
	private readonly outer: Uint8Array;
	/** the sum of all HMACs so far, and the last one */
	private readonly words: Int32Array;

	constructor(
		private readonly crypto: Crypto,
		password: Uint8Array,
		salt: Uint8Array,
		iterations: number,
	) {
		this.left = iterations;
		this.words = new Int32Array((2 * HASH_BYTES) >> 2);
		this.inner = new Uint8Array(BLOCK_BYTES + salt.length + 4);
		this.outer = new Uint8Array(BLOCK_BYTES + HASH_BYTES);
		const short = password.length > BLOCK_BYTES ? crypto.sha256(password) : password;
		for (let i = 0; i < BLOCK_BYTES; i++) {
			const byte = i < short.length ? short[i]! : 0;
			this.inner[i] = byte ^ 0x36;
			this.outer[i] = byte ^ 0x5c;
		}
		this.inner.set(salt, BLOCK_BYTES);
		this.inner[BLOCK_BYTES + salt.length + 3] = 1;
	}

	/** a copy of the key, once `left` is 0 */
	get key(): Uint8Array {
		return new Uint8Array(this.words.buffer, 0, HASH_BYTES).slice();
	}

	/** Does at most so many iterations. @returns whether the key is made */
	step(iterations: number): boolean {
		const count = iterations < this.left ? iterations : this.left;
		const last = new Uint8Array(this.words.buffer, HASH_BYTES, HASH_BYTES);
		for (let i = 0; i < count; i++) this.iterate(last);
		this.left -= count;
		return this.left === 0;
	}

	/** @param last the last HMAC's bytes */
	private iterate(last: Uint8Array): void {
		const { crypto, outer, words } = this;
		outer.set(crypto.sha256(this.inner), BLOCK_BYTES);
		last.set(crypto.sha256(outer));
		const count = HASH_BYTES >> 2;
		for (let i = 0; i < count; i++) words[i]! ^= words[count + i]!;
		// the first one had the salt
		if (this.inner.length !== outer.length) {
			const inner = new Uint8Array(outer.length);
			inner.set(this.inner.subarray(0, BLOCK_BYTES));
			this.inner = inner;
		}
		this.inner.set(last, BLOCK_BYTES);
	}
}
