import { Fixture } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";
import { data, each, ended, fresh, lasting, none, packet, subscribeBytes } from "./wire.js";

const test = suite("SUBSCRIBE");

each(
	test,
	{ 4: "[MQTT-3.8.1-1]", 5: "[5:MQTT-3.8.1-1]" },
	"a SUBSCRIBE whose flags are not 0010 ends the connection",
	(version) => {
		const fixture = new Fixture();
		for (let flags = 0; flags < 16; flags++) {
			const client = fixture.connect("c", fresh(version));
			client.raw([0x80 | flags, ...subscribeBytes(version, "a", 0).slice(1)]);
			if (flags === 2) assert.equal(client.messages(), ["suback"]);
			else ended(client, `flags ${flags}`, 0x81);
		}
	},
);

each(test, { 4: "[MQTT-3.8.3-4]" }, "reserved bits and QoS 3 end the connection, whatever else is in it", (version) => {
	const fixture = new Fixture();
	for (let options = 0; options < 256; options++) {
		const client = fixture.connect("c", fresh(version));
		client.raw(packet(0x82, [0, 1], data("a"), [0], data("b"), [options]));
		if (options < 3) assert.equal(client.messages(), ["suback"]);
		else ended(client, `options ${options}`);
	}
	assert.is(fixture.broker.table.count, 0, "nothing of a refused one is kept");
});

test("5.0: reserved bits, QoS 3 and Retain Handling 3 end the connection [5:MQTT-3.8.3-5]", () => {
	const fixture = new Fixture();
	for (let options = 0; options < 256; options++) {
		const client = fixture.connect("c", fresh(5));
		client.raw(subscribeBytes(5, "a", options));
		const good = (options & 0xc0) === 0 && (options & 3) !== 3 && (options & 0x30) !== 0x30;
		if (good) assert.equal(client.take("suback").granted, [options & 3]);
		else assert.ok(client.closed, `options ${options}`);
		if (!good) assert.ok(client.take("disconnect").reasonCode! > 0x80);
	}
});

each(
	test,
	{
		3: "",
		4: "[MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.8.4-5] [MQTT-3.9.3-1]",
		5: "[5:MQTT-3.8.4-1] [5:MQTT-3.8.4-2] [5:MQTT-3.8.4-6] [5:MQTT-3.8.4-7] [5:MQTT-3.9.3-1] [5:MQTT-3.9.3-2]",
	},
	"SUBACK comes at once, with the SUBSCRIBE's identifier and a code for each filter, in their order",
	(version) => {
		const access = { authorizeSubscribe: (_client: unknown, filter: string) => !filter.startsWith("secret") };
		const fixture = new Fixture({ access });
		const properties = version === 5 ? { requestProblemInformation: false } : undefined;
		const client = fixture.connect("c", { ...fresh(version), ...(properties && { properties }) });
		const failed = version === 5 ? 0x87 : 0x80;
		const lists: [string, number, number][][] = [
			[["a", 0, 0]],
			[["a", 2, 2]],
			[
				["a", 1, 1],
				["secret", 2, failed],
				["b/#", 0, 0],
				["c/+/d", 2, 2],
				["secret/1", 0, failed],
				["a", 0, 0],
			],
			Array.from({ length: 100 }, (_, i) => [`f${i % 50}`, i % 3, i % 3]),
		];
		const ids = [1, 255, 256, 0xffff];
		lists.forEach((list, i) => {
			const id = [ids[i]! >> 8, ids[i]! & 255];
			const filters = list.flatMap(([filter, qos]) => [...data(filter), qos]);
			client.bytes = [];
			client.raw(packet(0x82, id, none(version), filters));
			const codes = list.map(([, , code]) => code);
			assert.equal(client.bytes, packet(0x90, id, none(version), codes));
		});
		assert.not(client.closed);
	},
);

