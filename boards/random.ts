/** Random bytes that nobody can foretell, on a device: a generator over SHA-256 that is fed by what the board has of
 *  real chance, each time anew when a secret is made. SECURITY.md, "Randomness" */
import type { Crypto } from "../src/platform.js";

/** Fills the bytes with what a board has of real chance. Throws an Error with one line where it has nothing that can
 *  be trusted. One module a board: boards/entropy-*.ts */
export type Entropy = (bytes: Uint8Array) => void;

const STATE_BYTES = 32;
/** What is drawn at a time: twice what a secret needs, in case that the source is biased. */
const DRAWN_BYTES = 64;

/** After NIST SP 800-90A's Hash_DRBG in its idea: the state is never given out, and each block that is leaves another
 *  one behind, so that who learns a state knows nothing of what was given before. */
export class RandomBytes {
	/** what the next block is made of; after it one byte, which says what is made */
	private readonly state = new Uint8Array(STATE_BYTES + 1);
	private block: Uint8Array | undefined = undefined;
	private used = 0;

	constructor(
		private readonly crypto: Crypto,
		private readonly entropy: Entropy,
	) {}

	/** Mixes new chance in, and fills the bytes. Throws what the board's source throws. */
	randomBytes(bytes: Uint8Array): void {
		this.feed();
		for (let at = 0; at < bytes.length; at++) bytes[at] = this.next();
	}

	/** For nonces: without new chance each time. @returns an integer, 0 ≤ n < 2³² */
	integer(): number {
		if (this.block === undefined) this.feed();
		return ((this.next() << 24) | (this.next() << 16) | (this.next() << 8) | this.next()) >>> 0;
	}

	private feed(): void {
		const input = new Uint8Array(STATE_BYTES + DRAWN_BYTES);
		input.set(this.state.subarray(0, STATE_BYTES), DRAWN_BYTES);
		this.entropy(input.subarray(0, DRAWN_BYTES));
		this.state.set(this.crypto.sha256(input));
		this.refill();
	}

	private refill(): void {
		const { state, crypto } = this;
		state[STATE_BYTES] = 1;
		this.block = crypto.sha256(state);
		state[STATE_BYTES] = 2;
		state.set(crypto.sha256(state));
		this.used = 0;
	}

	private next(): number {
		if (this.used === STATE_BYTES) this.refill();
		const byte = this.block![this.used]!;
		this.block![this.used++] = 0;
		return byte;
	}
}
