/** What leaves on one connection: stands for src/delivery/output.ts where memory need not be fixed. What is added is
 *  the output's own from then on, and is handed to the transport once a turn. */
import type { Transport } from "../src/platform.js";
import { joined } from "../src/promises/joined.js";

export class Outputs {
	bytesSent = 0;
}

export class Output {
	transport: Transport | undefined = undefined;
	/** A PUBLISH is sent in parts: nothing else may come between. */
	inParts = false;
	private writable = 0;
	private chunks: Uint8Array[] = [];
	private bytes = 0;
	/** control packets that found no room */
	private waiting: Uint8Array[] = [];

	constructor(private readonly outputs: Outputs) {}

	open(transport: Transport, writable: number): void {
		this.transport = transport;
		this.writable = writable;
	}

	close(): void {
		this.transport = undefined;
		this.inParts = false;
		this.chunks = [];
		this.waiting = [];
		this.bytes = this.writable = 0;
	}

	get room(): number {
		return this.writable - this.bytes;
	}

	get free(): boolean {
		return !this.inParts && this.waiting.length === 0;
	}

	get stalled(): boolean {
		return this.waiting.length > 0 || (this.transport !== undefined && this.writable < 64);
	}

	add(bytes: Uint8Array): void {
		this.chunks.push(bytes);
		this.bytes += bytes.length;
	}

	send(packet: Uint8Array): void {
		this.waiting.push(packet);
		this.drainBacklog();
	}

	drainBacklog(): void {
		while (!this.inParts && this.waiting.length > 0 && this.room > 0) {
			const packet = this.waiting[0]!;
			const count = Math.min(packet.length, this.room);
			this.add(packet.subarray(0, count));
			if (count === packet.length) this.waiting.shift();
			else this.waiting[0] = packet.subarray(count);
		}
	}

	flush(): void {
		const { bytes } = this;
		if (bytes === 0) return;
		const all = joined(this.chunks.splice(0));
		this.bytes = 0;
		this.outputs.bytesSent += bytes;
		const left = this.transport!.write(all, 0, bytes);
		if (this.transport !== undefined) this.writable = Math.max(0, left);
	}

	onWritable(count: number): void {
		this.writable = count;
	}
}

/** Puts a control packet, at source[start..end), behind all that waits. @returns true */
export function sendControl(output: Output, source: Uint8Array, start: number, end: number): boolean {
	output.send(source.slice(start, end));
	return true;
}