test("5.0: SUBACK's codes are right where Retained Messages with Subscription Identifiers are queued meanwhile", () => {
	const fixture = new Fixture();
	const publisher = fixture.connect("p", fresh(5));
	for (const topic of ["a", "b", "c"]) publisher.publish(topic, "x", 0, { retain: true });
	const client = fixture.connect("c", { ...fresh(5), properties: { receiveMaximum: 1 } });
	const subscriptions = ["a", "b", "c", "#"].map((topic, i) => ({ topic, qos: (i % 3) as 0 | 1 | 2 }));
	client.send({ cmd: "subscribe", messageId: 1, subscriptions, properties: { subscriptionIdentifier: 200_000_000 } });
	assert.equal(client.take("suback").granted, [0, 1, 2, 0]);
	assert.is(client.messages().length, 6);
});

test("SUBACK's codes are 0, 1, 2 and 0x80, whatever the reason of a failure [MQTT-3.9.3-2]", () => {
	const access = { authorizeSubscribe: (_client: unknown, filter: string) => filter !== "secret" };
	const fixture = new Fixture({ access, limits: { topicBytes: 20, topicLevels: 4, filterBytes: 40 } });
	const client = fixture.connect("c");
	assert.equal(client.subscribe(["secret", "x".repeat(21), "1/2/3/4/5"], 2), [0x80, 0x80, 0x80]);
	assert.equal(client.subscribe(["a", "1/2/3/4", "x".repeat(20), "y".repeat(20)], 1), [1, 1, 1, 0x80]);
	assert.not(client.closed);
});

each(
	test,
	{
		3: "",
		4: "[MQTT-3.8.4-3]",
		5: "[5:MQTT-3.8.4-3] [5:MQTT-3.8.4-4]",
	},
	"the same filter again replaces the subscription, sends retained messages again and interrupts nothing",
	(version) => {
		const fixture = new Fixture();
		const client = fixture.connect("c", fresh(version));
		const publisher = fixture.connect("p");
		publisher.publish("a/kept", "k", 2, { retain: true });
		client.subscribe("a/+", 0);
		assert.equal(client.messages(), ["a/kept k 0 retain"]);
		publisher.publish("a/b", "1", 1);
		assert.equal(client.messages(), ["a/b 1 0"]);
		client.subscribe("a/+", 2);
		assert.equal(client.messages(), ["a/kept k 2 retain"]);
		publisher.publish("a/b", "2", 1);
		assert.equal(client.messages(), ["a/b 2 1"], "one copy, at the new QoS");
		client.subscribe("a/+", 1);
		assert.equal(client.messages(), ["a/kept k 1 retain"]);
		assert.is(fixture.broker.table.count, 1);
		client.subscribe("a/#", 1);
		assert.equal(client.messages(), ["a/kept k 1 retain"], "another filter, though it matches the same");
		assert.is(fixture.broker.table.count, 2);
		client.send({ cmd: "unsubscribe", messageId: 3, unsubscriptions: ["a/+", "a/#"] });
		client.packets = [];
		publisher.publish("a/b", "3");
		assert.equal(client.messages(), [], "nothing is left of it");
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.8.4-4]", 5: "[5:MQTT-3.8.4-5]" },
	"a SUBSCRIBE with several filters does what as many would do one after the other, with one SUBACK",
	(version) => {
		const fixture = new Fixture();
		const publisher = fixture.connect("p");
		publisher.publish("a", "r", 2, { retain: true });
		publisher.publish("b", "r", 2, { retain: true });
		const filters: [string, 0 | 1 | 2][] = [
			["a", 2],
			["#", 1],
			["a", 0],
			["+", 2],
		];
		const one = fixture.connect("one", fresh(version));
		const subscriptions = filters.map(([topic, qos]) => ({ topic, qos }));
		one.send({ cmd: "subscribe", messageId: 7, subscriptions });
		const many = fixture.connect("many", fresh(version));
		const got: string[] = [];
		for (const [filter, qos] of filters) {
			many.subscribe(filter, qos);
			got.push(...many.messages());
		}
		const suback = one.take("suback");
		assert.equal(suback.granted, [2, 1, 0, 2]);
		assert.equal(one.messages().sort(), got.sort());
		publisher.publish("a", "x", 2);
		assert.equal(one.messages(), many.messages());
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.8.4-6]", 5: "[5:MQTT-3.8.4-8]" },
	"a message comes at the lower of its own and the granted QoS, retained or not, now or later",
	(version) => {
		for (const published of [0, 1, 2] as const)
			for (const granted of [0, 1, 2] as const) {
				const fixture = new Fixture();
				const publisher = fixture.connect("p");
				publisher.publish("a", "retained", published, { retain: true });
				const client = fixture.connect("c", lasting(version));
				assert.equal(client.subscribe("a", granted), [granted]);
				const qos = Math.min(published, granted);
				assert.equal(client.messages(), [`a retained ${qos} retain`]);
				publisher.publish("a", "now", published, { messageId: 2 });
				assert.equal(client.messages(), [`a now ${qos}`]);
				if (qos > 0) client.send({ cmd: qos === 1 ? "puback" : "pubrec", messageId: 1 });
				client.cut();
				publisher.publish("a", "later", published, { messageId: 3 });
				const back = fixture.connect("c", lasting(version)).messages();
				if (qos === 0) assert.equal(back, []);
				else assert.is(back[back.length - 1], `a later ${qos}`);
			}
	},
);

