/** The page's connection with the hub: HTTP for signing in and for the pairing code, MQTT for all else. */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type AsyncClient, createClient } from "../../../browser/index.js";
import { type Session, store } from "./store.js";

/** The window with its code, as the hub's server tells it to an admin. */
export interface CodeWindow {
	open: boolean;
	code: string;
	secondsLeft: number;
	attemptsLeft: number;
	host: string;
	port: number;
	hubId: string;
	qr: string;
	end: string;
	device: string;
}

let client: AsyncClient | undefined;

/** Makes a request of the hub's server. Throws Error with what it says */
export async function ask<T>(method: string, path: string, body?: object): Promise<T> {
	const response = await fetch(path, {
		method,
		...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
	});
	const answer = await response.json().catch(() => ({}));
	if (!response.ok) throw new Error(answer.error ?? response.statusText);
	return answer as T;
}

/** Finds out who is looking, and connects. */
export async function start(): Promise<void> {
	try {
		store.session = await ask<Session>("GET", "/session");
	} catch {
		store.link = "offline";
		store.changed();
		setTimeout(start, 2_000);
		return;
	}
	store.link = store.session.signedIn ? "connecting" : "sign-in";
	store.changed();
	if (store.session.signedIn) connect();
}

export async function signIn(userName: string, password: string): Promise<void> {
	store.session = await ask<Session>("POST", "/session", { userName, password });
	store.link = "connecting";
	store.changed();
	connect();
}

export async function signOut(): Promise<void> {
	await ask("DELETE", "/session");
	await client?.end({ force: true });
	client = undefined;
	store.forget();
	await start();
}

function connect(): void {
	const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/mqtt`;
	const mqtt = createClient(url, {
		clientId: `page-${Array.from(crypto.getRandomValues(new Uint8Array(6)), (b) => b.toString(16)).join("")}`,
		version: 5,
		retry: true,
		reconnectMinMs: 500,
		reconnectMaxMs: 5_000,
		sessionExpirySeconds: 0,
	});
	client = mqtt;
	mqtt.on("connect", () => {
		store.link = "online";
		store.changed();
	});
	mqtt.on("disconnect", () => {
		store.link = "offline";
		store.forget();
		leaveIfSignedOut(mqtt);
	});
	mqtt.on("error", (error) => complain(error));
	mqtt.open().catch((error) => complain(error));
	const take = (topic: string, payload: Uint8Array, retained: boolean, qos: number) => {
		if (topic.startsWith("$HEARTH/")) return store.takeOwn(topic.slice(8), new TextDecoder().decode(payload));
		if (topic.startsWith("$SYS/broker/")) store.sys.set(topic.slice(12), new TextDecoder().decode(payload));
		else store.topics.take(topic, payload, retained, qos);
		store.changed();
	};
	const { admin = false, devices = true } = store.session ?? {};
	const filters = [...(admin ? ["$HEARTH/#"] : []), ...(admin || !devices ? ["$SYS/#"] : []), "#"];
	for (const filter of filters)
		mqtt
			.subscribe(filter, (message) => take(message.topic, message.payload, message.retain, message.qos))
			.catch((error) => complain(error));
}

/** The hub may have ended the session: its user has gone, or it started anew. Then it asks who is there. */
async function leaveIfSignedOut(mqtt: AsyncClient): Promise<void> {
	const session = await ask<Session>("GET", "/session").catch(() => undefined);
	if (session === undefined || session.signedIn || client !== mqtt) return;
	client = undefined;
	await mqtt.end({ force: true });
	store.session = session;
	store.link = "sign-in";
	store.changed();
}

/** Shows what went wrong. */
export function complain(error: unknown): void {
	store.problem = error instanceof Error ? error.message : String(error);
	store.changed();
}

export async function publish(topic: string, payload: string, qos: number, retain: boolean): Promise<void> {
	await client?.publish(topic, payload, { qos, retain });
}

/** Sends a command to the hub. Rejects with Error with what the hub says */
export async function command(name: string, request: object): Promise<void> {
	if (client === undefined) throw new Error("there is no connection with the hub");
	const answer = await client.request(`$HEARTH/do/${name}`, JSON.stringify(request), { timeoutMs: 10_000 });
	const { ok, error } = answer.json() as { ok: boolean; error?: string };
	if (!ok) throw new Error(error);
}

const LETTERS = "abcdefghijkmnpqrstuvwxyz23456789";

/** Adds a device with a password, which is made here: the hub gets what it keeps of it. @returns the password */
export async function addWithPassword(id: string, given: object): Promise<string> {
	const random = crypto.getRandomValues(new Uint8Array(36));
	const password = Array.from(random.subarray(0, 20), (byte) => LETTERS[byte & 31]).join("");
	const salt = random.slice(20);
	await command("add", {
		id,
		...given,
		salt: hex(salt),
		verifier: hex(hmac(sha256, salt, new TextEncoder().encode(password))),
	});
	return password;
}

function hex(bytes: Uint8Array): string {
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
