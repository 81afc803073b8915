/** The hub's page over HTTP: its files, signing in, and the pairing code, which is the one thing that never goes by
 *  MQTT. All else the page does over MQTT, on the WebSocket of the same address. SECURITY.md, "The page" */
import type { IncomingMessage, ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";
import type { Client } from "../../src/broker/access.js";
import { Guesses } from "../../src/broker/guesses.js";
import { Cause } from "../../src/errors.js";
import type { DeviceHub } from "../../src/hub/device-hub.js";
import { KINDS } from "../../src/hub/device-rights.js";
import { ATTEMPTS_MAX, WINDOW_MS, WINDOW_MS_MAX } from "../../src/hub/pairing.js";
import { type Assets, SECURITY_HEADERS } from "./assets.js";
import { hostNameOf, isLocal, isSameOrigin, Refused, readJson } from "./requests.js";
import { PageSessions } from "./sessions.js";

/** Who the page is on this machine, without signing in: no client can have that user name, U+0000 is never in one. */
export const LOCAL_USER = "\0page";

export interface PageOptions {
	hub: DeviceHub;
	assets: Assets;
	/** the page on this machine needs no signing in. Default: true */
	trustLoopback?: boolean;
	/** @returns host and port of MQTT for a device that joins, by the name that the page was asked by */
	mqttAddress: (host: string) => { host: string; port: number };
	log: (level: number, line: string) => void;
}

/** Addresses and user names whose failures are remembered. */
const GUESSES = 1_000;

type Handler = (request: IncomingMessage, response: ServerResponse, userName: string | undefined) => Promise<void>;

export class PageServer {
	readonly sessions: PageSessions;
	private readonly guesses = new Guesses(GUESSES);
	private readonly handlers: Readonly<Record<string, Handler>>;

	constructor(private readonly options: PageOptions) {
		this.sessions = new PageSessions(() => performance.now());
		this.handlers = {
			"GET /session": async (_request, response, userName) => this.tellSession(response, userName),
			"POST /session": (request, response) => this.signIn(request, response),
			"DELETE /session": async (request, response) => {
				response.setHeader("set-cookie", this.sessions.end(request.headers.cookie, isSecure(request)));
				this.tellSession(response, undefined);
			},
			"GET /pairing": async (request, response, userName) => {
				this.mustBeAdmin(userName);
				json(response, 200, this.describeWindow(request));
			},
			"POST /pairing": async (request, response, userName) => {
				this.mustBeAdmin(userName);
				this.openWindow(await readJson(request), userName!);
				json(response, 200, this.describeWindow(request));
			},
			"DELETE /pairing": async (request, response, userName) => {
				this.mustBeAdmin(userName);
				options.hub.pairing.close();
				json(response, 200, this.describeWindow(request));
			},
		};
	}

	/** Users have been read again: who has gone is signed out. */
	usersChanged(): void {
		const { access } = this.options.hub;
		this.sessions.keep((userName) => access.mayStay?.({ clientId: "", userName }) ?? true);
	}

	/** Answers a request that does not become a WebSocket. */
	readonly serve = (request: IncomingMessage, response: ServerResponse): void => {
		this.answer(request, response).catch((error: unknown) => {
			if (error instanceof Refused) {
				for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
				return json(response, error.status, { error: error.message });
			}
			this.options.log(0, `http: ${request.method} ${request.url}: ${error}`);
			if (response.headersSent) response.destroy();
			else json(response, 500, { error: "the hub has made a mistake; its log says which" });
		});
	};

	/** Who a WebSocket of the page is. @returns its user name; undefined: it has to log in as any client.
	 *  A request from another page is refused before. */
	readonly identify = (request: IncomingMessage): string | undefined => this.userOf(request);

	/** @returns whether a request may become a WebSocket */
	readonly mayUpgrade = (request: IncomingMessage): boolean => isSameOrigin(request);

	private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const path = (request.url ?? "/").split("?")[0]!;
		const method = request.method ?? "GET";
		if (hostNameOf(request.headers.host) === undefined) throw new Refused(400, "the Host header is none");
		if ((method === "GET" || method === "HEAD") && this.options.assets.serve(path, request, response)) return;
		const handler = Object.hasOwn(this.handlers, `${method} ${path}`) ? this.handlers[`${method} ${path}`] : undefined;
		if (handler === undefined) throw new Refused(404, "there is no such page");
		if (!isSameOrigin(request)) throw new Refused(403, "another page may not do that");
		await handler(request, response, this.userOf(request));
	}

	/** @returns who asks: somebody who signed in, or whoever sits at this machine; undefined: a stranger */
	private userOf(request: IncomingMessage): string | undefined {
		if (!isSameOrigin(request)) return undefined;
		const signedIn = this.sessions.userOf(request.headers.cookie);
		if (signedIn !== undefined) return signedIn;
		return (this.options.trustLoopback ?? true) && isLocal(request) ? LOCAL_USER : undefined;
	}

	private mustBeAdmin(userName: string | undefined): void {
		if (userName === undefined) throw new Refused(401, "sign in first");
		if (!this.isAdmin(userName)) throw new Refused(403, "only an admin may do that");
	}

	private isAdmin(userName: string): boolean {
		return this.options.hub.isAdmin({ clientId: "", userName });
	}

	private tellSession(response: ServerResponse, userName: string | undefined): void {
		const known = userName !== undefined;
		json(response, 200, {
			hubId: this.options.hub.hubId,
			signedIn: known,
			admin: known && this.isAdmin(userName),
			userName: userName === LOCAL_USER ? "" : (userName ?? ""),
			local: userName === LOCAL_USER,
			kinds: Object.keys(KINDS),
		});
	}

	private async signIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const { userName, password } = await readJson(request);
		if (typeof userName !== "string" || typeof password !== "string" || userName.includes("\0"))
			throw new Refused(400, "send userName and password");
		const address = `${request.socket.remoteAddress}:${request.socket.remotePort}`;
		const wait = this.guesses.delay(address, userName, performance.now());
		if (wait !== 0) {
			this.guesses.waited(address, userName);
			const seconds = Math.max(1, Math.ceil(wait / 1_000));
			throw new Refused(429, `too many tries; come again in ${seconds} s`, { "retry-after": `${seconds}` });
		}
		this.guesses.began(address, userName, performance.now());
		const cause = await this.judge({ clientId: "", userName }, password, address);
		if (cause !== Cause.None) {
			this.guesses.failed(address, userName, performance.now());
			this.options.log(1, `${address}: ${userName}: signing in to the page failed`);
			throw new Refused(401, "user name or password are wrong");
		}
		this.guesses.succeeded(address, userName);
		response.setHeader("set-cookie", this.sessions.begin(userName, isSecure(request)));
		this.tellSession(response, userName);
	}

	/** The same rules as for clients. */
	private judge(client: Client, password: string, address: string): Promise<Cause> {
		return new Promise((resolve) => {
			const judged = this.options.hub.access.authenticate!(client, Buffer.from(password), address, resolve, false);
			if (judged !== undefined) resolve(judged);
		});
	}

	private openWindow(body: Record<string, unknown>, userName: string): void {
		const { name = "", room = "", kind = "device", seconds = WINDOW_MS / 1_000 } = body;
		const max = WINDOW_MS_MAX / 1_000;
		if (typeof name !== "string" || typeof room !== "string") throw new Refused(400, "name, room: send texts");
		if (typeof kind !== "string" || !Object.hasOwn(KINDS, kind))
			throw new Refused(400, `kind: send one of ${Object.keys(KINDS).join(", ")}`);
		if (typeof seconds !== "number" || !(seconds >= 1 && seconds <= max))
			throw new Refused(400, `seconds: send 1 to ${max}`);
		const openedBy = userName === LOCAL_USER ? "this machine" : userName;
		this.options.hub.pairing.open({ openedBy, name, room, kind, forMs: seconds * 1_000 });
	}

	/** The window with its code: for an admin's eyes. */
	private describeWindow(request: IncomingMessage): object {
		const { pairing } = this.options.hub;
		pairing.tick();
		const { window } = pairing;
		if (window === undefined) return { open: false, end: pairing.lastEnd ?? "", device: pairing.lastPaired };
		const { host, port } = this.options.mqttAddress(hostNameOf(request.headers.host)!);
		return {
			open: true,
			code: window.code,
			attemptsLeft: ATTEMPTS_MAX - window.attempts,
			secondsLeft: Math.max(0, Math.ceil((window.until - pairing.platform.now()) / 1_000)),
			host,
			port,
			hubId: this.options.hub.hubId,
			// upper case: a QR code of letters and digits is smaller
			qr: `HEARTH:1:${window.code}:${this.options.hub.hubId}:${host}:${port}`.toUpperCase(),
		};
	}
}

function isSecure(request: IncomingMessage): boolean {
	return request.socket instanceof TLSSocket;
}

function json(response: ServerResponse, status: number, value: object): void {
	const headers = { ...SECURITY_HEADERS, "content-type": "application/json", "cache-control": "no-store" };
	const body = JSON.stringify(value);
	response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
	response.end(body);
}
