/** What outlives a restart: changes of the broker's tables are noted where they happen and written in batches between
 *  two turns; answers wait until what they promise is durable. A broker without a storage has none of this: the tables
 *  that tell it (stored-tables.ts) and the connections that wait for it (durable-connection.ts) are other classes. */
import { connectionSlots } from "../budget.js";
import { PacketType } from "../codec/packet-types.js";
import { Busy } from "../delivery/output.js";
import { Cause, HearthError } from "../errors.js";
import type { Limits } from "../limits.js";
import { ChangeList, Mark } from "../memory/change-list.js";
import { type UintArray, uintArray } from "../memory/typed-array.js";
import type { Storage, StorageTarget } from "../platform.js";
import type { Broker } from "./broker.js";
import { type Connection, ConnectionState } from "./connection.js";
import { DeferredSends } from "./deferred-sends.js";
import { HeldAnswers, refuseHeld, sendHeld } from "./held-answers.js";
import { OwnRecords } from "./own-records.js";
import { PersistClock } from "./persist-clock.js";
import { MESSAGE_HEAD_BYTES, RecordKind } from "./persist-records.js";
import { Restorer } from "./persist-restore.js";
import { RecordWriter } from "./persist-writer.js";
import { IDENTIFIER_BYTES_MAX } from "./send-publish.js";
import type { Session } from "./session.js";
import type { StoredOutbox } from "./stored-tables.js";

/** What a crash or power cut may cost: docs/storage.md.
 *  `acknowledged`: nothing that was acknowledged; `interval`: the last milliseconds; `none`: the last minute. */
export type Durability = "acknowledged" | "interval" | "none";

export interface PersistOptions {
	medium: Storage;
	/** Default: "acknowledged" */
	durability?: Durability;
	/** ms that may be lost with "interval". Default: 1,000 */
	intervalMs?: number;
	/** Topic Filters of Retained Messages that are not stored: such as values that come each second, on flash */
	neverStore?: readonly string[];
}

const INTERVAL_MS = 1_000;
const NONE_MS = 60_000;

/** How long after a failure is tried again. */
const RETRY_MS = 1_000;

/** How often the clock is written, at the most; and where there is no wall clock, at the least. */
const CLOCK_MS = 1_000;
const CLOCK_MOST_MS = 600_000;

/** The most sessions that records have numbers for. */
const SESSIONS_MAX = 65_535;

export class Persist implements StorageTarget {
	readonly medium: Storage;
	readonly durability: Durability;
	/** ms that may be lost: 0 with "acknowledged" */
	readonly lossMs: number;
	readonly neverStore: readonly string[];
	readonly clock: PersistClock;
	readonly changes: ChangeList;
	readonly held: HeldAnswers;
	/** the hub's records */
	readonly own: OwnRecords;
	/** by kind of record: the first thing in `changes`, less the kind's first number */
	readonly first: readonly number[];
	/** by message: how many records lead to it */
	readonly references: UintArray;
	/** by delivery: the receiver's index, and a number that grows with each, cyclically */
	readonly sessionOf: UintArray;
	readonly sequenceOf: Uint32Array;
	sequence = 0;
	/** why nothing can be written now; "": it can */
	alarm = "";
	/** records that a restart found unusable; batches; failures */
	lost = 0;
	batches = 0;
	failures = 0;
	/** answers, and QoS 2 messages, wait for what they promise to be durable */
	readonly acknowledges: boolean;
	private readonly writer: RecordWriter;
	/** the batch that is written now; 0: none */
	private batch = 0;
	/** something changed since the last answer */
	private touched = false;
	private scheduled = false;
	/** what is taken up now is stored already */
	restoring = false;
	private readonly later: () => void;
	readonly sends: DeferredSends;
	/** ms on the platform's clock: the last batch, the last time of the clock, the last failure */
	private committedAt = 0;
	private clockAt = 0;
	private failedAt = 0;

