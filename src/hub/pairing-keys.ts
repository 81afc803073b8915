/** What the pairing protocol makes of the code that a person carries from one side to the other, and of the key that
 *  the exchange gives. Both sides make the same; none of it is ever sent. SECURITY.md, "Pairing" */
import { bytesOfText } from "../auth/bytes.js";
import { hkdf } from "../auth/key-derivation.js";
import type { Crypto, Text } from "../platform.js";
import { scalarOf } from "./p256.js";

/** The method's name, and the protocol's in every derivation: another version has another name, so nobody can be
 *  talked down to an older one. */
export const PAIRING_METHOD = "HEARTH-SPAKE2PLUS-1";

/** @returns what a hub says of itself by mDNS: who it is, what it speaks, whether a device may be paired now. Keys and
 *  values of a TXT record. Spec: RFC 6763, section 6 */
export function hubTexts(hubId: string, pairing: boolean): [key: string, value: string][] {
	return [
		["txtvers", "1"],
		["id", hubId],
		["v", "3.1.1,5"],
		["auth", `SCRAM-SHA-256,${PAIRING_METHOD}`],
		["pair", pairing ? "1" : "0"],
	];
}

/** Digits of a code: 10⁸ of them, see SECURITY.md for what that is worth. */
export const CODE_DIGITS = 8;

/** Iterations of the SCRAM credentials; the password has 256 bits, so that more would not help. RFC 7677, section 4 */
export const SECRET_ITERATIONS = 4_096;

const W_BYTES = 40;

/** The two scalars that SPAKE2+ knows a code by. */
export interface CodeScalars {
	w0: Uint8Array;
	w1: Uint8Array;
}

/** @returns the scalars; undefined: one is 0, and another code is to be taken. The code lives for two minutes and can
 *  be tried a few times only, so that slow hashing would gain nothing. RFC 9383, section 3.2 */
export function scalarsOfCode(crypto: Crypto, text: Text, code: string): CodeScalars | undefined {
	const digits = bytesOfText(text, code);
	// each part behind its length, 8 bytes, little-endian; the identities are not known yet
	const secret = new Uint8Array(24 + digits.length);
	secret[0] = digits.length;
	secret.set(digits, 8);
	const w = hkdf(crypto, bytesOfText(text, PAIRING_METHOD), secret, bytesOfText(text, "w0 w1"), 2 * W_BYTES);
	const w0 = scalarOf(w.subarray(0, W_BYTES));
	const w1 = scalarOf(w.subarray(W_BYTES));
	return w0 === undefined || w1 === undefined ? undefined : { w0, w1 };
}

/** What a device logs in with for good. */
export interface DeviceSecret {
	/** 43 characters: the secret in Base64 without padding (RFC 4648, section 5), for SCRAM-SHA-256 */
	password: string;
	/** 16 bytes */
	salt: Uint8Array;
}

/** @param shared of the exchange, confirmed */
export function deviceSecret(crypto: Crypto, text: Text, shared: Uint8Array): DeviceSecret {
	const secret = hkdf(crypto, undefined, shared, bytesOfText(text, "hearth device secret 1"), 32);
	const salt = hkdf(crypto, undefined, shared, bytesOfText(text, "hearth scram salt 1"), 16);
	return { password: encodeBase64Url(secret), salt };
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** @returns the bytes in the alphabet of RFC 4648, section 5, without padding */
function encodeBase64Url(bytes: Uint8Array): string {
	let result = "";
	for (let i = 0; i < bytes.length; i += 3) {
		const left = bytes.length - i;
		const bits = (bytes[i]! << 16) | ((left > 1 ? bytes[i + 1]! : 0) << 8) | (left > 2 ? bytes[i + 2]! : 0);
		for (let digit = 0; digit <= (left > 2 ? 3 : left); digit++)
			result += DIGITS.charAt((bits >> (18 - 6 * digit)) & 63);
	}
	return result;
}

/** @returns whether the text may be a device's identifier: it stands in topics, in rights and in file names */
export function isDeviceId(text: string): boolean {
	return /^[A-Za-z0-9_-]{1,32}$/.test(text);
}
