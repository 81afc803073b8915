/** What outlives a restart of a board whose SDK gives no raw flash (Pico), or that shares NVS with others: names and
 *  values. */
import storage from "embedded:storage/key-value";
import type { KeyValue } from "../src/platform.js";
import { type KeyValueLimits, KeyValueStorage } from "../src/storage/key-value-storage.js";

/** A domain of the SDK's key-value storage. */
export class Domain implements KeyValue {
	private readonly domain;

	/** @param valueBytesMax 4,000 in NVS; on a Pico and an ESP8266 all values together have one sector of 4,096 bytes */
	constructor(
		path: string,
		readonly valueBytesMax: number,
	) {
		this.domain = storage.open({ path, format: "buffer" });
	}

	read(name: string, bytes: Uint8Array, start: number): number {
		const value = this.domain.read(name) as ArrayBuffer | undefined; // the SDK's types name other formats, too
		if (value === undefined) return -1;
		if (value.byteLength <= bytes.length - start) bytes.set(new Uint8Array(value), start);
		return value.byteLength;
	}

	write(name: string, bytes: Uint8Array, start: number, end: number): void {
		this.domain.write(name, bytes.subarray(start, end));
	}

	delete(name: string): void {
		this.domain.delete(name);
	}

	each(visit: (name: string) => void): void {
		for (const name of this.domain) visit(name);
	}
}

export function openMedium(limits: KeyValueLimits, path = "hearth"): KeyValueStorage {
	return new KeyValueStorage(new Domain(path, 4_000), limits);
}
