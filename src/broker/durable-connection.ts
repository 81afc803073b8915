/** A connection of a broker with a storage, or one that the program answers (controlled-connection.ts): its answers
 *  leave when what they promise is durable. After connection.ts. */
import type { PacketType } from "../codec/packet-types.js";
import { encodeAck } from "../codec/publish.js";
import { Connection } from "./connection.js";

export class DurableConnection extends Connection {
	override answer(type: PacketType, id: number, reason: number): void {
		const broker = this.broker;
		const persist = broker.persist;
		if (!persist?.mustWait(this, type)) return super.answer(type, id, reason);
		const memory = broker.memory;
		const at = broker.layout.scratch;
		persist.wait(this, at, encodeAck(memory, at, type, id, this.version, reason, memory, 0, 0));
	}

	override sendAnswer(start: number, end: number): boolean {
		const persist = this.broker.persist;
		if (!persist?.mustWait(this, this.broker.memory[start]! >> 4)) return super.sendAnswer(start, end);
		persist.wait(this, start, end);
		return false;
	}
}
