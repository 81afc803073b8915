/** A board with its page, on XS with an ESP32's heaps (test/xs/board-page.ts): only the SDK's own modules are
 *  stand-ins. */
import type { ChildProcess } from "node:child_process";
import { connect } from "../../host-sim/client/index.js";
import { startOnXs, type XsOptions, type XsResult } from "../../scripts/xs.mjs";
import { assert } from "../support/test.js";
import { raw } from "./raw-http.js";

const children: ChildProcess[] = [];

/** Ends what a test that failed has left. */
export function endAll(): void {
	for (const child of children) child.kill();
}

export const USER = { userName: "ann", password: "grüße" };

export class PageBoard {
	readonly lines: string[] = [];
	port = 0;
	/** of the page; undefined: there is none */
	pagePort = 0;
	private done: Promise<XsResult> = Promise.reject(new Error("not started"));
	private waiting: { pattern: RegExp; heard: (line: string) => void }[] = [];

	/** @param config what mcconfig's command line has @param folder where the page's files are */
	static async start(config: XsOptions["config"] = {}, folder = "dist/page"): Promise<PageBoard> {
		const board = new PageBoard();
		board.done.catch(() => {});
		const options = ["-r", folder];
		const { child, done } = await startOnXs("test/xs/board-page.ts", {
			config,
			options,
			onLine: (line) => board.hear(line),
		});
		children.push(child);
		board.done = done;
		const failed = done.then(({ errors }) => Promise.reject(new Error(`the hub did not listen: ${errors}`)));
		const line = await Promise.race([board.line(/^\{"name":"listening"/), failed]);
		({ port: board.port, pagePort: board.pagePort } = JSON.parse(line));
		return board;
	}

	/** Waits for a line on the console. */
	line(pattern: RegExp): Promise<string> {
		const found = this.lines.find((line) => pattern.test(line));
		if (found !== undefined) return Promise.resolve(found);
		return new Promise((heard) => this.waiting.push({ pattern, heard }));
	}

	/** Ends the hub: nothing has gone wrong in it. @returns what the engine says of itself */
	async end(login: object = { username: USER.userName, password: USER.password }): Promise<XsResult> {
		const client = await connect({ port: this.port, ...login });
		await client.publish("end", "");
		await client.end();
		const result = await this.done;
		assert.is(result.errors, "");
		assert.is(result.status, 0);
		assert.equal(result.results.at(-1), { name: "counted", internalErrors: 0, faults: 0 });
		const { aliasesTouched, keys, stackPeak, stackSlots } = result.statistics!;
		assert.is(aliasesTouched, 0, "nothing that is in ROM was written to");
		assert.is(keys, 0, "no property name was made at run time");
		assert.ok(stackPeak <= 0.9 * stackSlots, `${stackPeak} of ${stackSlots} slots of stack`);
		return result;
	}

	private hear(line: string): void {
		this.lines.push(line);
		for (const entry of this.waiting.splice(0))
			if (entry.pattern.test(line)) entry.heard(line);
			else this.waiting.push(entry);
	}
}

export type Fields = Record<string, string>;

/** A request as a browser makes it. A field "-" is left out. */
export function ask(board: PageBoard, method: string, path: string, fields: Fields = {}, body = ""): Promise<string> {
	const all = { Host: `127.0.0.1:${board.pagePort}`, ...(body === "" ? {} : JSON_BODY(body)), ...fields };
	const lines = Object.entries(all).filter(([, value]) => value !== "-");
	const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
	return raw(board.pagePort, `${method} ${path} HTTP/1.1\r\n${head}\r\n${body}`);
}

const JSON_BODY = (body: string): Fields => ({
	"Content-Type": "application/json",
	"Content-Length": `${Buffer.byteLength(body)}`,
});
