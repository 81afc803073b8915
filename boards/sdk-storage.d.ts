/** What the media use of the Moddable SDK, as it is in SDK 8.2 (modules/io/flash, modules/io/storage and
 *  modules/files/flash). All throw when the medium fails. */

declare module "embedded:storage/flash" {
	interface Flash {
		/** Erases sectors from one to before another; one when only one is given. */
		eraseBlock(start: number, end?: number): void;
		/** Fills the array. */
		read(bytes: Uint8Array, byteOffset: number): number;
		write(bytes: Uint8Array, byteOffset: number): void;
		status(): { size: number; blockLength: number; blocks: number };
		close(): void;
	}
	const flash: {
		/** @param options path: a data partition's label */
		open(options: { path: string; mode?: "r" | "r+"; format?: "buffer" }): Flash;
	};
	export default flash;
}

declare module "embedded:storage/key-value" {
	interface Domain {
		/** @returns the value, or with an array that is filled its bytes; undefined: there is none */
		read(key: string): ArrayBuffer | undefined;
		read(key: string, bytes: Uint8Array): number | undefined;
		write(key: string, value: Uint8Array): void;
		delete(key: string): void;
		close(): void;
		[Symbol.iterator](): Iterator<string>;
	}
	const storage: { open(options: { path: string; mode?: "r" | "r+"; format?: "buffer" }): Domain };
	export default storage;
}

declare module "flash" {
	export default class Flash {
		/** @param name "storage", the area of SPIFFS, on an ESP8266 */
		constructor(name: string);
		erase(sector: number): void;
		read(byteOffset: number, byteLength: number): ArrayBuffer;
		/** Fills up to whole words with 0xff, which changes nothing. */
		write(byteOffset: number, byteLength: number, bytes: Uint8Array | ArrayBuffer): void;
		readonly byteLength: number;
		readonly blockSize: number;
	}
}
