/** SPAKE2+ on P-256 with SHA-256, HKDF and HMAC: two sides that know the same short code make a key that nobody else
 *  can have, and prove it to one another; who does not know the code has one guess an exchange. RFC 9383 */
import { bytesOfText } from "../auth/bytes.js";
import { hkdf } from "../auth/key-derivation.js";
import type { Crypto, Curve, Text } from "../platform.js";
import { bytesOfHex, GENERATOR, multiplyScalars, negateScalar } from "./p256.js";

/** M and N, of which nobody knows the logarithm. RFC 9383, section 4 */
const M = bytesOfHex(
	"04886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f" +
		"5ff355163e43ce224e0b0e65ff02ac8e5c7be09419c785e0ca547d55a12e2d20",
);
const N = bytesOfHex(
	"04d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49" +
		"07d60aa6bfade45008a636337f5168c64d9bd36034808cd564490b1e656edbe7",
);

/** Who talks to whom, and in which protocol. RFC 9383, section 3.3 */
export interface Parties {
	context: string;
	/** the Prover's and the Verifier's identity */
	prover: string;
	verifier: string;
}

/** What both sides make of the exchange. */
export interface Keys {
	/** 32 bytes each: what proves to the other side that this one knows the code */
	confirmProver: Uint8Array;
	confirmVerifier: Uint8Array;
	/** 32 bytes that only these two have; good once the other side's confirmation was right */
	shared: Uint8Array;
}

/** One exchange. Each call of `share` and `agree` makes one step of point arithmetic, which takes a device a good part
 *  of a second: the caller makes one step a turn. */
export class Spake2Plus {
	constructor(
		private readonly crypto: Crypto,
		private readonly curve: Curve,
		private readonly text: Text,
		private readonly w0: Uint8Array,
		private readonly w1: Uint8Array,
		/** random, used once: x of the Prover, y of the Verifier */
		private readonly secret: Uint8Array,
	) {}

	/** @returns shareP = x·G + w0·M; undefined: the identity, to be begun anew. RFC 9383, section 3.3 */
	proverShare(): Uint8Array | undefined {
		return this.curve.multiplyAdd(this.secret, GENERATOR, this.w0, M);
	}

	/** @returns shareV = y·G + w0·N; undefined: the identity */
	verifierShare(): Uint8Array | undefined {
		return this.curve.multiplyAdd(this.secret, GENERATOR, this.w0, N);
	}

	/** @param share the Verifier's, a point (`isPoint`) @returns Z = x·(Y − w0·N); undefined: no key comes of it */
	proverZ(share: Uint8Array): Uint8Array | undefined {
		return this.curve.multiplyAdd(this.secret, share, this.without(this.secret), N);
	}

	/** @returns V = w1·(Y − w0·N) */
	proverV(share: Uint8Array): Uint8Array | undefined {
		return this.curve.multiplyAdd(this.w1, share, this.without(this.w1), N);
	}

	/** @param share the Prover's, a point @returns Z = y·(X − w0·M) */
	verifierZ(share: Uint8Array): Uint8Array | undefined {
		return this.curve.multiplyAdd(this.secret, share, this.without(this.secret), M);
	}

	/** @returns V = y·L. Who made the code knows w1, so that V is (y·w1)·G and no record L is needed */
	verifierV(): Uint8Array | undefined {
		return this.curve.multiply(multiplyScalars(this.secret, this.w1), GENERATOR);
	}

	/** @returns −(factor · w0) modulo the order */
	private without(factor: Uint8Array): Uint8Array {
		return negateScalar(multiplyScalars(factor, this.w0));
	}

	/** The key schedule. RFC 9383, section 3.4 */
	keys(parties: Parties, shareP: Uint8Array, shareV: Uint8Array, z: Uint8Array, v: Uint8Array): Keys {
		const { crypto, text } = this;
		const parts = [
			bytesOfText(text, parties.context),
			bytesOfText(text, parties.prover),
			bytesOfText(text, parties.verifier),
			M,
			N,
			shareP,
			shareV,
			z,
			v,
			this.w0,
		];
		const main = crypto.sha256(transcript(parts));
		const confirmation = hkdf(crypto, undefined, main, bytesOfText(text, "ConfirmationKeys"), 64);
		const shared = hkdf(crypto, undefined, main, bytesOfText(text, "SharedKey"), 32);
		const confirmProver = crypto.hmacSha256(confirmation.subarray(0, 32), shareV);
		const confirmVerifier = crypto.hmacSha256(confirmation.subarray(32), shareP);
		main.fill(0);
		confirmation.fill(0);
		return { confirmProver, confirmVerifier, shared };
	}
}

/** @returns the parts, each behind its length: 8 bytes, little-endian. RFC 9383, section 3.3 */
function transcript(parts: readonly Uint8Array[]): Uint8Array {
	let length = 0;
	for (let i = 0; i < parts.length; i++) length += 8 + parts[i]!.length;
	const bytes = new Uint8Array(length);
	let at = 0;
	for (let i = 0; i < parts.length; i++) {
		const part = parts[i]!;
		bytes[at] = part.length & 255;
		bytes[at + 1] = part.length >> 8;
		bytes.set(part, at + 8);
		at += 8 + part.length;
	}
	return bytes;
}
