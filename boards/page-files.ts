/** The page's files on a device: compressed, in flash, where they are read from as they are sent. What builds the page
 *  makes them (scripts/build.mjs), and manifest-page.json takes them in. */
import Resource from "Resource";
import { encodeBase64 } from "../src/auth/base64.js";
import { frozen } from "../src/frozen.js";
import { CONTENT_TYPES, type PageRequest } from "../src/hub/page-requests.js";
import { digestOf } from "./crypto.js";
import type { HttpAnswer } from "./http.js";

/** What manifest-page.json names. */
export const PAGE_FILES: readonly string[] = frozen(["index.html", "app.css", "app.js", "icon.svg"]);

const TAG_CHARACTERS = 16;

export class PageFiles {
	/** by a file's number: what says that it is the same one; "": nobody has asked for it yet */
	private readonly tags: string[];

	constructor() {
		this.tags = PAGE_FILES.map(() => "");
	}

	/** @param fields lines that go with each answer @returns the file's answer; undefined: there is none of that path.
	 *  The engine's memory has an array that shows the file in flash, and nothing of the file. */
	answer(request: PageRequest, fields: string): HttpAnswer | undefined {
		const { method, path } = request;
		const number = PAGE_FILES.indexOf(path === "/" ? "index.html" : path === "/index.html" ? "" : path.slice(1));
		if (number < 0 || (method !== "GET" && method !== "HEAD")) return undefined;
		if (!/\bgzip\b|\*/.test(request.field("accept-encoding") ?? "gzip"))
			return { status: "406 Not Acceptable", fields };
		const name = PAGE_FILES[number]!;
		const body = new Uint8Array(new Resource(`page-${name}.gz`) as unknown as ArrayBuffer);
		if (this.tags[number] === "")
			this.tags[number] = `"${encodeBase64(digestOf("SHA256", body)).slice(0, TAG_CHARACTERS)}"`;
		const tag = this.tags[number]!;
		const all = `${fields}ETag: ${tag}\r\nCache-Control: no-cache\r\nVary: Accept-Encoding\r\n`;
		if (request.field("if-none-match") === tag) return { status: "304 Not Modified", fields: all };
		const type = CONTENT_TYPES[name.slice(name.lastIndexOf(".") + 1)]!;
		const described = `${all}Content-Type: ${type}\r\nContent-Encoding: gzip\r\n`;
		const answer = { status: "200 OK", fields: described, length: body.length };
		return method === "HEAD" ? answer : { ...answer, body };
	}
}
