/** The acknowledgements, and delivery at each QoS: sections 3.4 to 3.7 and 4.3 of 3.1.1. */
import { Fixture } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";
import { each, ended, fresh, lasting, publishBytes } from "./wire.js";

const test = suite("QoS");

each(
	test,
	{ 4: "[MQTT-3.6.1-1]", 5: "[5:MQTT-3.6.1-1]" },
	"PUBREL has the flags 0010: what is sent, and what comes, or else the connection ends",
	(version) => {
		const fixture = new Fixture();
		for (let flags = 0; flags < 16; flags++) {
			const client = fixture.connect("c", fresh(version));
			client.publish("a", "x", 2);
			client.take("pubrec");
			client.raw([0x60 | flags, 2, 0, 1]);
			if (flags === 2) assert.is(client.take("pubcomp").messageId, 1);
			else ended(client, `flags ${flags}`, 0x81);
		}
		const client = fixture.connect("r", lasting(version));
		client.subscribe("a", 2);
		fixture.connect("p").publish("a", "x", 2);
		client.take("publish");
		client.bytes = [];
		client.raw([0x50, 2, 0, 1]);
		assert.equal(client.bytes, [0x62, 2, 0, 1]);
		client.cut();
		const back = fixture.connect("r", lasting(version));
		assert.equal(back.bytes.slice(-4), [0x62, 2, 0, 1], "resent too");
	},
);

each(
	test,
	{
		3: "",
		4: "[MQTT-4.3.2-1]",
		5: "[5:MQTT-4.3.2-1] [5:MQTT-4.3.2-3]",
	},
	"a QoS 1 message goes out with an identifier of its own, and is unacknowledged until its PUBACK comes",
	(version) => {
		const fixture = new Fixture();
		const client = fixture.connect("c", lasting(version));
		client.subscribe("a", 1);
		const publisher = fixture.connect("p");
		for (let i = 0; i < 4; i++) publisher.publish("a", `${i}`, 1);
		const ids = [0, 1, 2, 3].map(() => {
			const publish = client.take("publish");
			assert.equal([publish.qos, publish.dup], [1, false]);
			return publish.messageId!;
		});
		assert.is(new Set(ids).size, 4);
		client.send({ cmd: "puback", messageId: ids[1]! });
		// what is no answer to it changes nothing
		client.send({ cmd: "pubcomp", messageId: ids[0]! });
		client.send({ cmd: "puback", messageId: 999 });
		client.packets = [];
		publisher.publish("a", "4", 1);
		const next = client.take("publish");
		assert.not(
			ids.filter((id) => id !== ids[1]).includes(next.messageId!),
			"no identifier of one that is unacknowledged",
		);
		client.cut();
		const back = fixture.connect("c", lasting(version));
		const again = back.packets.map((packet) => packet.messageId);
		assert.equal(again, [ids[0], ids[2], ids[3], next.messageId]);
	},
);

each(
	test,
	{
		3: "",
		4: "[MQTT-4.3.2-2]",
		5: "[5:MQTT-4.3.2-4] [5:MQTT-4.3.2-5]",
	},
	"a QoS 1 message that came is acknowledged; the same identifier after that is a new message, DUP or not",
	(version) => {
		const fixture = new Fixture();
		const witness = fixture.connect("w");
		witness.subscribe("a", 0);
		const client = fixture.connect("c", lasting(version));
		for (const [i, flags] of [2, 2, 10].entries()) {
			client.raw(publishBytes(version, flags, "a", [1, 2], `${i}`));
			assert.is(client.take("puback").messageId, 0x102);
			assert.equal(witness.messages(), [`a ${i} 0`]);
		}
		client.cut();
		const back = fixture.connect("c", lasting(version));
		back.raw(publishBytes(version, 10, "a", [1, 2], "after"));
		assert.is(back.take("puback").messageId, 0x102);
		assert.equal(witness.messages(), ["a after 0"]);
	},
);

