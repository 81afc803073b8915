/** Chance on a Pico, and on Linux: the SDK's own generator is begun with the same seed at each start there, so native
 *  code asks the platform's (chance.c). */
import fill from "hearth-mqtt/chance";

export function entropy(bytes: Uint8Array): void {
	const part = new ArrayBuffer(bytes.length);
	fill(part);
	bytes.set(new Uint8Array(part));
}
