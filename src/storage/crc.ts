/** CRC-32, as in IEEE 802.3, of whole words: 17 opcodes a byte on XS, where the byte at a time costs 35. */

/** The polynomial, bits reversed. */
const POLYNOMIAL = 0xedb88320 | 0;

/** Four tables of 256 entries, one for each byte of a word: in ROM on a device, and only read. */
const TABLE = makeTable();

function makeTable(): Int32Array {
	const table = new Int32Array(1_024);
	for (let i = 0; i < 256; i++) {
		let value = i;
		for (let bit = 0; bit < 8; bit++) value = (value & 1) !== 0 ? ((value >>> 1) ^ POLYNOMIAL) | 0 : value >>> 1;
		table[i] = value;
	}
	for (let i = 256; i < 1_024; i++) {
		const value = table[i - 256]!;
		table[i] = (value >>> 8) ^ table[value & 255]!;
	}
	return table;
}

/** Goes on with a CRC over the words in bytes [start, end) of a view; both are multiples of 4.
 *  @param crc what the call before gave; the first takes any number, -1 as the standard has it
 *  @returns the CRC so far, -2³¹ ≤ n < 2³¹; the standard's is its complement. Allocates nothing */
export function crc32(crc: number, view: DataView, start: number, end: number): number {
	const table = TABLE;
	for (let at = start; at < end; at += 4) {
		crc ^= view.getInt32(at, true);
		crc =
			table[768 + (crc & 255)]! ^
			table[512 + ((crc >>> 8) & 255)]! ^
			table[256 + ((crc >>> 16) & 255)]! ^
			table[crc >>> 24]!;
	}
	return crc;
}

/** Finds the one bit that turned over in what a CRC was taken of.
 *  @param difference of the CRC that is and the one that should be, not 0 @param bytes that it was taken of
 *  @returns the bit, 0 the first byte's lowest; -1: more than one did, or one of the CRC itself. Takes 14 opcodes a bit
 */
export function turnedBit(difference: number, bytes: number): number {
	// what the last bit would do; then the one before it, and so on
	let effect = POLYNOMIAL;
	for (let bit = 8 * bytes - 1; bit >= 0; bit--) {
		if (effect === difference) return bit;
		effect = (effect & 1) !== 0 ? (effect >>> 1) ^ POLYNOMIAL : effect >>> 1;
	}
	return -1;
}
