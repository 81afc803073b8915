/** Cuts what a broker sends into control packets and WebSocket frames, where they lie: the load's own reader, because a
 *  client's would be what is measured. */

/** A whole packet: its first byte is bytes[start], what follows its fixed header is bytes[body..end). */
export type TakePacket = (bytes: Buffer, start: number, body: number, end: number) => void;

/** Brings a stream of bytes together to packets, whose header says how long they are. */
export class PacketStream {
	private held: Buffer[] = [];
	private heldBytes = 0;
	/** bytes until what is held is a packet, or says how long it is */
	private wanted = 0;

	constructor(private readonly take: TakePacket) {}

	/** @param chunk the caller's again when this returns. Throws when it is no MQTT. */
	feed(chunk: Buffer): void {
		if (this.heldBytes === 0) return this.cut(chunk);
		this.hold(chunk, this.wanted);
		if (this.heldBytes < this.wanted) return;
		const bytes = Buffer.concat(this.held);
		this.held = [];
		this.heldBytes = 0;
		this.cut(bytes);
	}

	private cut(bytes: Buffer): void {
		let start = 0;
		while (start < bytes.length) {
			if (bytes[start]! < 0x10) throw new Error(`the broker sends no MQTT: ${bytes[start]}`);
			let body = start + 1;
			let length = 0;
			let shift = 0;
			do {
				if (body >= bytes.length) return this.hold(bytes.subarray(start), bytes.length - start + 1);
				length |= (bytes[body]! & 127) << shift;
				shift += 7;
			} while (bytes[body++]! > 127);
			const end = body + length;
			if (end > bytes.length) return this.hold(bytes.subarray(start), end - start);
			this.take(bytes, start, body, end);
			start = end;
		}
	}

	private hold(bytes: Buffer, wanted: number): void {
		this.held.push(Buffer.from(bytes));
		this.heldBytes += bytes.length;
		this.wanted = wanted;
	}
}

/** Takes the payload out of a server's WebSocket frames. Spec: RFC 6455, 5.2 */
export class FrameStream {
	/** bytes of the frame's payload that have not come yet */
	private left = 0;
	private isData = false;
	private header: Buffer = Buffer.alloc(0);

	constructor(private readonly take: (chunk: Buffer) => void) {}

	feed(chunk: Buffer): void {
		let bytes = chunk;
		if (this.header.length > 0) {
			bytes = Buffer.concat([this.header, chunk]);
			this.header = Buffer.alloc(0);
		}
		let at = 0;
		while (at < bytes.length) {
			if (this.left === 0) {
				const body = this.begin(bytes, at);
				if (body === 0) {
					this.header = Buffer.from(bytes.subarray(at));
					return;
				}
				at = body;
			}
			const end = Math.min(bytes.length, at + this.left);
			if (this.isData && end > at) this.take(bytes.subarray(at, end));
			this.left -= end - at;
			at = end;
		}
	}

	/** @returns where the payload begins; 0: the header is not whole */
	private begin(bytes: Buffer, at: number): number {
		if (at + 2 > bytes.length) return 0;
		const short = bytes[at + 1]!;
		const body = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
		if (body > bytes.length) return 0;
		this.isData = (bytes[at]! & 0x0f) <= 2;
		this.left = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : bytes.readUIntBE(at + 4, 6);
		return body;
	}
}

/** @returns a packet as a client's WebSocket frame. The mask is zero, which a server cannot tell from another. */
export function frame(packet: Buffer): Buffer {
	const { length } = packet;
	const head = Buffer.alloc(length < 126 ? 6 : length < 65_536 ? 8 : 14);
	head[0] = 0x82;
	if (length < 126) head[1] = 0x80 | length;
	else if (length < 65_536) {
		head[1] = 0xfe;
		head.writeUInt16BE(length, 2);
	} else {
		head[1] = 0xff;
		head.writeUIntBE(length, 4, 6);
	}
	return Buffer.concat([head, packet]);
}
