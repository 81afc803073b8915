/** The set-up page of a board that knows no Wi-Fi: a network of its own with one page, that asks for the network, its
 *  password and the hub's name, and is gone for good when it has them. SECURITY.md, "Setting a board up" */
import Preference from "preference";
import Timer from "timer";
import { type HttpAnswer, HttpListener, type HttpServer } from "./http.js";
import type { DevicePlatform } from "./platform.js";
import type { RequestHead } from "./request.js";
import { setUpDone, setUpPage } from "./set-up-page.js";

const DOMAIN = "hearth";

/** ms until the board starts anew: the browser is to have its answer. */
const RESTART_MS = 2_000;

const TICK_MS = 1_000;

const FIELDS =
	"Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n" +
	"Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'\r\n";

/** What a person has set up. */
export interface SetUp {
	ssid: string;
	/** "": an open network */
	password: string;
	/** the hub's, without ".local" */
	host: string;
}

/** @returns what was set up before; undefined: nothing */
export function storedSetUp(): SetUp | undefined {
	const text = (key: string): string => `${Preference.get(DOMAIN, key) ?? ""}`;
	const ssid = text("ssid");
	return ssid === "" ? undefined : { ssid, password: text("password"), host: text("host") };
}

/** Forgets it: the next start is the first one again. */
export function forgetSetUp(): void {
	Preference.set(DOMAIN, "ssid", "");
	Preference.set(DOMAIN, "password", "");
}

/** The name is written last: without it nothing was set up. */
function keep({ ssid, password, host }: SetUp): void {
	Preference.set(DOMAIN, "password", password);
	Preference.set(DOMAIN, "host", host);
	Preference.set(DOMAIN, "ssid", ssid);
}

export class SetUpServer implements HttpServer {
	private readonly listener: HttpListener;
	private readonly ticks: Timer;
	private done = false;

	/** @param host what browsers ask for: the board's address in its own network
	 *  @param finished called when it is set up, kept, and the browser has its answer
	 *  Throws the SDK's error when the port can't be had */
	constructor(
		private readonly platform: DevicePlatform,
		private readonly host: string,
		port: number,
		private readonly finished: () => void,
	) {
		this.listener = new HttpListener(platform, port, this);
		this.ticks = Timer.repeat(() => platform.event("set-up", () => this.listener.settle()), TICK_MS);
	}

	get port(): number {
		return this.listener.port;
	}

	close(): void {
		Timer.clear(this.ticks);
		this.listener.close();
	}

	answer(request: RequestHead, form: string): HttpAnswer {
		const { method, path } = request;
		const host = request.field("host");
		if (host === undefined) return { status: "400 Bad Request" };
		// another name leads here, too: a page elsewhere may be behind it
		if (host.replace(/:\d+$/, "") !== this.host) return { status: "421 Misdirected Request" };
		if (path !== "/") return { status: "404 Not Found" };
		if (method === "GET" || method === "HEAD")
			return { status: "200 OK", fields: FIELDS, body: method === "GET" ? setUpPage("") : "" };
		if (method !== "POST") return { status: "405 Method Not Allowed", fields: "Allow: GET, HEAD, POST\r\n" };
		if (request.field("origin") !== `http://${host}`) return { status: "403 Forbidden" };
		if (request.field("content-type") !== "application/x-www-form-urlencoded")
			return { status: "415 Unsupported Media Type" };
		return this.take(form);
	}

	/** A person has filled in the page. */
	private take(form: string): HttpAnswer {
		if (this.done) return { status: "409 Conflict" };
		const given = { ssid: this.value(form, "ssid"), password: this.value(form, "password"), host: "" };
		given.host = this.value(form, "name") || "hearth";
		const why = problemOf(given, (text) => this.platform.text.size(text));
		if (why !== "") return { status: "422 Unprocessable Content", fields: FIELDS, body: setUpPage(why) };
		keep(given);
		this.done = true;
		Timer.set(() => this.platform.event("set-up", this.finished), RESTART_MS);
		return { status: "200 OK", fields: FIELDS, body: setUpDone(given.ssid, given.host) };
	}

	/** @returns a form's value; "": it has none, or one that is no text */
	private value(form: string, name: string): string {
		const parts = form.split("&");
		const part = parts.find((each) => each.startsWith(`${name}=`));
		if (part === undefined) return "";
		try {
			return decodeURIComponent(part.slice(name.length + 1).replace(/\+/g, " "));
		} catch {
			return "";
		}
	}
}

/** @returns what a person has to change, one line; "": nothing */
function problemOf({ ssid, password, host }: SetUp, size: (text: string) => number): string {
	if (ssid === "" || size(ssid) > 32 || ssid.includes("\0")) return "Network: give its name, at most 32 bytes.";
	if (password !== "" && (size(password) < 8 || size(password) > 63 || password.includes("\0")))
		return "Password: Wi-Fi passwords have 8 to 63 characters; leave it empty for an open network.";
	if (!/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/.test(host))
		return "Name: give 1 to 32 small letters, digits and hyphens.";
	return "";
}
