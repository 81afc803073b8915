/** The page's files as they were built (scripts/build.mjs): read once, sent compressed where the browser takes it. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
	html: "text/html; charset=utf-8",
	js: "text/javascript; charset=utf-8",
	css: "text/css; charset=utf-8",
	svg: "image/svg+xml",
	webmanifest: "application/manifest+json",
};

/** Nothing from elsewhere, no script or style that is not a file of the page's own, and no page around it. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
	"content-security-policy":
		"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
	"x-content-type-options": "nosniff",
	"referrer-policy": "no-referrer",
	"cross-origin-opener-policy": "same-origin",
	"cross-origin-resource-policy": "same-origin",
	"permissions-policy": "camera=(), geolocation=(), microphone=()",
};

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
			const type = TYPES[name.split(".").at(-1)!];
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
			...SECURITY_HEADERS,
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
