/** UTF-8 on XS: the engine's String.fromArrayBuffer, and the SDK's native TextDecoder and TextEncoder. */
import TextDecoder from "text/decoder";
import TextEncoder from "text/encoder";
import type { Text } from "../src/platform.js";

/** The engine's own; not in every declaration of String. */
interface FromArrayBuffer {
	/** Takes what is nearly UTF-8: surrogates and overlong forms too; stops at a NUL; throws TypeError for the rest. */
	fromArrayBuffer(buffer: ArrayBufferLike, byteOffset?: number, byteLength?: number): string;
}

const strings = String as unknown as FromArrayBuffer;

export class DeviceText implements Text {
	private readonly decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
	private readonly encoder = new TextEncoder();

	decode(bytes: Uint8Array, start: number, end: number): string | undefined {
		try {
			return this.decoder.decode(bytes.subarray(start, end));
		} catch {
			return undefined;
		}
	}

	/** Takes surrogates and overlong forms as they are and stops at a NUL, so that "a\0b" has the key "a": whoever looks
	 *  it up compares the number of bytes, too. Without `try`, which costs as much as all the rest:
	 *  throws TypeError for what is far from UTF-8, such as a lone continuation byte. */
	key(bytes: Uint8Array, start: number, end: number): string {
		const key = strings.fromArrayBuffer(bytes.buffer, start, end - start);
		return key; // a call that is returned at once moves the stack: 700 instructions
	}

	size(text: string): number {
		return this.encoder.encode(text).byteLength;
	}

	encode(text: string, bytes: Uint8Array, at: number): number {
		return at + this.encoder.encodeInto(text, bytes.subarray(at)).written;
	}
}
