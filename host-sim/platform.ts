/** The core's ports on Node. */
import { createHash, createHmac, randomBytes } from "node:crypto";
import type { Broker } from "../src/broker/broker.js";
import type { Crypto, Platform } from "../src/platform.js";
import { text } from "./text.js";

/** How often the broker looks at its deadlines, ms: a Keep Alive of 1 s ends after 1.5 to 1.75 s. */
const TICK_MS = 250;

export interface NodePlatform extends Platform {
	/** Begins turns and ticks for a broker that was made with this platform. */
	attach(broker: Broker): void;
	/** Ends them. */
	detach(): void;
	/** Hands what one read of a socket brought to its transport: bytes[0..count). */
	read(transport: Reader, bytes: Uint8Array, count: number): void;
}

/** Takes bytes[0..count) of a socket. */
export interface Reader {
	take(bytes: Uint8Array, count: number): void;
}

/** After so many turns of one read each, what is read is answered at once, in a turn of its own: it hardly ever happens
 *  that another socket is readable, too, and to wait for that costs a lone message some µs. */
const ALONE = 8;
/** One turn of so many is ended as others are, to see whether there is company. */
const PROBE = 8;

export const crypto: Crypto = {
	sha256: (data) => createHash("sha256").update(data).digest(),
	hmacSha256: (key, data) => createHmac("sha256", key).update(data).digest(),
};

/** @param log takes the log lines; absent: none */
export function nodePlatform(log?: (level: number, line: string) => void): NodePlatform {
	let broker: Broker | undefined;
	let scheduled = false;
	let ticks: NodeJS.Timeout | undefined;
	/** reads of this turn, turns of one read until now, and reads since then */
	let reads = 0;
	let alone = 0;
	let answered = 0;
	/** what is asked for within a read comes when it ends */
	let atOnce = false;
	let woken = false;
	const schedule = () => {
		if (scheduled) return;
		scheduled = true;
		setImmediate(endTurn);
	};
	const endTurn = () => {
		scheduled = false;
		if (reads > 1) alone = 0;
		else alone += reads;
		reads = 0;
		broker?.endTurn();
	};
	const platform: NodePlatform = {
		text,
		crypto,
		now: () => Math.floor(performance.now()) + 1, // whole, so that seconds of an expiry are not rounded up
		wallClock: () => Date.now(),
		random: () => randomBytes(4).readUInt32LE(0),
		heapBytes: () => {
			const { heapUsed, external } = process.memoryUsage();
			return heapUsed + external;
		},
		wake() {
			// after all sockets that are readable now: what they bring leaves in one write a receiver
			if (atOnce) woken = true;
			else schedule();
		},
		read(transport, bytes, count) {
			if (scheduled || alone < ALONE) {
				reads++;
				return transport.take(bytes, count);
			}
			atOnce = true;
			try {
				transport.take(bytes, count);
			} finally {
				atOnce = false;
			}
			if (woken) broker?.endTurn();
			woken = false;
			if (++answered % PROBE !== 0) return;
			reads = 1;
			schedule();
		},
		attach(attached) {
			broker = attached;
			ticks = setInterval(() => broker?.tick(), TICK_MS);
			ticks.unref();
		},
		detach() {
			clearInterval(ticks);
			broker = undefined;
		},
	};
	if (log !== undefined) platform.log = log;
	return platform;
}
