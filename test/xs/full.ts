/** On XS: a broker whose every table is full and whose every text is as long as it may be, for `hearth budget` to
 *  be held
 *  against: reports the bytes that it keeps. */
import { limits } from "hearth-mqtt/limits";
import { Broker } from "../../src/broker/broker.js";
import type { Connection } from "../../src/broker/connection.js";
import { Feeder } from "./clients.js";
import { report } from "./measure.js";
import { XsPlatform } from "./platform.js";

/** @returns a text of exactly so many characters, different for each number */
function textOf(n: number, length: number): string {
	return `${n}`.padEnd(length, "x");
}

function use(): { slots: number; chunks: number } {
	host.gc();
	return { slots: host.slots(), chunks: host.chunks() };
}

const platform = new XsPlatform();
platform.log = () => {};
const before = use();
const broker = new Broker({ limits, platform });
const made = use();
const feeder = new Feeder(broker);
const clients: Connection[] = [];

/** As many sessions as there may be, with the longest Client Identifiers; the last ones stay connected. */
function fillSessions(): void {
	for (let i = 0; i < limits.sessions; i++) {
		const client = feeder.connect(textOf(i, limits.clientIdBytes), false)!;
		if (i < limits.sessions - limits.connections) feeder.feed(client, [0xe0, 0]);
		else clients.push(client);
	}
	for (let i = 0; i < limits.localSubscriptions; i++) broker.subscribe("local", () => {});
}

/** All subscriptions and nodes, and nearly all bytes of filters. */
function fillSubscriptions(): void {
	const count = limits.subscriptions;
	// two paths each, "n/" and "n/+", which count as much
	const wild = limits.filterNodes - count - 1;
	const bytes = Math.floor((limits.filterBytes - 20) / (count + wild));
	for (let i = 0; i < count; i++) {
		const filter = i < wild ? `${textOf(i, bytes - 2)}/+` : textOf(i, bytes);
		feeder.subscribe(clients[i % clients.length]!, filter, 0);
	}
}

/** All Retained Messages, with all the bytes of topics; they take the blocks of the store too. */
function fillRetained(): void {
	const bytes = Math.floor(limits.retainedTopicBytes / limits.retained);
	for (let i = 0; i < limits.retained; i++) feeder.publish(clients[0]!, textOf(i, bytes), 20, 0, true);
}

/** All routes, with the longest topics that are kept. */
function fillRoutes(): void {
	for (let i = 0; i < limits.routes; i++)
		feeder.publish(clients[0]!, textOf(1000 + i, limits.routeTopicBytes), 10, 0, false);
}

fillSessions();
fillSubscriptions();
fillRetained();
fillRoutes();
const full = use();
report("tables", {
	sessions: broker.sessions.count,
	connections: broker.connectedCount,
	subscriptions: broker.table.count,
	nodes: broker.table.nodeCount,
	filterBytes: broker.table.filterBytes,
	retained: broker.retained.count,
	retainedTopicBytes: broker.retained.topicBytes,
	routes: broker.routes.count,
});
report("made", { slots: (made.slots - before.slots) * host.slotSize(), chunks: made.chunks - before.chunks });
report("full", { slots: (full.slots - before.slots) * host.slotSize(), chunks: full.chunks - before.chunks });
host.exit(0);
