/** The page's files as they were built (scripts/build.mjs): read once, sent compressed where the browser takes it. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { CONTENT_TYPES, SECURITY_FIELDS } from "../../src/hub/page-requests.js";

interface Asset {
	bytes: Buffer;
	compressed: Buffer | undefined;
	type: string;
	tag: string;
}

export class Assets {
	/** by path: nothing but these is ever read */
	private readonly byPath = new Map<string, Asset>();

	/** @param folder what the build made: files, and beside each the same with .gz; missing: there is no page */
	constructor(folder: string) {
		let names: string[];
		try {
			names = readdirSync(folder);
		} catch {
			return;
		}
		for (const name of names) {
			const type = CONTENT_TYPES[name.split(".").at(-1)!];
			if (type === undefined) continue;
			const bytes = readFileSync(join(folder, name));
			const compressed = names.includes(`${name}.gz`) ? readFileSync(join(folder, `${name}.gz`)) : undefined;
			const tag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 16)}"`;
			this.byPath.set(name === "index.html" ? "/" : `/${name}`, { bytes, compressed, type, tag });
		}
	}

	/** how many files there are */
	get count(): number {
		return this.byPath.size;
	}

	/** bytes of all of them, compressed */
	get bytes(): number {
		let bytes = 0;
		for (const asset of this.byPath.values()) bytes += (asset.compressed ?? asset.bytes).length;
		return bytes;
	}

	/** Answers with the file of a path. @returns false: there is none */
	serve(path: string, request: IncomingMessage, response: ServerResponse): boolean {
		const asset = this.byPath.get(path);
		if (asset === undefined) return false;
		const headers: Record<string, string> = {
			...SECURITY_FIELDS,
			"content-type": asset.type,
			etag: asset.tag,
			"cache-control": "no-cache",
			vary: "accept-encoding",
		};
		if (request.headers["if-none-match"] === asset.tag) {
			response.writeHead(304, headers).end();
			return true;
		}
		const takesGzip = /\bgzip\b/.test(request.headers["accept-encoding"] ?? "");
		const body = takesGzip && asset.compressed !== undefined ? asset.compressed : asset.bytes;
		if (body === asset.compressed) headers["content-encoding"] = "gzip";
		response.writeHead(200, { ...headers, "content-length": body.length });
		response.end(request.method === "HEAD" ? undefined : body);
		return true;
	}
}
