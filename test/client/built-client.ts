/** Stands for host-sim/client/index.ts and built.ts: the module that browsers load, as it was built, on Node. Names in
 *  it are short, and ws stands for the browser's WebSocket. */
import { join } from "node:path";
import { MessagePort } from "node:worker_threads";
import { WebSocket } from "ws";
import type * as ClientModule from "../../browser/index.js";

export const isBuilt = true;

Object.assign(globalThis, {
	WebSocket: class extends WebSocket {
		constructor(url: string, protocol: string) {
			super(url, protocol);
			this.on("error", () => {}); // a page's errors that nobody hears harm nobody
		}
	},
});
const { start } = MessagePort.prototype;
MessagePort.prototype.start = function (this: MessagePort) {
	start.call(this);
	this.unref(); // a page's channel does not keep a process
};

const path = join(process.cwd(), "dist", "client-browser.mjs");
const built = (await import(path)) as typeof ClientModule;
export const { connect, createClient, ClientError, HearthError } = built;
