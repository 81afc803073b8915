/** A hub's data as lines of JSON: readable, complete, and for any board (import.ts). */
import {
	CLOCK_KEY,
	FORMAT_KEY,
	getFormat,
	NUMBER_MAX,
	RecordKind,
	recordKey,
	StoredRecord,
} from "../../src/broker/persist-records.js";
import { EXPIRY_NEVER } from "../../src/broker/session.js";
import { DeliveryState } from "../../src/delivery/deliveries.js";
import { MessageFlag } from "../../src/memory/message-store.js";
import { text } from "../text.js";
import { openFile } from "./lmdb.js";

/** The version of these lines. */
export const EXPORT_VERSION = 1;

export interface Header {
	hearth: "data";
	version: number;
	/** when it was exported */
	time: string;
}

export interface MessageLine {
	type: "message";
	id: number;
	topic: string;
	qos: number;
	retain?: boolean;
	/** text, or bytes in base64 */
	payload?: string;
	payloadBase64?: string;
	/** properties of 5.0 as they go on to receivers */
	propertiesBase64?: string;
	/** seconds that it lives on; absent: for good */
	expiresIn?: number;
}

export interface SessionLine {
	type: "session";
	clientId: string;
	userName?: string;
	/** Session Expiry Interval in seconds; "never" */
	expiry: number | "never";
	/** seconds that are left of it; absent: the client was connected, or it never ends */
	expiresIn?: number;
	will?: { message: number; delay: number; publishedIn?: number };
	subscriptions: { filter: string; options: number; identifier?: number }[];
	/** Packet Identifiers of QoS 2 messages that the client sent and has not released */
	received: number[];
	queue: QueueItem[];
}

export interface QueueItem {
	/** absent: PUBREC came */
	message?: number;
	qos: number;
	retain?: boolean;
	/** absent: it was not sent yet */
	packetId?: number;
	/** a Shared Subscription that it came by */
	shared?: string;
	identifiersBase64?: string;
}

export interface RetainedLine {
	type: "retained";
	topic: string;
	message: number;
}

/** A record of the hub's own: devices, keys. */
export interface RecordLine {
	type: "record";
	kind: number;
	number: number;
	base64: string;
}

export type Line = Header | MessageLine | SessionLine | RetainedLine | RecordLine;

/** @returns whether the bytes are text that JSON can hold as it is */
function isText(bytes: Uint8Array): boolean {
	return text.decode(bytes, 0, bytes.length) !== undefined;
}

/** Writes a hub's data, as it is at this moment, line by line; the hub may run. Throws HearthError when the file cannot
 *  be read. @param now ms since 1970 @param identity the hub's own records only @returns lines written */
export function exportData(path: string, now: number, identity: boolean, write: (line: Line) => void): number {
	const db = openFile(path, true);
	const transaction = db.useReadTransaction();
	try {
		return new Exporter(
			(kind) =>
				db.getRange({
					start: recordKey(kind, 0),
					end: recordKey(kind, NUMBER_MAX) + (kind === 0 ? 1 : 0),
					transaction,
				}),
			now,
			write,
		).run(identity);
	} finally {
		transaction.done();
		db.close();
	}
}

type Read = (kind: RecordKind) => Iterable<{ key: number; value: Buffer }>;

class Exporter {
	private readonly record = new StoredRecord(text);
	private version = 0;
	/** the persistent clock, now */
	private clock = 0;
	private count = 0;
	private readonly topics = new Map<number, string>();

	constructor(
		private readonly read: Read,
		private readonly now: number,
		private readonly writeLine: (line: Line) => void,
	) {}

	run(identity: boolean): number {
		this.readMeta();
		this.write({ hearth: "data", version: EXPORT_VERSION, time: new Date(this.now).toISOString() });
		if (!identity) {
			this.messages();
			this.sessions();
			this.retained();
		}
		for (const kind of [RecordKind.HubDevice, RecordKind.HubKey])
			for (const { key, value } of this.read(kind))
				this.write({ type: "record", kind, number: key & NUMBER_MAX, base64: value.toString("base64") });
		return this.count;
	}

	private retained(): void {
		for (const { value } of this.read(RecordKind.Retained)) {
			const message = value.readUInt32BE(0);
			const topic = this.topics.get(message);
			if (topic !== undefined) this.write({ type: "retained", topic, message });
		}
	}

	private write(line: Line): void {
		this.count++;
		this.writeLine(line);
	}

