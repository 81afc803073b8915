import fc from "fast-check";
import { RouteCache } from "../../src/broker/route-cache.js";
import { TopicTable } from "../../src/broker/topic-table.js";
import { sharedFilterAt, topicMatches } from "../../src/codec/topic.js";
import { assert, suite } from "../support/test.js";

const test = suite("topic table and route cache");

const SESSIONS = 6;

function make(subscriptions = 60, nodes = 200) {
	const table = new TopicTable(subscriptions, nodes, 10_000, SESSIONS);
	const routes = new RouteCache(table, 5, subscriptions + 1, 20, SESSIONS);
	const subscribe = (session: number, filter: string, options = 0, identifier = 0) => {
		const existing = table.find(session, filter);
		const shareAt = sharedFilterAt(filter);
		let subscription = existing;
		if (existing !== 0) {
			table.options[existing] = options;
			table.identifier[existing] = identifier;
		} else subscription = table.add(session, filter, shareAt, filter.length, options, identifier);
		if (subscription !== 0) routes.changed(filter.slice(shareAt));
		return subscription;
	};
	const unsubscribe = (session: number, filter: string) => {
		const subscription = table.find(session, filter);
		if (subscription === 0) return false;
		table.remove(subscription, filter.length);
		routes.changed(filter.slice(sharedFilterAt(filter)));
		return true;
	};
	/** @returns the receivers as "session:options:identifier", sorted; groups as "g:filter" */
	const receivers = (topic: string) => {
		const route = routes.find(topic, topic.length) || routes.build(topic, topic.length);
		const result: string[] = [];
		for (let r = routes.receivers(route); r !== 0; r = routes.next[r]!) {
			const options = routes.options[r]!;
			if ((options & 0x40) !== 0) result.push(`g:${table.path(routes.session[r]!)}`);
			else if ((options & 0x80) !== 0) result.push(`${routes.session[r]}+${routes.identifier[r]}`);
			else result.push(`${routes.session[r]}:${options & 3}:${routes.identifier[r]}`);
		}
		return result.sort();
	};
	return { table, routes, subscribe, unsubscribe, receivers };
}

test("overlapping filters of a session are one receiver at the highest QoS [MQTT-3.3.5-1] [5:MQTT-3.3.4-2]", () => {
	const { subscribe, receivers } = make();
	subscribe(1, "a/b", 0);
	subscribe(1, "a/+", 2);
	subscribe(1, "#", 1);
	subscribe(2, "a/b", 1);
	assert.equal(receivers("a/b"), ["1:2:0", "2:1:0"]);
	assert.equal(receivers("a/c"), ["1:2:0"]);
	assert.equal(receivers("x"), ["1:1:0"]);
});

test("all Subscription Identifiers of a receiver stay with it [5:MQTT-3.3.4-3]", () => {
	const { subscribe, receivers } = make();
	subscribe(1, "a/b", 0, 7);
	subscribe(1, "a/+", 1, 9);
	subscribe(1, "a/#", 1, 11);
	assert.equal(receivers("a/b"), ["1+11", "1+9", "1:1:7"].sort());
});

test("a wildcard at the first level does not match a topic that begins with $ [MQTT-4.7.2-1] [5:MQTT-4.7.2-1]", () => {
	const { subscribe, receivers } = make();
	subscribe(1, "#");
	subscribe(2, "+/monitor");
	subscribe(3, "$SYS/#");
	subscribe(4, "$SYS/+");
	assert.equal(receivers("$SYS/monitor"), ["3:0:0", "4:0:0"]);
	assert.equal(receivers("$SYS"), ["3:0:0"]);
});

test("a group of a Shared Subscription is a receiver, and no topic of its own name", () => {
	const { table, subscribe, unsubscribe, receivers } = make();
	subscribe(1, "$share/g/a/+");
	subscribe(2, "$share/g/a/+");
	subscribe(3, "$share/h/a/+");
	subscribe(4, "a/+");
	assert.equal(receivers("a/b"), ["4:0:0", "g:$share/g/a/+", "g:$share/h/a/+"]);
	assert.equal(receivers("$share/g/a/+"), []);
	for (const session of [1, 2]) assert.ok(unsubscribe(session, "$share/g/a/+"));
	assert.equal(receivers("a/b"), ["4:0:0", "g:$share/h/a/+"]);
	assert.ok(unsubscribe(3, "$share/h/a/+"));
	assert.ok(unsubscribe(4, "a/+"));
	assert.equal([table.count, table.nodeCount, table.filterBytes], [0, 0, 0]);
});

