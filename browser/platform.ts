/** The client's ports in a browser. */
import type { Platform, Text } from "../src/platform.js";
import type { AsyncClient } from "../src/promises/async-client.js";

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const text: Text = {
	decode(bytes, start, end) {
		try {
			return strict.decode(bytes.subarray(start, end));
		} catch {
			return undefined;
		}
	},
	key: (bytes, start, end) => text.decode(bytes, start, end)!,
	size: (value) => encoder.encode(value).length,
	encode(value, bytes, at) {
		return at + encoder.encodeInto(value, bytes.subarray(at)).written;
	},
};

/** How often the client looks at what is due, ms. */
const TICK_MS = 100;

export interface BrowserPlatform extends Platform {
	/** Begins turns and ticks for a client that was made with this platform. */
	attach(client: AsyncClient): void;
	/** Ends them. */
	detach(): void;
}

/** @param log takes the log lines; absent: none */
export function browserPlatform(log?: (level: number, line: string) => void): BrowserPlatform {
	let client: AsyncClient | undefined;
	let scheduled = false;
	let ticks: ReturnType<typeof setInterval> | undefined;
	const { port1, port2 } = new MessageChannel();
	Object.assign(port1, {
		onmessage() {
			scheduled = false;
			client?.endTurn();
		},
	});
	const platform: BrowserPlatform = {
		text,
		now: () => performance.now() + 1,
		random: () => crypto.getRandomValues(new Uint32Array(1))[0]!,
		wake() {
			// a timer would wait for 4 ms, and for a second in a tab that nobody sees
			if (scheduled) return;
			scheduled = true;
			port2.postMessage(0);
		},
		attach(attached) {
			client = attached;
			ticks = setInterval(() => client?.tick(), TICK_MS);
		},
		detach() {
			clearInterval(ticks);
		},
	};
	if (log !== undefined) platform.log = log;
	return platform;
}
