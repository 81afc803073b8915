/** What a device keeps of its pairing, in two places: the keys in use (CURRENT), and those of a pairing that it does
 *  not know to be concluded (PENDING). Each write is there whole or not at all, so that a loss of power leaves keys
 *  that the hub knows. After join.ts. SECURITY.md, "Pairing" */
import type { Text } from "../platform.js";
import type { DeviceKeys } from "./join.js";

/** Two small records; a write of one never harms the other. */
export interface KeySlots {
	/** @param slot 0 or 1 @returns what was written last; undefined: nothing */
	read(slot: number): Uint8Array | undefined;
	/** @param bytes undefined: the slot is empty from now on. `saved` may be called at once. */
	write(slot: number, bytes: Uint8Array | undefined, saved: (ok: boolean) => void): void;
}

const enum State {
	Pending = 1,
	Current = 2,
}

interface Slot {
	state: State;
	/** grows with each write: of two that are CURRENT the later one counts */
	sequence: number;
	keys: DeviceKeys;
}

const FORMAT = 1;
const KEY_BYTES = 32;
const SALT_BYTES = 16;
/** format, state, sequence, iterations, both keys, salt; then the hub's identifier */
const HEAD_BYTES = 2 + 4 + 4 + 2 * KEY_BYTES + SALT_BYTES;

export class DeviceKeyStore {
	private readonly slots: (Slot | undefined)[];

	constructor(
		private readonly text: Text,
		private readonly store: KeySlots,
	) {
		this.slots = [];
		for (let i = 0; i < 2; i++) this.slots.push(decode(text, store.read(i)));
	}

	/** @returns the keys to log in with: those that were proved to be right, or the only ones; undefined: not paired */
	get current(): DeviceKeys | undefined {
		return this.slots[this.currentSlot]?.keys;
	}

	/** @returns the keys of a pairing that may have been concluded: to be tried first; undefined: there are none */
	get pending(): DeviceKeys | undefined {
		const slot = this.slots.find((found) => found?.state === State.Pending);
		return slot?.keys;
	}

	/** Keeps new keys beside those in use. */
	keep(keys: DeviceKeys, saved: (ok: boolean) => void): void {
		this.write(1 - Math.max(0, this.currentSlot), State.Pending, keys, saved);
	}

	/** The hub has proved that it knows the pending keys: they are in use from now on, and the older ones of no more
	 *  use. */
	confirmPending(saved: (ok: boolean) => void): void {
		const at = this.slots.findIndex((slot) => slot?.state === State.Pending);
		if (at < 0) return saved(true);
		this.write(at, State.Current, this.slots[at]!.keys, saved);
	}

	/** The hub has proved that it knows the current keys, after it refused the pending ones: those never counted. A bare
	 *  refusal erases nothing, since anybody can refuse. */
	dropPending(saved: (ok: boolean) => void): void {
		const at = this.slots.findIndex((slot) => slot?.state === State.Pending);
		if (at < 0 || this.current === undefined) return saved(true);
		this.store.write(at, undefined, (ok) => {
			if (ok) this.slots[at] = undefined;
			saved(ok);
		});
	}

	/** Forgets everything: the device is as new. */
	reset(saved: (ok: boolean) => void): void {
		this.store.write(0, undefined, (first) => {
			if (first) this.slots[0] = undefined;
			this.store.write(1, undefined, (second) => {
				if (second) this.slots[1] = undefined;
				saved(first && second);
			});
		});
	}

	/** −1: none */
	private get currentSlot(): number {
		const [a, b] = [this.slots[0], this.slots[1]];
		const first = a?.state === State.Current ? a.sequence : -1;
		const second = b?.state === State.Current ? b.sequence : -1;
		if (first < 0 && second < 0) return -1;
		return second > first ? 1 : 0;
	}

	private write(slot: number, state: State, keys: DeviceKeys, saved: (ok: boolean) => void): void {
		const sequence = 1 + Math.max(this.slots[0]?.sequence ?? 0, this.slots[1]?.sequence ?? 0);
		this.store.write(slot, encode(this.text, { state, sequence, keys }), (ok) => {
			if (ok) this.slots[slot] = { state, sequence, keys };
			saved(ok);
		});
	}
}

function encode(text: Text, { state, sequence, keys }: Slot): Uint8Array {
	const bytes = new Uint8Array(HEAD_BYTES + text.size(keys.hubId));
	const view = new DataView(bytes.buffer);
	bytes[0] = FORMAT;
	bytes[1] = state;
	view.setUint32(2, sequence);
	view.setUint32(6, keys.iterations);
	bytes.set(keys.clientKey, 10);
	bytes.set(keys.serverKey, 10 + KEY_BYTES);
	bytes.set(keys.salt, 10 + 2 * KEY_BYTES);
	text.encode(keys.hubId, bytes, HEAD_BYTES);
	return bytes;
}

function decode(text: Text, bytes: Uint8Array | undefined): Slot | undefined {
	if (bytes === undefined || bytes.length < HEAD_BYTES || bytes[0] !== FORMAT) return undefined;
	const state = bytes[1];
	const hubId = text.decode(bytes, HEAD_BYTES, bytes.length);
	if ((state !== State.Pending && state !== State.Current) || hubId === undefined) return undefined;
	const view = new DataView(bytes.buffer, bytes.byteOffset);
	const keys: DeviceKeys = {
		hubId,
		clientKey: bytes.slice(10, 10 + KEY_BYTES),
		serverKey: bytes.slice(10 + KEY_BYTES, 10 + 2 * KEY_BYTES),
		salt: bytes.slice(10 + 2 * KEY_BYTES, HEAD_BYTES),
		iterations: view.getUint32(6),
	};
	return { state, sequence: view.getUint32(2), keys };
}
