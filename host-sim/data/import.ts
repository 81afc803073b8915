/** Takes lines of JSON (export.ts) up into data for a board: each is put into the tables of a broker with that board's
 *  limits, which says what fits as it would at work; its storage is what is written then. */
import { Broker } from "../../src/broker/broker.js";
import { endSession } from "../../src/broker/close.js";
import { FORMAT_KEY, NUMBER_MAX, RecordKind, recordKey } from "../../src/broker/persist-records.js";
import { EXPIRY_NEVER, type Session } from "../../src/broker/session.js";
import { sharedFilterAt } from "../../src/codec/topic.js";
import { DeliveryState } from "../../src/delivery/deliveries.js";
import { HearthError } from "../../src/errors.js";
import type { Limits } from "../../src/limits.js";
import { MessageFlag } from "../../src/memory/message-store.js";
import type { RecordVisitor, Storage, StorageTarget } from "../../src/platform.js";
import { text } from "../text.js";
import {
	EXPORT_VERSION,
	type Line,
	type MessageLine,
	type QueueItem,
	type RecordLine,
	type SessionLine,
} from "./export.js";

/** Records in memory, on their way to a file. */
class Records implements Storage {
	readonly valueBytesMax = 0x7fffffff;
	readonly bytesMax = Number.MAX_SAFE_INTEGER;
	readonly bytesUsed = 0;
	readonly table = new Map<number, Uint8Array>();

	open(_target: StorageTarget): void {}
	each(_first: number, _last: number, _visitor: RecordVisitor): void {}
	rollback(): void {}
	close(): void {}

	put(key: number, bytes: Uint8Array, start: number, end: number): boolean {
		this.table.set(key, bytes.slice(start, end));
		return true;
	}

	delete(key: number): boolean {
		this.table.delete(key);
		return true;
	}

	commit(): number {
		return 1;
	}
}

export interface Imported {
	/** what is to be written */
	records: ReadonlyMap<number, Uint8Array>;
	/** what does not fit, a line each */
	left: string[];
	sessions: number;
	retained: number;
	queued: number;
	/** records of the hub's own */
	own: number;
}

/** Takes lines up. @param lines as they stand in the file; a line is one thing, whole or not at all
 *  Throws HearthError for a line that is none of an export's, with its number */
export function importData(lines: readonly string[], limits: Limits, now: number): Imported {
	return new Importer(limits, now).run(lines);
}

class Importer {
	private readonly records = new Records();
	private readonly broker: Broker;
	private readonly left: string[] = [];
	/** messages by their number in the export: the line, and the number here, 0: not stored yet */
	private readonly messages = new Map<number, { line: MessageLine; number: number }>();
	private queued = 0;
	private devices = 0;
	private keys = 0;

	constructor(
		limits: Limits,
		private readonly now: number,
	) {
		this.broker = new Broker({
			limits,
			platform: { text, now: () => 1, wallClock: () => this.now, random: () => 0, wake: () => {} },
			storage: { medium: this.records, durability: "none" },
		});
	}

	run(lines: readonly string[]): Imported {
		const { broker } = this;
		for (const [i, line] of lines.entries()) if (line.trim() !== "") this.take(parse(line, i + 1), i + 1);
		for (const { number } of this.messages.values()) if (number !== 0) broker.store.release(number);
		broker.persist!.close();
		if (!this.records.table.has(FORMAT_KEY))
			throw new HearthError("HEARTH_ERR_IMPORT", "import: there is nothing in it");
		return {
			records: this.records.table,
			left: this.left,
			sessions: broker.clientSessions,
			retained: broker.retained.count,
			queued: this.queued,
			own: this.devices + this.keys,
		};
	}

	private take(line: Line, at: number): void {
		if ("hearth" in line) {
			if (line.hearth !== "data" || line.version !== EXPORT_VERSION)
				throw new HearthError(
					"HEARTH_ERR_IMPORT",
					`import: line ${at}: made by another version; export it with this one`,
				);
			return;
		}
		switch (line.type) {
			case "message":
				this.messages.set(line.id, { line, number: 0 });
				return;
			case "retained":
				return this.retain(line.message);
			case "session":
				return this.session(line);
			case "record":
				return this.own(line, at);
			default:
				throw new HearthError("HEARTH_ERR_IMPORT", `import: line ${at}: has no type that this version knows`);
		}
	}

	private own({ kind, number, base64 }: RecordLine, at: number): void {
		const bytes = Buffer.from(typeof base64 === "string" ? base64 : "", "base64");
		if (kind === RecordKind.HubDevice && bytes.length > 0) {
			// a record's number is only its place
			this.records.table.set(recordKey(kind, this.devices++), bytes);
		} else if (kind === RecordKind.HubKey && Number.isInteger(number) && number >= 0 && number <= NUMBER_MAX) {
			this.records.table.set(recordKey(kind, number), bytes);
			this.keys++;
		} else throw new HearthError("HEARTH_ERR_IMPORT", `import: line ${at}: is no record of the hub's own`);
	}

