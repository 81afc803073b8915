/** Stands for the SDK's module "crypt": SHA-256 is the host's. */
export class Digest {
	private bytes: Uint8Array | undefined = undefined;

	constructor(private readonly name: string) {}

	/** What comes alone is not copied, as by the SDK's. */
	write(bytes: Uint8Array): void {
		if (this.bytes === undefined) {
			this.bytes = bytes;
			return;
		}
		const all = new Uint8Array(this.bytes.length + bytes.length);
		all.set(this.bytes);
		all.set(bytes, this.bytes.length);
		this.bytes = all;
	}

	close(): ArrayBuffer {
		const bytes = this.bytes ?? new Uint8Array(0);
		return this.name === "SHA256" ? host.sha256(bytes) : sha1(bytes);
	}
}

/** FIPS 180-4 */
function sha1(message: Uint8Array): ArrayBuffer {
	const length = message.length;
	const padded = new Uint8Array((((length + 8) >> 6) + 1) << 6);
	padded.set(message);
	padded[length] = 0x80;
	const view = new DataView(padded.buffer);
	view.setUint32(padded.length - 4, length * 8);
	let [a, b, c, d, e] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
	const words = new Int32Array(80);
	for (let at = 0; at < padded.length; at += 64) {
		const before = [a, b, c, d, e];
		for (let i = 0; i < 80; i++) {
			if (i < 16) words[i] = view.getInt32(at + 4 * i);
			else {
				const x = words[i - 3]! ^ words[i - 8]! ^ words[i - 14]! ^ words[i - 16]!;
				words[i] = (x << 1) | (x >>> 31);
			}
			const [f, k] =
				i < 20
					? [(b & c) | (~b & d), 0x5a827999]
					: i < 40
						? [b ^ c ^ d, 0x6ed9eba1]
						: i < 60
							? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc]
							: [b ^ c ^ d, 0xca62c1d6];
			const next = (((a << 5) | (a >>> 27)) + f + e + k + words[i]!) | 0;
			[e, d, c, b, a] = [d, c, (b << 30) | (b >>> 2), a, next];
		}
		[a, b, c, d, e] = [a + before[0]!, b + before[1]!, c + before[2]!, d + before[3]!, e + before[4]!];
	}
	const result = new DataView(new ArrayBuffer(20));
	const words5 = [a, b, c, d, e];
	for (let i = 0; i < 5; i++) result.setInt32(4 * i, words5[i]!);
	return result.buffer as ArrayBuffer;
}
