/** The hub's own topics, for its page, for programs and for Home Assistant: what there is under $HEARTH/, told to who
 *  subscribes and when it changes; and commands, by request and response. Only admins may use them (device-hub.ts).
 *  Secrets never go this way: no code, no password. docs/hub-topics.md */

import type { Broker } from "../broker/broker.js";
import type { LocalMessage } from "../broker/session.js";
import { Cause, causeName } from "../errors.js";
import { frozen } from "../frozen.js";
import type { DeviceHub } from "./device-hub.js";
import type { Device } from "./device-record.js";
import { ADMIN_ROOT, KINDS } from "./device-rights.js";
import { bytesOfHex } from "./p256.js";
import { ATTEMPTS_MAX, WINDOW_MS, WINDOW_MS_MAX } from "./pairing.js";
import { isDeviceId } from "./pairing-keys.js";

/** Where commands go, and where answers come if the request names no topic. */
export const COMMAND_ROOT = `${ADMIN_ROOT}do/`;

/** Log lines that are remembered, where nobody says how many. */
export const LINES_MAX = 50;

/** What a command brings; every field is checked before it is used. */
type Request = Readonly<Record<string, unknown>>;

/** Ends a command: what it gives, or why it failed. */
type Done = (result: object | string) => void;

export class AdminTopics {
	/** by connection: 1, its client is told of */
	private readonly told: Uint8Array;
	/** somebody has ever listened: before, nothing is told */
	private watched = false;
	/** the last log lines */
	private readonly lines: string[];

	constructor(
		private readonly hub: DeviceHub,
		private readonly broker: Broker,
		private readonly clock: { now(): number },
		private readonly linesMax = LINES_MAX,
	) {
		this.told = new Uint8Array(broker.connections.length);
		this.lines = [];
		broker.subscribe(`${COMMAND_ROOT}+`, (message) => this.take(message));
	}

	/** Somebody subscribed to a Topic Filter: what it may match is told again, to all who listen. */
	subscribed(filter: string): void {
		if (!filter.startsWith(ADMIN_ROOT)) return;
		this.watched = true;
		this.tell("log", this.lines);
		for (let i = 0; i < this.broker.connections.length; i++) {
			const clientId = this.broker.connections[i]!.session?.clientId;
			if (clientId !== undefined) this.connected(clientId);
		}
		this.tellWindow();
		this.tellKnocks();
		this.hub.devices.each((device) => this.tellDevice(device.id));
	}

	/** The pairing window opened, closed, or lost an attempt. The code is not told here, ever. */
	tellWindow(): void {
		const { window, lastEnd } = this.hub.pairing;
		const open = window !== undefined;
		this.tell("window", {
			open,
			...(open
				? {
						secondsLeft: Math.max(0, Math.ceil((window.until - this.clock.now()) / 1_000)),
						attemptsLeft: ATTEMPTS_MAX - window.attempts,
						openedBy: window.options.openedBy,
						name: window.options.name ?? "",
						...(window.options.move ? { move: true } : {}),
					}
				: { end: lastEnd ?? "" }),
		});
	}

	/** A device came, went, was changed or revoked. */
	tellDevice(id: string): void {
		const device = this.hub.devices.find(id);
		this.tell(`devices/${id}`, device === undefined ? undefined : this.describe(device));
	}

	/** A client came. */
	connected(clientId: string): void {
		const session = this.broker.sessions.find(clientId);
		const connection = session?.connection;
		if (!this.watched || session === undefined || connection === undefined) return;
		this.disconnected();
		this.told[connection.index] = 1;
		this.tell(`clients/${connection.index}`, {
			clientId,
			// the page's own user name is none that can be shown
			userName: session.userName?.startsWith("\0") ? "" : (session.userName ?? ""),
			address: connection.address,
			version: connection.version,
			subscriptions: this.subscriptionsOf(session.index),
		});
	}

	private subscriptionsOf(session: number): number {
		const { table } = this.broker;
		let count = 0;
		for (let s = table.firstOfSession[session]!; s !== 0; s = table.nextOfSession[s]!) count++;
		return count;
	}

	/** A client has gone. */
	disconnected(): void {
		const { told, broker } = this;
		for (let index = 0; this.watched && index < broker.connectionsUsed; index++) {
			if (told[index] === 0 || broker.connections[index]!.session !== undefined) continue;
			told[index] = 0;
			this.tell(`clients/${index}`, undefined);
		}
	}

	/** A line of the hub's log. Not while the broker is at work: it logs, too. */
	log(line: string): void {
		this.lines.push(line);
		if (this.lines.length > this.linesMax) this.lines.shift();
		if (this.watched) this.tell("log", [line]);
	}

	tellKnocks(): void {
		const now = this.clock.now();
		const knocks = this.hub.knocks.list.map(({ clientId, userName, address, at, count }) => ({
			clientId,
			userName,
			address,
			count,
			secondsAgo: Math.round((now - at) / 1_000),
		}));
		this.tell("knocks", knocks);
	}

	/** @returns what is told of a device */
	private describe(device: Device): object {
		const presence = this.hub.presence(device.id);
		return {
			...device,
			online: presence?.online ?? false,
			...(presence === undefined
				? {}
				: {
						secondsAgo: Math.round((this.clock.now() - presence.since) / 1_000),
						address: this.hub.addressOf(device.id),
					}),
		};
	}

	/** @param value undefined: it is no more */
	private tell(name: string, value: object | undefined): void {
		if (!this.watched) return;
		this.broker.publish(ADMIN_ROOT + name, value === undefined ? "" : JSON.stringify(value));
	}

