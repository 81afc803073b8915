/** As much of the package `bl` (a list of buffers) as mqtt-packet's parser uses. */
import { Buffer } from "./buffer.js";

export class BufferList {
	length = 0;
	private chunks: Uint8Array[] = [];

	append(chunk: Uint8Array): this {
		this.chunks.push(chunk);
		this.length += chunk.length;
		return this;
	}

	/** Joins only when somebody looks at the bytes: a large packet comes in many chunks. */
	private get bytes(): Buffer {
		if (this.chunks.length !== 1) this.chunks = [Buffer.concat(this.chunks)];
		return this.chunks[0] as Buffer;
	}

	consume(bytes: number): this {
		this.chunks = [this.bytes.slice(bytes)];
		this.length = this.chunks[0]!.length;
		return this;
	}

	slice(start?: number, end?: number): Buffer {
		return this.bytes.slice(start, end);
	}

	toString(_encoding?: string, start?: number, end?: number): string {
		return this.bytes.slice(start, end).toString();
	}

	readUInt8(at: number): number {
		return this.bytes.readUInt8(at);
	}

	readUInt16BE(at: number): number {
		return this.bytes.readUInt16BE(at);
	}

	readUInt32BE(at: number): number {
		return this.bytes.readUInt32BE(at);
	}
}
