/** Session State and what it promises: sections 3.1.2.4, 4.1, 4.4, 4.5 and 4.6 of 3.1.1. */
import { Fixture } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";
import { each, fresh, lasting, publishBytes } from "./wire.js";

const test = suite("sessions");

each(
	test,
	{ 3: "", 4: "[MQTT-3.1.2-4]", 5: "[5:MQTT-3.1.2-5] [5:MQTT-3.1.2-6] [5:MQTT-3.1.2-23]" },
	"without Clean Session a session is resumed, or made where there is none, and kept after the connection",
	(version) => {
		const fixture = new Fixture();
		const publisher = fixture.connect("p");
		const endings = ["cut", "disconnect", "takeover", "keep alive"] as const;
		let client = fixture.connect("c", { ...lasting(version), keepalive: 10 });
		assert.not(client.sessionPresent);
		client.subscribe("a", 1);
		for (const ending of endings) {
			if (ending === "cut") client.cut();
			else if (ending === "disconnect") client.send({ cmd: "disconnect" });
			else if (ending === "keep alive") fixture.advance(20_000);
			if (ending !== "takeover") publisher.publish("a", ending, 1);
			client = fixture.connect("c", { ...lasting(version), keepalive: 10 });
			if (version !== 3) assert.ok(client.sessionPresent, ending);
			assert.equal(client.messages(), ending === "takeover" ? [] : [`a ${ending} 1`]);
			publisher.publish("a", "now");
			assert.equal(client.messages(), ["a now 0"], "the subscription is there");
			if (ending !== "takeover") client.send({ cmd: "puback", messageId: endings.indexOf(ending) + 1 });
			client.send({ cmd: "puback", messageId: 1 }).send({ cmd: "puback", messageId: 2 });
			client.send({ cmd: "puback", messageId: 3 });
		}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.1.2-5]" },
	"messages of QoS 1 and 2 that match a session's subscriptions wait while its client is away",
	(version) => {
		const fixture = new Fixture();
		const client = fixture.connect("c", lasting(version));
		client.subscribe(["one/#", "+/two"], 1);
		client.subscribe("zero", 0);
		client.subscribe("two", 2);
		client.send({ cmd: "disconnect" });
		const publisher = fixture.connect("p");
		const topics = ["one", "one/x", "x/two", "zero", "two", "other"];
		let messageId = 0;
		for (const topic of topics)
			for (const qos of [0, 1, 2] as const) {
				publisher.publish(topic, `${qos}`, qos, { messageId: ++messageId });
				publisher.send({ cmd: "pubrel", messageId });
			}
		publisher.cut();
		fixture.advance(3600_000);
		assert.equal(fixture.connect("c", lasting(version)).messages(), [
			"one 1 1",
			"one 2 1",
			"one/x 1 1",
			"one/x 2 1",
			"x/two 1 1",
			"x/two 2 1",
			"two 1 1",
			"two 2 2",
		]);
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.1.2-6]", 5: "[5:MQTT-3.1.2-4]" },
	"Clean Session discards all of the session before, and nothing of its own is found later",
	(version) => {
		const fixture = new Fixture();
		const witness = fixture.connect("w");
		witness.subscribe("in", 0);
		const publisher = fixture.connect("p");
		const fill = () => {
			const client = fixture.connect("c", lasting(version));
			assert.not(client.sessionPresent);
			client.subscribe(["a", "b/#"], 2);
			publisher.publish("a", "unacknowledged", 1).publish("a", "released", 2, { messageId: 2 });
			client.send({ cmd: "pubrec", messageId: 2 });
			client.raw(publishBytes(version, 4, "in", [0, 5], "x"));
			assert.equal(witness.messages(), ["in x 0"]);
			publisher.send({ cmd: "pubrel", messageId: 2 });
			return client;
		};
		for (const online of [true, false]) {
			const before = fill();
			if (!online) {
				before.cut();
				publisher.publish("a", "waits", 2, { messageId: 3 }).send({ cmd: "pubrel", messageId: 3 });
			}
			const clean = fixture.connect("c", fresh(version));
			assert.not(clean.sessionPresent);
			publisher.publish("a", "x").publish("b/c", "x");
			assert.equal(clean.messages(), [], "neither messages nor subscriptions");
			clean.raw(publishBytes(version, 12, "in", [0, 5], "x"));
			assert.equal(witness.messages(), ["in x 0"], "nor identifiers of QoS 2");
			assert.is(fixture.broker.store.count, 0);
			assert.equal(clean.messages(), ["pubrec"]);
			clean.subscribe("a", 1);
			publisher.publish("a", "own", 1, { messageId: 4 });
			clean.cut();
			publisher.publish("a", "late", 1, { messageId: 6 });
			const after = fixture.connect("c", lasting(version));
			assert.not(after.sessionPresent);
			assert.equal(after.messages(), [], "its own state is not reused either");
			publisher.publish("a", "x");
			assert.equal(after.messages(), []);
			fixture.connect("c", fresh(version)).cut();
		}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-4.1.0-1] [MQTT-4.1.0-2]", 5: "[5:MQTT-4.1.0-1]" },
	"a session lasts as long as its connection, however long that is silent",
	(version) => {
		for (const options of [fresh(version), lasting(version)]) {
			const fixture = new Fixture({ limits: { sessionExpirySeconds: 10 } });
			const client = fixture.connect("c", options);
			client.subscribe("a", 2);
			const publisher = fixture.connect("p");
			publisher.publish("a", "1", 2);
			client.raw(publishBytes(version, 4, "in", [0, 5], "x"));
			client.packets = [];
			fixture.now += 30 * 86_400_000;
			fixture.advance(1_000);
			client.send({ cmd: "pubrec", messageId: 1 });
			assert.is(client.take("pubrel").messageId, 1);
			publisher.publish("a", "2", 2, { messageId: 2 });
			assert.equal(client.messages(), ["a 2 2"]);
			assert.ok(fixture.broker.received.has(fixture.broker.sessions.find("c")!.index, 5));
		}
	},
);

