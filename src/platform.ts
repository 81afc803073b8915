/** The ports that a platform fills in: the core reaches the world through these and nothing else. */

/** UTF-8, done natively: a loop over bytes in JavaScript costs 30 opcodes a byte on XS (ARCHITECTURE.md). */
export interface Text {
	/** @returns the string that bytes[start..end) encode; undefined when they are ill-formed UTF-8 (surrogates and
	 *  overlong forms included). A byte order mark stays. Spec: [MQTT-1.5.3-1] [MQTT-1.5.3-3] */
	decode(bytes: Uint8Array, start: number, end: number): string | undefined;
	/** The same string when the bytes are well-formed, any string or an exception when not: only for looking up what is
	 *  known to be good. */
	key(bytes: Uint8Array, start: number, end: number): string;
	/** @returns bytes of the string in UTF-8 */
	size(text: string): number;
	/** Writes the string's UTF-8 at bytes[at..]; the caller made room. @returns index after the last byte */
	encode(text: string, bytes: Uint8Array, at: number): number;
}

/** One connection's byte stream, in ECMA-419's words. */
export interface Transport {
	/** Takes bytes[start..end); never called with more than the writable count that was last told. Calls nothing back
	 *  before it returns.
	 *  @returns bytes that may be written now; -1: none, and bytes[start..end) must stay as they are until
	 *  `onWritable` */
	write(bytes: Uint8Array, start: number, end: number): number;
	/** Bytes may be brought again, after `onReadable` returned 0. */
	resume(): void;
	/** Ends the connection after what was written; what it keeps of a write (-1) is not read any more; no callback
	 *  comes any more. @param peerIsDone the peer has said that it sends nothing more, so that nobody need wait for it.
	 *  Default: false */
	close(peerIsDone?: boolean): void;
	/** Where the peer is, for log lines; may be read at any time, after the end too. */
	readonly remoteAddress: string;
	/** the Common Name of a client certificate that an authority vouches for; undefined or absent: there is none */
	readonly certificateUserName?: string | undefined;
}

/** What a transport calls. Broker connections are this. */
export interface TransportTarget {
	/** bytes[start..end) arrived; they are used up on return.
	 *  @returns how many bytes may be brought next; 0: none until `Transport.resume` is called */
	onReadable(bytes: Uint8Array, start: number, end: number): number;
	/** `count` bytes may be written now, and what was written has left its buffer. */
	onWritable(count: number): void;
	/** The stream ended without our close(), for whatever reason. */
	onError(): void;
}

/** Hashes, done natively. Results are new arrays. */
export interface Crypto {
	/** @returns 32 bytes. FIPS 180-4 */
	sha256(data: Uint8Array): Uint8Array;
	/** @returns 32 bytes. RFC 2104 with SHA-256 */
	hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
}

/** A durable table: whole numbers lead to bytes. Changes are made in batches, each there whole or not at all, whenever
 *  the power goes; a batch that is durable has all before it. What it holds in memory is fixed when it is made.
 *  The broker commits a batch only when it has heard of the one before. */
export interface Storage {
	/** bytes of the longest value */
	readonly valueBytesMax: number;
	/** bytes of keys and values that are kept, and that may be kept at most */
	readonly bytesUsed: number;
	readonly bytesMax: number;
	/** ms that a batch may wait before it is durable, because the medium wears out; absent: 0 */
	readonly lagMs?: number;
	/** absent: the medium does not wear out, or does not say so */
	readonly wear?: Wear;
	/** Takes who hears of batches. Before anything else, once. */
	open(target: StorageTarget): void;
	/** Calls for each record with first ≤ key ≤ last, in any order; bytes[start..end) is its value until the call
	 *  returns, and nothing is changed meanwhile. At start only. */
	each(first: number, last: number, visit: RecordVisitor): void;
	/** Copies a value that is durable to target[0..), at any time; what is not durable yet is not seen.
	 *  @param target at least as long as the value may be @returns its bytes; -1: there is none, or it is damaged.
	 *  Absent: the medium is read at start only */
	read?(key: number, target: Uint8Array): number;
	/** Adds a change to the batch: the value is bytes[start..end). The last change of a key counts.
	 *  @param key 0 ≤ key < 2³² @returns false: no room, and the batch is to be rolled back */
	put(key: number, bytes: Uint8Array, start: number, end: number): boolean;
	/** Adds a change to the batch: the key leads nowhere, as it may have done before. @returns as `put` */
	delete(key: number): boolean;
	/** Forgets the changes since the last commit. */
	rollback(): void;
	/** Ends the batch. The target hears of each, in their order, never within this call.
	 *  @returns the batch's number, one more than the one before */
	commit(): number;
	/** Ends what was committed, then all. Nothing is heard any more. */
	close(): void;
}

