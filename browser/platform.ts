/** The client's ports in a browser. */
import type { Platform, Text } from "../src/platform.js";
import type { AsyncClient } from "../src/promises/async-client.js";

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Above this, whether a text is ASCII is not looked at letter by letter. */
const SHORT = 64;

export const text: Text = {
	decode(bytes, start, end) {
		try {
			return strict.decode(bytes.subarray(start, end));
		} catch {
			return undefined;
		}
	},
	key(bytes, start, end) {
		return strict.decode(bytes.subarray(start, end));
	},
	size(value) {
		if (value.length > SHORT) return encoder.encode(value).length;
		const size = value.length;
		for (let i = 0; i < value.length; i++) {
			const code = value.charCodeAt(i);
			// a surrogate's half takes 2 of the pair's 4 bytes; one that stands alone becomes U+FFFD, 3 bytes
			if (code > 0x7f) return code > 0x7ff ? encoder.encode(value).length : size + more(value, i);
		}
		return size;
	},
	encode(value, bytes, at) {
		return at + encoder.encodeInto(value, bytes.subarray(at)).written;
	},
};

/** @returns bytes beyond one for each letter from `at` on */
function more(value: string, at: number): number {
	return encoder.encode(value.slice(at)).length - (value.length - at);
}

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
	const channel = new MessageChannel();
	channel.port1.addEventListener("message", () => {
		scheduled = false;
		client?.endTurn();
	});
	channel.port1.start();
	const platform: BrowserPlatform = {
		text,
		now: () => performance.now() + 1,
		random: () => crypto.getRandomValues(new Uint32Array(1))[0]!,
		wake() {
			// a timer would wait for 4 ms, and for a second in a tab that nobody sees
			if (scheduled) return;
			scheduled = true;
			channel.port2.postMessage(0);
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
