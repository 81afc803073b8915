/** The head of an HTTP request on a device, as it comes: bounded, and looked at by native code only. RFC 9112 */
import type { PageRequest } from "../src/hub/page-requests.js";
import type { Text } from "../src/platform.js";

/** Bytes at most; browsers send some 600. */
export const HEAD_MAX = 2_048;

const LINE_FEED = 10;

export class RequestHead implements PageRequest {
	/** why the request is refused, a status with its reason; "": it is not */
	problem = "";
	method = "";
	/** without what follows a question mark */
	path = "";
	private text = "";
	/** bytes of the line that has not ended */
	private lineBytes = 0;
	private lines: readonly string[] = [];

	/** @param address where it comes from */
	constructor(readonly address: string) {}

	/** There is no TLS, and nobody sits at a device. */
	get isSecure(): boolean {
		return false;
	}

	get isTrusted(): boolean {
		return false;
	}

	/** @returns whether all of it is there, or enough to refuse it */
	get isWhole(): boolean {
		return this.problem !== "" || this.lines.length > 0;
	}

	/** @returns whether nothing of it has come */
	get isEmpty(): boolean {
		return this.text === "" && !this.isWhole;
	}

	/** Takes what came. @returns the index behind the last byte that is the head's */
	take(text: Text, bytes: Uint8Array, start: number, end: number): number {
		const came = bytes.subarray(start, end);
		const used = this.endIn(came);
		const isLast = used > 0;
		const stop = start + (isLast ? used : came.length);
		const part = text.decode(bytes, start, stop);
		if (part === undefined) return this.refuse("400 Bad Request", stop);
		this.text += part;
		if (this.text.length > HEAD_MAX) return this.refuse("431 Request Header Fields Too Large", stop);
		if (isLast) this.parse();
		return stop;
	}

	/** @returns how many bytes belong to the head, the empty line at its end among them; 0: it goes on */
	private endIn(came: Uint8Array): number {
		let from = 0;
		for (let at = came.indexOf(LINE_FEED); at >= 0; at = came.indexOf(LINE_FEED, from)) {
			const length = this.lineBytes + at - from;
			this.lineBytes = 0;
			from = at + 1;
			if (length <= 1) return from;
		}
		this.lineBytes += came.length - from;
		return 0;
	}

	private parse(): void {
		const lines = this.text.split("\r\n");
		this.text = "";
		const found = /^([A-Z]+) (\/[!-~]*) HTTP\/1\.[01]$/.exec(lines[0]!);
		if (found === null || lines.length < 3 || lines[lines.length - 1] !== "") {
			this.refuse("400 Bad Request", 0);
			return;
		}
		this.method = found[1]!;
		this.path = found[2]!.split("?")[0]!;
		this.lines = lines;
	}

	private refuse(problem: string, at: number): number {
		this.problem = problem;
		this.text = "";
		return at;
	}

	/** @returns a field's value; undefined: it has none, or more than one. @param name in small letters */
	field(name: string): string | undefined {
		const { lines } = this;
		let value: string | undefined;
		for (let i = 1; i < lines.length; i++) {
			const line = lines[i]!;
			const colon = line.indexOf(":");
			if (colon !== name.length || line.slice(0, colon).toLowerCase() !== name) continue;
			if (value !== undefined) return undefined;
			value = line.slice(colon + 1).trim();
		}
		return value;
	}
}
