/** Who came with a user name or Client Identifier that the hub does not know: a person may let it in afterwards with
 *  one press, and it comes in by itself at its next try. Before registry.ts. SECURITY.md, "Devices that cannot pair" */
import { decodeBase64, encodeBase64 } from "../auth/base64.js";
import { sameBytes } from "../auth/bytes.js";
import type { Crypto } from "../platform.js";
import { isDeviceId } from "./pairing-keys.js";

/** One who knocked. */
export interface Knock {
	readonly clientId: string;
	readonly userName: string;
	readonly address: string;
	/** ms on the platform's clock */
	at: number;
	/** how often */
	count: number;
	/** what is kept of the password that it brought, which nobody can read any more (proofOf): in Base64, which takes a
	 *  device less memory than an array */
	readonly proof: string;
}

const SALT_BYTES = 16;

/** @returns salt and verifier of the password that somebody brought (Devices.addVerifier) */
export function proofOf(knock: Knock): { salt: Uint8Array; verifier: Uint8Array } {
	const bytes = decodeBase64(knock.proof)!;
	return { salt: bytes.slice(0, SALT_BYTES), verifier: bytes.slice(SALT_BYTES) };
}

/** ms that a knock is remembered */
export const KNOCK_MS = 600_000;

/** the longest texts that are remembered, characters */
const TEXT_MAX = 64;

export class Knocks {
	readonly list: Knock[] = [];

	/** @param max how many are remembered; the oldest makes room; 0: none */
	constructor(
		private readonly platform: { readonly crypto: Crypto; randomBytes(bytes: Uint8Array): void },
		private readonly max: number,
	) {}

	/** Somebody unknown brought a user name and password. One whose user name could not be a device's is not kept.
	 *  @returns whether it is new, or brought another password */
	add(clientId: string, userName: string, password: Uint8Array, address: string, now: number): boolean {
		this.forget(now);
		if (this.max === 0 || !isDeviceId(userName) || clientId.length > TEXT_MAX) return false;
		for (let i = 0; i < this.list.length; i++) {
			const known = this.list[i]!;
			if (known.userName !== userName || known.clientId !== clientId) continue;
			this.list.splice(i, 1); // and behind the others again: the first one knocked longest ago
			if (!this.matches(known, password)) break;
			known.at = now;
			known.count++;
			this.list.push(known);
			return false;
		}
		if (this.list.length >= this.max) this.list.shift();
		const salt = new Uint8Array(SALT_BYTES);
		this.platform.randomBytes(salt);
		const proof = new Uint8Array(SALT_BYTES + 32);
		proof.set(salt);
		proof.set(this.platform.crypto.hmacSha256(salt, password), SALT_BYTES);
		this.list.push({ clientId, userName, address, at: now, count: 1, proof: encodeBase64(proof) });
		return true;
	}

	/** Takes one out, to be let in. @returns undefined: nobody of that user name knocked in the last minutes */
	take(userName: string, now: number): Knock | undefined {
		this.forget(now);
		for (let i = this.list.length - 1; i >= 0; i--)
			if (this.list[i]!.userName === userName) return this.list.splice(i, 1)[0];
		return undefined;
	}

	/** @returns whether one of the list was forgotten */
	forget(now: number): boolean {
		const before = this.list.length;
		while (this.list.length > 0 && now - this.list[0]!.at > KNOCK_MS) this.list.shift();
		return this.list.length < before;
	}

	private matches(knock: Knock, password: Uint8Array): boolean {
		const { salt, verifier } = proofOf(knock);
		return sameBytes(this.platform.crypto.hmacSha256(salt, password), verifier);
	}
}
