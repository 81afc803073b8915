/** What the broker says of itself under $SYS/broker, with Mosquitto's names where they mean the same. Values are made
 *  when somebody listens, and not kept: who subscribes gets them at once, then at each interval. After counters.ts,
 *  before deliver.ts. */

import { topicMatches } from "../codec/topic.js";
import { DeliveryState } from "../delivery/deliveries.js";
import { type Cause, causeCount, causeName } from "../errors.js";
import { frozen } from "../frozen.js";
import type { Wear } from "../platform.js";
import type { Broker } from "./broker.js";
import { deliver, queueStored, store } from "./deliver.js";
import type { Persist } from "./persist.js";
import type { Session } from "./session.js";

export const VERSION = "0.1.0";

/** Minutes that a load average covers. */
const SPANS: readonly number[] = frozen([1, 5, 15]);

/** What load averages are made of, a minute: their names, and how much there was. */
const LOADS: readonly (readonly [name: string, count: (b: Broker) => number])[] = frozen([
	["messages/received", (b) => b.counters.packetsReceived],
	["publish/received", (b) => b.counters.publishesReceived],
	["publish/sent", (b) => b.counters.publishesSent],
	["bytes/received", (b) => b.counters.bytesReceived],
	["bytes/sent", (b) => b.outputs.bytesSent],
	["connections", (b) => b.counters.connectionsOpened],
]);

const drops = (b: Broker): number => {
	const c = b.counters;
	return c.dropsQueue + c.dropsStore + c.dropsTooLarge + c.dropsExpired;
};

/** Name below $SYS/broker/, value. Hearth's own ones begin with "hearth/". */
const VALUES: readonly (readonly [name: string, value: (b: Broker) => number | string])[] = frozen([
	["version", () => `hearth version ${VERSION}`],
	["uptime", (b) => `${Math.floor(b.uptime / 1000)} seconds`],
	["clients/total", (b) => b.clientSessions],
	["clients/connected", (b) => b.connectedCount],
	["clients/active", (b) => b.connectedCount],
	["clients/disconnected", (b) => b.clientSessions - b.connectedCount],
	["clients/inactive", (b) => b.clientSessions - b.connectedCount],
	["clients/maximum", (b) => b.connectedMax],
	["messages/received", (b) => b.counters.packetsReceived],
	["messages/stored", (b) => b.store.count],
	["store/messages/count", (b) => b.store.count],
	["store/messages/bytes", (b) => (b.pool.blockCount - b.pool.freeCount) * b.pool.blockBytes],
	["subscriptions/count", (b) => b.table.count - b.local.count],
	["retained messages/count", (b) => b.retained.count],
	["publish/messages/received", (b) => b.counters.publishesReceived],
	["publish/messages/sent", (b) => b.counters.publishesSent],
	["publish/messages/dropped", drops],
	["bytes/received", (b) => b.counters.bytesReceived],
	["bytes/sent", (b) => b.outputs.bytesSent],
	["hearth/drops/queue", (b) => b.counters.dropsQueue],
	["hearth/drops/store", (b) => b.counters.dropsStore],
	["hearth/drops/too-large", (b) => b.counters.dropsTooLarge],
	["hearth/drops/expired", (b) => b.counters.dropsExpired],
	["hearth/drops/retained", (b) => b.counters.dropsRetained],
	["hearth/refused/publishes", (b) => b.counters.refusedPublishes],
	["hearth/refused/subscriptions", (b) => b.counters.refusedSubscriptions],
	["hearth/logins/delayed", (b) => b.guesses.delayed],
	["hearth/errors", (b) => b.counters.internalErrors + b.counters.handlerErrors],
	["hearth/storage/durability", (b) => b.persist?.durability ?? "memory only"],
	["hearth/storage/loss", (b) => (b.persist === undefined ? "all" : `${lossMs(b.persist)} ms`)],
	["hearth/storage/alarm", (b) => b.persist?.alarm ?? ""],
	["hearth/storage/bytes", (b) => b.persist?.medium.bytesUsed ?? 0],
	["hearth/storage/maximum", (b) => b.persist?.medium.bytesMax ?? 0],
	["hearth/storage/batches", (b) => b.persist?.batches ?? 0],
	["hearth/storage/failures", (b) => b.persist?.failures ?? 0],
	["hearth/limits/connections", (b) => b.limits.connections],
	["hearth/limits/sessions", (b) => b.limits.sessions],
	["hearth/limits/subscriptions", (b) => b.limits.subscriptions],
	["hearth/limits/deliveries", (b) => b.limits.deliveries],
	["hearth/limits/blocks", (b) => b.limits.blocks],
	["hearth/high-water/deliveries", (b) => b.limits.deliveries - b.deliveries.freeCountMin],
	["hearth/high-water/blocks", (b) => b.limits.blocks - b.pool.freeCountMin],
]);

/** @returns ms that a power cut costs at most, the medium's own waiting included */
function lossMs(persist: Persist): number {
	return persist.acknowledges ? 0 : persist.lossMs + (persist.medium.lagMs ?? 0);
}

