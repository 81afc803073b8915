/** Base64 with padding, for the few bytes of an authentication; XS has none of its own. RFC 4648, section 4 */

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** @returns the bytes as text */
export function encodeBase64(bytes: Uint8Array): string {
	let text = "";
	for (let i = 0; i < bytes.length; i += 3) {
		const left = bytes.length - i;
		const bits = (bytes[i]! << 16) | ((left > 1 ? bytes[i + 1]! : 0) << 8) | (left > 2 ? bytes[i + 2]! : 0);
		text += DIGITS.charAt(bits >> 18) + DIGITS.charAt((bits >> 12) & 63);
		text += left > 1 ? DIGITS.charAt((bits >> 6) & 63) : "=";
		text += left > 2 ? DIGITS.charAt(bits & 63) : "=";
	}
	return text;
}

/** @returns the bytes; undefined when the text is not Base64, or not its only form */
export function decodeBase64(text: string): Uint8Array | undefined {
	const length = text.length;
	if (length % 4 !== 0) return undefined;
	const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
	const bytes = new Uint8Array((length / 4) * 3 - padding);
	for (let i = 0, at = 0; i < length; i += 4) {
		let bits = 0;
		for (let k = i; k < i + 4; k++) {
			const digit = k >= length - padding ? 0 : DIGITS.indexOf(text.charAt(k));
			if (digit < 0) return undefined;
			bits = (bits << 6) | digit;
		}
		for (let shift = 16; shift >= 0 && at < bytes.length; shift -= 8) bytes[at++] = bits >> shift;
	}
	return encodeBase64(bytes) === text ? bytes : undefined;
}
