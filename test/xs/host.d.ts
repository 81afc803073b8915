/** What test/xs/host gives to a script. On a device the same comes from the SDK's modules. */

interface XsHost {
	/** Writes its arguments, separated by spaces, as a line to stdout. */
	print(...values: unknown[]): void;
	/** Ends the process after the current event. */
	exit(status: number): void;
	/** ms of a monotonic clock */
	now(): number;
	/** 0 ≤ n < 2³², unpredictable */
	random(): number;
	/** Calls globalThis.onTimer once after so many ms; -1: not at all. There is one timer. */
	setTimer(ms: number): void;

	/** opcodes executed so far, native steps of some built-ins included */
	meter(): number;
	/** slots in use: live ones and garbage */
	slots(): number;
	/** bytes of chunks in use, with their headers: live ones and garbage */
	chunks(): number;
	/** bytes of a slot: 16 */
	slotSize(): number;
	/** Collects garbage now. */
	gc(): void;
	/** collections so far */
	gcs(): number;
	/** preloaded objects that were written to, and so copied to RAM, since the start */
	touched(): number;

	/** Of the profiling host only: counts opcodes by function from now on; prints them, a line of JSON each. */
	profileStart?(): void;
	profileStop?(name: string): void;

	/** Keeps a value at once, without the engine's memory; with the option -f for the next process, too. */
	keep(domain: string, key: string, value: string | number | boolean): void;
	/** @returns what was kept last, a string behind a quotation mark; undefined: nothing */
	kept(domain: string, key: string): string | undefined;

	/** @returns a host buffer that shows a file of the folder of option -r, which takes no memory of the engine; throws
	 *  when there is none of that name */
	resource(name: string): unknown;

	/** Listens on 127.0.0.1. @param port 0: any @returns a descriptor; < 0: the port can't be had */
	listen(port: number): number;
	/** the local port of a descriptor */
	port(fd: number): number;
	/** "address:port" of the peer */
	remote(fd: number): string;
	/** @returns the descriptor of the next connection; < 0: none */
	accept(fd: number): number;
	/** Connects to 127.0.0.1; onIo tells 4 when it is there. @returns a descriptor; < 0: refused */
	connect(port: number): number;
	/** @param events 1: onIo tells when there is something to read or accept, and the end; 0: not */
	watch(fd: number, events: number): void;
	/** Reads at most `count` bytes to bytes[start..]. @returns how many; 0: the end; -1: none now; -2: broken */
	read(fd: number, bytes: Uint8Array, start: number, count: number): number;
	/** bytes that could be read now, at most 5,744; 0: none, or the end */
	readable(fd: number): number;
	/** Takes all of bytes[start..end); throws RangeError when that is more than `writable`. @returns writable bytes */
	write(fd: number, bytes: Uint8Array, start: number, end: number): number;
	/** free bytes of the send buffer, which lies outside of the JavaScript heaps */
	writable(fd: number): number;
	/** Ends the connection after what was written; onIo tells nothing of it any more. */
	close(fd: number): void;

	/** @returns 32 bytes */
	sha256(bytes: Uint8Array): ArrayBuffer;
}

declare const host: XsHost;

/** The engine's own: strings are UTF-8 inside. */
interface StringConstructor {
	/** Takes what is nearly UTF-8: surrogates and overlong forms too; stops at a NUL; throws TypeError for the rest. */
	fromArrayBuffer(buffer: ArrayBufferLike, byteOffset?: number, byteLength?: number): string;
}

interface ArrayBufferConstructor {
	/** A NUL in the string takes two bytes, C0 80. */
	fromString(value: string): ArrayBuffer;
}

declare var onIo: ((fd: number, events: number) => void) | undefined;
declare var onTimer: (() => void) | undefined;
/** The engine calls it before it ends the process. */
declare var abort: ((reason: string, exception: unknown) => unknown) | undefined;
declare var trace: (...texts: unknown[]) => void;
