/** The hub's page on a device: its files from flash, the page's own requests (src/hub/page-api.ts), and MQTT over
 *  WebSocket on the same port, which is all that the page needs. SECURITY.md, "The page" */
import Timer from "timer";
import type { AccessRules } from "../src/broker/access.js";
import type { Broker } from "../src/broker/broker.js";
import type { Guesses } from "../src/broker/guesses.js";
import type { Listener } from "../src/broker/listener.js";
import { frozen } from "../src/frozen.js";
import type { DeviceHub } from "../src/hub/device-hub.js";
import { type PageAnswer, PageApi, type PageApiOptions } from "../src/hub/page-api.js";
import { hostNameOf, isSameOrigin, Refused, SECURITY_FIELDS } from "../src/hub/page-requests.js";
import type { Text, TransportTarget } from "../src/platform.js";
import { type HttpAnswer, HttpListener, type HttpServer } from "./http.js";
import { PageFiles } from "./page-files.js";
import type { DevicePlatform } from "./platform.js";
import { type Entropy, RandomBytes } from "./random.js";
import type { RequestHead } from "./request.js";
import type { TcpTransport } from "./tcp.js";
import { WebSocketTransport } from "./websocket.js";

/** People who have signed in at once. */
const SESSIONS_MAX = 4;

/** How often requests that take too long are looked for, ms. */
const TICK_MS = 1_000;

/** Where the page's WebSocket is. */
const MQTT_PATH = "/mqtt";

const FORGED = "another page may not do that";

/** The broker's side of it. */
const LISTENER = frozen({ name: "page", certificateUserName: true });

/** An address cannot be made to lead elsewhere, as a name can. */
const ADDRESS = /^\d{1,3}(\.\d{1,3}){3}$/;

const REASONS: Readonly<Record<number, string>> = frozen({
	200: "OK",
	400: "Bad Request",
	401: "Unauthorized",
	403: "Forbidden",
	404: "Not Found",
	415: "Unsupported Media Type",
	421: "Misdirected Request",
	426: "Upgrade Required",
	429: "Too Many Requests",
});

/** What goes with each answer. */
const FIELDS = linesOf(SECURITY_FIELDS);

export interface PageOptions {
	/** 0: a free one */
	port: number;
	/** the board's name in the network, without ".local" */
	host: string;
	entropy: Entropy;
}

/** What the page is of. */
export interface PageHub {
	readonly platform: DevicePlatform;
	readonly broker: Broker;
	readonly devices: DeviceHub | undefined;
	/** there is nobody who could sign in, and everybody may come in: so they may look, too */
	readonly hasGuests: boolean;
	/** of MQTT over TCP */
	readonly port: number;
}

/** A WebSocket of the page's, whose cookie said who it is. */
class PageTransport extends WebSocketTransport {
	certificateUserName: string | undefined = undefined;
}

/** It is what the page's own requests ask about, too: functions of a class lie in ROM. */
export class PageServer implements HttpServer, PageApiOptions {
	private readonly api: PageApi;
	private readonly files = new PageFiles();
	private readonly http: HttpListener;
	private readonly listener: Listener;
	private readonly chance: { randomBytes(bytes: Uint8Array): void };
	private readonly ticks: Timer;

	/** Listens. Throws an Error with one line where the board has no random numbers, or the SDK's when the port cannot be
	 *  had. */
	constructor(
		private readonly options: PageOptions,
		private readonly hub: PageHub,
	) {
		const { platform, broker } = hub;
		this.chance = hasChance(platform) ? platform : new RandomBytes(platform.crypto, options.entropy);
		this.randomBytes(new Uint8Array(1));
		this.api = new PageApi(this);
		this.listener = broker.addListener(LISTENER);
		this.http = new HttpListener(platform, options.port, this);
		this.ticks = Timer.repeat(() => platform.event("page", () => this.http.settle()), TICK_MS);
	}

	get devices(): DeviceHub | undefined {
		return this.hub.devices;
	}

	get access(): AccessRules {
		return this.hub.broker.access.rules;
	}

	get guesses(): Guesses {
		return this.hub.broker.guesses;
	}

	get text(): Text {
		return this.hub.platform.text;
	}

	get guests(): boolean {
		return this.hub.hasGuests;
	}

	get sessionsMax(): number {
		return SESSIONS_MAX;
	}

	now(): number {
		return this.hub.platform.now();
	}

	randomBytes(bytes: Uint8Array): void {
		this.chance.randomBytes(bytes);
	}

	mqttAddress(host: string): { host: string; port: number } {
		return { host, port: this.hub.port };
	}

	log(line: string): void {
		this.hub.platform.log(1, line);
	}

	get port(): number {
		return this.http.port;
	}

	close(): void {
		Timer.clear(this.ticks);
		this.http.close();
	}

	answer(request: RequestHead, body: string): HttpAnswer {
		const host = hostNameOf(request.field("host"));
		if (host === undefined) return refusal(new Refused(400, "the Host header is none"));
		if (!this.isOwn(host))
			return refusal(new Refused(421, `ask for http://${this.options.host}.local, or by the address`));
		if (request.path === MQTT_PATH)
			return refusal(isSameOrigin(request) ? new Refused(426, "ask for a WebSocket") : new Refused(403, FORGED));
		const file = this.files.answer(request, FIELDS);
		if (file !== undefined) return file;
		let answer: HttpAnswer | undefined;
		try {
			// a device's rules judge at once
			this.api.answer(request, body, (given) => {
				answer = json(given);
			});
		} catch (error) {
			if (!(error instanceof Refused)) throw error;
			answer = refusal(error);
		}
		return answer!;
	}

	upgrade(request: RequestHead, tcp: TcpTransport, room: number): TransportTarget | undefined {
		const { broker, platform } = this.hub;
		if (request.field("upgrade")?.toLowerCase() !== "websocket" || request.path !== MQTT_PATH) return undefined;
		if (!isSameOrigin(request) || !this.isOwn(hostNameOf(request.field("host")) ?? "")) return undefined;
		const opened = (made: WebSocketTransport, count: number): TransportTarget | undefined =>
			broker.accept(made, count, this.listener);
		const transport = new PageTransport(platform, tcp, opened);
		transport.certificateUserName = this.api.userOf(request);
		tcp.target = transport;
		transport.onWritable(room);
		transport.upgrade(request);
		return transport;
	}

	/** A page elsewhere whose host name was made to lead here asks by that. */
	private isOwn(host: string): boolean {
		const own = this.options.host.toLowerCase();
		return ADDRESS.test(host) || host === own || host === `${own}.local` || host === "localhost";
	}
}

/** A platform for pairing has what the page needs of chance. */
function hasChance(platform: DevicePlatform): platform is DevicePlatform & { randomBytes(bytes: Uint8Array): void } {
	return (platform as { randomBytes?: unknown }).randomBytes !== undefined;
}

function refusal({ status, fields, message }: Refused): HttpAnswer {
	return json({ status, fields, body: { error: message } });
}

function json({ status, fields, body }: PageAnswer): HttpAnswer {
	const own = `${FIELDS}Content-Type: application/json\r\nCache-Control: no-store\r\n${linesOf(fields)}`;
	return { status: `${status} ${REASONS[status] ?? ""}`, fields: own, body: JSON.stringify(body) };
}

function linesOf(fields: Readonly<Record<string, string>>): string {
	let lines = "";
	for (const [name, value] of Object.entries(fields)) lines += `${name}: ${value}\r\n`;
	return lines;
}
