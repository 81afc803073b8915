/** Topic Aliases that the broker gives. Spec: 5.0, 3.3.2.3.4, 3.1.2.11.5 */
import type { Packet } from "mqtt-packet";
import { Fixture, type FixtureOptions, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";
import { fresh } from "./wire.js";

const test = suite("Topic Aliases to clients");

function taking(fixture: Fixture, id: string, topicAliasMaximum: number, more: object = {}): TestClient {
	return fixture.connect(id, { ...fresh(5), properties: { topicAliasMaximum, ...more } });
}

/** Takes what came as "topic alias payload"; an alias alone must have been given before. */
function aliased(client: TestClient, known = new Map<number, string>()): string[] {
	return client.packets.splice(0).map((packet: Packet) => {
		if (packet.cmd !== "publish") return packet.cmd;
		const alias = packet.properties?.topicAlias;
		if (alias === undefined) return `${packet.topic} - ${packet.payload}`;
		if (packet.topic !== "") known.set(alias, packet.topic);
		return `${known.get(alias)} ${alias}${packet.topic === "" ? "" : "!"} ${packet.payload}`;
	});
}

function publishAll(fixture: Fixture, topics: string[], qos: 0 | 1 = 0): void {
	const publisher = fixture.connect("publisher", fresh(5));
	for (const [i, topic] of topics.entries()) publisher.publish(topic, `${i}`, qos, { messageId: i + 1 });
}

const large: FixtureOptions = { limits: { topicAliasesGiven: 4, inFlight: 100, queueMessages: 100, routes: 40 } };

for (const qos of [0, 1] as const) {
	const sentence = "a topic gets an alias, and then comes without its name";
	test(`5.0: QoS ${qos}: ${sentence} [5:MQTT-3.1.2-26]`, () => {
		const fixture = new Fixture(large);
		const client = taking(fixture, "c", 4);
		client.subscribe("#", qos);
		publishAll(fixture, ["room/one", "room/one", "room/one", "room/two", "room/two", "room/two", "room/one"], qos);
		assert.equal(aliased(client), [
			"room/one 1! 0",
			"room/one 1 1",
			"room/one 1 2",
			"room/two 2! 3",
			"room/two 2 4",
			"room/two 2 5",
			"room/one 1 6",
		]);
	});
}

test("5.0: no alias to who takes none, nor above what it takes [5:MQTT-3.1.2-26] [5:MQTT-3.1.2-27]", () => {
	const fixture = new Fixture(large);
	const none = [taking(fixture, "zero", 0), fixture.connect("absent", fresh(5)), fixture.connect("old")];
	const two = taking(fixture, "two", 2);
	const many = taking(fixture, "many", 65_535);
	for (const client of [...none, two, many]) client.subscribe("#", 1);
	const topics = ["aaaa", "bbbb", "cccc", "dddd", "eeee", "ffff"];
	publishAll(fixture, [...topics, ...topics, ...topics, ...topics], 0);
	for (const client of none) for (const line of aliased(client)) assert.match(line, / - /);
	for (const [client, max] of [[two, 2] as const, [many, 4] as const]) {
		let highest = 0;
		for (const packet of client.packets) {
			const alias = (packet as { properties?: { topicAlias?: number } }).properties?.topicAlias ?? 0;
			assert.ok(alias <= max, `${alias}`);
			highest = Math.max(highest, alias);
		}
		assert.is(highest, max);
		assert.equal(
			aliased(client).map((line) => line.split(" ")[0]),
			[...topics, ...topics, ...topics, ...topics],
		);
	}
});

test("5.0: topics that repeat most keep their aliases, and one that takes a place tells its name first", () => {
	const fixture = new Fixture(large);
	const client = taking(fixture, "c", 4);
	client.subscribe("#");
	const topics: string[] = [];
	for (let i = 0; i < 200; i++) topics.push("hot/one", "hot/two", `cold/${i % 10}`);
	publishAll(fixture, topics);
	const bare = client.packets.filter((packet) => packet.cmd === "publish" && packet.topic === "").length;
	assert.ok(bare > 300, `${bare} of 600 without a name`);
	assert.equal(
		aliased(client).map((line) => line.split(" ")[0]),
		topics,
	);
});

test("5.0: while all aliases are given, topics that come once get none and take none away", () => {
	const fixture = new Fixture(large);
	const client = taking(fixture, "c", 2);
	client.subscribe("#");
	publishAll(fixture, ["aaaa", "bbbb", ...Array.from({ length: 20 }, (_, i) => `once/${i}`), "aaaa", "bbbb"]);
	const got = aliased(client);
	assert.equal(got.slice(0, 2), ["aaaa 1! 0", "bbbb 2! 1"]);
	assert.equal(got.slice(-2), ["aaaa 1 22", "bbbb 2 23"]);
	for (const line of got.slice(2, -2)) assert.match(line, / - /);
});

test("5.0: an alias ends with its connection [5:MQTT-3.3.2-7]", () => {
	const fixture = new Fixture(large);
	for (let i = 0; i < 3; i++) {
		const client = taking(fixture, "c", 4);
		client.subscribe("#");
		publishAll(fixture, ["room/one", "room/one"]);
		assert.equal(aliased(client), ["room/one 1! 0", "room/one 1 1"], "given anew");
		client.cut();
	}
});

test("5.0: topics that leave the route cache and come again are never mistaken for others", () => {
	const fixture = new Fixture({ limits: { ...large.limits, routes: 4 } });
	const client = taking(fixture, "c", 4);
	client.subscribe("#");
	const topics: string[] = [];
	for (let i = 0; i < 500; i++) topics.push(`topic/${fixture.random() % 9}`);
	publishAll(fixture, topics);
	assert.equal(
		aliased(client).map((line) => line.split(" ")[0]),
		topics,
	);
});

test("5.0: properties, identifiers and others' packets are right beside an alias", () => {
	const fixture = new Fixture(large);
	const client = taking(fixture, "c", 4);
	const plain = fixture.connect("plain", fresh(5));
	for (const who of [client, plain]) {
		const subscriptions = [{ topic: "a/+", qos: 1 as const }];
		const properties = who === client ? { subscriptionIdentifier: 300 } : {};
		who.send({ cmd: "subscribe", messageId: 1, subscriptions, properties });
		who.take("suback");
	}
	const publisher = fixture.connect("p", fresh(5));
	for (const qos of [0, 1] as const)
		for (let i = 0; i < 3; i++) {
			const properties = { messageExpiryInterval: 60, userProperties: { k: `${i}` }, contentType: "t" };
			publisher.publish(`a/${qos}`, `${qos}${i}`, qos, { messageId: i + 1, properties });
		}
	const seen = (who: TestClient) =>
		who.packets.splice(0).map((packet) => {
			if (packet.cmd !== "publish") return packet.cmd;
			const { topicAlias: _alias, subscriptionIdentifier, ...rest } = packet.properties ?? {};
			assert.is(subscriptionIdentifier, who === client ? 300 : undefined);
			return `${packet.payload} ${packet.qos} ${JSON.stringify(rest)}`;
		});
	const expected = seen(plain);
	assert.is(expected.length, 6);
	assert.equal(seen(client), expected);
});

test("5.0: where a new alias would make a packet too large, none is given [5:MQTT-3.1.2-24]", () => {
	const fixture = new Fixture(large);
	for (let size = 20; size < 140; size++) {
		const client = taking(fixture, "c", 4, { maximumPacketSize: 120 });
		client.subscribe("#", 1);
		for (let i = 0; i < 3; i++) fixture.connect("p", fresh(5)).publish(`t/${size}`, "x".repeat(size), (i % 2) as 0 | 1);
		client.bytes = [];
		const sizes = client.packets.map((packet) => packet.length! + 2);
		for (const bytes of sizes) assert.ok(bytes <= 120, `${bytes}`);
		if (2 + 2 + `t/${size}`.length + 2 + 1 + size <= 120) assert.is(sizes.length, 3, `${size}`);
		client.cut();
	}
});

test("5.0: messages that waited for longer come with their names", () => {
	const fixture = new Fixture(large);
	const client = taking(fixture, "c", 4, { receiveMaximum: 1 });
	client.subscribe("#", 1);
	publishAll(fixture, ["room/one", "room/one", "room/one"], 1);
	const got = aliased(client);
	for (let id = 1; id <= 2; id++) {
		client.send({ cmd: "puback", messageId: id });
		got.push(...aliased(client));
	}
	assert.equal(got, ["room/one 1! 0", "room/one - 1", "room/one - 2"]);
});

test.run();
