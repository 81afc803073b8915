/** What the broker says of itself under $SYS. */
import { readFileSync } from "node:fs";
import { VERSION } from "../../src/broker/sys-topics.js";
import { fresh } from "../conformance/wire.js";
import { Fixture, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("$SYS");
const limits = { deliveries: 400, queueMessages: 200, blocks: 400 };

/** @returns by topic, what came */
function values(client: TestClient): Map<string, string> {
	const found = new Map<string, string>();
	for (const packet of client.packets.splice(0))
		if (packet.cmd === "publish") found.set(packet.topic, `${packet.payload}`);
	return found;
}

test("the version is the package's", () => {
	assert.is(VERSION, JSON.parse(readFileSync("package.json", "utf8")).version);
});

test("who subscribes gets the values at once, as retained ones behind its SUBACK, then at each interval", () => {
	const fixture = new Fixture({ limits, sysInterval: 10 });
	const client = fixture.connect("c");
	client.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "$SYS/#", qos: 1 }] });
	client.take("suback");
	const all = client.packets.length;
	assert.ok(all > 30, `${all}`);
	for (const packet of client.packets) assert.ok(packet.cmd === "publish" && packet.retain && packet.qos === 0);
	const now = values(client);
	assert.is(now.get("$SYS/broker/version"), `hearth version ${VERSION}`);
	assert.is(now.get("$SYS/broker/clients/connected"), "1");
	assert.is(now.get("$SYS/broker/subscriptions/count"), "1");
	fixture.advance(5_000);
	client.packets = [];
	const other = fixture.connect("other", { clean: false });
	for (let i = 0; i < 60; i++) other.publish("a", "x");
	other.cut();
	fixture.advance(10_000);
	for (const packet of client.packets) assert.ok(packet.cmd === "publish" && !packet.retain);
	const later = values(client);
	assert.is(later.get("$SYS/broker/uptime"), "10 seconds");
	assert.is(later.get("$SYS/broker/publish/messages/received"), "60");
	assert.is(later.get("$SYS/broker/clients/disconnected"), "1");
	assert.is(later.get("$SYS/broker/clients/maximum"), "2");
	assert.is(later.get("$SYS/broker/hearth/closed/transport-closed"), "1");
	const load = Number(later.get("$SYS/broker/load/publish/received/1min"));
	assert.ok(load > 30 && load < 400, `${load}: of 60 in ten seconds`);
	assert.ok(Number(later.get("$SYS/broker/load/publish/received/15min")) < load);
	assert.ok(Number(later.get("$SYS/broker/bytes/sent")) > 1_000);
});

test("one value, a wildcard for one level, a Subscription Identifier, and none at Retain Handling 2", () => {
	const fixture = new Fixture({ limits, sysInterval: 10 });
	const client = fixture.connect("c", fresh(5));
	const subscribe = (topic: string, rh: number, properties: object = {}) => {
		client.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos: 0, rh }], properties });
		client.take("suback");
	};
	subscribe("$SYS/broker/uptime", 0, { subscriptionIdentifier: 7 });
	assert.is(client.packets.length, 1);
	assert.is(
		(client.packets[0] as { properties?: { subscriptionIdentifier?: number } }).properties?.subscriptionIdentifier,
		7,
	);
	client.packets = [];
	subscribe("$SYS/broker/clients/+", 0);
	assert.equal(
		[...values(client).keys()].every((topic) => topic.startsWith("$SYS/broker/clients/")),
		true,
	);
	subscribe("$SYS/broker/bytes/+", 2);
	assert.equal(client.packets, []);
});

test("nobody else can speak there: refused or dropped, retained or as a Will", () => {
	const fixture = new Fixture({ limits, sysInterval: 10 });
	const witness = fixture.connect("w");
	witness.subscribe("$SYS/broker/uptime");
	witness.packets = [];
	const v5 = fixture.connect("v5", fresh(5));
	for (let i = 0; i < 3; i++) {
		v5.publish("$SYS/broker/uptime", "x", 1, { retain: true });
		assert.is(v5.take("puback").reasonCode, 0x87);
	}
	const old = fixture.connect("old");
	for (let i = 0; i < 3; i++) old.publish("$SYS/broker/uptime", "x", 2, { messageId: 5, dup: i > 0 });
	old.send({ cmd: "pubrel", messageId: 5 });
	assert.is(fixture.broker.sessions.find("old")!.receivedCount, 0);
	const will = { topic: "$SYS/x", payload: Buffer.from("x"), qos: 0 as const, retain: false };
	assert.is(fixture.open(5).connect("will", { ...fresh(5), will }).reasonCode, 0x87);
	assert.equal(witness.messages(), []);
	fixture.advance(11_000);
	assert.equal(witness.messages().length, 2);
	assert.is(fixture.broker.retained.count, 0);
});

test("no wildcard of the first level reaches it, rights hold, and who has gone leaves nothing", () => {
	const access = { authorizeReceive: (_client: unknown, topic: string) => topic !== "$SYS/broker/uptime" };
	const fixture = new Fixture({ limits, sysInterval: 10, access });
	const all = fixture.connect("all");
	all.subscribe(["#", "+/broker/uptime"]);
	const some = fixture.connect("some");
	some.subscribe("$SYS/#");
	some.packets = [];
	fixture.advance(10_500);
	assert.equal(all.messages(), []);
	assert.ok(some.packets.length > 30);
	assert.not.ok(values(some).has("$SYS/broker/uptime"));
	for (const client of [all, some]) client.send({ cmd: "disconnect" } as never);
	fixture.advance(21_000);
	assert.is(fixture.broker.table.sysCount, 0);
	assert.is(fixture.broker.store.count, 0);
	assert.is(fixture.broker.pool.freeCount, limits.blocks);
});

test("without an interval nothing is said", () => {
	const fixture = new Fixture({ limits });
	const client = fixture.connect("c");
	client.subscribe("$SYS/#");
	fixture.advance(60_000);
	assert.equal(client.packets, []);
});

test("an ESP32 says it all within its limits, and a SUBSCRIBE of many filters in parts is not disturbed", () => {
	const fixture = new Fixture({ sysInterval: 60 });
	const client = fixture.connect("c");
	const filters = ["$SYS/#", ...Array.from({ length: 40 }, (_, i) => `a/rather/long/filter/number/${i}`)];
	assert.equal(
		client.subscribe(filters, 1),
		filters.map(() => 1),
	);
	assert.ok(client.packets.length > 20, `${client.packets.length}`);
	assert.is(fixture.broker.table.count, 41);
	fixture.advance(61_000);
	assert.is(fixture.broker.counters.internalErrors, 0);
});

test.run();