test("5.0: RETAIN of one's own message is as the subscription says that delivers it [5:MQTT-3.3.1-12]", () => {
	for (const [local, retain] of [
		[{ rap: false }, ""],
		[{ rap: true }, " retain"],
	] as const)
		for (const first of [true, false]) {
			const client = new Fixture().connect("c", fresh(5));
			const subscriptions = [
				{ topic: "+", qos: 0 as const, ...local },
				{ topic: "#", qos: 2 as const, nl: true, rap: !local.rap },
			];
			client.send({ cmd: "subscribe", messageId: 1, subscriptions: first ? subscriptions : subscriptions.reverse() });
			client.take("suback");
			client.publish("a", "x", 0, { retain: true });
			assert.equal(client.messages(), [`a x 0${retain}`]);
		}
});

test("5.0: No Local, Retain As Published and Retain Handling [5:MQTT-3.8.3-3] [5:MQTT-3.3.1-13]", () => {
	const fixture = new Fixture();
	const client = fixture.connect("c", fresh(5));
	const other = fixture.connect("o", fresh(5));
	const subscribe = (topic: string, options: object) => {
		client.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos: 0, ...options }] });
		client.take("suback");
	};
	subscribe("nl", { nl: true });
	client.publish("nl", "own");
	other.publish("nl", "other");
	assert.equal(client.messages(), ["nl other 0"]);
	subscribe("rap", { rap: true });
	for (const retain of [true, false]) other.publish("rap", "x", 0, { retain });
	assert.equal(client.messages(), ["rap x 0 retain", "rap x 0"]);
});

test("5.0: Retain Handling: each time, for a new subscription, never [5:MQTT-3.3.1-10] [5:MQTT-3.3.1-11]", () => {
	const fixture = new Fixture();
	fixture.connect("p").publish("a", "x", 0, { retain: true });
	const client = fixture.connect("c", fresh(5));
	const subscribe = (rh: number) => {
		client.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "a", qos: 0, rh }] });
		client.take("suback");
		return client.messages();
	};
	assert.equal(subscribe(2), []);
	assert.equal(subscribe(1), [], "the subscription is there already");
	assert.equal(subscribe(0), ["a x 0 retain"]);
	assert.equal(subscribe(0), ["a x 0 retain"]);
	client.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: ["a"] });
	client.take("unsuback");
	assert.equal(subscribe(1), ["a x 0 retain"]);
	assert.equal(subscribe(1), []);
});

test("5.0: No Local on a Shared Subscription is a protocol error [5:MQTT-3.8.3-4]", () => {
	const client = new Fixture().connect("c", fresh(5));
	client.raw(subscribeBytes(5, "$share/g/a", 4));
	ended(client, "", 0x82);
});

test.run();
