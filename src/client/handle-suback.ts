/** SUBACK and UNSUBACK. Spec: sections 3.9 and 3.11 */
import type { PacketType } from "../codec/packet-types.js";
import { Cause } from "../errors.js";
import type { Client } from "./client.js";

/** One that nobody waits for is counted and changes nothing. */
export function handleSuback(
	client: Client,
	type: PacketType.Suback | PacketType.Unsuback,
	bytes: Uint8Array,
	start: number,
	end: number,
): void {
	const packet = client.subackPacket;
	const cause = packet.decode(bytes, start, end, type, client.version, client.text);
	if (cause !== Cause.None) return client.fail(cause);
	client.subscriptions.acknowledged(packet, type);
}
