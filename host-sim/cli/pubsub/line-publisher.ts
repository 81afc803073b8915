/** `hearth pub -l`: each line of standard input is a message. */
import { VARIABLE_MAX } from "../../../src/codec/data-types.js";
import { LineSplitter } from "./line-splitter.js";
import { ChunkPayload, SMALL_BYTES } from "./payload-source.js";
import { Publisher } from "./publisher.js";
import type { PubSubIo } from "./session.js";
import type { PubSubSettings } from "./settings.js";

export class LinePublisher extends Publisher {
	private started = false;
	/** all lines were handed over */
	private ended = false;
	/** waits for room */
	private wake: (() => void) | undefined;

	constructor(settings: PubSubSettings, io: PubSubIo) {
		super(settings, io, true);
	}

	override run(): Promise<number> {
		return super.run().finally(() => {
			this.wakeUp();
			this.io.input.destroy();
		});
	}

	protected override begin(): void {
		if (this.started) return; // a connection that was lost is there again
		this.started = true;
		this.readLines().catch((error: unknown) => {
			this.fail(`-l: standard input can't be read (${(error as NodeJS.ErrnoException).code ?? error})`);
		});
	}

	private async readLines(): Promise<void> {
		const lines = new LineSplitter();
		for await (const chunk of this.io.input) {
			lines.push(chunk as Buffer);
			for (let line = lines.next(); line !== undefined; line = lines.next()) {
				if (!this.sendLine(line)) await this.sendLater(line);
				if (this.ending) return;
			}
			if (lines.pending > VARIABLE_MAX)
				return this.fail(
					`-l: a line of more than ${VARIABLE_MAX.toLocaleString("en")} bytes; MQTT has no such message`,
				);
		}
		const last = lines.end();
		if (last !== undefined) await this.sendLater(last);
		this.ended = true;
		if (this.waiting === 0) this.complete();
	}

	/** @returns false: it has to wait */
	private sendLine(line: Uint8Array): boolean {
		if (line.length <= SMALL_BYTES) return this.send(line);
		// a large one is not copied to the queue: one at a time
		return this.waiting === 0 && this.send(new ChunkPayload([line]));
	}

	private async sendLater(line: Uint8Array): Promise<void> {
		while (!this.ending && !this.sendLine(line)) await this.room();
	}

	private room(): Promise<void> {
		return new Promise((resolve) => {
			this.wake = resolve;
		});
	}

	private wakeUp(): void {
		const { wake } = this;
		this.wake = undefined;
		wake?.();
	}

	protected override done(): void {
		this.wakeUp();
		if (this.ended && this.waiting === 0) this.complete();
	}

	override writable(): void {
		super.writable();
		this.wakeUp();
	}
}