	/** Allocates all that it will hold. Throws HearthError when the limits are beyond what records can number. */
	constructor(
		private readonly broker: Broker,
		options: PersistOptions,
	) {
		const limits = broker.limits;
		const sessions = limits.sessions + limits.localSubscriptions;
		if (sessions > SESSIONS_MAX)
			throw new HearthError(
				"HEARTH_ERR_LIMITS_RELATION",
				`limits: with a storage, give at most ${SESSIONS_MAX} sessions`,
			);
		const least = Math.max(2 * limits.received, IDENTIFIER_BYTES_MAX * limits.subscriptions + limits.topicBytes + 64);
		if (limits.packetBytes < least)
			throw new HearthError("HEARTH_ERR_LIMITS_RELATION", `limits: with a storage, packetBytes ≥ ${least}`);
		this.medium = options.medium;
		this.durability = options.durability ?? "acknowledged";
		this.acknowledges = this.durability === "acknowledged";
		this.lossMs = this.acknowledges ? 0 : this.durability === "none" ? NONE_MS : (options.intervalMs ?? INTERVAL_MS);
		this.neverStore = options.neverStore ?? [];
		this.clock = new PersistClock(broker.platform);
		this.first = thingsOf(limits);
		this.changes = new ChangeList(this.first[RecordKind.Retained]! + limits.retained);
		this.held = new HeldAnswers(broker.pool, connectionSlots(limits), broker.layout.head);
		this.own = new OwnRecords(this.medium, broker, () => this.wake());
		this.references = uintArray(limits.deliveries + sessions + 1, limits.blocks + 1);
		this.sessionOf = uintArray(sessions, limits.deliveries + 1);
		this.sequenceOf = new Uint32Array(limits.deliveries + 1);
		this.sends = new DeferredSends(broker, sessions);
		this.writer = new RecordWriter(broker, this);
		this.later = () => this.commit();
	}

	/** Takes up what the storage has. Throws HearthError when it is of a newer format, or more than the limits hold. */
	restore(): void {
		const broker = this.broker;
		this.medium.open(this);
		this.writer.formatted = new Restorer(broker, this).run();
		const { clientSessions, table, retained } = broker;
		if (clientSessions + retained.count + this.lost === 0) return;
		const what = `${clientSessions} sessions, ${table.count} subscriptions, ${retained.count} Retained Messages`;
		broker.log(1, `storage: has ${what}; of no use are ${this.lost} records`);
	}

	/** There is to be a record of a thing, or not any more; either way it changed. */
	keep(kind: RecordKind, number: number, kept: boolean): void {
		const thing = this.first[kind]! + number;
		const marks = this.changes.marks;
		if (kept) marks[thing]! |= Mark.Kept;
		else marks[thing]! &= ~Mark.Kept;
		this.changed(thing);
	}

	/** @returns whether there is, or is to be, a record of a thing */
	keeps(kind: RecordKind, number: number): boolean {
		return (this.changes.marks[this.first[kind]! + number]! & Mark.Kept) !== 0;
	}

	/** A thing that is kept changed. */
	touch(kind: RecordKind, number: number): void {
		this.changed(this.first[kind]! + number);
	}

	private changed(thing: number): void {
		if (this.restoring) return;
		this.changes.add(thing);
		this.touched = true;
		if (this.acknowledges && !this.scheduled && this.batch === 0) this.schedule();
	}

	/** Something is to be written soon. */
	private wake(): void {
		if (this.batch !== 0 || this.scheduled) return;
		this.broker.beginTurn();
		this.schedule();
	}

	private schedule(): void {
		this.scheduled = true;
		this.broker.tell(this.later, "", "");
	}

	/** One record more leads to the message. */
	hold(message: number): void {
		if (this.references[message]!++ === 0) this.keep(RecordKind.Message, message, this.mayStore(message));
	}

	/** Whether the storage takes so large a message. At QoS 1 and 2 a larger one is refused (stored-tables.ts). */
	private mayStore(message: number): boolean {
		return this.broker.store.bytes(message) + MESSAGE_HEAD_BYTES <= this.medium.valueBytesMax;
	}