/** The same of a storage that wears out, below hearth/storage/flash/. */
const WEAR: readonly (readonly [name: string, value: (w: Wear) => number | string])[] = frozen([
	["written", (w) => w.bytesWritten],
	["written/day", (w) => Math.round(w.bytesPerDay)],
	["erases/maximum", (w) => w.erasesMax],
	["erases/mean", (w) => Math.round(w.erasesMean)],
	["life", (w) => (w.lifeYears > 1_000 ? "more than 1000 years" : `${w.lifeYears.toFixed(1)} years`)],
	["damaged", (w) => w.damaged],
]);

const ROOT = "$SYS/broker/";

/** @returns whether a Topic Filter, without `$share/name/`, may match something under $SYS */
export function isSysFilter(filter: string): boolean {
	return filter.startsWith("$SYS/");
}

export class SysTopics {
	/** when the values are told next; ms on the platform's clock */
	private due = 0;
	/** by load and span: the average a minute; and by load: the count at the last interval */
	private readonly averages: Float64Array;
	private readonly counted: Float64Array;
	/** the most that the heaps had in use at an interval, bytes */
	private heapMax = 0;

	/** @param intervalSeconds > 0 */
	constructor(
		private readonly broker: Broker,
		private readonly intervalSeconds: number,
	) {
		this.averages = new Float64Array(LOADS.length * SPANS.length);
		this.counted = new Float64Array(LOADS.length);
	}

	/** Once a tick. */
	tick(): void {
		const broker = this.broker;
		if (broker.now < this.due) return;
		this.due = broker.now + this.intervalSeconds * 1000;
		this.measure();
		if (broker.table.sysCount > 0) this.each(undefined, "", 0);
	}

	/** A session subscribed: it gets what its filter matches. @param identifier Subscription Identifier; 0: none */
	welcome(session: Session, filter: string, identifier: number): void {
		this.each(session, filter, identifier);
	}

	/** Moving averages over one, five and fifteen minutes, as of an operating system's load. */
	private measure(): void {
		const minutes = this.intervalSeconds / 60;
		for (let load = 0; load < LOADS.length; load++) {
			const count = LOADS[load]![1](this.broker);
			const rate = (count - this.counted[load]!) / minutes;
			this.counted[load] = count;
			for (let span = 0; span < SPANS.length; span++) {
				const at = load * SPANS.length + span;
				this.averages[at]! += (rate - this.averages[at]!) * (1 - Math.exp(-minutes / SPANS[span]!));
			}
		}
	}

	/** Tells each value to one session, or to all that subscribed. */
	private each(session: Session | undefined, filter: string, identifier: number): void {
		for (let i = 0; i < VALUES.length; i++) {
			const value = VALUES[i]!;
			this.tell(ROOT + value[0], value[1], session, filter, identifier);
		}
		for (let load = 0; load < LOADS.length; load++)
			for (let span = 0; span < SPANS.length; span++) {
				const average = this.averages[load * SPANS.length + span]!;
				const topic = `${ROOT}load/${LOADS[load]![0]}/${SPANS[span]}min`;
				this.tell(topic, () => average.toFixed(2), session, filter, identifier);
			}
		const heap = this.broker.platform.heapBytes?.();
		if (heap !== undefined) {
			if (heap > this.heapMax) this.heapMax = heap;
			this.tell(`${ROOT}heap/current`, () => heap, session, filter, identifier);
			this.tell(`${ROOT}heap/maximum`, () => this.heapMax, session, filter, identifier);
		}
		const wear = this.broker.persist?.medium.wear;
		for (let i = 0; wear !== undefined && i < WEAR.length; i++) {
			const value = WEAR[i]!;
			this.tell(`${ROOT}hearth/storage/flash/${value[0]}`, () => value[1](wear), session, filter, identifier);
		}
		for (let cause = 1 as Cause; cause < causeCount; cause++) {
			const count = this.broker.counters.closedFor(cause);
			if (count > 0) this.tell(`${ROOT}hearth/closed/${causeName(cause)}`, () => count, session, filter, identifier);
		}
	}

	private tell(
		topic: string,
		value: (b: Broker) => number | string,
		session: Session | undefined,
		filter: string,
		identifier: number,
	): void {
		const broker = this.broker;
		if (session !== undefined && !topicMatches(filter, topic)) return;
		// a SUBSCRIBE that came in parts lies in the assembly buffer
		const at = session === undefined ? broker.layout.assembly : broker.layout.head;
		broker.local.compose(topic, `${value(broker)}`, 0, session !== undefined, at);
		const p = broker.publication;
		if (session === undefined) deliver(broker, p, broker.routes.receivers(broker.routes.buildUncached(topic)));
		else if (broker.rights.judgesReceive && !broker.rights.mayReceive(session.index, topic)) return;
		else this.queue(session, identifier);
		if (p.message !== 0) broker.store.release(p.message);
		p.message = 0;
	}

	/** Queues a value behind the SUBACK, as a Retained Message would be. */
	private queue(session: Session, identifier: number): void {
		const broker = this.broker;
		const p = broker.publication;
		const bytes = p.topicEnd - p.topicStart + p.payloadEnd - p.payloadStart;
		const limits = broker.limits;
		const fits = session.outbox.hasRoom(bytes, limits.queueBytes, limits.queueMessages) && store(broker, p) !== 0;
		if (fits && queueStored(broker, session, p.message, DeliveryState.Retain, identifier, 0)) return;
		session.drops++;
		broker.counters.dropsQueue++;
	}
}
