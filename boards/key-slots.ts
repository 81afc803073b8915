/** A paired device's keys in the SDK's store of names and values (NVS on an ESP32): two values, each written whole or
 *  not at all. */
import storage from "embedded:storage/key-value";
import type { KeySlots } from "../src/hub/device-keys.js";

/** A slot's name. */
const SLOT = "keys";

export class DeviceKeySlots implements KeySlots {
	private readonly domain;

	/** Throws the SDK's error when the store cannot be opened. @param path at most 15 characters */
	constructor(path = "hearth-keys") {
		this.domain = storage.open({ path, format: "buffer" });
	}

	read(slot: number): Uint8Array | undefined {
		const value = this.domain.read(SLOT + slot) as ArrayBuffer | undefined; // the SDK's types name other formats, too
		return value === undefined ? undefined : new Uint8Array(value);
	}

	write(slot: number, bytes: Uint8Array | undefined, saved: (ok: boolean) => void): void {
		try {
			if (bytes === undefined) this.domain.delete(SLOT + slot);
			else this.domain.write(SLOT + slot, bytes);
		} catch {
			return saved(false);
		}
		saved(true);
	}
}
