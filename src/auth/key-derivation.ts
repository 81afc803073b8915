/** Keys from secrets, over the platform's HMAC: HKDF of RFC 5869, PBKDF2 of RFC 8018, both with SHA-256. */
import type { Crypto } from "../platform.js";

/** Bytes of SHA-256 and of HMAC with it. */
const HASH_BYTES = 32;

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

/** PBKDF2 in slices, because a device cannot do thousands of HMACs in one turn (0.2 ms each on an ESP32). One block of
 *  32 bytes, which is what SCRAM-SHA-256 takes. RFC 8018, 5.2 */
export class Pbkdf2 {
	/** the key, once `left` is 0 */
	readonly key: Uint8Array;
	/** iterations that are still to be done */
	left: number;
	private last: Uint8Array;

	constructor(
		private readonly crypto: Crypto,
		private readonly password: Uint8Array,
		salt: Uint8Array,
		iterations: number,
	) {
		this.left = iterations;
		this.key = new Uint8Array(HASH_BYTES);
		this.last = new Uint8Array(salt.length + 4);
		this.last.set(salt);
		this.last[salt.length + 3] = 1;
	}

	/** Does at most so many iterations. @returns whether the key is made */
	step(iterations: number): boolean {
		const { crypto, password, key } = this;
		const count = iterations < this.left ? iterations : this.left;
		let last = this.last;
		for (let i = 0; i < count; i++) {
			last = crypto.hmacSha256(password, last);
			for (let k = 0; k < HASH_BYTES; k++) key[k]! ^= last[k]!;
		}
		this.last = last;
		this.left -= count;
		return this.left === 0;
	}
}
