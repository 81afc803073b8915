/** The PUBLISH that was staged last, for the other receivers of the same message: who needs the same header gets a copy
 *  of its bytes, with another Packet Identifier where there is one. Good only while one message is handed out, and only
 *  as long as nothing else was staged: a buffer may be with another connection by then. */
import { PublishFlag } from "../codec/packet-types.js";
import type { Outputs } from "../delivery/output.js";

export class PacketCopy {
	/** message number; 0: none; -1: a message that is not stored */
	private message = 0;
	private version = 0;
	private flags = 0;
	private start = 0;
	private end = 0;
	/** what `outputs.stagings` is as long as the packet is the last that was staged */
	private staging = 0;
	/** bytes before the Packet Identifier */
	idAt = 0;

	constructor(private readonly outputs: Outputs) {}

	/** Before and after a message is handed out. */
	clear(): void {
		this.message = 0;
	}

	fits(message: number, version: number, flags: number): boolean {
		return (
			this.message === message &&
			this.version === version &&
			this.flags === flags &&
			this.staging === this.outputs.stagings
		);
	}

	/** The packet was encoded at memory[start..end) and is staged next. */
	set(message: number, version: number, flags: number, start: number, end: number): void {
		this.message = message;
		this.version = version;
		this.flags = flags;
		this.start = start;
		this.end = end;
		this.staging = this.outputs.stagings + 1;
	}

	/** Puts the packet at memory[at..], where it is staged next. Where the place is the one it was encoded at, and its
	 *  first receiver's bytes have left, nothing is copied. */
	put(memory: Uint8Array, at: number, id: number): void {
		this.staging = this.outputs.stagings + 1;
		if (at !== this.start) {
			memory.copyWithin(at, this.start, this.end);
			this.end += at - this.start;
			this.start = at;
		}
		if ((this.flags & PublishFlag.Qos) === 0) return;
		const p = at + this.idAt;
		memory[p] = id >> 8;
		memory[p + 1] = id;
	}
}
