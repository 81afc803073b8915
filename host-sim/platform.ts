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
	/** What one read brought has been taken. */
	readDone(): void;
}

/** After so many turns of one read each the next one's answers leave at once, before it is known whether another socket
 *  is readable, too: it hardly ever is, and waiting costs a lone message some µs. */
const ALONE = 8;

export const crypto: Crypto = {
	sha256: (data) => createHash("sha256").update(data).digest(),
	hmacSha256: (key, data) => createHmac("sha256", key).update(data).digest(),
};

/** @param log takes the log lines; absent: none */
export function nodePlatform(log?: (level: number, line: string) => void): NodePlatform {
	let broker: Broker | undefined;
	let scheduled = false;
	let ticks: NodeJS.Timeout | undefined;
	/** reads of this turn, and turns of one read until now */
	let reads = 0;
	let alone = 0;
	const endTurn = () => {
		scheduled = false;
		alone = reads === 1 ? alone + 1 : 0;
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
			if (scheduled) return;
			scheduled = true;
			setImmediate(endTurn);
		},
		readDone() {
			if (++reads === 1 && alone >= ALONE) broker?.endTurn();
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
