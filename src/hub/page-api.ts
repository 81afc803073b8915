/** The requests of the hub's page, beside its files: who is looking, signing in and out, and the pairing code, which is
 *  the one thing that never goes by MQTT. All else the page does over MQTT, on the WebSocket of the same address. The
 *  same on every server; what brings the requests is the platform's. SECURITY.md, "The page" */
import type { AccessRules } from "../broker/access.js";
import type { Guesses } from "../broker/guesses.js";
import { Cause } from "../errors.js";
import { frozen } from "../frozen.js";
import type { Text } from "../platform.js";
import type { DeviceHub } from "./device-hub.js";
import { KINDS } from "./device-rights.js";
import { hostNameOf, isSameOrigin, jsonObjectOf, type PageRequest, Refused } from "./page-requests.js";
import { PageSessions, type PageSessionsOptions, type PageUser } from "./page-sessions.js";
import { ATTEMPTS_MAX, WINDOW_MS, WINDOW_MS_MAX } from "./pairing.js";

/** Who the page is without signing in, where it need not: no client can have that user name, U+0000 is never in one. */
export const LOCAL_USER = "\0page";

/** What there is, as "METHOD path". */
const REQUESTS: readonly string[] = frozen([
	"GET /session",
	"POST /session",
	"DELETE /session",
	"GET /pairing",
	"POST /pairing",
	"DELETE /pairing",
]);

/** The fields that requests bring. */
const SIGN_IN_FIELDS: readonly string[] = frozen(["userName", "password"]);
const WINDOW_FIELDS: readonly string[] = frozen(["name", "room", "kind", "seconds"]);

export interface PageApiOptions extends PageSessionsOptions {
	/** undefined: the hub has none, and so nobody is an admin and nothing is paired */
	readonly devices: DeviceHub | undefined;
	/** who may sign in; they have `authenticate` */
	readonly access: AccessRules;
	readonly guesses: Guesses;
	readonly text: Text;
	/** strangers may look as clients without a user name may. Default: false */
	readonly guests?: boolean;
	/** @returns host and port of MQTT for a device that joins, by the name that the page was asked by */
	mqttAddress(host: string): { host: string; port: number };
	log(line: string): void;
}

export interface PageAnswer {
	status: number;
	/** by name, in small letters */
	fields: Readonly<Record<string, string>>;
	/** what becomes JSON */
	body: object;
}

/** Called once with what a request gets. */
export type Answered = (answer: PageAnswer) => void;

export class PageApi {
	readonly sessions: PageSessions;

	constructor(private readonly options: PageApiOptions) {
		this.sessions = new PageSessions(options);
	}

	/** @returns who asks: somebody who signed in, or who need not; undefined: a stranger, or another page */
	userOf(request: PageRequest): string | undefined {
		if (!isSameOrigin(request)) return undefined;
		const user = this.sessions.userOf(request.field("cookie"));
		if (user !== undefined && this.isThere(user)) return user.userName;
		return request.isTrusted ? LOCAL_USER : undefined;
	}

	/** Throws Refused for a request that gets nothing, whatever its body has. */
	check(request: PageRequest): void {
		const { method, path } = request;
		if (!REQUESTS.includes(`${method} ${path}`)) throw new Refused(404, "there is no such page");
		if (!isSameOrigin(request)) throw new Refused(403, "another page may not do that");
		// a form of another page cannot say that it is JSON
		if (method === "POST" && !/^application\/json\b/i.test(request.field("content-type") ?? ""))
			throw new Refused(415, "send application/json");
	}

	/** Answers, at once or when a password is judged. @param body what came with it; "": nothing
	 *  Throws Refused for what gets a status and one line. */
	answer(request: PageRequest, body: string, done: Answered): void {
		this.check(request);
		const isPairing = request.path === "/pairing";
		if (isPairing) this.answerPairing(request, body, done);
		else if (request.method === "POST") this.signIn(request, body, done);
		else if (request.method === "GET") done(this.session(this.userOf(request)));
		else {
			const cookie = this.sessions.end(request.field("cookie"), request.isSecure);
			done(this.session(undefined, { "set-cookie": cookie }));
		}
	}

	/** Users have been read again: who has gone is signed out. */
	usersChanged(): void {
		const { access } = this.options;
		this.sessions.keep(({ userName }) => access.mayStay?.({ clientId: "", userName }) ?? true);
	}

	/** A device that signed in may have been revoked. */
	private isThere({ userName, isDevice }: PageUser): boolean {
		return !isDevice || this.options.devices?.devices.find(userName) !== undefined;
	}

	private isAdmin(userName: string): boolean {
		return this.options.devices?.isAdmin({ clientId: "", userName }) ?? false;
	}

