/** One message of `hearth pub`, once or --repeat times. */
import { type Payload, SMALL_BYTES } from "./payload-source.js";
import { Progress } from "./progress.js";
import { Publisher } from "./publisher.js";
import type { PubSubIo } from "./session.js";
import type { PubSubSettings } from "./settings.js";

export class MessagePublisher extends Publisher {
	private left: number;
	private readonly message: Uint8Array | Payload;
	private readonly progress: Progress;
	private timer: NodeJS.Timeout | undefined;

	constructor(settings: PubSubSettings, io: PubSubIo, payload: Payload) {
		super(settings, io, false);
		this.left = settings.repeat;
		this.message = payload.byteLength <= SMALL_BYTES ? payload.whole() : payload;
		this.progress = new Progress(io.errors, `sending to ${this.topic}`, payload.byteLength);
		payload.onRead = (bytes) => this.progress.update(bytes);
	}

	override run(): Promise<number> {
		return super.run().finally(() => {
			clearTimeout(this.timer);
			this.progress.end();
		});
	}

	protected override begin(): void {
		this.next();
	}

	private next(): void {
		this.left--;
		this.send(this.message); // the queue is empty: there is room
		if (this.waiting === 0) this.done();
	}

	protected override done(): void {
		this.progress.end();
		if (this.left === 0) return this.complete();
		this.timer = setTimeout(() => this.next(), this.settings.repeatDelayMs);
	}
}
