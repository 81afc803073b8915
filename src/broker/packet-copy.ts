/** The PUBLISH that was staged last, for the other receivers of the same message: who needs the same header gets a
 *  copy of
 *  its bytes, with another Packet Identifier where there is one. Good only while one message is handed out. */
import { PublishFlag } from "../codec/packet-types.js";

export class PacketCopy {
	/** message number; 0: none; -1: a message that is not stored */
	private message = 0;
	private version = 0;
	private flags = 0;
	private start = 0;
	private end = 0;
	/** bytes before the Packet Identifier */
	idAt = 0;
	/** where a packet that leaves as it came was put last; -1: nowhere, or something else lies there now */
	rawAt = -1;

	/** Before and after a message is handed out. */
	clear(): void {
		this.message = 0;
		this.rawAt = -1;
	}

	fits(message: number, version: number, flags: number): boolean {
		return this.message === message && this.version === version && this.flags === flags;
	}

	/** The packet was encoded at memory[start..end). */
	set(message: number, version: number, flags: number, start: number, end: number): void {
		this.message = message;
		this.version = version;
		this.flags = flags;
		this.start = start;
		this.end = end;
	}

	/** Puts the packet at memory[at..]. Where the place is the one it was encoded at, and its first receiver's bytes have
	 *  left, nothing is copied. */
	put(memory: Uint8Array, at: number, id: number): void {
		if (at !== this.start) memory.copyWithin(at, this.start, this.end);
		this.end += at - this.start;
		this.start = at;
		if ((this.flags & PublishFlag.Qos) === 0) return;
		const p = at + this.idAt;
		memory[p] = id >> 8;
		memory[p + 1] = id;
	}
}
