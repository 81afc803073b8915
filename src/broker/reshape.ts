/** PUBLISHes without properties in another form: that of the other version, where 5.0 has a Property Length and 3.1.1
 *  none, or of QoS 0 instead of 1, without Packet Identifier. Spec: 3.3.1 and 3.3.2 of both */
import { putBytes, putVariable } from "../codec/data-types.js";
import { PacketType } from "../codec/packet-types.js";
import type { Broker } from "./broker.js";

/** Puts the packets that lie at source[start..end) to where incomplete ones are put together, which is free now.
 *  They are whole, of QoS 0 or 1, and have a Remaining Length of one or two bytes and no properties.
 *  @param fromV5 whether they are of 5.0 @param toV5 whether what is put is @param qos of what is put, not higher
 *  @returns index in `broker.memory` after the last, the first at layout.assembly; 0: there is no room */
export function putReshaped(
	broker: Broker,
	source: Uint8Array,
	start: number,
	end: number,
	fromV5: boolean,
	toV5: boolean,
	qos: number,
): number {
	const memory = broker.memory;
	let to = broker.layout.assembly;
	for (let at = start; at < end; ) {
		const idBytes = source[at]! & 6;
		let body = at + 2;
		let length = source[at + 1]!;
		if (length > 127) length = (length & 127) | (source[body++]! << 7);
		at = body + length;
		if (to + length + 5 > broker.layout.partials) return 0;
		const topicEnd = body + 2 + ((source[body]! << 8) | source[body + 1]!);
		const payloadStart = topicEnd + idBytes + (fromV5 ? 1 : 0);
		memory[to] = (PacketType.Publish << 4) | (qos << 1);
		const id = qos > 0 ? 2 : 0;
		to = putVariable(memory, to + 1, topicEnd - body + id + (toV5 ? 1 : 0) + at - payloadStart);
		to = putBytes(memory, to, source, body, topicEnd + id);
		if (toV5) memory[to++] = 0;
		to = putBytes(memory, to, source, payloadStart, at);
	}
	return to;
}
