/** Stands for host-sim/client/index.ts and built.ts: the module that browsers load, as it was built, on Node. Names in
 *  it are short, and ws stands for the browser's WebSocket. */
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { WebSocket } from "ws";
import type * as ClientModule from "../../browser/index.js";

export const isBuilt = true;

Object.assign(globalThis, {
	MessageChannel: class extends MessageChannel {
		constructor() {
			super();
			queueMicrotask(() => this.port1.unref()); // a page's channel does not keep a process
		}
	},
	WebSocket: class extends WebSocket {
		constructor(url: string, protocol: string) {
			super(url, protocol);
			this.on("error", () => {}); // a page's errors that nobody hears harm nobody
		}
	},
});

const path = join(process.cwd(), "dist", "client-browser.mjs");
const built = (await import(path)) as typeof ClientModule;
export const { connect, createClient, ClientError, HearthError } = built;