	/** Tells who is looking, and what there is to see. */
	private session(userName: string | undefined, fields: Readonly<Record<string, string>> = {}): PageAnswer {
		const { devices, guests = false } = this.options;
		const isGuest = userName === undefined && guests;
		const body = {
			hubId: devices?.hubId ?? "",
			signedIn: isGuest || userName !== undefined,
			admin: userName !== undefined && this.isAdmin(userName),
			userName: userName === LOCAL_USER ? "" : (userName ?? ""),
			local: isGuest || userName === LOCAL_USER,
			devices: devices !== undefined,
			kinds: devices === undefined ? [] : Object.keys(KINDS),
		};
		return { status: 200, fields, body };
	}

	private signIn(request: PageRequest, body: string, done: Answered): void {
		const { options } = this;
		const { guesses, access, text, devices } = options;
		const { userName, password } = jsonObjectOf(body, SIGN_IN_FIELDS);
		if (typeof userName !== "string" || typeof password !== "string" || userName.includes("\0"))
			throw new Refused(400, "send userName and password");
		const { address } = request;
		const wait = guesses.delay(address, userName, options.now());
		if (wait !== 0) {
			if (wait > 0) guesses.waited(address, userName);
			const seconds = Math.max(1, Math.ceil(wait / 1_000));
			throw new Refused(429, `too many tries; come again in ${seconds} s`, { "retry-after": `${seconds}` });
		}
		guesses.began(address, userName, options.now());
		const concluded = (cause: Cause): void => {
			if (cause !== Cause.None) {
				guesses.failed(address, userName, options.now());
				options.log(`${address}: ${userName}: signing in to the page failed`);
				return done({ status: 401, fields: {}, body: { error: "user name or password are wrong" } });
			}
			guesses.succeeded(address, userName);
			const isDevice = devices?.devices.find(userName) !== undefined;
			const cookie = this.sessions.begin({ userName, isDevice }, request.isSecure);
			done(this.session(userName, { "set-cookie": cookie }));
		};
		const bytes = new Uint8Array(text.size(password));
		text.encode(password, bytes, 0);
		// the same rules as for clients
		const judged = access.authenticate!({ clientId: "", userName }, bytes, address, concluded, false);
		if (judged !== undefined) concluded(judged);
	}

	private answerPairing(request: PageRequest, body: string, done: Answered): void {
		const { devices } = this.options;
		if (devices === undefined) throw new Refused(404, "this hub has no devices");
		const userName = this.userOf(request);
		if (userName === undefined) throw new Refused(401, "sign in first");
		if (!this.isAdmin(userName)) throw new Refused(403, "only an admin may do that");
		if (request.method === "POST") openWindow(devices, body, userName);
		else if (request.method === "DELETE") devices.pairing.close();
		done({ status: 200, fields: {}, body: this.window(devices, request) });
	}

	/** The window with its code: for an admin's eyes. */
	private window({ pairing, hubId }: DeviceHub, request: PageRequest): object {
		pairing.tick();
		const { window } = pairing;
		if (window === undefined) return { open: false, end: pairing.lastEnd ?? "", device: pairing.lastPaired };
		const { host, port } = this.options.mqttAddress(hostNameOf(request.field("host")) ?? "");
		return {
			open: true,
			code: window.code,
			attemptsLeft: ATTEMPTS_MAX - window.attempts,
			secondsLeft: Math.max(0, Math.ceil((window.until - pairing.platform.now()) / 1_000)),
			host,
			port,
			hubId,
			// upper case: a QR code of letters and digits is smaller
			qr: `HEARTH:1:${window.code}:${hubId}:${host}:${port}`.toUpperCase(),
		};
	}
}

/** Throws Refused for what cannot be used. */
function openWindow({ pairing }: DeviceHub, body: string, userName: string): void {
	const { name = "", room = "", kind = "device", seconds = WINDOW_MS / 1_000 } = jsonObjectOf(body, WINDOW_FIELDS);
	const max = WINDOW_MS_MAX / 1_000;
	if (typeof name !== "string" || typeof room !== "string") throw new Refused(400, "name, room: send texts");
	if (typeof kind !== "string" || !Object.hasOwn(KINDS, kind))
		throw new Refused(400, `kind: send one of ${Object.keys(KINDS).join(", ")}`);
	if (typeof seconds !== "number" || !(seconds >= 1 && seconds <= max))
		throw new Refused(400, `seconds: send 1 to ${max}`);
	const openedBy = userName === LOCAL_USER ? "this machine" : userName;
	pairing.open({ openedBy, name, room, kind, forMs: seconds * 1_000 });
}
