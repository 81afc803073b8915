/** What `hearth pub` and `hearth sub` share while they run: the connection, its refusals and losses, how they end, and
 *  with which exit code. */
import type { EventEmitter } from "node:events";
import { isIPv6 } from "node:net";
import type { Readable, Writable } from "node:stream";
import { VERSION } from "../../../src/broker/sys-topics.js";
import type { Client } from "../../../src/client/client.js";
import { ClientListener } from "../../../src/client/client-listener.js";
import type { IncomingMessage } from "../../../src/client/incoming-message.js";
import type { ReasonPacket } from "../../../src/codec/connect.js";
import type { AckPacket } from "../../../src/codec/publish.js";
import type { SubackPacket } from "../../../src/codec/subscribe.js";
import type { Cause } from "../../../src/errors.js";
import { reasonName } from "../../../src/promises/client-error.js";
import { type Command, rawArguments } from "./arguments.js";
import { makeClient, portOf } from "./make-client.js";
import { encodeGiven } from "./property-option.js";
import { refusalOf } from "./refusals.js";
import type { PubSubSettings } from "./settings.js";

/** What the command talks with; tests have their own. */
export interface PubSubIo {
	readonly input: Readable & { isTTY?: boolean };
	readonly output: Writable;
	readonly errors: Writable & { isTTY?: boolean };
	readonly env: NodeJS.ProcessEnv;
	/** the bytes of the last `count` arguments, see rawArguments */
	rawArguments(count: number): Uint8Array[] | undefined;
	/** emits SIGINT and SIGTERM */
	readonly signals: EventEmitter;
}

export const PROCESS_IO: PubSubIo = {
	get input() {
		return process.stdin; // opened only when it is read
	},
	get output() {
		return process.stdout;
	},
	get errors() {
		return process.stderr;
	},
	env: process.env,
	rawArguments,
	signals: process,
};

/** Exit codes. What the broker refuses has its own. */
export const enum Exit {
	Done = 0,
	Failed = 1,
	/** -W. Mosquitto's, which scripts look for */
	TimedOut = 27,
}

/** DISCONNECT that makes the broker send the Will. Spec: 5.0, 3.14.2.1 */
const WITH_WILL = 0x04;

/** What a shell adds to a signal's number. */
const SIGNALLED = 128;
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/** @returns what --version prints */
export function versionLine(command: Command): string {
	return `hearth ${command} version ${VERSION}`;
}

/** @returns why there is no connection, and what to do */
function remedied(why: string): string {
	if (/certificate|altnames/i.test(why)) return why.replace("with ca", "with --cafile");
	// a Cause's name: what came was malformed
	if (/^[a-z0-9-]+$/.test(why)) return `what answers is no MQTT broker (${why}); give another -h and -p`;
	return `${why}; start a broker there, or give another -h and -p`;
}

export abstract class Session extends ClientListener {
	protected readonly client: Client;
	private readonly detach: () => void;
	/** connections that `begin` was called for */
	private begun = 0;
	/** the Reason Code or return code with which the broker refused the connection; 0: it did not */
	private refused = 0;
	/** the code that is to be ended with; -1: it goes on */
	private code = -1;
	private resolve: (code: number) => void = () => {};

	protected constructor(
		readonly command: Command,
		readonly settings: PubSubSettings,
		readonly io: PubSubIo,
		/** a lost connection is made again */
		private readonly reconnects: boolean,
	) {
		super();
		const { client, detach } = makeClient(command, settings, this, reconnects);
		this.client = client;
		this.detach = detach;
	}

	/** Where the broker is, as it is said in errors. */
	private get where(): string {
		const { unixPath, host } = this.settings;
		return unixPath ?? `${isIPv6(host) ? `[${host}]` : host}:${portOf(this.settings)}`;
	}

	/** The connection is there: for the first time, or again. */
	protected abstract begin(): void;

	/** The turn is over, and the connection is there. */
	protected turn(): void {}

	/** @returns the exit code, when all is done and the connection is closed */
	run(): Promise<number> {
		const end = new Promise<number>((resolve) => {
			this.resolve = resolve;
		});
		const handlers = Object.entries(SIGNALS).map(([signal, number]) => {
			const handler = () => this.interrupted(SIGNALLED + number);
			this.io.signals.once(signal, handler);
			return () => this.io.signals.off(signal, handler);
		});
		this.debug("sending CONNECT");
		this.client.connect();
		return end.finally(() => {
			for (const remove of handlers) remove();
			this.detach();
		});
	}

