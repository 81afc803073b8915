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

	/** RFC 2104 */
	hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
		const short = key.length > BLOCK ? this.sha256(key) : key;
		const inner = new Uint8Array(BLOCK + data.length).fill(0x36, 0, BLOCK);
		const outer = new Uint8Array(BLOCK + 32).fill(0x5c, 0, BLOCK);
		for (let i = 0; i < short.length; i++) {
			inner[i]! ^= short[i]!;
			outer[i]! ^= short[i]!;
		}
		inner.set(data, BLOCK);
		outer.set(this.sha256(inner), BLOCK);
		return this.sha256(outer);
	}
}
