import { Fixture } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";
import { data, each, ended, fresh, lasting, none, packet, publishBytes } from "./wire.js";

const test = suite("PUBLISH");

each(
	test,
	{ 3: "", 4: "[MQTT-3.3.1-1]", 5: "[5:MQTT-3.3.1-1] [5:MQTT-4.3.2-2] [5:MQTT-4.3.3-2]" },
	"what is delivered again has DUP 1, what is delivered first has not",
	(version) => {
		const fixture = new Fixture();
		const publisher = fixture.connect("p");
		for (const qos of [1, 2] as const) {
			const client = fixture.connect("c", lasting(version));
			client.subscribe("a", qos);
			publisher.publish("a", "sent", qos);
			assert.equal(client.messages(), [`a sent ${qos}`]);
			client.cut();
			publisher.publish("a", "waits", qos, { messageId: 2 });
			const back = fixture.connect("c", lasting(version));
			assert.equal(back.messages(), [`a sent ${qos} dup`, `a waits ${qos}`]);
			back.cut();
			const again = fixture.connect("c", lasting(version));
			assert.equal(again.messages(), [`a sent ${qos} dup`, `a waits ${qos} dup`]);
			fixture.connect("c", fresh(version)).cut();
			publisher.packets = [];
			publisher.send({ cmd: "pubrel", messageId: 1 }).send({ cmd: "pubrel", messageId: 2 });
		}
	},
);

each(
	test,
	{ 4: "[MQTT-3.3.1-2] [MQTT-4.3.1-1]", 5: "[5:MQTT-3.3.1-2] [5:MQTT-4.3.1-1]" },
	"a QoS 0 message never has DUP: not on its way out, and one that comes with it ends the connection",
	(version) => {
		const fixture = new Fixture();
		const zero = fixture.connect("zero", fresh(version));
		zero.subscribe("a", 0);
		for (const flags of [8, 9]) {
			const client = fixture.connect("c", fresh(version));
			client.raw(publishBytes(version, flags, "a", [], "x"));
			ended(client, `flags ${flags}`, 0x81);
			assert.equal(zero.messages(), []);
		}
		const publisher = fixture.connect("p", fresh(version));
		publisher.raw(publishBytes(version, 0x0a, "a", [0, 1], "dup 1"));
		publisher.raw(publishBytes(version, 0x0c, "a", [0, 2], "dup 2"));
		publisher.raw(publishBytes(version, 0, "a", [], "0"));
		assert.equal(zero.messages(), ["a dup 1 0", "a dup 2 0", "a 0 0"]);
		assert.equal(fixture.broker.retained.count, 0);
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.3.1-3]", 5: "[5:MQTT-3.3.1-3]" },
	"DUP on its way out does not come from the publisher",
	(version) => {
		const fixture = new Fixture();
		const client = fixture.connect("c", lasting(version));
		client.subscribe("a", 2);
		const publisher = fixture.connect("p", fresh(version));
		publisher.raw(publishBytes(version, 0x0a, "a", [0, 1], "1"));
		publisher.raw(publishBytes(version, 0x0c, "a", [0, 2], "2"));
		assert.equal(client.messages(), ["a 1 1", "a 2 2"]);
		client.cut();
		publisher.raw(publishBytes(version, 0x0a, "a", [0, 3], "3"));
		assert.equal(fixture.connect("c", lasting(version)).messages(), ["a 1 1 dup", "a 2 2 dup", "a 3 1"]);
	},
);

each(test, { 3: "", 4: "[MQTT-3.3.1-4]", 5: "[5:MQTT-3.3.1-4]" }, "QoS 3 ends the connection", (version) => {
	const fixture = new Fixture();
	const witness = fixture.connect("w");
	witness.subscribe("#", 2);
	for (const flags of [6, 7, 14, 15]) {
		const client = fixture.connect("c", fresh(version));
		client.raw(publishBytes(version, flags, "a", [0, 1], "x"));
		ended(client, `flags ${flags}`, 0x81);
	}
	assert.equal(witness.messages(), []);
	assert.is(fixture.broker.retained.count, 0);
});