	private readMeta(): void {
		for (const { key, value } of this.read(RecordKind.Meta)) {
			if (key === FORMAT_KEY) this.version = getFormat(value, 0, value.length);
			if (key !== CLOCK_KEY || !this.record.readClock(value, 0, value.length)) continue;
			const { clock, wall } = this.record;
			this.clock = clock + (wall === 0 ? 0 : Math.max(0, this.now - wall));
		}
	}

	/** @returns seconds until a time on the persistent clock; undefined: it has none */
	private until(ms: number): number | undefined {
		return ms === 0 ? undefined : Math.max(0, Math.ceil((ms - this.clock) / 1000));
	}

	private messages(): void {
		const { record } = this;
		for (const { key, value } of this.read(RecordKind.Message)) {
			if (!record.readMessage(value, 0, value.length)) continue;
			const { start, topicBytes, propertyBytes } = record;
			const payloadAt = start + topicBytes + propertyBytes;
			const topic = text.decode(value, start, start + topicBytes) ?? "";
			const properties = value.subarray(start + topicBytes, payloadAt);
			const payload = value.subarray(payloadAt);
			const isWill = (record.flags & MessageFlag.Will) !== 0;
			const expiresIn = isWill ? (record.expires === 0 ? undefined : record.expires - 1) : this.until(record.expires);
			const id = key & NUMBER_MAX;
			this.topics.set(id, topic);
			this.write({
				type: "message",
				id,
				topic,
				qos: record.flags & MessageFlag.Qos,
				...((record.flags & MessageFlag.Retain) !== 0 ? { retain: true } : {}),
				...(isText(payload) ? { payload: payload.toString() } : { payloadBase64: payload.toString("base64") }),
				...(properties.length === 0 ? {} : { propertiesBase64: properties.toString("base64") }),
				...(expiresIn === undefined ? {} : { expiresIn }),
			});
		}
	}

	private sessions(): void {
		const { record } = this;
		const lines = new Map<number, SessionLine>();
		for (const { key, value } of this.read(RecordKind.Session)) {
			if (!record.readSession(value, 0, value.length, this.version)) continue;
			const expiresIn = record.expirySeconds === EXPIRY_NEVER ? undefined : this.until(record.expiresAt);
			const publishedIn = this.until(record.willAt);
			const delay = record.willDelaySeconds;
			const will = { message: record.will, delay, ...(publishedIn === undefined ? {} : { publishedIn }) };
			lines.set(key & NUMBER_MAX, {
				type: "session",
				clientId: record.clientId,
				...(record.userName === undefined ? {} : { userName: record.userName }),
				expiry: record.expirySeconds === EXPIRY_NEVER ? "never" : record.expirySeconds,
				...(expiresIn === undefined ? {} : { expiresIn }),
				...(this.topics.has(record.will) ? { will } : {}),
				subscriptions: [],
				received: [],
				queue: [],
			});
		}
		for (const { key, value } of this.read(RecordKind.Received))
			for (let at = 0; at + 2 <= value.length; at += 2)
				lines.get(key & NUMBER_MAX)?.received.push(value.readUInt16BE(at));
		for (const { value } of this.read(RecordKind.Subscription)) {
			if (!record.readSubscription(value, 0, value.length)) continue;
			const { filter, options, identifier } = record;
			lines.get(record.session)?.subscriptions.push({ filter, options, ...(identifier === 0 ? {} : { identifier }) });
		}
		this.queues(lines);
		for (const line of lines.values()) this.write(line);
	}

	private queues(lines: ReadonlyMap<number, SessionLine>): void {
		const { record } = this;
		const queued: { sequence: number; session: number; item: QueueItem }[] = [];
		for (const { value } of this.read(RecordKind.Delivery)) {
			if (!record.readDelivery(value, 0, value.length)) continue;
			const { state, start, identifierBytes } = record;
			const item: QueueItem = { qos: state & DeliveryState.Qos };
			if ((state & DeliveryState.Released) === 0) item.message = record.message;
			if ((state & DeliveryState.Retain) !== 0) item.retain = true;
			if ((state & DeliveryState.InFlight) !== 0) item.packetId = record.packetId;
			if ((state & DeliveryState.Shared) !== 0) item.shared = record.filter;
			if (identifierBytes > 0)
				item.identifiersBase64 = value.subarray(start, start + identifierBytes).toString("base64");
			queued.push({ sequence: record.sequence, session: record.session, item });
		}
		queued.sort((a, b) => (a.sequence - b.sequence) | 0);
		for (const { session, item } of queued) lines.get(session)?.queue.push(item);
	}
}
