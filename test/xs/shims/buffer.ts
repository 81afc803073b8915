/** As much of Node's Buffer as mqtt-packet and the conformance tests use, for XS. */

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** Its static functions are others than Uint8Array's. */
const Bytes = Uint8Array as unknown as new (
	source: number | ArrayBufferLike,
	offset?: number,
	bytes?: number,
) => Uint8Array<ArrayBuffer>;

export class Buffer extends Bytes {
	static alloc(bytes: number, fill = 0): Buffer {
		return new Buffer(bytes).fill(fill);
	}

	static allocUnsafe(bytes: number): Buffer {
		return new Buffer(bytes);
	}

	static from(source: string | ArrayLike<number>, encoding?: string): Buffer {
		if (typeof source !== "string") {
			const bytes = new Uint8Array(source as ArrayLike<number>);
			return new Buffer(bytes.buffer, 0, bytes.length);
		}
		if (encoding !== undefined && encoding !== "utf8") throw new Error(`Buffer: no encoding ${encoding}`);
		const bytes = encoder.encode(source);
		return new Buffer(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
	}

	static concat(list: readonly Uint8Array[]): Buffer {
		const whole = new Buffer(list.reduce((sum, part) => sum + part.length, 0));
		let at = 0;
		for (const part of list) {
			whole.set(part, at);
			at += part.length;
		}
		return whole;
	}

	static isBuffer(value: unknown): value is Buffer {
		return value instanceof Buffer;
	}

	static byteLength(value: string | Uint8Array): number {
		return typeof value === "string" ? encoder.encode(value).length : value.length;
	}

	/** As Node's: the same bytes, not a copy. */
	override slice(start?: number, end?: number): Buffer {
		return this.subarray(start, end);
	}

	override subarray(start?: number, end?: number): Buffer {
		const part = super.subarray(start, end);
		return new Buffer(part.buffer as ArrayBuffer, part.byteOffset, part.length);
	}

	override toString(): string {
		return decoder.decode(this);
	}

	toJSON(): { type: string; data: number[] } {
		return { type: "Buffer", data: [...this] };
	}

	equals(other: Uint8Array): boolean {
		return this.length === other.length && this.every((byte, i) => byte === other[i]);
	}

	/** @param offset a number, or "utf8" as mqtt-packet says it @returns bytes written */
	write(text: string, offset: number | string = 0): number {
		const bytes = encoder.encode(text);
		this.set(bytes, typeof offset === "number" ? offset : 0);
		return bytes.length;
	}

	copy(target: Uint8Array, at = 0): number {
		target.set(this, at);
		return this.length;
	}

	readUInt8(at = 0): number {
		return this[at]!;
	}

	readUInt16BE(at = 0): number {
		return (this[at]! << 8) | this[at + 1]!;
	}

	readUInt32BE(at = 0): number {
		return this.readUInt16BE(at) * 65_536 + this.readUInt16BE(at + 2);
	}

	writeUInt8(value: number, at = 0): number {
		this[at] = value;
		return at + 1;
	}

	writeUInt16BE(value: number, at = 0): number {
		this[at] = value >> 8;
		this[at + 1] = value;
		return at + 2;
	}

	writeUInt32BE(value: number, at = 0): number {
		this.writeUInt16BE(value >>> 16, at);
		return this.writeUInt16BE(value & 0xffff, at + 2);
	}
}

(globalThis as { Buffer?: unknown }).Buffer = Buffer;