each(
	test,
	{
		3: "",
		4: "[MQTT-3.3.1-5] [MQTT-3.3.1-6] [MQTT-3.3.1-8]",
		5: "[5:MQTT-3.3.1-5] [5:MQTT-3.3.1-9]",
	},
	"a retained message waits with its QoS for later subscriptions, the last one of each topic, with RETAIN 1",
	(version) => {
		for (const qos of [0, 1, 2] as const) {
			const fixture = new Fixture();
			const publisher = fixture.connect("p", fresh(version));
			const publish = (topic: string, payload: string, messageId: number) => {
				publisher.publish(topic, payload, qos, { retain: true, messageId });
				if (qos === 2) publisher.send({ cmd: "pubrel", messageId });
			};
			publish("a/b", "old", 1);
			publish("a/b", "new", 2);
			publish("a", "parent", 3);
			publish("a/b/c", "child", 4);
			publish("$a/b", "own", 5);
			publisher.cut();
			const got = (filter: string, granted: 0 | 1 | 2) => {
				const client = fixture.connect("c", fresh(version));
				client.subscribe(filter, granted);
				return client.messages().sort();
			};
			assert.equal(got("a/b", 2), [`a/b new ${qos} retain`]);
			assert.equal(got("a/b", 1), [`a/b new ${Math.min(qos, 1)} retain`]);
			assert.equal(got("a/b", 0), ["a/b new 0 retain"]);
			const all = [`a parent ${qos} retain`, `a/b new ${qos} retain`, `a/b/c child ${qos} retain`];
			assert.equal(got("a/#", 2), all.sort());
			assert.equal(got("#", 2), all.sort());
			assert.equal(got("+", 2), [`a parent ${qos} retain`]);
			assert.equal(got("+/+", 2), [`a/b new ${qos} retain`]);
			assert.equal(got("$a/+", 2), [`$a/b own ${qos} retain`]);
			assert.equal(got("b", 2), []);
			assert.equal(got("a/", 2), []);
			assert.equal(got("A/b", 2), []);
		}
	},
);

each(test, { 3: "", 4: "[MQTT-3.3.1-7]" }, "a retained QoS 0 message replaces one of QoS 2", (version) => {
	const fixture = new Fixture();
	const publisher = fixture.connect("p", fresh(version));
	publisher.publish("a", "two", 2, { retain: true });
	publisher.publish("a", "zero", 0, { retain: true });
	const client = fixture.connect("c", fresh(version));
	client.subscribe("a", 2);
	assert.equal(client.messages(), ["a zero 0 retain"]);
});

each(
	test,
	{ 3: "", 4: "[MQTT-3.3.1-9]", 5: "[5:MQTT-3.3.1-12]" },
	"a message for a subscription that is there already has RETAIN 0",
	(version) => {
		const fixture = new Fixture();
		const clients = (["zero", "one", "two"] as const).map((id, qos) => {
			const client = fixture.connect(id, lasting(version));
			client.subscribe("a/#", qos as 0 | 1 | 2);
			return client;
		});
		clients[2]!.cut();
		const publisher = fixture.connect("p", fresh(version));
		publisher.publish("a/b", "x", 1, { retain: true });
		assert.equal(clients[0]!.messages(), ["a/b x 0"]);
		assert.equal(clients[1]!.messages(), ["a/b x 1"]);
		assert.equal(fixture.connect("two", lasting(version)).messages(), ["a/b x 1"], "nor when it waited");
	},
);