test("5.0: a session ends when its expiry interval has passed, not before [5:MQTT-4.1.0-2]", () => {
	const options = { ...lasting(5), properties: { sessionExpiryInterval: 100 } };
	const fixture = new Fixture();
	fixture.connect("c", options).subscribe("a", 1);
	fixture.broker.sessions.find("c")?.connection?.onError();
	fixture.advance(99_000);
	const client = fixture.connect("c", options);
	assert.ok(client.sessionPresent);
	client.cut();
	fixture.advance(101_000);
	assert.is(fixture.broker.sessions.find("c"), undefined);
	assert.is(fixture.broker.table.count, 0);
	assert.not(fixture.connect("c", options).sessionPresent);
});

each(
	test,
	{ 3: "", 4: "[MQTT-4.4.0-1]", 5: "[5:MQTT-4.4.0-1]" },
	"a client that is back gets all that it did not acknowledge, with the same identifiers, in order, and only then",
	(version) => {
		const fixture = new Fixture();
		const client = fixture.connect("c", lasting(version));
		client.subscribe("a", 2);
		const publisher = fixture.connect("p");
		const send = (qos: 1 | 2, messageId: number) => publisher.publish("a", `m${messageId}`, qos, { messageId });
		send(1, 1);
		send(2, 2);
		send(2, 3);
		send(1, 4);
		send(2, 5);
		send(1, 6);
		const ids = client.packets.splice(0).map((packet) => packet.messageId!);
		client.send({ cmd: "puback", messageId: ids[0]! }); // m1 done
		client.send({ cmd: "pubrec", messageId: ids[1]! }); // m2 released
		client.send({ cmd: "pubrec", messageId: ids[4]! }).send({ cmd: "pubcomp", messageId: ids[4]! }); // m5 done
		client.packets = [];
		fixture.advance(600_000);
		assert.equal(client.packets, [], "not while the connection lasts");
		client.cut();
		publisher.publish("a", "m7", 1, { messageId: 7 });
		for (let i = 0; i < 2; i++) {
			const back = fixture.connect("c", lasting(version));
			const got = back.packets.map((p) => (p.cmd === "publish" ? `${p.payload} ${p.messageId} ${p.dup}` : p.cmd));
			const last = back.packets[back.packets.length - 1]?.messageId;
			const again = [`m3 ${ids[2]} true`, `m4 ${ids[3]} true`, `m6 ${ids[5]} true`];
			assert.equal(got, ["pubrel", ...again, `m7 ${last} ${i > 0}`]);
			assert.is(back.packets[0]!.messageId, ids[1]);
			assert.not([ids[1], ids[2], ids[3], ids[5]].includes(last));
			back.cut();
		}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-4.5.0-1]", 5: "[5:MQTT-4.5.0-1]" },
	"a message that was taken is added to every session that matches, there or away, its publisher's too",
	(version) => {
		const fixture = new Fixture();
		const ids = ["on1", "on2", "off1", "off2", "both"];
		for (const id of ids) {
			const client = fixture.connect(id, lasting(version));
			client.subscribe(["a/+", id], 1);
			if (id.startsWith("off")) client.cut();
		}
		const publisher = fixture.connect("self", lasting(version));
		publisher.subscribe("#", 1);
		for (const qos of [1, 2] as const) {
			publisher.publish("a/x", `${qos}`, qos);
			const acknowledged = publisher.messages();
			assert.equal(acknowledged.sort(), [`a/x ${qos} 1`, qos === 1 ? "puback" : "pubrec"]);
		}
		publisher.cut();
		for (const id of ids) {
			const back = fixture.connect(id, lasting(version));
			assert.equal(
				back.messages().map((line) => line.replace(" dup", "")),
				["a/x 1 1", "a/x 2 1"],
				id,
			);
		}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-4.6.0-5] [MQTT-4.6.0-6]", 5: "[5:MQTT-4.6.0-5] [5:MQTT-4.6.0-6]" },
	"messages of one publisher, topic and QoS arrive in their order: at once, from the queue, when sent again",
	(version) => {
		for (const qos of [0, 1, 2] as const) {
			const fixture = new Fixture({ limits: { inFlight: 3 } });
			const publishers = ["p1", "p2"].map((id) => fixture.connect(id));
			let client = fixture.connect("c", lasting(version));
			client.subscribe("t/#", qos);
			const got: string[] = [];
			const take = () => {
				for (let i = 0; i < client.packets.length; i++) {
					const packet = client.packets[i]!;
					const id = packet.messageId!;
					if (packet.cmd === "publish") {
						const text = `${packet.topic} ${packet.payload}`;
						if (!packet.dup || !got.includes(text)) got.push(text);
						if (qos > 0) client.send({ cmd: qos === 1 ? "puback" : "pubrec", messageId: id });
					} else if (packet.cmd === "pubrel") client.send({ cmd: "pubcomp", messageId: id });
				}
				client.packets = [];
			};
			for (let i = 0; i < 30; i++) {
				publishers.forEach((publisher, k) => {
					const messageId = i + 1;
					publisher.publish(`t/${k}`, `${i}`, qos, { messageId });
					if (qos === 2) publisher.send({ cmd: "pubrel", messageId });
				});
				if (i === 5) client.stall();
				if (i === 12) client.drain();
				if (i === 15 && qos > 0) client.cut();
				if (i === 20 && qos > 0) client = fixture.connect("c", lasting(version));
				if (i % 7 === 0) take();
			}
			take();
			for (const k of [0, 1]) {
				const mine = got.filter((line) => line.startsWith(`t/${k}`));
				assert.equal(
					mine,
					Array.from({ length: 30 }, (_, i) => `t/${k} ${i}`),
				);
			}
		}
	},
);

test.run();
