/** `for await (const message of client.messages(filter))`: a queue between the client and a loop, with back pressure:
 *  a message of QoS 1 or 2 is acknowledged when the loop asks for the next one, and reading stops while the queue is
 *  long. */
import type { AsyncClient } from "./async-client.js";
import type { Message } from "./message.js";

/** Messages that wait when reading stops; it goes on at half of them. */
const HIGH_WATER = 16;

/** Bytes that wait at most, whatever else is waited for. */
const BYTES_MAX = 16 * 1024 * 1024;

interface Waiting {
	message: Message;
	/** acknowledges it; undefined: QoS 0 */
	done: (() => void) | undefined;
}

export class MessageQueue implements AsyncIterableIterator<Message> {
	private readonly queue: Waiting[] = [];
	private bytes = 0;
	private asked: ((result: IteratorResult<Message>) => void) | undefined = undefined;
	private failed: ((error: unknown) => void) | undefined = undefined;
	private error: unknown = undefined;
	private ended = false;
	/** no more should be read, unless something is waited for @internal */
	isFull = false;
	/** the message that the loop has */
	private done: (() => void) | undefined = undefined;
	/** ends the subscription @internal */
	close: (() => Promise<unknown>) | undefined = undefined;

	/** @internal */
	constructor(
		private readonly client: AsyncClient,
		private readonly highWater: number = HIGH_WATER,
	) {}

	/** not even then @internal */
	get isOverfull(): boolean {
		return this.bytes > BYTES_MAX;
	}

	/** @param done acknowledges the message @internal */
	push(message: Message, done: (() => void) | undefined): void {
		if (this.ended) return done?.();
		if (this.asked !== undefined) {
			this.done = done;
			this.asked({ value: message, done: false });
			this.asked = this.failed = undefined;
			return;
		}
		this.queue.push({ message, done });
		this.bytes += message.payload.length;
		if (this.queue.length === this.highWater) this.setFull(true);
	}

	private setFull(isFull: boolean): void {
		this.isFull = isFull;
		this.client.progress();
	}

	/** The loop has done with its message. */
	private finish(): void {
		this.done?.();
		this.done = undefined;
	}

	next(): Promise<IteratorResult<Message>> {
		this.finish();
		const waiting = this.queue.shift();
		if (waiting !== undefined) {
			this.done = waiting.done;
			this.bytes -= waiting.message.payload.length;
			if (this.isFull && this.queue.length <= this.highWater / 2) this.setFull(false);
			return Promise.resolve({ value: waiting.message, done: false });
		}
		if (this.error !== undefined) {
			const error = this.error;
			this.error = undefined;
			this.ended = true;
			return Promise.reject(error);
		}
		if (this.ended) return Promise.resolve({ value: undefined, done: true });
		return new Promise((resolve, reject) => {
			this.asked = resolve;
			this.failed = reject;
		});
	}

	/** The loop was left: the subscription ends. */
	async return(): Promise<IteratorResult<Message>> {
		if (!this.ended) this.end();
		this.finish();
		for (const { done } of this.queue.splice(0)) done?.();
		this.bytes = 0;
		this.setFull(false);
		const close = this.close;
		this.close = undefined;
		await close?.();
		return { value: undefined, done: true };
	}

	/** No more messages come: what waits is handed out, then the loop ends, or throws the error. @internal */
	end(error?: unknown): void {
		if (this.ended) return;
		this.ended = error === undefined;
		this.error = error;
		if (this.asked === undefined) return;
		if (error === undefined) this.asked({ value: undefined, done: true });
		else {
			this.error = undefined;
			this.ended = true;
			this.failed?.(error);
		}
		this.asked = this.failed = undefined;
	}

	[Symbol.asyncIterator](): this {
		return this;
	}
}
