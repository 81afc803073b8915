/** Cuts a stream of bytes into lines. */

const END_OF_LINE = 0x0a;

export class LineSplitter {
	/** the beginning of a line whose end has not come */
	private parts: Uint8Array[] = [];
	/** bytes of these */
	pending = 0;
	private chunk: Uint8Array = new Uint8Array(0);
	private at = 0;

	/** Takes the next bytes of the stream; the lines of those before have been taken. */
	push(chunk: Uint8Array): void {
		this.chunk = chunk;
		this.at = 0;
	}

	/** @returns the next line without its end, valid until the next call; undefined: its end has not come */
	next(): Uint8Array | undefined {
		const end = this.chunk.indexOf(END_OF_LINE, this.at);
		const bytes = this.chunk.subarray(this.at, end < 0 ? this.chunk.length : end);
		this.at = end < 0 ? this.chunk.length : end + 1;
		if (end < 0) {
			if (bytes.length > 0) this.parts.push(bytes);
			this.pending += bytes.length;
			return undefined;
		}
		return this.pending === 0 ? bytes : this.join(bytes);
	}

	/** The stream is over. @returns the last line when it has no end; undefined: it had one */
	end(): Uint8Array | undefined {
		return this.pending === 0 ? undefined : this.join(new Uint8Array(0));
	}

	private join(last: Uint8Array): Uint8Array {
		const line = Buffer.concat([...this.parts, last]);
		this.parts = [];
		this.pending = 0;
		return line;
	}
}