/** What a medium that wears out says of itself, now. */
export interface Wear {
	/** bytes written since the start, and a day on average */
	readonly bytesWritten: number;
	readonly bytesPerDay: number;
	/** erases of the sector that has most, and of all on average */
	readonly erasesMax: number;
	readonly erasesMean: number;
	/** years until it is worn out when it goes on like this; Infinity: nothing was written */
	readonly lifeYears: number;
	/** places where something was damaged, since the start */
	readonly damaged: number;
}

/** Takes one record of a storage. */
export interface RecordVisitor {
	visit(key: number, bytes: Uint8Array, start: number, end: number): void;
}

/** What a storage calls. */
export interface StorageTarget {
	/** All batches up to this number are durable. */
	onDurable(batch: number): void;
	/** The batch is lost, and the table is as before it: no room, or the medium failed. */
	onStorageError(batch: number, error: unknown): void;
}

/** Point arithmetic on P-256, done natively or by a library. Points are 65 bytes (SEC 1, uncompressed), scalars 32
 *  bytes, big-endian, 0 < s < the group's order. Results are new arrays; undefined: the identity, which has no such
 *  bytes. */
export interface Curve {
	/** @returns s·P */
	multiply(s: Uint8Array, p: Uint8Array): Uint8Array | undefined;
	/** @returns s·P + t·Q */
	multiplyAdd(s: Uint8Array, p: Uint8Array, t: Uint8Array, q: Uint8Array): Uint8Array | undefined;
}

/** A store of names and values, as a board has it that gives no raw flash. Each change is durable on return, and there
 *  whole or not at all whenever the power goes. All throw when the medium fails, or is full. */
export interface KeyValue {
	/** bytes of the longest value */
	readonly valueBytesMax: number;
	/** Copies a value to bytes[start..). @returns its bytes, or more than there is room for and nothing is copied; -1:
	 *  there is none */
	read(name: string, bytes: Uint8Array, start: number): number;
	/** The value is bytes[start..end). @param name at most 9 characters */
	write(name: string, bytes: Uint8Array, start: number, end: number): void;
	/** The name leads nowhere, as it may have done before. */
	delete(name: string): void;
	/** Calls for each name, in any order; nothing is changed meanwhile. At start only. */
	each(visit: (name: string) => void): void;
}

/** A part of a NOR flash. All throw when the part does not do what it is asked. */
export interface Flash {
	/** bytes that are erased at once, 4,096 on most parts, and how many such sectors there are */
	readonly sectorBytes: number;
	readonly sectors: number;
	/** what `at` and the length of a `program` are multiples of: 1 on an ESP32, 4 on an ESP8266, 16 with an ESP32's flash
	 *  encryption, 256 on a Pico */
	readonly programBytes: number;
	/** Copies from address `at` on to bytes[start..end). */
	read(at: number, bytes: Uint8Array, start: number, end: number): void;
	/** Writes bytes[start..end) to address `at` and on: bits go from 1 to 0, never back. */
	program(at: number, bytes: Uint8Array, start: number, end: number): void;
	/** Sets all bits of a sector to 1. */
	erase(sector: number): void;
}

export interface Platform {
	readonly text: Text;
	/** Transports copy what they write before `write` returns, and so never answer -1; then what came alone is handed on
	 *  from where it lies (broker/forward.ts). Default: false */
	readonly copiesWrites?: boolean;
	/** needed by methods of Enhanced Authentication (src/auth), not by the broker itself */
	readonly crypto?: Crypto;
	/** Milliseconds that only grow; may begin anywhere. */
	now(): number;
	/** Milliseconds since 1970, for what must go on when the power was off; undefined: not known (yet). */
	wallClock?(): number | undefined;
	/** An unpredictable integer, 0 ≤ n < 2³². */
	random(): number;
	/** Asks for one call of `Broker.endTurn()` before the process or device waits for events again. */
	wake(): void;
	/** @returns bytes of the engine's heaps that are in use now, for $SYS; asked once an interval */
	heapBytes?(): number;
	/** A notable event. `level` 0 error, 1 event, 2 detail. */
	log?(level: number, line: string): void;
}
