/** Hashes on a device: the SDK's native SHA-256. */
import { Digest } from "crypt";
import type { Crypto } from "../src/platform.js";

const BLOCK = 64;

/** @returns the digest; 20 or 32 bytes */
export function digestOf(name: "SHA1" | "SHA256", data: Uint8Array): Uint8Array {
	const digest = new Digest(name);
	digest.write(data as unknown as ArrayBuffer); // a view will do, whatever its type says
	return new Uint8Array(digest.close());
}

export class DeviceCrypto implements Crypto {
	sha256(data: Uint8Array): Uint8Array {
		return digestOf("SHA256", data);
	}

	/** RFC 2104. Word by word: a byte's XOR costs as much as a word's */
	hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
		const inner = new Uint8Array(BLOCK + data.length);
		const outer = new Uint8Array(BLOCK + 32);
		inner.set(key.length > BLOCK ? this.sha256(key) : key);
		const innerWords = new Int32Array(inner.buffer, 0, BLOCK >> 2);
		const outerWords = new Int32Array(outer.buffer, 0, BLOCK >> 2);
		for (let i = 0; i < BLOCK >> 2; i++) {
			const word = innerWords[i]!;
			innerWords[i] = word ^ 0x36363636;
			outerWords[i] = word ^ 0x5c5c5c5c;
		}
		inner.set(data, BLOCK);
		outer.set(this.sha256(inner), BLOCK);
		return this.sha256(outer);
	}
}
