/** Topic Names and Topic Filters: section 4.7 of 3.1.1. */
import { Fixture } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";
import {
	connectBytes,
	data,
	each,
	ended,
	fresh,
	none,
	packet,
	publishBytes,
	refused,
	subscribeBytes,
	unsubscribeBytes,
} from "./wire.js";

const test = suite("topics");

/** Which of the topics reach a client with this filter alone, published or retained. */
function reached(version: 3 | 4 | 5, filter: string, topics: readonly string[]): string[] {
	const fixture = new Fixture();
	const publisher = fixture.connect("p", fresh(version));
	const client = fixture.connect("c", fresh(version));
	client.subscribe(filter);
	for (const topic of topics) publisher.publish(topic, "x", 0, { retain: true });
	const got = client.packets.map((packet) => (packet.cmd === "publish" ? packet.topic : packet.cmd));
	const late = fixture.connect("late", fresh(version));
	late.subscribe(filter);
	const retained = late.packets.map((packet) => (packet.cmd === "publish" ? packet.topic : packet.cmd));
	assert.equal([...retained].sort(), [...got].sort(), `${filter}: retained`);
	return got;
}

const TOPICS = [
	"sport",
	"sport/",
	"/sport",
	"sport/tennis",
	"sport/tennis/player1",
	"sport/tennis/player1/ranking",
	"/finance",
	"//",
	"/",
	"a b/c d",
	"Sport/tennis",
	"$SYS/a",
	"$SYS",
	"$x/tennis/a",
	"sport/$x",
];

/** Filters with what they match of TOPICS. */
const MATCHES: readonly [filter: string, topics: readonly string[]][] = [
	["#", TOPICS.filter((topic) => !topic.startsWith("$"))],
	["sport/#", TOPICS.filter((topic) => topic === "sport" || topic.startsWith("sport/"))],
	["sport/tennis/player1/#", ["sport/tennis/player1", "sport/tennis/player1/ranking"]],
	["sport/tennis/#", ["sport/tennis", "sport/tennis/player1", "sport/tennis/player1/ranking"]],
	["/#", ["/sport", "/finance", "//", "/"]],
	["//#", ["//", "/"]],
	["+", ["sport"]],
	["+/+", ["sport/", "/sport", "sport/tennis", "/finance", "/", "a b/c d", "Sport/tennis", "sport/$x"]],
	["/+", ["/sport", "/finance", "/"]],
	["+/", ["sport/", "/"]],
	["//+", ["//"]],
	["sport/+", ["sport/", "sport/tennis", "sport/$x"]],
	["+/tennis", ["sport/tennis", "Sport/tennis"]],
	["+/tennis/#", ["sport/tennis", "sport/tennis/player1", "sport/tennis/player1/ranking", "Sport/tennis"]],
	["sport/+/player1", ["sport/tennis/player1"]],
	["+/+/+/#", ["sport/tennis/player1", "sport/tennis/player1/ranking", "//"]],
	["+/#", TOPICS.filter((topic) => !topic.startsWith("$"))],
	["$SYS/#", ["$SYS/a", "$SYS"]],
	["$SYS/+", ["$SYS/a"]],
	["$SYS", ["$SYS"]],
	["$x/+/a", ["$x/tennis/a"]],
	["+/SYS", []],
	["+/tennis/a", []],
	["sport", ["sport"]],
	["sport/", ["sport/"]],
	["/", ["/"]],
	["Sport/tennis", ["Sport/tennis"]],
	["SPORT", []],
];

