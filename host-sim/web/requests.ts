/** What may be said of an HTTP request before anything is done for it: where it comes from, and how large it is. */
import type { IncomingMessage } from "node:http";
import { isLoopback } from "../loopback.js";

/** The most bytes that a request may bring. */
const BODY_BYTES_MAX = 4_096;

/** A request that is answered with a status and one line. */
export class Refused extends Error {
	constructor(
		readonly status: number,
		message: string,
		readonly headers: Record<string, string> = {},
	) {
		super(message);
	}
}

/** @returns the host name of a Host header, in lower case and without its port; undefined: it is none */
export function hostNameOf(host: string | undefined): string | undefined {
	if (host === undefined) return undefined;
	const found = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i.exec(host);
	return found?.[1]?.replace(/^\[|\]$/g, "").toLowerCase();
}

/** @returns whether the request comes from this machine and asks for it by a name that is nobody else's: a page
 *  elsewhere whose host name leads to 127.0.0.1 asks by its own ("DNS rebinding") */
export function isLocal(request: IncomingMessage): boolean {
	const peer = request.socket.remoteAddress?.replace(/^::ffff:/, "") ?? "";
	const host = hostNameOf(request.headers.host);
	return isLoopback(peer) && host !== undefined && isLoopback(host);
}

/** @returns whether a script of the hub's own page made the request, or a program that is no browser. Browsers say the
 *  Origin with everything but simple reading. */
export function isSameOrigin(request: IncomingMessage): boolean {
	const { origin, host } = request.headers;
	if (origin === undefined) return request.headers["sec-fetch-site"] === undefined || sameSite(request);
	try {
		return new URL(origin).host === host?.toLowerCase();
	} catch {
		return false; // "null"
	}
}

function sameSite(request: IncomingMessage): boolean {
	const site = request.headers["sec-fetch-site"];
	return site === "same-origin" || site === "none";
}

/** Reads a JSON object. Rejects with Refused when it is none, or too large. */
export async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
	// a form of another page cannot say that it is JSON
	if (!/^application\/json\b/i.test(request.headers["content-type"] ?? ""))
		throw new Refused(415, "send application/json");
	const chunks: Buffer[] = [];
	let bytes = 0;
	for await (const chunk of request) {
		bytes += (chunk as Buffer).length;
		if (bytes > BODY_BYTES_MAX) throw new Refused(413, `send at most ${BODY_BYTES_MAX} bytes`);
		chunks.push(chunk as Buffer);
	}
	let value: unknown;
	try {
		value = JSON.parse(Buffer.concat(chunks).toString() || "{}");
	} catch {
		value = undefined;
	}
	if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Refused(400, "send a JSON object");
	return value as Record<string, unknown>;
}
