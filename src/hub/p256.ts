/** The curve P-256 as SPAKE2+ needs it: its numbers, and what may be said of a peer's bytes before any arithmetic.
 *  Points are 65 bytes (SEC 1, uncompressed: 04, x, y), scalars 32 bytes, both big-endian. FIPS 186-5; SEC 2, 2.4.2 */

export const POINT_BYTES = 65;
export const SCALAR_BYTES = 32;

const DIGITS = "0123456789abcdef";

/** The field's prime, the curve's b, and the order of its group; in ROM on a device, as all constants of modules. */
const PRIME = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** @returns the whole number that the bytes write, big-endian. RFC 8017, 4.2 */
export function numberOf(bytes: Uint8Array): bigint {
	return BigInt(`0x${hexOf(bytes)}`);
}

/** @returns the number in 32 bytes, big-endian. @param number 0 ≤ number < 2²⁵⁶. RFC 8017, 4.1 */
export function bytesOf(number: bigint): Uint8Array {
	return bytesOfHex(number.toString(16).padStart(2 * SCALAR_BYTES, "0"));
}

/** @returns the bytes as digits, two a byte */
export function hexOf(bytes: Uint8Array): string {
	let hex = "";
	for (let i = 0; i < bytes.length; i++) hex += DIGITS.charAt(bytes[i]! >> 4) + DIGITS.charAt(bytes[i]! & 15);
	return hex;
}

/** @returns the bytes that digits of `hexOf` stand for */
export function bytesOfHex(hex: string): Uint8Array {
	const bytes = new Uint8Array(hex.length >> 1);
	for (let i = 0; i < bytes.length; i++)
		bytes[i] = (DIGITS.indexOf(hex.charAt(2 * i)) << 4) | DIGITS.indexOf(hex.charAt(2 * i + 1));
	return bytes;
}

/** The generator, a point; nobody writes to it. */
export const GENERATOR: Uint8Array = bytesOfHex(
	"046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296" +
		"4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
);

/** @returns the number that the bytes write, modulo the order; undefined: it is 0 */
export function scalarOf(bytes: Uint8Array): Uint8Array | undefined {
	const number = numberOf(bytes) % ORDER;
	return number === 0n ? undefined : bytesOf(number);
}

/** @returns a · b modulo the order; of scalars that are not 0 it is not 0 either */
export function multiplyScalars(a: Uint8Array, b: Uint8Array): Uint8Array {
	return bytesOf((numberOf(a) * numberOf(b)) % ORDER);
}

/** @returns −a modulo the order. @param a not 0 */
export function negateScalar(a: Uint8Array): Uint8Array {
	return bytesOf(ORDER - numberOf(a));
}

/** @returns whether the bytes are a point of the curve other than the identity, in their only form. The group has no
 *  smaller subgroups: its cofactor is 1. RFC 9383, section 6 */
export function isPoint(bytes: Uint8Array): boolean {
	if (bytes.length !== POINT_BYTES || bytes[0] !== 4) return false;
	const x = numberOf(bytes.subarray(1, 33));
	const y = numberOf(bytes.subarray(33));
	if (x >= PRIME || y >= PRIME) return false;
	return (y * y - (x * x * x - 3n * x + B)) % PRIME === 0n;
}

/** @returns a random scalar that is not 0, each as likely as any other: those at the group's order and above are thrown
 *  away, one in 2³² */
export function randomScalar(source: { randomBytes(bytes: Uint8Array): void }): Uint8Array {
	const bytes = new Uint8Array(SCALAR_BYTES);
	for (;;) {
		source.randomBytes(bytes);
		if (bytes[0] === 255 && bytes[1] === 255 && bytes[2] === 255 && bytes[3] === 255) continue;
		if (bytes.some((byte) => byte !== 0)) return bytes;
	}
}