each(
	test,
	{ 3: "", 4: "[MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-4.7.2-1]", 5: "[5:MQTT-4.7.1-1] [5:MQTT-4.7.1-2] [5:MQTT-4.7.2-1]" },
	"filters match what the standard says, with and without wildcards",
	(version) => {
		for (const [filter, topics] of MATCHES) {
			const got = reached(version, filter, TOPICS);
			assert.equal(got.sort(), [...topics].sort(), filter);
		}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-4.7.2-1]", 5: "[5:MQTT-4.7.2-1]" },
	"a wildcard at the first level does not match topics that begin with $, at another it does",
	(version) => {
		const topics = ["$SYS", "$SYS/monitor/Clients", "$a", "$/b", "$", "a/$SYS", "a/$"];
		assert.equal(reached(version, "#", topics), ["a/$SYS", "a/$"]);
		assert.equal(reached(version, "+/#", topics), ["a/$SYS", "a/$"]);
		assert.equal(reached(version, "+/monitor/Clients", topics), []);
		assert.equal(reached(version, "+", topics), []);
		assert.equal(reached(version, "$SYS/#", topics), ["$SYS", "$SYS/monitor/Clients"]);
		assert.equal(reached(version, "$SYS/monitor/+", topics), ["$SYS/monitor/Clients"]);
		assert.equal(reached(version, "$/+", topics), ["$/b"]);
		assert.equal(reached(version, "a/+", topics), ["a/$SYS", "a/$"]);
		const both = new Fixture();
		const client = both.connect("c", fresh(version));
		client.subscribe(["#", "$SYS/#"]);
		both.connect("p").publish("$SYS/a", "x").publish("a", "x");
		assert.equal(client.messages(), ["$SYS/a x 0", "a x 0"]);
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-4.7.1-1]", 5: "[5:MQTT-4.7.0-1]" },
	"wildcards are for filters: in a Topic Name they end the connection, also in a Will Topic",
	(version) => {
		const fixture = new Fixture();
		const witness = fixture.connect("w");
		witness.subscribe("#");
		for (const topic of ["+", "#", "a/+", "a/#", "+a", "a#b"]) {
			const client = fixture.connect("c", fresh(version));
			client.raw(publishBytes(version, 1, topic, [], "x"));
			ended(client, topic, 0x90);
			const will = fixture.open(version);
			const payload = [...data("w2"), ...none(version), ...data(topic), ...data("x")];
			will.raw(connectBytes(version, { flags: 0x26, payload }));
			refused(will, `Will Topic ${topic}`, 0, 0x90);
		}
		assert.equal(witness.messages(), []);
		assert.is(fixture.broker.retained.count, 0);
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-4.7.1-2] [MQTT-4.7.1-3]", 5: "[5:MQTT-4.7.1-1] [5:MQTT-4.7.1-2]" },
	"# elsewhere than at the end, or wildcards within a level, end the connection",
	(version) => {
		const fixture = new Fixture();
		const invalid = ["sport/tennis#", "sport/#/ranking", "#/a", "##", "a/##", "#+", "+#", "sport+", "+sport", "a/b+/c"];
		for (const filter of [...invalid, "a/+b", "++", "+/++", "a#/b"]) {
			const client = fixture.connect("c", fresh(version));
			client.raw(subscribeBytes(version, filter, 1));
			assert.ok(client.closed, filter);
			if (version === 5) assert.is(client.take("disconnect").reasonCode, 0x81);
			assert.equal(client.packets, []);
		}
		assert.is(fixture.broker.table.count, 0);
		const client = fixture.connect("c", fresh(version));
		const filters = ["#", "+", "a/#", "+/+", "/", "//", "/#", "a//+", "+/a/#", "$SYS/#", " "];
		assert.equal(
			client.subscribe(filters, 1),
			filters.map(() => 1),
		);
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-4.7.3-1]", 5: "[5:MQTT-4.7.3-1]" },
	"an empty Topic Name or Topic Filter ends the connection, one of a single character is good",
	(version) => {
		const fixture = new Fixture();
		const empties: [string, number[]][] = [
			["PUBLISH", publishBytes(version, 0, "", [], "x")],
			["PUBLISH, QoS 1", publishBytes(version, 2, "", [0, 1], "x")],
			["SUBSCRIBE", subscribeBytes(version, "", 0)],
			["SUBSCRIBE, second", packet(0x82, [0, 1], none(version), data("a"), [0], data(""), [0])],
			["UNSUBSCRIBE", unsubscribeBytes(version, "")],
			["UNSUBSCRIBE, second", packet(0xa2, [0, 1], none(version), data("a"), data(""))],
		];
		for (const [what, bytes] of empties) {
			const client = fixture.connect("c", fresh(version));
			client.raw(bytes);
			ended(client, what);
		}
		for (const topic of ["a", "/", " ", "\u{1f600}", "$"]) assert.equal(reached(version, topic, [topic]), [topic]);
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-4.7.3-2]", 5: "[5:MQTT-4.7.3-2]" },
	"U+0000 in a Topic Name or Topic Filter ends the connection, also behind a name that is known",
	(version) => {
		const fixture = new Fixture();
		const witness = fixture.connect("w");
		witness.subscribe(["a", "#"]);
		fixture.connect("p").publish("a", "x");
		witness.packets = [];
		for (const topic of ["\0", "a\0", "\0a", "a/\0/b"])
			for (const bytes of [
				publishBytes(version, 0, topic, [], "x"),
				publishBytes(version, 4, topic, [0, 1], "x"),
				subscribeBytes(version, topic, 0),
				subscribeBytes(version, `${topic}/#`, 0),
				unsubscribeBytes(version, topic),
			]) {
				const client = fixture.connect("c", fresh(version));
				client.raw(bytes);
				ended(client, JSON.stringify(topic), 0x81);
			}
		assert.equal(witness.messages(), []);
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-4.7.3-3]", 5: "[5:MQTT-4.7.3-3]" },
	"Topic Names and Topic Filters of 65,535 bytes are taken and sent, where the limits let them",
	(version) => {
		const limits = { topicBytes: 65_535, filterBytes: 200_000, packetBytes: 100_000, blocks: 4_000 };
		const fixture = new Fixture({ limits: { ...limits, queueBytes: 100_000, retainedTopicBytes: 70_000 } });
		for (const topic of ["x".repeat(65_535), "\u20ac".repeat(21_845), `a/${"x".repeat(65_533)}`]) {
			const client = fixture.connect("c", fresh(version));
			assert.equal(client.subscribe([topic, `${topic.slice(0, 5_000)}/#`], 1), [1, 1]);
			fixture.connect("p").publish(topic, "x", 1, { retain: true });
			assert.is(client.take("publish").topic, topic);
			client.send({ cmd: "unsubscribe", messageId: 3, unsubscriptions: [topic] });
			client.take("unsuback");
			assert.is(fixture.broker.table.count, 1);
			fixture.connect("p").publish(topic, "", 1, { retain: true });
		}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-4.7.3-4]", 5: "[5:MQTT-4.7.3-4]" },
	"topics are compared character for character: nothing is folded, normalised or trimmed",
	(version) => {
		const topics = [
			"ACCOUNTS",
			"Accounts",
			"accounts",
			"Accounts payable",
			"Accounts  payable",
			" Accounts",
			"Accounts ",
			"\u00c5",
			"A\u030a",
			"\u212b",
			"\ufb01",
			"fi",
			"stra\u00dfe",
			"strasse",
			"a//b",
			"a/b",
			"a/./b",
			"a/b/",
			"/a/b",
			"a\\b",
			"%61",
			"\u0131",
			"i",
			"\u200bi",
		];
		for (const topic of topics) {
			assert.equal(reached(version, topic, topics), [topic]);
			assert.equal(reached(version, `${topic}/#`, topics).includes(topic), true);
		}
	},
);

