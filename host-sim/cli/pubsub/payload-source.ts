/** Payloads that `hearth pub` sends without holding a second copy: from files as they are sent, and from what came on
 *  standard input. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { Readable } from "node:stream";
import type { PayloadSource } from "../../../src/client/client-options.js";
import { VARIABLE_MAX } from "../../../src/codec/data-types.js";
import { HearthError } from "../../../src/errors.js";

/** Bytes that no payload exceeds: the rest of the packet takes some of them. Spec: 2.1.4 */
const PAYLOAD_BYTES_MAX = VARIABLE_MAX;

/** Payloads up to here are given to the client at once; larger ones are read as they are sent. */
export const SMALL_BYTES = 16_384;

/** A payload that can be sent again, and tells how far it has been read. */
export abstract class Payload implements PayloadSource {
	readonly restartable = true;
	abstract readonly byteLength: number;
	/** hears how many bytes were read */
	onRead: (bytes: number) => void = () => {};

	abstract read(offset: number, count: number, target: Uint8Array, at: number): number;

	/** @returns all of it */
	whole(): Uint8Array {
		const bytes = new Uint8Array(this.byteLength);
		let done = 0;
		while (done < bytes.length) {
			const count = this.read(done, bytes.length - done, bytes, done);
			if (count <= 0) break;
			done += count;
		}
		return bytes.subarray(0, done);
	}

	close(): void {}
}

/** A file that is read as it is sent, with constant memory. */
export class FilePayload extends Payload {
	readonly byteLength: number;
	private readonly file: number;

	/** Opens the file. Throws HearthError when it can't be read, or is larger than a message can be. */
	constructor(path: string) {
		super();
		this.file = open(path);
		this.byteLength = fstatSync(this.file).size;
		if (this.byteLength > PAYLOAD_BYTES_MAX) throw tooLarge(`-f ${path}`, this.byteLength);
	}

	/** @returns bytes that were read; -1: the file has become shorter, or can't be read any more */
	read(offset: number, count: number, target: Uint8Array, at: number): number {
		let bytes = 0;
		try {
			bytes = readSync(this.file, target, at, count, offset);
		} catch {
			return -1;
		}
		this.onRead(offset + bytes);
		return bytes === 0 && count > 0 ? -1 : bytes;
	}

	override close(): void {
		closeSync(this.file);
	}
}

/** Bytes in memory, in the pieces in which they came. */
export class ChunkPayload extends Payload {
	readonly byteLength: number;
	/** the chunk that is read, and the offset of its first byte */
	private chunk = 0;
	private start = 0;

	constructor(private readonly chunks: readonly Uint8Array[]) {
		super();
		this.byteLength = chunks.reduce((bytes, { length }) => bytes + length, 0);
	}

	read(offset: number, count: number, target: Uint8Array, at: number): number {
		if (offset < this.start) this.chunk = this.start = 0;
		let done = 0;
		while (done < count && this.chunk < this.chunks.length) {
			const bytes = this.chunks[this.chunk]!;
			const from = offset + done - this.start;
			if (from >= bytes.length) {
				this.start += bytes.length;
				this.chunk++;
				continue;
			}
			const piece = bytes.subarray(from, from + count - done);
			target.set(piece, at + done);
			done += piece.length;
		}
		this.onRead(offset + done);
		return done;
	}
}

/** @returns whether it can be read at any place: a plain file */
export function isPlainFile(path: string): boolean {
	const file = open(path);
	try {
		return fstatSync(file).isFile();
	} finally {
		closeSync(file);
	}
}

function open(path: string): number {
	try {
		const file = openSync(path, "r");
		if (!fstatSync(file).isDirectory()) return file;
		closeSync(file);
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		const why = code === "ENOENT" ? "there is no such file" : `can't be read (${code})`;
		throw new HearthError("HEARTH_ERR_FILE", `pub: -f ${path}: ${why}; give a file that can be read`);
	}
	throw new HearthError("HEARTH_ERR_FILE", `pub: -f ${path}: is a folder; give a file`);
}

/** @param onRead hears how many bytes there are @returns all that comes. Throws HearthError when it is more than a
 *  message can be */
export async function readAll(input: Readable, where: string, onRead: (bytes: number) => void): Promise<Uint8Array[]> {
	const chunks: Uint8Array[] = [];
	let bytes = 0;
	for await (const chunk of input) {
		chunks.push(chunk as Buffer);
		bytes += (chunk as Buffer).length;
		if (bytes > PAYLOAD_BYTES_MAX) throw tooLarge(where, bytes);
		onRead(bytes);
	}
	return chunks;
}

function tooLarge(where: string, bytes: number): HearthError {
	const most = `${PAYLOAD_BYTES_MAX.toLocaleString("en")} bytes are MQTT's most`;
	return new HearthError(
		"HEARTH_ERR_FILE",
		`pub: ${where}: ${bytes.toLocaleString("en")} bytes: ${most}; send it in parts`,
	);
}
