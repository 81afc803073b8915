/** What a broker costs on a device, part by part: a broker is built with the board's limits, and each object that its
 *  constructors made is counted as XS stores it (16-byte slots, 8-byte chunk headers; measured, see ARCHITECTURE.md).
 *  To that comes what the tables still take when they fill up to their limits. */

import { Broker } from "../src/broker/broker.js";
import { connectionSlots, storedBytes, storedRecords } from "../src/budget.js";
import type { Limits } from "../src/limits.js";
import type { Flash } from "../src/platform.js";
import { Journal } from "../src/storage/journal.js";
import { type JournalLimits, journalLimits } from "../src/storage/journal-limits.js";
import { text } from "./text.js";

/** Bytes of one part: in the slot heap, in the chunk heap. */
export interface Part {
	name: string;
	what: string;
	slots: number;
	chunks: number;
}

const SLOT = 16;

/** @returns bytes of a chunk: header, rounded up to 4 */
function chunk(bytes: number): number {
	return 8 + Math.ceil(bytes / 4) * 4;
}

/** @returns bytes of a string's chunk */
function stringChunk(bytes: number): number {
	return chunk(bytes + 1);
}

/** What an exchange of SCRAM-SHA-256 keeps, and a user name as long as one mostly is. */
const EXCHANGE_SLOTS = 24;
const EXCHANGE_BYTES = 512;
const USER_NAME_BYTES = 23;

class Count {
	slots = 0;
	chunks = 0;
}

/** Adds an object and all that only it leads to. */
function count(value: unknown, seen: Set<object>, into: Count): void {
	if (typeof value !== "object" || value === null || seen.has(value)) return;
	seen.add(value);
	if (value instanceof DataView) {
		// on the buffer of an array that is counted by itself
		into.slots += 3 * SLOT;
		return;
	}
	if (ArrayBuffer.isView(value)) {
		// an array with a buffer of its own; the views on the broker's memory are temporary
		into.slots += 7 * SLOT;
		into.chunks += chunk(value.byteLength);
		return;
	}
	if (value instanceof Map) {
		into.slots += 4 * SLOT;
		into.chunks += chunk(4);
		return;
	}
	if (Array.isArray(value)) {
		into.slots += 2 * SLOT;
		if (value.length > 0) into.chunks += chunk(SLOT * value.length);
		for (const item of value) count(item, seen, into);
		return;
	}
	const fields = Object.values(value);
	into.slots += SLOT * (1 + fields.length);
	for (const field of fields) count(field, seen, into);
}

/** @returns what a Map takes for its entries: three slots each, and a table of a power of two */
function mapEntries(entries: number): Count {
	let buckets = 1;
	while (buckets < entries) buckets *= 2;
	return { slots: 3 * SLOT * entries, chunks: 4 * buckets };
}

/** What the tables take beyond their construction when everything is full and every text as long as it may be. */
function growth(limits: Limits): Map<string, Count> {
	const sessions = limits.sessions + limits.localSubscriptions;
	const table = mapEntries(limits.filterNodes);
	table.chunks += chunk(SLOT * limits.filterNodes) + limits.filterBytes + 12 * limits.filterNodes;
	const routes = mapEntries(limits.routes);
	routes.chunks += chunk(SLOT * limits.routes) + limits.routes * stringChunk(limits.routeTopicBytes);
	const retained = mapEntries(limits.retained);
	retained.chunks += chunk(SLOT * limits.retained) + limits.retainedTopicBytes + 12 * limits.retained;
	const ids = mapEntries(sessions);
	ids.chunks += limits.sessions * stringChunk(limits.clientIdBytes);
	// clients that authenticated themselves, and the exchanges that are going on
	const authenticated = limits.authentications === 0 ? 0 : limits.connections;
	const connections = {
		slots: SLOT * (4 * authenticated + EXCHANGE_SLOTS * limits.authentications),
		chunks: authenticated * stringChunk(USER_NAME_BYTES) + EXCHANGE_BYTES * limits.authentications,
	};
	return new Map([
		["table", table],
		["routes", routes],
		["retained", retained],
		["sessions", ids],
		["connections", connections],
	]);
}

/** Names the parts and says what each is for, in the order in which they are counted. */
const PARTS: readonly (readonly [field: string, name: string, what: (l: Limits) => string])[] = [
	["connections", "connections", (l) => `${connectionSlots(l)} connections: state, framer, output`],
	["sessions", "sessions", (l) => `${l.sessions} sessions of clients, ${l.localSubscriptions} of the program`],
	["deliveries", "deliveries", (l) => `${l.deliveries} messages waiting or in flight`],
	["store", "messages", (l) => `what is known of each of ${l.blocks} blocks`],
	[
		"table",
		"subscriptions",
		(l) => `${l.subscriptions} subscriptions, ${l.filterNodes} paths, ${l.filterBytes} bytes of filters`,
	],
	["routes", "routes", (l) => `${l.routes} topics seen before, ${l.routeReceivers} receivers`],
	["retained", "retained", (l) => `${l.retained} Retained Messages, ${l.retainedTopicBytes} bytes of topics`],
	["received", "received", (l) => `${l.received} QoS 2 messages on their way in`],
	["aliasesTaken", "aliases taken", (l) => `${l.topicAliases} Topic Aliases from each connection`],
	["aliasesGiven", "aliases given", (l) => `${l.topicAliasesGiven} Topic Aliases to each connection`],
];