	/** One record less does. */
	release(message: number): void {
		if (--this.references[message]! === 0) this.keep(RecordKind.Message, message, false);
	}

	/** A client has come into a session. */
	entered(session: Session): void {
		if (session.expirySeconds === 0) {
			if (this.keeps(RecordKind.Session, session.index)) this.forget(session);
			return;
		}
		if (session.will !== 0) this.hold(session.will);
		this.keep(RecordKind.Session, session.index, true);
	}

	/** Its connection has ended, or what the session is has changed. */
	left(session: Session): void {
		if (this.keeps(RecordKind.Session, session.index)) this.touch(RecordKind.Session, session.index);
	}

	/** The session gives its Will Message up. Before it does. */
	dropsWill(session: Session): void {
		if (session.will === 0 || !this.keeps(RecordKind.Session, session.index)) return;
		this.release(session.will);
		this.touch(RecordKind.Session, session.index);
	}

	/** The session has ended; what it had was taken from its tables. */
	ended(session: Session): void {
		if (this.keeps(RecordKind.Session, session.index)) this.keep(RecordKind.Session, session.index, false);
	}

	/** The session will not outlive its connection: it has no records any more. */
	private forget(session: Session): void {
		const table = this.broker.table;
		for (let s = table.firstOfSession[session.index]!; s !== 0; s = table.nextOfSession[s]!) this.unsubscribes(s);
		(session.outbox as StoredOutbox).forget();
		this.keep(RecordKind.Received, session.index, false);
		this.keep(RecordKind.Session, session.index, false);
	}

	/** A subscription was made or replaced. */
	subscribed(session: Session, subscription: number): void {
		if (session.expirySeconds !== 0) this.keep(RecordKind.Subscription, subscription, true);
	}

	/** A subscription ends. */
	unsubscribes(subscription: number): void {
		if (this.keeps(RecordKind.Subscription, subscription)) this.keep(RecordKind.Subscription, subscription, false);
	}

	/** @returns whether new sessions and subscriptions that would have to be stored are refused */
	get refuses(): boolean {
		return this.alarm !== "" && this.acknowledges;
	}

	/** whether something that answers wait for is not durable yet */
	private get isPending(): boolean {
		return this.acknowledges && (this.batch !== 0 || this.changes.count > 0);
	}

	/** @returns whether an answer has to wait: for what changed since the last one, or for those before it */
	mustWait(connection: Connection, type: PacketType): boolean {
		const touched = this.touched;
		this.touched = false;
		if (!this.isPending) return false;
		if (touched || this.held.countOf[connection.index]! > 0) return true;
		// QoS 2 may have been asked the same before, on another connection
		const isQos2 = type === PacketType.Pubrec || type === PacketType.Pubrel || type === PacketType.Pubcomp;
		return isQos2 && connection.session!.expirySeconds !== 0;
	}

	/** Keeps an answer at memory[start..end) until it may leave. One that finds no room costs the connection. */
	wait(connection: Connection, start: number, end: number): void {
		if (!this.held.hold(connection.index, start, end)) this.broker.closeLater(connection, Cause.FullStore);
		// all that it promises is in the batch that is being written
		else if (this.changes.count === 0 && this.batch !== 0) this.held.mark();
	}

	/** A session that was made, found or cleaned: nothing leaves, and nothing is read, before that is durable. Before
	 *  its CONNACK is sent. Spec: [MQTT-3.2.0-1] */
	gate(connection: Connection): void {
		const touched = this.touched;
		this.touched = false;
		if (!touched || this.alarm !== "" || !this.isPending) return;
		connection.output.inParts = true;
		this.wait(connection, 0, 0);
	}

	/** The connection ended. */
	closed(connection: Connection): void {
		this.held.forget(connection.index);
	}

	/** The session has a QoS 2 message that leaves when it is durable. */
	defer(session: number): void {
		this.sends.add(session);
		if (this.batch === 0 && !this.scheduled) this.schedule();
	}