	/** A command came: it is answered where its request says, once. */
	private take(message: LocalMessage): void {
		const name = message.topic.slice(COMMAND_ROOT.length);
		const done: Done = (result) => {
			const failed = typeof result === "string";
			if (message.responseTopic === undefined) return;
			const answer = JSON.stringify(failed ? { ok: false, error: result } : { ok: true, ...result });
			const { correlationData } = message;
			this.broker.publish(message.responseTopic, answer, {
				qos: 1,
				...(correlationData === undefined ? {} : { correlationData }),
			});
		};
		const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
		if (command === undefined) return done(`${name}: no such command; there are ${Object.keys(COMMANDS).join(", ")}`);
		const run = (task: () => void): void => {
			try {
				task();
			} catch (error) {
				done(`${name}: ${error instanceof Error ? error.message : error}`);
			}
		};
		run(() => {
			const request = requestOf(this.broker, message);
			// what a command does goes deep, and so does what led here: a device's stack is small
			this.hub.pairing.platform.defer(() => run(() => command(this.hub, request, done)));
		});
	}
}

/** Throws RangeError when the payload is no JSON object. */
function requestOf(broker: Broker, message: LocalMessage): Request {
	const { payload } = message;
	if (payload.length === 0) return {};
	const json = broker.text.decode(payload, 0, payload.length);
	let value: unknown;
	try {
		value = JSON.parse(json ?? "");
	} catch {
		value = undefined;
	}
	if (typeof value !== "object" || value === null || Array.isArray(value))
		throw new RangeError("give a JSON object as the payload");
	return value as Request;
}

function textOf(request: Request, name: string): string | undefined {
	const value = request[name];
	if (value === undefined || typeof value === "string") return value;
	throw new RangeError(`${name}: give a text`);
}

function idOf(request: Request, name = "id"): string {
	const id = textOf(request, name);
	if (id === undefined || !isDeviceId(id)) throw new RangeError(`${name}: give 1 to 32 of A-Z a-z 0-9 - _`);
	return id;
}

function kindOf(request: Request): string | undefined {
	const kind = textOf(request, "kind");
	if (kind === undefined || Object.hasOwn(KINDS, kind)) return kind;
	throw new RangeError(`kind: give one of ${Object.keys(KINDS).join(", ")}`);
}

/** @returns the texts that a person may give a device, those that the request has */
function givenOf(request: Request): { name?: string; room?: string; kind?: string } {
	const name = textOf(request, "name");
	const room = textOf(request, "room");
	const kind = kindOf(request);
	return {
		...(name === undefined ? {} : { name }),
		...(room === undefined ? {} : { room }),
		...(kind === undefined ? {} : { kind }),
	};
}

function bytesOfField(request: Request, name: string, count: number): Uint8Array {
	const hex = textOf(request, name);
	if (hex === undefined || !new RegExp(`^[0-9a-f]{${2 * count}}$`).test(hex))
		throw new RangeError(`${name}: give ${count} bytes as ${2 * count} hexadecimal digits`);
	return bytesOfHex(hex);
}

/** @returns what ends a command by what came of it */
function endingOf(done: Done, result: object = {}): (cause: Cause) => void {
	return (cause) => done(cause === Cause.None ? result : causeName(cause));
}

const COMMANDS: Readonly<Record<string, (hub: DeviceHub, request: Request, done: Done) => void>> = frozen({
	/** Opens the window; the code is on the hub's own display, page or console. */
	"open-window"(hub, request, done) {
		const seconds = request["seconds"] ?? WINDOW_MS / 1_000;
		if (typeof seconds !== "number" || !(seconds >= 1 && seconds <= WINDOW_MS_MAX / 1_000))
			throw new RangeError(`seconds: give 1 to ${WINDOW_MS_MAX / 1_000}`);
		const move = request["move"] === true;
		if (move && !hub.canMove) return done("this hub moves by hearth data export and import");
		hub.pairing.open({ openedBy: "topic", forMs: seconds * 1_000, move, ...givenOf(request) });
		done({});
	},
	"close-window"(hub, _request, done) {
		hub.pairing.close();
		done({});
	},
	/** Changes name, room, kind or rights. */
	change(hub, request, done) {
		const id = idOf(request);
		const rights = textOf(request, "rights");
		const change = { ...givenOf(request), ...(rights === undefined ? {} : { rights }) };
		const known = hub.devices.change(id, change, (cause) => {
			hub.changed(id);
			endingOf(done)(cause);
		});
		if (!known) done(`${id}: no such device`);
	},
	/** Adds a device that logs in with a password, of which the one who asks has made the verifier: HMAC-SHA256 with the
	 *  salt for its key. */
	add(hub, request, done) {
		const id = idOf(request);
		const { name = "", room = "", kind = "device" } = givenOf(request);
		const salt = bytesOfField(request, "salt", 16);
		const verifier = bytesOfField(request, "verifier", 32);
		if (hub.devices.find(id) !== undefined && request["replace"] !== true)
			return done(`${id}: there is such a device; revoke it first, or say replace`);
		hub.devices.addVerifier({ id, name, room, kind }, salt, verifier, (cause) => {
			hub.changed(id);
			endingOf(done)(cause);
		});
	},
	/** Lets in who knocked. */
	adopt(hub, request, done) {
		const userName = idOf(request, "userName");
		if (!hub.adopt(userName, givenOf(request), endingOf(done)))
			done(`${userName}: nobody of that user name came in the last minutes`);
	},
	revoke(hub, request, done) {
		const id = idOf(request);
		if (!hub.revoke(id, request["clearRetained"] === true, endingOf(done))) done(`${id}: no such device`);
	},
	/** Ends a client's connection; it may come again. */
	disconnect(hub, request, done) {
		const clientId = textOf(request, "clientId") ?? "";
		done(hub.disconnect(clientId) ? {} : `${clientId}: is not connected`);
	},
});
