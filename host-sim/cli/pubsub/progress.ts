/** A line on a terminal that tells how far a long piece of work has come. */

/** What a person waits for without asking: less than this needs no line. */
const PROGRESS_BYTES_MIN = 1_000_000;
/** ms between two changes of the line */
const INTERVAL_MS = 100;

export interface Terminal {
	isTTY?: boolean;
	write(text: string): unknown;
}

export class Progress {
	private shownAt = 0;
	private shown = false;
	private readonly wanted: boolean;

	/** @param what such as the file's name @param total bytes; 0: unknown */
	constructor(
		private readonly terminal: Terminal,
		private readonly what: string,
		private readonly total: number,
		private readonly now: () => number = () => performance.now(),
	) {
		this.wanted = terminal.isTTY === true && (total === 0 || total >= PROGRESS_BYTES_MIN);
		this.shownAt = now();
	}

	/** @param done bytes until now */
	update(done: number): void {
		const now = this.now();
		if (!this.wanted || now - this.shownAt < INTERVAL_MS) return;
		this.shownAt = now;
		this.shown = true;
		const share =
			this.total > 0 ? ` of ${megabytes(this.total)} MB (${Math.floor((100 * done) / this.total)} %)` : " MB";
		this.terminal.write(`\r\x1b[K${this.what}: ${megabytes(done)}${share}`);
	}

	/** Takes the line away. */
	end(): void {
		if (this.shown) this.terminal.write("\r\x1b[K");
		this.shown = false;
	}
}

function megabytes(bytes: number): string {
	return (bytes / 1_000_000).toFixed(1);
}
