/** Who has signed in to the page: a random token in a cookie that scripts cannot read, and what it stands for here. */
import { randomBytes } from "node:crypto";

const COOKIE = "hearth";

/** How long a session lasts that nobody uses, ms. */
export const SESSION_MS = 7 * 24 * 3_600_000;

/** Sessions at once; the one that was used longest ago makes room. */
const SESSIONS_MAX = 100;

interface PageSession {
	userName: string;
	used: number;
}

export class PageSessions {
	private readonly sessions = new Map<string, PageSession>();

	/** @param now ms, of any clock that goes on */
	constructor(private readonly now: () => number) {}

	/** @param secure the page came by TLS @returns the Set-Cookie header of a new session */
	begin(userName: string, secure: boolean): string {
		const token = randomBytes(32).toString("base64url");
		if (this.sessions.size >= SESSIONS_MAX) this.sessions.delete(this.sessions.keys().next().value!);
		this.sessions.set(token, { userName, used: this.now() });
		return cookie(token, SESSION_MS / 1_000, secure);
	}

	/** @param header the request's Cookie @returns who has signed in; undefined: nobody */
	userOf(header: string | undefined): string | undefined {
		const token = tokenOf(header);
		const session = token === undefined ? undefined : this.sessions.get(token);
		if (token === undefined || session === undefined) return undefined;
		this.sessions.delete(token);
		if (this.now() - session.used > SESSION_MS) return undefined;
		session.used = this.now();
		this.sessions.set(token, session); // behind all others again
		return session.userName;
	}

	/** @returns the Set-Cookie header that ends it */
	end(header: string | undefined, secure: boolean): string {
		const token = tokenOf(header);
		if (token !== undefined) this.sessions.delete(token);
		return cookie("", 0, secure);
	}

	/** Ends the sessions of users that are gone. */
	keep(isUser: (userName: string) => boolean): void {
		for (const [token, { userName }] of this.sessions) if (!isUser(userName)) this.sessions.delete(token);
	}
}

function cookie(token: string, seconds: number, secure: boolean): string {
	return `${COOKIE}=${token}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure ? "; Secure" : ""}`;
}

function tokenOf(header: string | undefined): string | undefined {
	for (const part of (header ?? "").split(";")) {
		const [name, value] = part.trim().split("=");
		if (name === COOKIE && value) return value;
	}
	return undefined;
}