each(
	test,
	{
		3: "",
		4: "[MQTT-4.3.3-1]",
		5: "[5:MQTT-4.3.3-1] [5:MQTT-4.3.3-3] [5:MQTT-4.3.3-4] [5:MQTT-4.3.3-5] [5:MQTT-4.3.3-6]",
	},
	"QoS 2 out: PUBLISH until PUBREC, then PUBREL of the same identifier until PUBCOMP, and no PUBLISH again",
	(version) => {
		const fixture = new Fixture();
		const reconnect = () => {
			fixture.broker.sessions.find("c")?.connection?.onError();
			fixture.settle();
			return fixture.connect("c", lasting(version));
		};
		reconnect().subscribe("a", 2);
		const publisher = fixture.connect("p");
		publisher.publish("a", "x", 2).publish("a", "y", 2, { messageId: 2 });
		let client = reconnect();
		assert.equal(client.messages(), ["a x 2 dup", "a y 2 dup"]);
		// answers that do not belong to it
		client.send({ cmd: "puback", messageId: 1 }).send({ cmd: "pubcomp", messageId: 1 });
		client = reconnect();
		assert.equal(client.messages(), ["a x 2 dup", "a y 2 dup"]);
		client.send({ cmd: "pubrec", messageId: 1 });
		assert.is(client.take("pubrel").messageId, 1);
		client.send({ cmd: "pubrec", messageId: 1 });
		assert.is(client.take("pubrel").messageId, 1, "PUBREC came again: PUBREL again");
		client = reconnect();
		assert.is(client.take("pubrel").messageId, 1);
		assert.equal(client.messages(), ["a y 2 dup"]);
		client.send({ cmd: "puback", messageId: 1 });
		client = reconnect();
		assert.equal(client.messages(), ["pubrel", "a y 2 dup"]);
		client.send({ cmd: "pubcomp", messageId: 1 });
		client = reconnect();
		assert.equal(client.messages(), ["a y 2 dup"]);
		client.send({ cmd: "pubrec", messageId: 2 }).send({ cmd: "pubcomp", messageId: 2 });
		assert.equal(reconnect().messages(), []);
		assert.is(fixture.broker.store.count, 0);
	},
);

each(
	test,
	{
		3: "",
		4: "[MQTT-4.3.3-2]",
		5: "[5:MQTT-4.3.3-8] [5:MQTT-4.3.3-10] [5:MQTT-4.3.3-11] [5:MQTT-4.3.3-12]",
	},
	"QoS 2 in: PUBREC each time, one message to receivers until PUBREL, which PUBCOMP answers; then it is a new one",
	(version) => {
		const fixture = new Fixture();
		const witness = fixture.connect("w");
		witness.subscribe("a", 0);
		let current = fixture.connect("c", lasting(version));
		const publish = (flags: number, id: number, payload: string): void => {
			if (current.closed) current = fixture.connect("c", lasting(version));
			current.raw(publishBytes(version, flags, "a", [id >> 8, id & 255], payload));
			assert.is(current.take("pubrec").messageId, id);
		};
		publish(4, 7, "1");
		publish(12, 7, "1");
		publish(4, 7, "1");
		publish(4, 0x0700, "2");
		assert.equal(witness.messages(), ["a 1 0", "a 2 0"]);
		current.cut();
		current = fixture.connect("c", lasting(version));
		publish(12, 7, "1");
		assert.equal(witness.messages(), [], "the session remembers");
		// another client's identifiers are its own
		const other = fixture.connect("o", fresh(version));
		other.raw(publishBytes(version, 4, "a", [0, 7], "other"));
		assert.equal(witness.messages(), ["a other 0"]);
		for (let i = 0; i < 2; i++) {
			current.send({ cmd: "pubrel", messageId: 7 });
			assert.is(current.take("pubcomp").messageId, 7, "also when it comes again");
		}
		publish(4, 7, "3");
		publish(12, 0x0700, "2");
		assert.equal(witness.messages(), ["a 3 0"]);
		current.send({ cmd: "disconnect" });
		publish(12, 7, "3");
		assert.equal(witness.messages(), []);
		current.cut();
		current = fixture.connect("c", fresh(version));
		publish(12, 7, "4");
		assert.equal(witness.messages(), ["a 4 0"], "a new session has nothing of it");
	},
);

each(
	test,
	{
		3: "",
		4: "[MQTT-2.3.1-6]",
		5: "[5:MQTT-2.2.1-5]",
	},
	"PUBACK, PUBREC, PUBREL and PUBCOMP have the identifier of what they answer",
	(version) => {
		const fixture = new Fixture();
		const client = fixture.connect("c", fresh(version));
		fixture.connect("s").subscribe("a");
		for (const id of [1, 2, 255, 256, 0x1234, 0xfffe, 0xffff]) {
			const [high, low] = [id >> 8, id & 255] as const;
			client.bytes = [];
			client.raw(publishBytes(version, 2, "a", [high, low], "x"));
			assert.equal(client.bytes, [0x40, 2, high, low]);
			client.bytes = [];
			client.raw(publishBytes(version, 4, "a", [high, low], "x"));
			client.raw([0x62, 2, high, low]);
			assert.equal(client.bytes, [0x50, 2, high, low, 0x70, 2, high, low]);
		}
		client.packets = [];
		client.subscribe("b", 2);
		const publisher = fixture.connect("p");
		for (let i = 1; i <= 5; i++) publisher.publish("b", "x", 2, { messageId: i });
		const ids = [1, 2, 3, 4, 5].map(() => client.take("publish").messageId!);
		for (const id of ids.reverse()) {
			client.send({ cmd: "pubrec", messageId: id });
			assert.is(client.take("pubrel").messageId, id);
		}
	},
);

