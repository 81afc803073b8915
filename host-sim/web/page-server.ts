/** The hub's page over HTTP on a PC: its files, and the page's own requests (src/hub/page-api.ts). SECURITY.md, "The
 *  page" */
import { randomFillSync } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Guesses } from "../../src/broker/guesses.js";
import type { DeviceHub } from "../../src/hub/device-hub.js";
import { PageApi } from "../../src/hub/page-api.js";
import { hostNameOf, isSameOrigin, Refused, SECURITY_FIELDS } from "../../src/hub/page-requests.js";
import { text } from "../text.js";
import type { Assets } from "./assets.js";
import { NodeRequest } from "./requests.js";

export interface PageOptions {
	hub: DeviceHub;
	assets: Assets;
	/** @returns host and port of MQTT for a device that joins, by the name that the page was asked by */
	mqttAddress: (host: string) => { host: string; port: number };
	log: (level: number, line: string) => void;
}

/** Addresses and user names whose failures are remembered. */
const GUESSES = 1_000;

/** People who have signed in at once. */
const SESSIONS_MAX = 100;

export class PageServer {
	private readonly api: PageApi;

	constructor(private readonly options: PageOptions) {
		const { hub, mqttAddress, log } = options;
		this.api = new PageApi({
			devices: hub,
			access: hub.access,
			guesses: new Guesses(GUESSES),
			text,
			sessionsMax: SESSIONS_MAX,
			now: () => performance.now(),
			randomBytes: (bytes) => randomFillSync(bytes),
			mqttAddress,
			log: (line) => log(1, line),
		});
	}

	/** Users have been read again: who has gone is signed out. */
	usersChanged(): void {
		this.api.usersChanged();
	}

	/** Answers a request that does not become a WebSocket. */
	readonly serve = (request: IncomingMessage, response: ServerResponse): void => {
		this.answer(request, response).catch((error: unknown) => {
			if (error instanceof Refused) return json(response, error.status, error.fields, { error: error.message });
			this.options.log(0, `http: ${request.method} ${request.url}: ${error}`);
			if (response.headersSent) response.destroy();
			else json(response, 500, {}, { error: "the hub has made a mistake; its log says which" });
		});
	};

	/** Who a WebSocket of the page is. @returns its user name; undefined: it has to log in as any client.
	 *  A request from another page is refused before. */
	readonly identify = (request: IncomingMessage): string | undefined => this.api.userOf(new NodeRequest(request));

	/** @returns whether a request may become a WebSocket */
	readonly mayUpgrade = (request: IncomingMessage): boolean => isSameOrigin(new NodeRequest(request));

	private async answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
		const request = new NodeRequest(message);
		const { method, path } = request;
		if (hostNameOf(request.field("host")) === undefined) throw new Refused(400, "the Host header is none");
		if ((method === "GET" || method === "HEAD") && this.options.assets.serve(path, message, response)) return;
		this.api.check(request);
		const body = method === "POST" ? await request.body() : "";
		this.api.answer(request, body, (answer) => json(response, answer.status, answer.fields, answer.body));
	}
}

function json(response: ServerResponse, status: number, fields: Readonly<Record<string, string>>, value: object): void {
	const headers = { ...SECURITY_FIELDS, "content-type": "application/json", "cache-control": "no-store", ...fields };
	const body = JSON.stringify(value);
	response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
	response.end(body);
}
