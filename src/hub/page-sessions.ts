/** Who has signed in to the hub's page: a random token in a cookie that scripts cannot read, and what it stands for
 *  here. In memory only: who had signed in before a restart signs in again. */
import { encodeBase64 } from "../auth/base64.js";
import { cookieOf } from "./page-requests.js";

const COOKIE = "hearth";

/** 256 bits: 43 characters. */
const TOKEN_BYTES = 32;

/** How long a session lasts that nobody uses, ms. */
export const SESSION_MS = 7 * 24 * 3_600_000;

/** A user who has signed in. */
export interface PageUser {
	readonly userName: string;
	/** one of the hub's devices, which may be revoked */
	readonly isDevice: boolean;
}

interface PageSession {
	readonly user: PageUser;
	/** ms on the clock of `now` */
	used: number;
}

export interface PageSessionsOptions {
	/** ms, of any clock that goes on */
	now(): number;
	/** bytes that nobody can foretell */
	randomBytes(bytes: Uint8Array): void;
	/** sessions at once; the one that was used longest ago makes room */
	readonly sessionsMax: number;
}

export class PageSessions {
	private readonly sessions: Map<string, PageSession>;

	constructor(private readonly options: PageSessionsOptions) {
		this.sessions = new Map();
	}

	/** @param secure the page came by TLS @returns the Set-Cookie header of a new session.
	 *  Throws what `randomBytes` throws */
	begin(user: PageUser, secure: boolean): string {
		const { options, sessions } = this;
		const random = new Uint8Array(TOKEN_BYTES);
		options.randomBytes(random);
		const token = encodeBase64(random).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
		if (sessions.size >= options.sessionsMax) sessions.delete(sessions.keys().next().value!);
		sessions.set(token, { user, used: options.now() });
		return cookie(token, SESSION_MS / 1_000, secure);
	}

	/** @param header the request's Cookie @returns who has signed in; undefined: nobody */
	userOf(header: string | undefined): PageUser | undefined {
		const token = cookieOf(header, COOKIE);
		const session = token === undefined ? undefined : this.sessions.get(token);
		if (token === undefined || session === undefined) return undefined;
		this.sessions.delete(token);
		const now = this.options.now();
		if (now - session.used > SESSION_MS) return undefined;
		session.used = now;
		this.sessions.set(token, session); // behind all others again
		return session.user;
	}

	/** @returns the Set-Cookie header that ends it */
	end(header: string | undefined, secure: boolean): string {
		const token = cookieOf(header, COOKIE);
		if (token !== undefined) this.sessions.delete(token);
		return cookie("", 0, secure);
	}

	/** Ends the sessions of users that are gone. */
	keep(isThere: (user: PageUser) => boolean): void {
		for (const [token, { user }] of this.sessions) if (!isThere(user)) this.sessions.delete(token);
	}
}

function cookie(token: string, seconds: number, secure: boolean): string {
	return `${COOKIE}=${token}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure ? "; Secure" : ""}`;
}