	/** Once a tick: what is due with "interval", or again after a failure; and the clock. */
	tick(): void {
		const now = this.broker.now;
		if (this.batch !== 0) return;
		if (this.alarm !== "" && now - this.failedAt < RETRY_MS) return;
		const clockDue = this.clock.wall === 0 && now - this.clockAt >= CLOCK_MOST_MS;
		// after a failure in any case: does it go again?
		const always = clockDue || this.alarm !== "";
		if (always || now - this.committedAt >= this.lossMs) this.commitNow(always);
	}

	private commit(): void {
		this.scheduled = false;
		if (this.batch !== 0) return;
		if (this.alarm === "") this.commitNow(false);
		else this.own.refuse();
	}

	/** Writes all that changed as one batch. @param always even when nothing did, for the clock's sake */
	private commitNow(always: boolean): void {
		const now = this.broker.platform.now();
		if (this.sends.waitingCount > 0) this.sends.start();
		if (this.changes.count === 0 && !always && this.sends.startedCount === 0 && !this.own.isWaiting) return;
		const clockToo = always || now - this.clockAt >= CLOCK_MS;
		this.committedAt = now;
		if (!this.writer.write(clockToo) || !this.own.write()) {
			this.medium.rollback();
			return this.failed("it is full");
		}
		if (clockToo) this.clockAt = now;
		this.changes.take();
		this.held.mark();
		this.own.started();
		this.batch = this.medium.commit();
		this.batches++;
	}

	onDurable(batch: number): void {
		if (this.batch === 0 || batch < this.batch) return;
		const broker = this.broker;
		broker.beginTurn();
		this.batch = 0;
		this.changes.confirm();
		this.own.ended(true);
		this.writer.formatted = true;
		if (this.alarm !== "") {
			broker.log(0, "storage: writes again");
			this.alarm = "";
		}
		this.sends.send();
		sendHeld(this.broker, this.held);
		if (this.own.isWaiting) this.wake();
		if (this.acknowledges && (this.changes.count > 0 || this.sends.waitingCount > 0) && !this.scheduled)
			this.schedule();
	}

	onStorageError(batch: number, error: unknown): void {
		if (this.batch === 0 || batch > this.batch) return;
		this.broker.beginTurn();
		this.batch = 0;
		this.changes.reject();
		this.held.unmark();
		this.own.ended(false);
		this.failed(error instanceof Error ? error.message : `${error}`);
	}

	/** Nothing can be written: what was not answered stays so, and what comes is refused, until it can. */
	private failed(why: string): void {
		const broker = this.broker;
		broker.beginTurn();
		this.failedAt = broker.platform.now();
		this.failures++;
		const isNew = this.alarm === "";
		this.alarm = why;
		if (isNew) broker.log(0, `storage: cannot write, tries again each second: ${why}`);
		if (isNew) refuseHeld(broker, this.held);
		this.sends.putOff();
		this.own.refuse();
		if (this.acknowledges) for (let i = 0; i < broker.connections.length; i++) this.closeGated(broker.connections[i]!);
	}

	/** Who waits for a CONNACK comes again, and is judged anew. */
	private closeGated(connection: Connection): void {
		const gated = connection.state === ConnectionState.Connected && (connection.output.busy & Busy.InParts) !== 0;
		if (gated && connection.sending === 0) this.broker.closeLater(connection, Cause.FullStorage);
	}

	/** Writes what is not written; the program ends. */
	close(): void {
		if (this.batch !== 0) this.changes.confirm(); // the medium ends it, in its order
		this.commitNow(true);
		this.medium.close();
	}
}

/** @returns by kind of record, what is to be added to a number for the thing in a ChangeList, which has no thing 0;
 *  numbers of a kind are 0 ≤ n ≤ the most */
function thingsOf(limits: Limits): number[] {
	const sessions = limits.sessions + limits.localSubscriptions;
	const session = 1;
	const received = session + sessions;
	const subscription = received + sessions;
	const message = subscription + limits.subscriptions + limits.localSubscriptions + 1;
	const delivery = message + limits.blocks + 1;
	const retained = delivery + limits.deliveries + 1;
	return [0, session, received, subscription, message, delivery, retained];
}