/** The parts of the broker's one byte array. */
function memoryParts(limits: Limits, broker: Broker): Part[] {
	const l = broker.layout;
	const row = (name: string, what: string, chunks: number): Part => ({ name, what, slots: 0, chunks });
	return [
		row("store", `${limits.blocks} blocks of ${limits.blockBytes} bytes`, l.bytes - l.blocks),
		row("assembly", "one packet that came in parts", l.partials - l.assembly),
		row(
			"partials",
			`${connectionSlots(limits)} × ${limits.partialBytes} bytes of incomplete packets`,
			l.head - l.partials,
		),
		row("receive", "what a transport reads into", l.assembly - l.receive),
		row("outputs", `${limits.outputBuffers} × ${limits.outputBytes} bytes on their way out`, l.blocks - l.outputs),
		row("answers", "packets under construction", l.outputs - l.head),
	];
}

/** What the hub's page takes beside the broker; measured on XS (test/xs/page-costs.ts): 1,500 and 200 bytes while
 *  nobody looks; all are four people who have signed in, two requests that have come but for their end, and four
 *  connections that wait. @returns a row of the table */
export function pagePart(): Part {
	return { name: "page", what: "its server, 4 people signed in, 6 connections", slots: 5_100, chunks: 4_850 };
}

/** Boards that keep the hub's devices in a journal (boards/hub-store-pico.ts). */
export const JOURNAL_BOARDS: readonly string[] = ["pico_w"];

/** What the hub's devices take beside the broker, by their number; measured on XS (test/xs/board-devices.ts): the hub's
 *  own objects, strangers and log lines that are remembered, a pairing that is going on, a few bytes of each device.
 *  @param keepsJournal where there is no store of names and values (JOURNAL_BOARDS) @returns a row of the table */
export function devicesPart(devices: number, keepsJournal = false): Part {
	return {
		name: "devices",
		what: `${devices} devices that were paired, and one that is being`,
		slots: 6_480 + (keepsJournal ? 3_360 : 0),
		chunks: 2_400 + 11 * devices + (keepsJournal ? 1_750 : 0),
	};
}

/** What a broker keeps on flash, by a journal. */
export interface FlashBudget {
	sectors: number;
	journal: JournalLimits;
}

/** @returns a journal's limits with a record for everything that a broker with these limits can store */
export function journalFor(limits: Limits): JournalLimits {
	return { ...journalLimits, records: storedRecords(limits), valueBytes: storedBytes(limits) };
}

function blankFlash(sectors: number): Flash {
	const read = (_: number, bytes: Uint8Array, start: number, end: number) => void bytes.fill(0xff, start, end);
	return { sectorBytes: 4_096, sectors, programBytes: 1, read, program: () => {}, erase: () => {} };
}

/** @param flash where there is a journal
 *  @returns the byte table of a broker with these limits on XS; the rows' sum is the whole broker, full */
export function budgetOf(limits: Limits, flash?: FlashBudget): Part[] {
	const platform = { text, now: () => 1, random: () => 1, wake: () => {} };
	const blank = blankFlash(flash?.sectors ?? 0);
	const options = flash && { flash: blank, limits: flash.journal, now: platform.now, random: platform.random };
	const medium = options && new Journal(options);
	const broker = new Broker({ limits, platform, ...(medium && { storage: { medium } }) });
	// what others lead to, but is a part of its own or not the broker's
	const seen = new Set<object>([platform, text, limits, broker, broker.memory, blank]);
	if (options !== undefined) seen.add(options).add(options.limits).add(medium!);
	if (broker.persist !== undefined) seen.add(broker.persist);
	const parts = memoryParts(limits, broker);
	const grown = growth(limits);
	const fields = broker as unknown as Record<string, unknown>;
	for (const [field] of PARTS) seen.add(fields[field] as object);
	seen.add(broker.pool).add(broker.outputs).add(broker.events);
	for (const [field, name, what] of PARTS) {
		const part = new Count();
		seen.delete(fields[field] as object);
		count(fields[field], seen, part);
		const more = grown.get(field) ?? new Count();
		parts.push({ name, what: what(limits), slots: part.slots + more.slots, chunks: part.chunks + more.chunks });
	}
	for (const [name, what, value] of [
		["storage", "what is to be stored, and what waits for it", broker.persist],
		["journal", `an index of ${flash?.journal.records} records, and a buffer`, medium],
	] as const) {
		if (value === undefined) continue;
		const part = new Count();
		seen.delete(value);
		count(value, seen, part);
		parts.push({ name, what, ...part });
	}
	const rest = new Count();
	seen.delete(broker.pool);
	seen.delete(broker.outputs);
	seen.delete(broker);
	rest.slots += 7 * SLOT; // the array over the memory
	rest.chunks += 8;
	count(broker, seen, rest);
	parts.push({ name: "broker", what: "everything else", slots: rest.slots, chunks: rest.chunks });
	return parts;
}

/** @returns bytes that one connected client takes: connection, session, buffers; without the transport's own */
export function bytesPerClient(limits: Limits): number {
	const parts = budgetOf(limits);
	const total = (name: string) => {
		const part = parts.find((p) => p.name === name)!;
		return part.slots + part.chunks;
	};
	const sessions = limits.sessions + limits.localSubscriptions;
	const connection =
		(total("connections") + total("partials") + total("aliases taken") + total("aliases given")) /
		connectionSlots(limits);
	return Math.ceil(connection + total("sessions") / sessions);
}
