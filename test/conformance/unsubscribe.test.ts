import { Fixture } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";
import { data, each, ended, fresh, lasting, none, packet, unsubscribeBytes } from "./wire.js";

const test = suite("UNSUBSCRIBE");

each(
	test,
	{ 4: "[MQTT-3.10.1-1]", 5: "[5:MQTT-3.10.1-1]" },
	"an UNSUBSCRIBE whose flags are not 0010 ends the connection",
	(version) => {
		const fixture = new Fixture();
		for (let flags = 0; flags < 16; flags++) {
			const client = fixture.connect("c", fresh(version));
			client.raw([0xa0 | flags, ...unsubscribeBytes(version, "a").slice(1)]);
			if (flags === 2) assert.equal(client.messages(), ["unsuback"]);
			else ended(client, `flags ${flags}`, 0x81);
		}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.10.4-1]", 5: "[5:MQTT-3.10.4-1]" },
	"only the subscription whose filter is the same, character for character, is deleted",
	(version) => {
		const filters = ["a/b", "a/+", "a/#", "#", "A/b", "a/b/", "/a/b", "+/b", "\u00e9", "e\u0301", "a b", "$a/b"];
		for (const gone of filters) {
			const fixture = new Fixture();
			const client = fixture.connect("c", fresh(version));
			client.subscribe(filters, 1);
			client.raw(unsubscribeBytes(version, gone));
			client.take("unsuback");
			const session = fixture.broker.sessions.find("c")!.index;
			for (const filter of filters)
				assert.is(fixture.broker.table.find(session, filter) !== 0, filter !== gone, `${gone}: ${filter}`);
		}
		const fixture = new Fixture();
		const client = fixture.connect("c", fresh(version));
		const other = fixture.connect("o", fresh(version));
		other.subscribe("a/b");
		client.subscribe("a/+");
		client.raw(unsubscribeBytes(version, "a/b"));
		client.raw(unsubscribeBytes(version, "a/#"));
		client.raw(unsubscribeBytes(version, "+/+"));
		client.packets = [];
		fixture.connect("p").publish("a/b", "x");
		assert.equal(client.messages(), ["a/b x 0"], "a filter that matches it is not the same");
		assert.equal(other.messages(), ["a/b x 0"], "another client's is its own");
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.10.4-2] [MQTT-3.10.4-3]", 5: "[5:MQTT-3.10.4-2] [5:MQTT-3.10.4-3]" },
	"no new message is added for a deleted subscription; what was begun at QoS 1 and 2 is completed",
	(version) => {
		const fixture = new Fixture();
		const client = fixture.connect("c", lasting(version));
		client.subscribe("a", 2);
		const publisher = fixture.connect("p");
		publisher.publish("a", "one", 1).publish("a", "two", 2, { messageId: 2 }).publish("a", "half", 2, { messageId: 3 });
		assert.equal(client.messages(), ["a one 1", "a two 2", "a half 2"]);
		client.send({ cmd: "pubrec", messageId: 3 });
		client.take("pubrel");
		client.raw(unsubscribeBytes(version, "a"));
		client.take("unsuback");
		for (const qos of [0, 1, 2] as const) publisher.publish("a", "new", qos, { messageId: 9, retain: true });
		assert.equal(client.messages(), []);
		client.cut();
		const back = fixture.connect("c", lasting(version));
		assert.equal(back.messages(), ["a one 1 dup", "a two 2 dup", "pubrel"]);
		back.send({ cmd: "puback", messageId: 1 });
		back.send({ cmd: "pubrec", messageId: 2 });
		assert.is(back.take("pubrel").messageId, 2);
		back.send({ cmd: "pubcomp", messageId: 2 }).send({ cmd: "pubcomp", messageId: 3 });
		back.cut();
		assert.equal(fixture.connect("c", lasting(version)).messages(), [], "all is completed");
	},
);

each(
	test,
	{
		3: "",
		4: "[MQTT-3.10.4-4] [MQTT-3.10.4-5]",
		5: "[5:MQTT-3.10.4-4] [5:MQTT-3.10.4-5] [5:MQTT-3.11.3-1] [5:MQTT-3.11.3-2]",
	},
	"UNSUBACK comes with the UNSUBSCRIBE's identifier, also when nothing was deleted",
	(version) => {
		const fixture = new Fixture();
		const client = fixture.connect("c", fresh(version));
		client.subscribe(["a", "b/#"]);
		const lists = [["never"], ["a"], ["a"], ["never/+", "b/#", "b"], Array.from({ length: 200 }, (_, i) => `n${i}`)];
		const codes = [[0x11], [0], [0x11], [0x11, 0, 0x11], new Array(200).fill(0x11)];
		const ids = [1, 255, 256, 0xffff, 2];
		lists.forEach((list, i) => {
			const id = [ids[i]! >> 8, ids[i]! & 255];
			client.bytes = [];
			client.raw(packet(0xa2, id, none(version), list.flatMap(data)));
			assert.equal(client.bytes, packet(0xb0, id, none(version), version === 5 ? codes[i]! : []));
		});
		assert.is(fixture.broker.table.count, 0);
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.10.4-6]", 5: "[5:MQTT-3.10.4-6]" },
	"an UNSUBSCRIBE with several filters does what as many would do, with one UNSUBACK",
	(version) => {
		const fixture = new Fixture();
		const client = fixture.connect("c", fresh(version));
		client.subscribe(["a", "b", "a/#", "+", "c"]);
		client.raw(packet(0xa2, [0, 5], none(version), ["a", "c", "+", "a", "none"].flatMap(data)));
		const unsuback = client.take("unsuback");
		assert.is(unsuback.messageId, 5);
		if (version === 5) assert.equal(unsuback.granted, [0, 0, 0, 0x11, 0x11]);
		const publisher = fixture.connect("p");
		for (const topic of ["a", "b", "c", "d", "a/b"]) publisher.publish(topic, "x");
		assert.equal(client.messages(), ["a x 0", "b x 0", "a/b x 0"]);
	},
);

test.run();
