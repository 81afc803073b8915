/** Session State and the table of all sessions. Spec: 5.0 and 3.1.1, section 4.1; 5.0 3.1.2.11.2 */
import type { Outbox } from "../delivery/outbox.js";
import { Deadlines } from "../memory/deadlines.js";
import { type UintArray, uintArray } from "../memory/typed-array.js";
import type { Connection } from "./connection.js";
import type { MessageProperties } from "./local-properties.js";

/** Session Expiry Interval that means "never". Spec: 5.0, 3.1.2.11.2 */
export const EXPIRY_NEVER = 0xffffffff;

/** An Application Message as the program itself gets it; topic and payload are its own. */
export interface LocalMessage extends MessageProperties {
	topic: string;
	payload: Uint8Array;
	qos: number;
	retain: boolean;
}

export type MessageHandler = (message: LocalMessage) => void;

const enum SessionNumber {
	ExpirySeconds,
	Will,
	WillDelaySeconds,
	ReceivedCount,
	Drops,
	Count,
}

export class Session {
	connection: Connection | undefined = undefined;
	readonly outbox: Outbox;
	readonly index: number;
	/** "" while the session is not in use */
	clientId = "";
	/** undefined: an anonymous client */
	userName: string | undefined = undefined;
	/** takes messages in the program itself; undefined: a client */
	handler: MessageHandler | undefined = undefined;

	/** of all sessions: what is seldom asked for takes 4 bytes here, and 16 as a field on XS */
	private readonly numbers: Uint32Array;

	constructor(index: number, outbox: Outbox, numbers: Uint32Array) {
		this.index = index;
		this.outbox = outbox;
		this.numbers = numbers;
	}

	/** seconds that the session outlives its connection; EXPIRY_NEVER: for good */
	get expirySeconds(): number {
		return this.numbers[this.index * SessionNumber.Count + SessionNumber.ExpirySeconds]!;
	}
	set expirySeconds(value: number) {
		this.numbers[this.index * SessionNumber.Count + SessionNumber.ExpirySeconds] = value;
	}

	/** the Will Message in the store; 0: none */
	get will(): number {
		return this.numbers[this.index * SessionNumber.Count + SessionNumber.Will]!;
	}
	set will(value: number) {
		this.numbers[this.index * SessionNumber.Count + SessionNumber.Will] = value;
	}

	get willDelaySeconds(): number {
		return this.numbers[this.index * SessionNumber.Count + SessionNumber.WillDelaySeconds]!;
	}
	set willDelaySeconds(value: number) {
		this.numbers[this.index * SessionNumber.Count + SessionNumber.WillDelaySeconds] = value;
	}

	/** QoS 2 messages that came in and are not released */
	get receivedCount(): number {
		return this.numbers[this.index * SessionNumber.Count + SessionNumber.ReceivedCount]!;
	}
	set receivedCount(value: number) {
		this.numbers[this.index * SessionNumber.Count + SessionNumber.ReceivedCount] = value;
	}

	/** messages that were not queued or sent for it */
	get drops(): number {
		return this.numbers[this.index * SessionNumber.Count + SessionNumber.Drops]!;
	}
	set drops(value: number) {
		this.numbers[this.index * SessionNumber.Count + SessionNumber.Drops] = value;
	}
}

export class Sessions {
	readonly all: Session[];
	/** by session: a number that changes when its client's rights may have; see RouteCache.allowed */
	readonly stamps: Uint32Array;
	private stampCount = 0;
	/** sessions in use */
	count = 0;
	readonly max: number;
	/** when a session without a connection ends, and when its Will Message is published */
	readonly expiries: Deadlines;
	readonly wills: Deadlines;
	private readonly byClientId: Map<string, Session>;

	constructor(max: number, outboxes: (index: number) => Outbox) {
		this.max = max;
		this.byClientId = new Map();
		this.all = [];
		const numbers = new Uint32Array(max * SessionNumber.Count);
		for (let i = 0; i < max; i++) this.all.push(new Session(i, outboxes(i), numbers));
		this.stamps = new Uint32Array(max);
		this.expiries = new Deadlines(max);
		this.wills = new Deadlines(max);
		this.free = uintArray(max, max);
		for (let i = 0; i < max; i++) this.free[i] = max - 1 - i;
	}
	private readonly free: UintArray;

	/** What was found out of the session's rights is not known any more. @returns false: the numbers began anew */
	restamp(session: number): boolean {
		const over = this.stampCount === 0xffffffff;
		this.stampCount = over ? 1 : this.stampCount + 1;
		this.stamps[session] = this.stampCount;
		return !over;
	}

	/** Spec: [MQTT-3.1.3-2] */
	find(clientId: string): Session | undefined {
		return this.byClientId.get(clientId);
	}

	at(index: number): Session {
		return this.all[index]!;
	}

	/** @returns a session for a Client Identifier that has none; undefined: full */
	add(clientId: string): Session | undefined {
		if (this.count === this.max) return undefined;
		this.count++;
		const session = this.all[this.free[this.max - this.count]!]!;
		session.clientId = clientId;
		this.byClientId.set(clientId, session);
		return session;
	}

	/** Takes a session up as it was before a restart. At start only; `closeGaps` follows.
	 *  @returns undefined: the Client Identifier has one already */
	restore(index: number, clientId: string): Session | undefined {
		const session = this.all[index]!;
		if (session.clientId !== "" || this.byClientId.has(clientId)) return undefined;
		this.count++;
		session.clientId = clientId;
		this.byClientId.set(clientId, session);
		return session;
	}

	/** The places that were not taken up are free. */
	closeGaps(): void {
		let free = 0;
		for (let i = this.max - 1; i >= 0; i--) if (this.all[i]!.clientId === "") this.free[free++] = i;
	}

	/** The session's own fields are clean; its place is free. */
	remove(session: Session): void {
		this.byClientId.delete(session.clientId);
		this.expiries.clear(session.index);
		this.wills.clear(session.index);
		session.clientId = "";
		session.userName = undefined;
		session.drops = 0;
		session.expirySeconds = 0;
		this.free[this.max - this.count] = session.index;
		this.count--;
	}
}
