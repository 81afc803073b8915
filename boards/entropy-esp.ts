/** Chance on an ESP32: its hardware generator, fed by the radio's noise while Wi-Fi is on, as it is when somebody can
 *  reach the board. The SDK gives it to nobody directly: its own generator takes 16 bytes of it as a key when it is
 *  begun anew, and all of those are hashed (random.ts), so that the generator's own flaws are of no matter. */
import RNG from "rng";

const KEY_BYTES = 16;

export function entropy(bytes: Uint8Array): void {
	for (let at = 0; at < bytes.length; at += KEY_BYTES) {
		RNG.init();
		const part = new Uint8Array(RNG.get(KEY_BYTES));
		const left = bytes.length - at;
		bytes.set(left < KEY_BYTES ? part.subarray(0, left) : part, at);
	}
}
