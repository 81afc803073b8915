/** The client's ports on Node. */
import { randomBytes } from "node:crypto";
import type { Platform } from "../../src/platform.js";
import { crypto } from "../platform.js";
import { text } from "../text.js";

/** How often the client looks at what is due, ms: pauses between attempts and Keep Alive are as exact as that. */
const TICK_MS = 100;

/** What has turns and ticks: a client. */
interface Turns {
	endTurn(): void;
	tick(): void;
}

export interface ClientPlatform extends Platform {
	/** Begins turns and ticks for a client that was made with this platform. They keep the process alive. */
	attach(client: Turns): void;
	/** Ends them. */
	detach(): void;
}

/** @param log takes the log lines; absent: none */
export function clientPlatform(log?: (level: number, line: string) => void): ClientPlatform {
	let client: Turns | undefined;
	let scheduled = false;
	let ticks: NodeJS.Timeout | undefined;
	const endTurn = () => {
		scheduled = false;
		client?.endTurn();
	};
	const platform: ClientPlatform = {
		text,
		crypto,
		now: () => Math.floor(performance.now()) + 1, // whole, so that seconds of an expiry are not rounded up
		random: () => randomBytes(4).readUInt32LE(0),
		wake() {
			if (scheduled) return;
			scheduled = true;
			setImmediate(endTurn);
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
