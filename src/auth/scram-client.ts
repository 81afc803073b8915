/** SCRAM-SHA-256 on the client's side: the password is proved without being sent, and the server proves that it knows
 *  it, too. RFC 7677, RFC 5802; Spec: 5.0, 4.12 */
import type { Platform } from "../platform.js";
import type { ClientAuthentication } from "./authentication-method.js";
import { decodeBase64, encodeBase64 } from "./base64.js";
import { bytesOfText } from "./bytes.js";
import { Pbkdf2 } from "./key-derivation.js";

/** Iterations that a server may ask for: more would stop this side for minutes. */
const ITERATIONS_MAX = 1_000_000;

/** What a password's PBKDF2 leads to: who keeps it need not do that at each login. 32 bytes each.
 *  RFC 5802, section 3 */
export interface ScramClientKeys {
	clientKey: Uint8Array;
	serverKey: Uint8Array;
}

/** @returns what makes the method for a client's options; see ScramSha256Client */
export function scramSha256(userName: string, secret: string | ScramClientKeys) {
	return (platform: Platform): ClientAuthentication => new ScramSha256Client(platform, userName, secret);
}

export class ScramSha256Client implements ClientAuthentication {
	readonly name = "SCRAM-SHA-256";
	private nonce = "";
	private firstBare = "";
	/** the server's signature that is expected; undefined: the proof was not given yet */
	private expected: string | undefined = undefined;

	/** @param platform its `crypto` is needed; RangeError: it has none
	 *  @param secret the password, or the keys that were made of it with the salt and iterations that the server has */
	constructor(
		private readonly platform: Platform,
		private readonly userName: string,
		private readonly secret: string | ScramClientKeys,
	) {
		if (platform.crypto === undefined) throw new RangeError("SCRAM-SHA-256: the platform has no crypto");
	}

	/** client-first-message. RFC 5802, section 7 */
	begin(): Uint8Array {
		const random = new Uint8Array(18);
		for (let i = 0; i < random.length; i++) random[i] = this.platform.random() >>> 24;
		this.nonce = encodeBase64(random);
		this.expected = undefined;
		const name = this.userName.replace(/=/g, "=3D").replace(/,/g, "=2C");
		this.firstBare = `n=${name},r=${this.nonce}`;
		return bytesOfText(this.platform.text, `n,,${this.firstBare}`);
	}

	/** server-first-message: "r=nonce,s=salt,i=iterations". @returns client-final-message */
	take(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
		const text = this.platform.text;
		const crypto = this.platform.crypto!;
		const first = text.decode(bytes, start, end);
		const parts = /^r=([^,]+),s=([^,]+),i=([1-9]\d*)$/.exec(first ?? "");
		if (parts === null || this.expected !== undefined) return undefined;
		const nonce = parts[1]!;
		const salt = decodeBase64(parts[2]!);
		const iterations = Number(parts[3]);
		if (!nonce.startsWith(this.nonce) || nonce === this.nonce || salt === undefined) return undefined;
		if (iterations < 4_096 || iterations > ITERATIONS_MAX) return undefined;
		const { clientKey, serverKey } = this.keys(salt, iterations);
		const withoutProof = `c=biws,r=${nonce}`;
		const authMessage = bytesOfText(text, `${this.firstBare},${first},${withoutProof}`);
		const signature = crypto.hmacSha256(crypto.sha256(clientKey), authMessage);
		const proof = new Uint8Array(32);
		for (let i = 0; i < 32; i++) proof[i] = clientKey[i]! ^ signature[i]!;
		this.expected = `v=${encodeBase64(crypto.hmacSha256(serverKey, authMessage))}`;
		return bytesOfText(text, `${withoutProof},p=${encodeBase64(proof)}`);
	}

	private keys(salt: Uint8Array, iterations: number): ScramClientKeys {
		if (typeof this.secret !== "string") return this.secret;
		const text = this.platform.text;
		const crypto = this.platform.crypto!;
		const derivation = new Pbkdf2(crypto, bytesOfText(text, this.secret), salt, iterations);
		derivation.step(iterations);
		return {
			clientKey: crypto.hmacSha256(derivation.key, bytesOfText(text, "Client Key")),
			serverKey: crypto.hmacSha256(derivation.key, bytesOfText(text, "Server Key")),
		};
	}

	/** server-final-message: "v=signature" */
	finish(bytes: Uint8Array, start: number, end: number): boolean {
		const expected = this.expected;
		this.expected = undefined;
		return expected !== undefined && this.platform.text.decode(bytes, start, end) === expected;
	}
}
