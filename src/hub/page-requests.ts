/** What may be said of a request of the hub's page before anything is done for it, and what goes with each answer: the
 *  same on every server. SECURITY.md, "The page" */
import { frozen } from "../frozen.js";

/** A request, as far as the page's servers look at it. */
export interface PageRequest {
	readonly method: string;
	/** without what follows a question mark */
	readonly path: string;
	/** where it comes from: "address:port" */
	readonly address: string;
	/** it came by TLS */
	readonly isSecure: boolean;
	/** it comes from where nobody needs to sign in */
	readonly isTrusted: boolean;
	/** @returns a header field's value; undefined: it has none. @param name in small letters */
	field(name: string): string | undefined;
}

/** A request that is answered with a status and one line. */
export class Refused extends Error {
	override name = "Refused";

	constructor(
		readonly status: number,
		message: string,
		/** by name, in small letters */
		readonly fields: Readonly<Record<string, string>> = {},
	) {
		super(message);
	}
}

/** Nothing from elsewhere, no script or style that is not a file of the page's own, and no page around it. */
export const SECURITY_FIELDS: Readonly<Record<string, string>> = frozen({
	"content-security-policy":
		"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
	"x-content-type-options": "nosniff",
	"referrer-policy": "no-referrer",
	"cross-origin-opener-policy": "same-origin",
	"cross-origin-resource-policy": "same-origin",
	"permissions-policy": "camera=(), geolocation=(), microphone=()",
});

/** What the page's files are, by how their names end. */
export const CONTENT_TYPES: Readonly<Record<string, string>> = frozen({
	html: "text/html; charset=utf-8",
	js: "text/javascript; charset=utf-8",
	css: "text/css; charset=utf-8",
	svg: "image/svg+xml",
});

/** @returns the host name of a Host header, in lower case and without its port; undefined: it is none */
export function hostNameOf(host: string | undefined): string | undefined {
	const found = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i.exec(host ?? "");
	return found?.[1]?.replace(/^\[|\]$/g, "").toLowerCase();
}

/** @returns whether a script of the hub's own page made the request, or a program that is no browser. Browsers say the
 *  Origin with everything but simple reading, and in newer ones the site with that. */
export function isSameOrigin(request: Pick<PageRequest, "field">): boolean {
	const origin = request.field("origin");
	if (origin !== undefined)
		return /^https?:\/\/(.+)$/.exec(origin.toLowerCase())?.[1] === request.field("host")?.toLowerCase();
	const site = request.field("sec-fetch-site");
	return site === undefined || site === "same-origin" || site === "none";
}

/** @returns the value of a cookie; undefined: there is none of that name, or it is empty */
export function cookieOf(header: string | undefined, name: string): string | undefined {
	const parts = (header ?? "").split(";");
	for (let i = 0; i < parts.length; i++) {
		const part = parts[i]!.trim();
		if (part.startsWith(`${name}=`) && part.length > name.length + 1) return part.slice(name.length + 1);
	}
	return undefined;
}

/** Reads a JSON object of which only some fields are wanted. Throws Refused when it is none.
 *  @param names the fields. Of others XS makes nothing, so that nobody can use up the engine's table of names, which is
 *  never emptied; elsewhere they are there, and nobody asks for them. */
export function jsonObjectOf(text: string, names: readonly string[]): Readonly<Record<string, unknown>> {
	let value: unknown;
	try {
		value = JSON.parse(text || "{}", names as unknown as undefined);
	} catch {
		value = undefined;
	}
	if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Refused(400, "send a JSON object");
	return value as Readonly<Record<string, unknown>>;
}