	/** @param will it is a Will Message @returns a message's number, with one holder that is given up at the end; 0: the
	 *  store is full, or it is larger than a packet may be */
	private store(id: number, will = false): number {
		const message = this.messages.get(id);
		if (message === undefined) return 0;
		if (message.number !== 0) return message.number;
		const { line } = message;
		const topic = Buffer.from(line.topic);
		const properties = Buffer.from(line.propertiesBase64 ?? "", "base64");
		const payload =
			line.payload === undefined ? Buffer.from(line.payloadBase64 ?? "", "base64") : Buffer.from(line.payload);
		const { limits, store } = this.broker;
		const bytes = topic.length + properties.length + payload.length;
		if (topic.length > limits.topicBytes || bytes + 16 > limits.packetBytes) return 0;
		const seconds = line.expiresIn;
		const expires = seconds === undefined ? 0 : will ? seconds + 1 : 1 + seconds * 1000;
		const flags = line.qos | (line.retain ? MessageFlag.Retain : 0) | (will ? MessageFlag.Will : 0);
		const parts = [topic, 0, topic.length, properties, 0, properties.length, payload, 0, payload.length] as const;
		message.number = store.add(flags, expires, ...parts);
		return message.number;
	}

	private retain(id: number): void {
		const { retained, limits } = this.broker;
		const topic = this.messages.get(id)?.line.topic ?? "?";
		const fits = retained.hasRoom(topic, Buffer.byteLength(topic));
		const number = fits ? this.store(id) : 0;
		if (number !== 0) retained.set(topic, number);
		else this.left.push(`Retained Message ${topic}: ${fits ? "no room for messages" : `of ${limits.retained}`}`);
	}

	private session(line: SessionLine): void {
		const { broker } = this;
		const { sessions, limits } = broker;
		const say = (why: string) => this.left.push(`session ${line.clientId}: ${why}`);
		if (Buffer.byteLength(line.clientId) > limits.clientIdBytes) return void say("its Client Identifier is too long");
		if (broker.clientSessions >= limits.sessions) return void say(`there are ${limits.sessions} sessions`);
		if (sessions.find(line.clientId) !== undefined) return void say("is there twice");
		const session = sessions.add(line.clientId)!;
		session.userName = line.userName;
		session.expirySeconds = line.expiry === "never" ? EXPIRY_NEVER : line.expiry;
		if (line.expiresIn !== undefined) sessions.expiries.set(session.index, 1 + line.expiresIn * 1000);
		const fault = this.fill(session, line);
		if (fault === "") {
			this.queued += line.queue.length;
			return;
		}
		session.will = 0; // it is not to be published, only forgotten
		endSession(broker, session);
		say(fault);
	}

	/** @returns what has no room; "": nothing */
	private fill(session: Session, line: SessionLine): string {
		const { broker } = this;
		const { store, sessions, table, received, persist } = broker;
		if (line.will !== undefined) {
			const number = this.store(line.will.message, true);
			if (number === 0) return "no room for its Will Message";
			store.hold(number);
			session.will = number;
			session.willDelaySeconds = line.will.delay;
			if (line.will.publishedIn !== undefined) sessions.wills.set(session.index, 1 + line.will.publishedIn * 1000);
		}
		persist!.entered(session);
		for (const { filter, options, identifier = 0 } of line.subscriptions) {
			const bytes = Buffer.byteLength(filter);
			const tooLong = bytes > broker.limits.topicBytes || table.count >= broker.limits.subscriptions;
			const shareAt = sharedFilterAt(filter);
			const added = tooLong ? 0 : table.add(session.index, filter, shareAt, bytes, options, identifier);
			if (added === 0) return `no room for its subscription ${filter}`;
			persist!.subscribed(session, added);
		}
		for (const id of line.received) {
			if (!received.add(session.index, id)) return "no room for its QoS 2 messages in flight";
			session.receivedCount++;
		}
		for (const item of line.queue) if (!this.queue(session, item)) return "no room for its queue";
		return "";
	}

	private queue(session: Session, item: QueueItem): boolean {
		const { store, deliveries, limits, pool, table } = this.broker;
		const { outbox } = session;
		// one whose PUBREC came has no message any more: it has a short one for the moment
		const number = item.message === undefined ? this.placeholder() : this.store(item.message);
		if (number === 0) return false;
		if (!outbox.hasRoom(store.bytes(number), limits.queueBytes, limits.queueMessages)) return false;
		const group = item.shared === undefined ? 0 : table.groupOf(item.shared);
		const state = item.qos | (item.retain ? DeliveryState.Retain : 0) | (group === 0 ? 0 : DeliveryState.Shared);
		const entry = outbox.push(number, state);
		deliveries.group[entry] = group;
		const identifiers = Buffer.from(item.identifiersBase64 ?? "", "base64");
		if (identifiers.length > 0) {
			const chain = pool.take(Math.ceil(identifiers.length / pool.blockBytes));
			if (chain === 0) return false;
			pool.write(chain, 0, identifiers, 0, identifiers.length);
			deliveries.identifiers[entry] = chain;
			deliveries.identifierBytes[entry] = identifiers.length;
		}
		if (item.packetId === undefined) return true;
		deliveries.before = 0;
		outbox.startSending(entry);
		deliveries.packetId[entry] = item.packetId;
		if (item.message === undefined) {
			outbox.receive(item.packetId);
			store.release(number);
		}
		return true;
	}

	private placeholder(): number {
		const topic = Buffer.from("t");
		return this.broker.store.add(2, 0, topic, 0, 1, topic, 0, 0, topic, 0, 0);
	}
}

function parse(line: string, at: number): Line {
	try {
		const value: unknown = JSON.parse(line);
		if (typeof value === "object" && value !== null && ("type" in value || "hearth" in value)) return value as Line;
	} catch {
		// said below
	}
	throw new HearthError("HEARTH_ERR_IMPORT", `import: line ${at}: is no line of an export`);
}