test("a full table refuses and stays as it was", () => {
	const { table, subscribe, receivers } = make(3, 4);
	assert.ok(subscribe(1, "a/b/+/c") > 0, "a/b/ a/b/+ a/b/+/c: three nodes");
	assert.is(subscribe(2, "x/+"), 0, "two more are too many");
	assert.is(table.nodeCount, 3);
	assert.ok(subscribe(2, "x") > 0);
	assert.is(subscribe(2, "y"), 0);
	assert.ok(subscribe(3, "x") > 0);
	assert.is(subscribe(4, "x"), 0, "three subscriptions");
	assert.equal(receivers("x"), ["2:0:0", "3:0:0"]);
	assert.equal(receivers("a/b/1/c"), ["1:0:0"]);
});

test("whatever is subscribed and unsubscribed, each topic has the receivers that the specification says", () => {
	const level = fc.constantFrom("a", "b", "", "$c", "+");
	const filters = fc.tuple(fc.array(level, { minLength: 1, maxLength: 4 }), fc.constantFrom("", "#"), fc.boolean());
	const filter = filters
		.map(([levels, end, shared]) => {
			const plain = [...levels, ...(end === "" ? [] : [end])].join("/");
			return shared && plain !== "" ? `$share/g/${plain}` : plain;
		})
		.filter((f) => f !== "");
	const topic = fc
		.array(fc.constantFrom("a", "b", "", "$c"), { minLength: 1, maxLength: 5 })
		.map((levels) => levels.join("/"))
		.filter((t) => t !== "");
	const step = fc.oneof(
		fc.record({ what: fc.constant("subscribe"), session: fc.nat(SESSIONS - 1), text: filter, qos: fc.nat(2) }),
		fc.record({ what: fc.constant("unsubscribe"), session: fc.nat(SESSIONS - 1), text: filter, qos: fc.constant(0) }),
		fc.record({ what: fc.constant("publish"), session: fc.constant(0), text: topic, qos: fc.constant(0) }),
	);
	fc.assert(
		fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
			const { table, subscribe, unsubscribe, receivers } = make(60, 200);
			const model = new Map<string, number>();
			for (const { what, session, text, qos } of steps) {
				const key = `${session} ${text}`;
				if (what === "subscribe") {
					if (subscribe(session, text, qos) !== 0) model.set(key, qos);
				} else if (what === "unsubscribe") assert.is(unsubscribe(session, text), model.delete(key));
				else assert.equal(receivers(text), expected(model, text), text);
			}
			for (const key of model.keys()) assert.ok(unsubscribe(Number(key[0]), key.slice(2)));
			assert.equal([table.count, table.nodeCount, table.filterBytes], [0, 0, 0]);
		}),
		{ seed: 3, numRuns: 2000 },
	);
});

function expected(model: Map<string, number>, topic: string): string[] {
	const plain = new Map<number, number>();
	const groups = new Set<string>();
	for (const [key, qos] of model) {
		const filter = key.slice(2);
		const at = sharedFilterAt(filter);
		if (!topicMatches(filter.slice(at), topic)) continue;
		const session = Number(key[0]);
		if (at > 0) groups.add(`g:${filter}`);
		else plain.set(session, Math.max(qos, plain.get(session) ?? 0));
	}
	return [...[...plain].map(([session, qos]) => `${session}:${qos}:0`), ...groups].sort();
}

test("a topic that was seen before is not searched again, unless a filter that matches it changed", () => {
	const { routes, subscribe, unsubscribe, receivers } = make();
	subscribe(1, "a/+");
	receivers("a/b");
	receivers("c/d");
	const misses = routes.misses;
	subscribe(2, "x/#");
	subscribe(2, "q");
	receivers("a/b");
	receivers("c/d");
	assert.is(routes.misses, misses, "neither matches");
	subscribe(3, "+/d");
	receivers("a/b");
	assert.is(routes.misses, misses);
	assert.equal(receivers("c/d"), ["3:0:0"]);
	assert.is(routes.misses, misses + 1);
	unsubscribe(1, "a/+");
	assert.equal(receivers("a/b"), []);
});

test("the cache is bounded: what was not used for long makes room", () => {
	const { routes, subscribe, receivers } = make();
	subscribe(1, "#");
	for (let i = 0; i < 100; i++) assert.equal(receivers(`t/${i}`), ["1:0:0"]);
	assert.is(routes.count, 5);
	assert.equal(receivers("a topic that is too long to be cached"), ["1:0:0"]);
	assert.is(routes.count, 5);
});

test("a wildcard change that is long past makes an old route be built anew", () => {
	const { subscribe, unsubscribe, receivers } = make();
	receivers("a/b");
	subscribe(1, "a/+");
	for (let i = 0; i < 40; i++) {
		subscribe(2, "z/+");
		unsubscribe(2, "z/+");
	}
	assert.equal(receivers("a/b"), ["1:0:0"]);
});

test.run();