test("5.0: an error in PUBACK or PUBREC ends the message: it is not sent again [5:MQTT-4.4.0-2]", () => {
	const fixture = new Fixture();
	const client = fixture.connect("c", lasting(5));
	client.subscribe("a", 2);
	fixture.connect("p").publish("a", "one", 1).publish("a", "two", 2, { messageId: 2 });
	client.packets = [];
	client
		.send({ cmd: "puback", messageId: 1, reasonCode: 0x80 })
		.send({ cmd: "pubrec", messageId: 2, reasonCode: 0x97 });
	assert.equal(client.messages(), [], "no PUBREL");
	client.cut();
	assert.equal(fixture.connect("c", lasting(5)).messages(), []);
	assert.is(fixture.broker.store.count, 0);
});

test("5.0: a PUBREC of an error frees the identifier of what came [5:MQTT-4.3.3-9]", () => {
	let allowed = false;
	const fixture = new Fixture({ access: { authorizePublish: () => allowed } });
	const witness = fixture.connect("w");
	witness.subscribe("a");
	const client = fixture.connect("c", fresh(5));
	client.publish("a", "refused", 2);
	assert.is(client.take("pubrec").reasonCode, 0x87);
	allowed = true;
	client.publish("a", "new", 2);
	assert.is(client.take("pubrec").reasonCode, 0);
	assert.equal(witness.messages(), ["a new 0"]);
});

test("5.0: only the reason codes that the standard lists are taken in acknowledgements", () => {
	const types = [
		[0x40, 0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
		[0x50, 0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
		[0x62, 0x00, 0x92],
		[0x70, 0x00, 0x92],
	];
	const fixture = new Fixture();
	for (const [first, ...listed] of types)
		for (let reason = 0; reason < 256; reason++) {
			const client = fixture.connect("c", fresh(5));
			client.raw([first!, 3, 0, 1, reason]);
			assert.is(client.closed, !listed.includes(reason), `${first} ${reason}`);
		}
});

each(
	test,
	{ 3: "", 4: "", 5: "[5:MQTT-3.4.2-1] [5:MQTT-3.5.2-1] [5:MQTT-3.6.2-1] [5:MQTT-3.7.2-1]" },
	"what the broker says in acknowledgements: nothing before 5.0, then only codes that are listed",
	(version) => {
		const fixture = new Fixture();
		const client = fixture.connect("c", fresh(version));
		client.bytes = [];
		client.publish("nobody", "x", 1).publish("nobody", "x", 2);
		client.send({ cmd: "pubrel", messageId: 1 }).send({ cmd: "pubrel", messageId: 9 });
		client.send({ cmd: "pubrec", messageId: 9 });
		const expected =
			version === 5
				? [0x40, 3, 0, 1, 0x10, 0x50, 3, 0, 1, 0x10, 0x70, 2, 0, 1, 0x70, 3, 0, 9, 0x92, 0x62, 3, 0, 9, 0x92]
				: [0x40, 2, 0, 1, 0x50, 2, 0, 1, 0x70, 2, 0, 1, 0x70, 2, 0, 9, 0x62, 2, 0, 9];
		assert.equal(client.bytes, expected);
	},
);

test("5.0: 0x10 says that nobody subscribed, not that nobody got it", () => {
	const fixture = new Fixture();
	const publisher = fixture.connect("p", fresh(5));
	const away = fixture.connect("away", lasting(5));
	away.subscribe("away");
	away.cut();
	const small = fixture.connect("small", { ...fresh(5), properties: { maximumPacketSize: 30 } });
	small.subscribe("small", 1);
	for (const [topic, reason] of [
		["nobody", 0x10],
		["away", 0],
		["small", 0],
	] as const) {
		publisher.publish(topic, "x".repeat(40), 1);
		assert.is(publisher.take("puback").reasonCode ?? 0, reason, topic);
	}
});

test.run();