	/** Ctrl-C, or kill: ends without waiting. With 5.0 the Will is sent, as by Mosquitto's commands. */
	protected interrupted(code: number): void {
		if (this.code < 0) this.code = code;
		this.leave(this.settings.version === 5 ? WITH_WILL : 0);
	}

	/** Ends when what was sent has left. The first call counts. */
	protected finish(code: number): void {
		if (this.code >= 0) return;
		this.code = code;
		this.leaveWhenSent();
	}

	/** Ends with an error. */
	protected fail(what: string, code: number = Exit.Failed): void {
		if (this.code >= 0) return;
		this.say(what);
		this.finish(code);
	}

	/** Something that a person should know, on one line; with --quiet nothing. */
	protected say(what: string): void {
		if (!this.settings.quiet) this.io.errors.write(`hearth: ${this.command}: ${what}\n`);
	}

	/** With -d. */
	protected debug(what: string): void {
		if (this.settings.debug && !this.settings.quiet)
			this.io.errors.write(`Client ${this.client.clientId || "(null)"} ${what}\n`);
	}

	protected get ending(): boolean {
		return this.code >= 0;
	}

	/** Disconnects if all that was staged is with the transport; `flushed` and `writable` ask again. */
	private leaveWhenSent(): void {
		const { client } = this;
		if (!client.isConnected || client.link.output.busy === 0) this.leave(0);
	}

	/** Disconnects. @param reason DISCONNECT's Reason Code */
	private leave(reason: number): void {
		const { client } = this;
		if (client.isConnected) this.debug("sending DISCONNECT");
		// an empty list of properties: the session is to stay for as long as CONNECT said
		client.disconnect(reason, encodeGiven(this.settings.properties.disconnect) ?? new Uint8Array(0));
		this.resolve(this.code);
	}

	// ClientListener

	override connectAck(packet: ReasonPacket): void {
		this.debug(`received CONNACK (${packet.reason})`);
		this.refused = packet.reason;
		this.client.touch(); // `flushed` begins
	}

	override flushed(): void {
		if (this.ending) return this.leaveWhenSent();
		const { client } = this;
		if (!client.isConnected) return;
		if (client.counters.connections !== this.begun) {
			this.begun = client.counters.connections;
			this.begin();
		}
		this.turn();
	}

	override writable(): void {
		if (this.ending) this.leaveWhenSent();
	}

	override disconnected(_cause: Cause, reason: number, told: string, againMs: number): void {
		if (this.code >= 0) return this.resolve(this.code);
		const why = this.begun > 0 && reason >= 0x80 ? `${told}: ${reasonName(reason)}` : told;
		const again = this.reconnects && this.begun > 0 && againMs >= 0;
		if (this.refused !== 0 && !again) {
			const { text, code } = refusalOf(this.refused, this.settings.version);
			return this.fail(`${this.where}: the broker refuses the connection: ${text}`, code);
		}
		if (again) this.say(`${this.where}: the connection is lost (${why}); it is made again`);
		else this.fail(`${this.where}: ${this.begun > 0 ? `the connection is lost (${why})` : remedied(why)}`);
	}

	override publish(message: IncomingMessage): void {
		if (!this.settings.debug) return;
		const { dup, qos, retain, packetId, topic, byteLength } = message;
		const flags = `d${Number(dup)}, q${qos}, r${Number(retain)}, m${qos > 0 ? packetId : 0}`;
		this.debug(`received PUBLISH (${flags}, '${topic}', ... (${byteLength} bytes))`);
	}

	override publishAck(packet: AckPacket): void {
		this.debug(`received PUBACK (Mid: ${packet.packetId}, RC:${packet.reason})`);
	}

	override publishReceived(packet: AckPacket): void {
		this.debug(`received PUBREC (Mid: ${packet.packetId})`);
	}

	override publishComplete(packet: AckPacket): void {
		this.debug(`received PUBCOMP (Mid: ${packet.packetId}, RC:${packet.reason})`);
	}

	override subscribeAck(_packet: SubackPacket): void {
		this.debug("received SUBACK");
	}

	override unsubscribeAck(_packet: SubackPacket): void {
		this.debug("received UNSUBACK");
	}

	override ping(): void {
		this.debug("received PINGRESP");
	}
}
