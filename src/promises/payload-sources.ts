/** Payloads that are sent as they come. */
import type { PayloadSource } from "../client/client-options.js";

/** Chunks that come one after the other, such as a file's or a response's. Nothing is read ahead but one chunk. */
export class ChunkSource implements PayloadSource {
	readonly restartable = false;
	private readonly chunks: AsyncIterator<Uint8Array>;
	private chunk: Uint8Array | undefined = undefined;
	private at = 0;
	private asked = false;
	private came = 0;
	/** why there is no more */
	failure: unknown = undefined;

	/** @param more is called when there is something to read again */
	constructor(
		chunks: AsyncIterable<Uint8Array>,
		readonly byteLength: number,
		private readonly more: () => void,
	) {
		this.chunks = chunks[Symbol.asyncIterator]();
	}

	read(_offset: number, count: number, target: Uint8Array, at: number): number {
		if (this.failure !== undefined) return -1;
		const chunk = this.chunk;
		if (chunk === undefined) {
			this.ask();
			return 0;
		}
		const taken = Math.min(count, chunk.length - this.at);
		target.set(chunk.subarray(this.at, this.at + taken), at);
		this.at += taken;
		if (this.at === chunk.length) this.chunk = undefined;
		return taken;
	}

	private ask(): void {
		if (this.asked) return;
		this.asked = true;
		this.chunks.next().then(
			({ value, done }) => {
				this.asked = false;
				if (done) this.failure = this.wrongBytes("less");
				else if (value.length === 0) return this.ask();
				else if ((this.came += value.length) > this.byteLength) this.failure = this.wrongBytes("more");
				else this.chunk = value;
				this.at = 0;
				this.more();
			},
			(error: unknown) => {
				this.failure = error ?? new Error("the stream failed");
				this.more();
			},
		);
	}

	private wrongBytes(how: string): RangeError {
		return new RangeError(`the stream has ${how} than ${this.byteLength} bytes`);
	}

	/** Nothing more is needed. */
	close(): void {
		this.chunks.return?.()?.catch(() => {});
	}
}