test("5.0: a Shared Subscription names group and filter, or ends it all [5:MQTT-4.8.2-1] [5:MQTT-4.8.2-2]", () => {
	const fixture = new Fixture();
	for (const filter of ["$share/g", "$share/g/", "$share//a", "$share/+/a", "$share/g+/a", "$share/#", "$share/#/a"]) {
		const client = fixture.connect("c", fresh(5));
		client.raw(subscribeBytes(5, filter, 0));
		assert.is(client.take("disconnect").reasonCode, 0x81, filter);
		assert.ok(client.closed);
	}
	const client = fixture.connect("c", fresh(5));
	for (const filter of ["$share/g/a", "$share/g//a", "$share/g/#", "$share/g/+/b"])
		assert.equal(client.subscribe(filter), [0], filter);
});

test("5.0: members of a group share messages, each at its own QoS [5:MQTT-4.8.2-3]", () => {
	const fixture = new Fixture();
	const members = ([0, 1, 2] as const).map((qos) => {
		const client = fixture.connect(`m${qos}`, fresh(5));
		client.subscribe("$share/g/a", qos);
		return client;
	});
	const publisher = fixture.connect("p");
	for (let i = 1; i <= 12; i++) {
		publisher.publish("a", "x", 2, { messageId: i });
		publisher.send({ cmd: "pubrel", messageId: i });
	}
	const got = members.map((client) => client.messages());
	assert.is(got.flat().length, 12, "one of them gets each");
	got.forEach((messages, qos) => {
		assert.ok(messages.length > 0 && messages.every((line) => line === `a x ${qos}`), `${messages}`);
	});
});

test.run();