each(
	test,
	{
		3: "",
		4: "[MQTT-3.3.1-10] [MQTT-3.3.1-11]",
		5: "[5:MQTT-3.3.1-6] [5:MQTT-3.3.1-7]",
	},
	"an empty retained message goes to subscribers, deletes the topic's message and is not stored",
	(version) => {
		for (const qos of [0, 1, 2] as const) {
			const fixture = new Fixture();
			const there = fixture.connect("there", fresh(version));
			there.subscribe("#", 2);
			const publisher = fixture.connect("p", fresh(version));
			for (const topic of ["a", "a/b"]) publisher.publish(topic, "x", 0, { retain: true });
			there.packets = [];
			publisher.publish("a", "", qos, { retain: true });
			assert.equal(there.messages(), [`a  ${qos}`], "as any other message, RETAIN 0");
			publisher.publish("never/there", "", qos, { retain: true, messageId: 2 });
			const late = fixture.connect("late", fresh(version));
			late.subscribe("#", 2);
			assert.equal(late.messages(), ["a/b x 0 retain"]);
			assert.is(fixture.broker.retained.count, 1);
		}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.3.1-12]", 5: "[5:MQTT-3.3.1-8]" },
	"a message without RETAIN, empty or not, neither stores nor replaces nor removes",
	(version) => {
		const fixture = new Fixture();
		const publisher = fixture.connect("p", fresh(version));
		publisher.publish("a", "kept", 1, { retain: true });
		for (const qos of [0, 1, 2] as const)
			for (const payload of ["other", ""])
				for (const topic of ["a", "b"]) {
					publisher.publish(topic, payload, qos, { messageId: 5 });
					publisher.send({ cmd: "pubrel", messageId: 5 });
				}
		const client = fixture.connect("c", fresh(version));
		client.subscribe("#", 2);
		assert.equal(client.messages(), ["a kept 1 retain"]);
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.1.2-7]" },
	"retained messages are no part of a session: they outlive the publisher's and the receiver's",
	(version) => {
		const fixture = new Fixture();
		const publisher = fixture.connect("p", fresh(version));
		publisher.publish("a", "x", 1, { retain: true });
		publisher.send({ cmd: "disconnect" });
		for (const options of [fresh(version), lasting(version), fresh(version)]) {
			const client = fixture.connect("p", options);
			client.subscribe("a", 1);
			assert.equal(client.messages(), ["a x 1 retain"]);
			client.cut();
		}
		fixture.advance(60_000);
		assert.is(fixture.broker.retained.count, 1);
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.3.2-1]", 5: "[5:MQTT-3.3.2-1]" },
	"the Topic Name is the first field: in what is sent, and in what comes",
	(version) => {
		const fixture = new Fixture();
		const client = fixture.connect("c", fresh(version));
		client.subscribe("t/#", 1);
		client.bytes = [];
		fixture.connect("p").publish("t/\u00fc", "x", 1).publish("t/\u00fc", "y", 0);
		const first = packet(0x32, data("t/\u00fc"), [0, 1], none(version), [0x78]);
		assert.equal(client.bytes, [...first, ...packet(0x30, data("t/\u00fc"), none(version), [0x79])]);
		// a topic that is not there, or longer than the packet
		for (const body of [[], [0], [0, 2, 0x61], [1, 0, 0x61], [0xff, 0xff]]) {
			const bad = fixture.connect("bad", fresh(version));
			bad.raw(packet(0x30, body));
			ended(bad, `${body}`, 0x81);
		}
		for (const body of [
			[0, 1, 0x61],
			[0, 1, 0x61, 0],
		]) {
			const bad = fixture.connect("bad", fresh(version));
			bad.raw(packet(0x32, body));
			ended(bad, `no Packet Identifier: ${body}`, 0x81);
		}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.3.2-2]", 5: "[5:MQTT-3.3.2-2]" },
	"a Topic Name with a wildcard ends the connection",
	(version) => {
		const fixture = new Fixture();
		const witness = fixture.connect("w");
		witness.subscribe(["#", "a/#", "+/b"]);
		for (const topic of ["#", "+", "a/#", "a/+/b", "+/b", "a#", "a+b", "/#"])
			for (const qos of [0, 1, 2]) {
				const client = fixture.connect("c", fresh(version));
				client.raw(publishBytes(version, qos << 1, topic, qos > 0 ? [0, 1] : [], "x"));
				ended(client, topic, 0x90);
			}
		assert.equal(witness.messages(), []);
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.3.2-3]", 5: "[5:MQTT-3.3.2-3]" },
	"a subscriber gets the Topic Name as it was published, and none that its filters do not match",
	(version) => {
		const fixture = new Fixture();
		const filters = ["a/b", "a/+", "a/#", "#", "+/b", "/+", "+/+", "A/b"];
		const clients = filters.map((filter, i) => {
			const client = fixture.connect(`${i}`, fresh(version));
			client.subscribe(filter);
			return client;
		});
		const publisher = fixture.connect("p");
		const topics = ["a/b", "a/c", "a", "/b", "A/b", "a/b/", "a//b"];
		for (const topic of topics) publisher.publish(topic, "x");
		const got = clients.map((client) => client.messages().map((line) => line.split(" ")[0]));
		assert.equal(got, [
			["a/b"],
			["a/b", "a/c"],
			["a/b", "a/c", "a", "a/b/", "a//b"],
			topics,
			["a/b", "/b", "A/b"],
			["/b"],
			["a/b", "a/c", "/b", "A/b"],
			["A/b"],
		]);
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.3.4-1]", 5: "[5:MQTT-3.3.4-1]" },
	"QoS 0 has no answer, QoS 1 PUBACK, QoS 2 PUBREC, with and without subscribers",
	(version) => {
		const fixture = new Fixture();
		const client = fixture.connect("c", fresh(version));
		fixture.connect("s").subscribe("heard", 2);
		for (const topic of ["heard", "unheard"])
			for (const retain of [false, true])
				for (const payload of ["x", ""]) {
					assert.equal(client.publish(topic, payload, 0, { retain }).messages(), []);
					assert.equal(client.publish(topic, payload, 1, { retain }).messages(), ["puback"]);
					assert.equal(client.publish(topic, payload, 2, { retain }).messages(), ["pubrec"]);
					assert.equal(client.send({ cmd: "pubrel", messageId: 1 }).messages(), ["pubcomp"]);
				}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.3.5-1]", 5: "[5:MQTT-3.3.4-2]" },
	"where filters of a client overlap, the message comes at the highest of their QoS",
	(version) => {
		const orders = [
			[0, 1, 2],
			[2, 1, 0],
			[1, 2, 0],
			[0, 2, 1],
		];
		for (const order of orders)
			for (const qos of [0, 1, 2] as const) {
				const fixture = new Fixture();
				const client = fixture.connect("c", fresh(version));
				const filters = ["a/#", "a/b", "+/b"];
				order.forEach((i) => {
					client.subscribe(filters[i]!, i as 0 | 1 | 2);
				});
				fixture.connect("p").publish("a/b", "x", qos);
				const got = client.messages();
				assert.equal(got[0], `a/b x ${qos}`);
				assert.is(got.length, 1, "one copy");
				client.send({ cmd: "unsubscribe", messageId: 9, unsubscriptions: ["+/b"] });
				client.take("unsuback");
				fixture.connect("q").publish("a/b", "y", qos);
				assert.equal(client.messages(), [`a/b y ${Math.min(qos, 1)}`]);
			}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.3.5-2]", 5: "" },
	"a message that a client may not publish reaches nobody and is acknowledged or refused",
	(version) => {
		const access = { authorizePublish: (_client: unknown, topic: string) => topic !== "secret" };
		const fixture = new Fixture({ access });
		const witness = fixture.connect("w", lasting(4));
		witness.subscribe("#", 2);
		const client = fixture.connect("c", fresh(version));
		const reason = version === 5 ? 0x87 : 0;
		client.publish("secret", "x", 0, { retain: true });
		assert.equal(client.messages(), []);
		client.publish("secret", "x", 1, { retain: true, messageId: 3 });
		const puback = client.take("puback");
		assert.equal([puback.messageId, puback.reasonCode ?? 0], [3, reason]);
		client.publish("secret", "x", 2, { messageId: 4 });
		const pubrec = client.take("pubrec");
		assert.equal([pubrec.messageId, pubrec.reasonCode ?? 0], [4, reason]);
		if (version !== 5) {
			client.send({ cmd: "pubrel", messageId: 4 });
			assert.is(client.take("pubcomp").messageId, 4);
		}
		assert.equal(witness.messages(), []);
		assert.is(fixture.broker.retained.count, 0);
		client.publish("open", "y", 1);
		assert.equal(witness.messages(), ["open y 1"]);
		assert.not(client.closed);
	},
);

test.run();
