/** Runs of PUBLISHes by Topic Alias: each way brings what the others bring. */
import { generate, type Packet } from "mqtt-packet";
import { Fixture, type FixtureOptions, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("runs of Topic Aliases");

const TOPICS = ["some/topic", "other/topic"] as const;

/** A PUBLISH of QoS 0 of the first or second topic, by an alias that no receiver has for it. */
function aliased(place: number, payload: string, more: object = {}): Packet {
	const properties = { topicAlias: place + 2, ...more };
	return { cmd: "publish", topic: "", payload, qos: 0, dup: false, retain: false, properties } as Packet;
}

interface World {
	fixture: Fixture;
	publisher: TestClient;
	/** two that take aliases, in other orders; one of 5.0 that takes none; one of 3.1.1 */
	receivers: TestClient[];
	/** sends packets in one read */
	send(...packets: Packet[]): void;
	/** @returns what a receiver has got since it was last asked: topic and payload */
	got(receiver: TestClient): string[];
}

/** @param mixed with receivers that take no aliases: those behind them get theirs the long way */
function world(options: FixtureOptions, mixed: boolean): World {
	const fixture = new Fixture(options);
	const v5 = (id: string, properties: object = {}): TestClient =>
		fixture.connect(id, { protocolVersion: 5, properties });
	const publisher = v5("publisher");
	const receivers = [v5("a", { topicAliasMaximum: 4 }), v5("b", { topicAliasMaximum: 2 })];
	if (mixed) receivers.push(v5("plain"), fixture.connect("old"));
	receivers[1]!.subscribe(TOPICS[1]);
	publisher.publish(TOPICS[1], "gives b its first alias");
	const names = new Map<TestClient, Map<number, string>>();
	const got = (receiver: TestClient): string[] =>
		receiver.packets.splice(0).flatMap((packet) => {
			if (packet.cmd !== "publish") return [];
			const own = names.get(receiver) ?? new Map<number, string>();
			names.set(receiver, own);
			const alias = packet.properties?.topicAlias;
			if (alias !== undefined && packet.topic !== "") own.set(alias, packet.topic);
			return [`${packet.topic || own.get(alias!)} ${packet.payload}`];
		});
	got(receivers[1]!);
	for (const client of receivers) client.subscribe([...TOPICS]);
	for (const [i, topic] of TOPICS.entries())
		publisher.send({ ...aliased(i + 1, "named"), topic } as Packet).send(aliased(i + 1, "again"));
	for (const client of receivers) assert.is(got(client).length, 4);
	const send = (...packets: Packet[]) =>
		publisher.raw(Buffer.concat(packets.map((packet) => generate(packet, { protocolVersion: 5 }))));
	return { fixture, publisher, receivers, send, got };
}

const WAYS: Record<string, FixtureOptions> = {
	"at once": { copiesWrites: true },
	"at the turn's end": { copiesWrites: false },
	"the long way": { shortWays: false },
};

for (const [way, options, mixed] of Object.entries(WAYS).flatMap(([way, options]) => [
	[way, options, true] as const,
	[way, options, false] as const,
])) {
	const how = `${way}, ${mixed ? "to receivers of every kind" : "to those that take aliases"}`;
	test(`they come whole, in order and under their topics, ${how}`, () => {
		const { fixture, receivers, send, got } = world(options, mixed);
		const runs = [1, 1, 2, 1, 2, 2, 2, 1, 1].map((alias, i) => aliased(alias, `${i}`));
		send(...runs, aliased(1, "text", { contentType: "text/plain" }), aliased(1, "x".repeat(300)), aliased(2, "last"));
		const of = (alias: number, payload: string) => `${TOPICS[alias - 1]} ${payload}`;
		const expected = [1, 1, 2, 1, 2, 2, 2, 1, 1].map((alias, i) => of(alias, `${i}`));
		expected.push(of(1, "text"), of(1, "x".repeat(300)), of(2, "last"));
		for (const client of receivers) assert.equal(got(client), expected);
		assert.is(fixture.broker.counters.internalErrors, 0);
	});

	test(`properties go on, to those that have them, ${how}`, () => {
		const { receivers, send } = world(options, mixed);
		const more = { payloadFormatIndicator: true, contentType: "text/plain" };
		send(aliased(1, "a", more), aliased(1, "b", { ...more, userProperties: { from: "me" } }), aliased(1, "c", more));
		for (const client of receivers.slice(0, 3)) {
			const types = client.packets.map((packet) => packet.cmd === "publish" && packet.properties?.contentType);
			assert.equal(types, ["text/plain", "text/plain", "text/plain"]);
		}
	});

	test(`who is not ready gets all of it later, and the others at once, ${how}`, () => {
		const { receivers, send, got } = world(options, mixed);
		const expected = ["1", "2", "3"].map((payload) => `${TOPICS[0]} ${payload}`);
		receivers[0]!.stall(7);
		send(aliased(1, "1"), aliased(1, "2"), aliased(1, "3"));
		for (const client of receivers.slice(1)) assert.equal(got(client), expected);
		assert.equal(got(receivers[0]!), []);
		receivers[0]!.drain();
		assert.equal(got(receivers[0]!), expected);
	});

	test(`a short one does not overtake a long one that waits, ${how}`, () => {
		const { receivers, send, got } = world(options, mixed);
		receivers[0]!.stall(40);
		send(aliased(1, "x".repeat(200)));
		send(aliased(1, "y"), aliased(1, "z"));
		assert.equal(got(receivers[0]!), []);
		receivers[0]!.drain();
		const expected = ["x".repeat(200), "y", "z"].map((payload) => `${TOPICS[0]} ${payload}`);
		for (const client of receivers) assert.equal(got(client), expected);
	});

	test(`an alias whose topic's route has made room for another topic's leads to its own, ${how}`, () => {
		const limits = { routes: 2, topicAliasesGiven: 8, topicAliases: 8 };
		const { publisher, receivers, send, got } = world({ ...options, limits }, mixed);
		const others = ["third/topic", "fourth/topic", "fifth/topic"];
		for (const topic of others) {
			for (const client of receivers) client.subscribe(topic);
			// each receiver has an alias of it, too, as far as it takes any
			publisher.publish(topic, "1").publish(topic, "2");
			for (const client of receivers) got(client);
			send(aliased(1, "a"), aliased(1, "b"));
			send(aliased(2, "c"), aliased(2, "d"));
			const expected = [`${TOPICS[0]} a`, `${TOPICS[0]} b`, `${TOPICS[1]} c`, `${TOPICS[1]} d`];
			for (const client of receivers) assert.equal(got(client), expected);
		}
	});

	test(`more than a buffer has comes whole, ${how}`, () => {
		const { receivers, send, got } = world({ ...options, limits: { outputBytes: 1_000 } }, mixed);
		const payloads = Array.from({ length: 40 }, (_, i) => "x".repeat(1 + 7 * i));
		send(...payloads.map((payload) => aliased(1, payload)));
		for (const client of receivers) {
			assert.equal(
				got(client),
				payloads.map((payload) => `${TOPICS[0]} ${payload}`),
			);
		}
	});

	test(`an alias that was not given ends its sender's connection, after what came before, ${how}`, () => {
		const { publisher, receivers, send, got } = world(options, mixed);
		send(aliased(1, "1"), aliased(1, "2"), aliased(9, "3"), aliased(1, "4"));
		const expected = ["1", "2"].map((payload) => `${TOPICS[0]} ${payload}`);
		for (const client of receivers) assert.equal(got(client), expected);
		assert.is(publisher.take("disconnect").reasonCode, 0x94);
	});

	test(`a packet in pieces behind a run is one packet, ${how}`, () => {
		const { publisher, receivers, send, got } = world(options, mixed);
		const bytes = Buffer.concat(["1", "2"].map((payload) => generate(aliased(1, payload), { protocolVersion: 5 })));
		for (let cut = 1; cut < bytes.length; cut++) {
			publisher.raw(bytes.subarray(0, cut));
			publisher.raw(bytes.subarray(cut));
			for (const client of receivers) assert.equal(got(client), [`${TOPICS[0]} 1`, `${TOPICS[0]} 2`], `cut at ${cut}`);
		}
		send(aliased(1, "end"));
		assert.equal(got(receivers[0]!), [`${TOPICS[0]} end`]);
	});
}

test.run();
