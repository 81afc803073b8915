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
}

export const crypto: Crypto = {
	sha256: (data) => createHash("sha256").update(data).digest(),
	hmacSha256: (key, data) => createHmac("sha256", key).update(data).digest(),
};

/** @param log takes the log lines; absent: none */
export function nodePlatform(log?: (level: number, line: string) => void): NodePlatform {
	let broker: Broker | undefined;
	let scheduled = false;
	let ticks: NodeJS.Timeout | undefined;
	const endTurn = () => {
		scheduled = false;
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
