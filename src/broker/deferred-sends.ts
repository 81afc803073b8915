/** Sessions whose QoS 2 messages leave only when their Packet Identifiers are durable: else, after a crash, the same
 *  message could leave again with another one, and come twice. Between stored-tables.ts and persist.ts.
 *  Spec: [MQTT-4.3.3-1] */
import { type UintArray, uintArray } from "../memory/typed-array.js";
import type { Broker } from "./broker.js";
import type { StoredOutbox } from "./stored-tables.js";

export class DeferredSends {
	/** sessions that wait for the next batch, and for the one that is written */
	waitingCount = 0;
	startedCount = 0;
	private waiting: UintArray;
	private started: UintArray;
	/** by session: 1: it waits */
	private readonly waits: Uint8Array;

	/** @param sessions they are numbered 0 ≤ n < sessions */
	constructor(
		private readonly broker: Broker,
		sessions: number,
	) {
		this.waiting = uintArray(sessions, sessions);
		this.started = uintArray(sessions, sessions);
		this.waits = new Uint8Array(sessions);
	}

	/** The session has something to send after the next batch. */
	add(session: number): void {
		if (this.waits[session] !== 0) return;
		this.waits[session] = 1;
		this.waiting[this.waitingCount++] = session;
	}

	/** Gives Packet Identifiers to what waits; they are written with this batch. */
	start(): void {
		const waiting = this.waiting;
		for (let i = 0; i < this.waitingCount; i++) {
			const session = this.broker.sessions.at(waiting[i]!);
			this.waits[session.index] = 0;
			if (session.connection !== undefined) (session.outbox as StoredOutbox).start(session.connection.receiveMaximum);
		}
		this.waiting = this.started;
		this.started = waiting;
		this.startedCount = this.waitingCount;
		this.waitingCount = 0;
	}

	/** The batch is durable: they are sent. */
	send(): void {
		for (let i = 0; i < this.startedCount; i++) {
			const session = this.broker.sessions.at(this.started[i]!);
			(session.outbox as StoredOutbox).sendStarted();
			if (session.connection !== undefined) session.connection.serve();
		}
		this.startedCount = 0;
	}

	/** The batch is lost: they wait for the next one. */
	putOff(): void {
		for (let i = 0; i < this.startedCount; i++) this.add(this.started[i]!);
		this.startedCount = 0;
	}
}
