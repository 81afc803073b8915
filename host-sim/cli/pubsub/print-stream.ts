/** What `hearth sub` prints: gathered, and written once a turn, so that many small messages cost one system call. */
import type { Writable } from "node:stream";
import type { Print } from "./message-format.js";

/** Bytes that are gathered before they are written within a turn. */
const GATHERED_BYTES = 65_536;

export class PrintStream implements Print {
	private readonly gathered = Buffer.allocUnsafe(GATHERED_BYTES);
	private used = 0;
	/** whoever reads takes less than is printed: nothing more should be printed until `onDrain` */
	full = false;
	/** nobody reads any more, or the disk is full: what is printed is lost */
	error: NodeJS.ErrnoException | undefined;

	/** @param onDrain may print again @param onError sees `error` */
	constructor(
		private readonly stream: Writable,
		onDrain: () => void,
		onError: () => void,
	) {
		stream.on("drain", () => {
			this.full = false;
			onDrain();
		});
		stream.on("error", (error) => {
			this.error ??= error;
			onError();
		});
	}

	bytes(bytes: Uint8Array): void {
		if (bytes.length > GATHERED_BYTES) {
			this.flush();
			this.write(Buffer.from(bytes)); // a copy: it is written later, and the bytes are another's by then
			return;
		}
		if (bytes.length > GATHERED_BYTES - this.used) this.flush();
		this.gathered.set(bytes, this.used);
		this.used += bytes.length;
	}

	text(text: string): void {
		this.string(text, "utf8", 3);
	}

	binary(text: string): void {
		this.string(text, "latin1", 1);
	}

	private string(text: string, encoding: "utf8" | "latin1", most: number): void {
		const bytes = text.length * most;
		if (bytes > GATHERED_BYTES) return this.bytes(Buffer.from(text, encoding));
		if (bytes > GATHERED_BYTES - this.used) this.flush();
		this.used += this.gathered.write(text, this.used, encoding);
	}

	/** Writes what was gathered. */
	flush(): void {
		if (this.used === 0) return;
		this.write(Buffer.from(this.gathered.subarray(0, this.used)));
		this.used = 0;
	}

	/** @returns when all has been written, or cannot be */
	async end(): Promise<void> {
		this.flush();
		if (this.error !== undefined) return;
		await new Promise<void>((resolve) => this.stream.write("", () => resolve()));
	}

	private write(bytes: Buffer): void {
		if (this.error === undefined && !this.stream.write(bytes)) this.full = true;
	}
}
