/** The Topic Name of a message that waits: for what is told of one that is given up. */
import type { Client } from "./client.js";

/** @returns an entry's Topic Name. Allocates it. */
export function topicOf(client: Client, entry: number): string {
	const message = client.deliveries.message[entry]!;
	const bytes = new Uint8Array(client.store.topicBytes(message));
	client.pool.read(message, 0, bytes.length, bytes, 0);
	return client.text.decode(bytes, 0, bytes.length) ?? "";
}
