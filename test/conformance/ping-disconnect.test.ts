import { Fixture, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";
import { connectBytes, each, ended, fresh, lasting, publishBytes, subscribeBytes, unsubscribeBytes } from "./wire.js";

const test = suite("PINGREQ, DISCONNECT and Keep Alive");

each(
	test,
	{ 3: "", 4: "[MQTT-3.12.4-1]", 5: "[5:MQTT-3.12.4-1]" },
	"every PINGREQ is answered by one PINGRESP",
	(version) => {
		const client = new Fixture().connect("c", fresh(version));
		client.bytes = [];
		client.raw([0xc0, 0]);
		assert.equal(client.bytes, [0xd0, 0]);
		client.raw([0xc0, 0, 0xc0, 0, 0xc0]);
		client.raw([0]);
		assert.equal(client.bytes, [0xd0, 0, 0xd0, 0, 0xd0, 0, 0xd0, 0]);
		client.packets = [];
		client.raw([0xc0, 1, 0]);
		ended(client, "a PINGREQ with a body", 0x81);
	},
);

each(
	test,
	{ 4: "[MQTT-3.14.1-1]", 5: "[5:MQTT-3.14.1-1]" },
	"a DISCONNECT whose reserved flags are not 0 is malformed and ends the connection as such",
	(version) => {
		for (let flags = 1; flags < 16; flags++) {
			const fixture = new Fixture();
			const witness = fixture.connect("w");
			witness.subscribe("will");
			const will = { topic: "will", payload: "gone", qos: 0 as const, retain: false };
			const client = fixture.connect("c", { ...fresh(version), will });
			client.raw([0xe0 | flags, 0]);
			ended(client, `flags ${flags}`, 0x81);
			assert.equal(witness.messages(), ["will gone 0"], "it does not count as DISCONNECT");
		}
	},
);

each(
	test,
	{ 3: "", 4: "", 5: "[5:MQTT-3.14.4-1]" },
	"after DISCONNECT the connection is closed, nothing is sent, and what follows is ignored",
	(version) => {
		const fixture = new Fixture();
		const witness = fixture.connect("w");
		witness.subscribe("#");
		const client = fixture.connect("c", lasting(version));
		client.subscribe("a", 1);
		client.bytes = [];
		client.raw([0xe0, 0, ...publishBytes(version, 1, "a", [], "x"), 0xc0, 0]);
		assert.ok(client.closed);
		assert.equal(client.bytes, []);
		assert.equal(witness.messages(), []);
		assert.is(fixture.broker.retained.count, 0);
		fixture.connect("p").publish("a", "waits", 1);
		assert.equal(client.bytes, []);
		assert.equal(fixture.connect("c", lasting(version)).messages(), ["a waits 1"], "its session is kept");
	},
);

test("before 5.0 DISCONNECT has no body", () => {
	for (const version of [3, 4] as const) {
		const client = new Fixture().connect("c", fresh(version));
		client.raw([0xe0, 1, 0]);
		ended(client);
	}
});

each(
	test,
	{ 3: "", 4: "[MQTT-3.1.2-24]", 5: "[5:MQTT-3.1.2-22]" },
	"silence of more than one and a half Keep Alive ends the connection as if the network failed",
	(version) => {
		for (const keepalive of [1, 2, 10, 60, 3600, 65_535]) {
			const fixture = new Fixture();
			const client = fixture.connect("c", { ...fresh(version), keepalive });
			const witness = fixture.connect("w");
			witness.subscribe("will");
			fixture.connect("d", {
				...lasting(version),
				keepalive,
				will: { topic: "will", payload: "gone", qos: 0, retain: false },
			});
			fixture.now += keepalive * 1500 - 500;
			fixture.advance(250);
			assert.not(client.closed, `${keepalive}: in time`);
			assert.equal(witness.messages(), []);
			fixture.advance(500);
			ended(client, `Keep Alive ${keepalive}`, 0x8d);
			assert.equal(witness.messages(), ["will gone 0"]);
			assert.ok(fixture.broker.sessions.find("d") !== undefined, "its session is kept");
		}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.1.2-24]", 5: "[5:MQTT-3.1.2-22]" },
	"any packet counts as a sign of life",
	(version) => {
		const signs: [string, (client: TestClient) => void][] = [
			["PINGREQ", (client) => client.raw([0xc0, 0])],
			["PUBLISH", (client) => client.publish("a", "x")],
			["SUBSCRIBE", (client) => client.raw(subscribeBytes(version, "a", 0))],
			["UNSUBSCRIBE", (client) => client.raw(unsubscribeBytes(version, "a"))],
			["PUBACK", (client) => client.send({ cmd: "puback", messageId: 7 })],
			["PUBREL", (client) => client.send({ cmd: "pubrel", messageId: 7 })],
		];
		for (const [what, sign] of signs) {
			const fixture = new Fixture();
			const client = fixture.connect("c", { ...fresh(version), keepalive: 10 });
			for (let i = 0; i < 5; i++) {
				fixture.advance(14_000);
				assert.not(client.closed, what);
				sign(client);
			}
			fixture.advance(16_000);
			assert.ok(client.closed, what);
		}
	},
);

each(
	test,
	{ 3: "", 4: "", 5: "" },
	"what is sent to a client is no sign of its life, and 0 means for ever",
	(version) => {
		const fixture = new Fixture();
		const client = fixture.connect("c", { ...fresh(version), keepalive: 10 });
		const still = fixture.connect("s", { ...fresh(version), keepalive: 0 });
		client.subscribe("a");
		fixture.advance(10_000);
		const publisher = fixture.connect("p");
		publisher.publish("a", "x");
		fixture.advance(6_000);
		assert.ok(client.closed);
		fixture.advance(24 * 3600_000);
		assert.not(still.closed);
	},
);

each(
	test,
	{ 3: "", 4: "", 5: "" },
	"Keep Alive is each connection's own, and the time for CONNECT is over with it",
	(version) => {
		const fixture = new Fixture({ limits: { connectTimeoutMs: 1_000 } });
		const client = fixture.open(version);
		client.raw(connectBytes(version, { keepAlive: 100 }));
		fixture.advance(120_000);
		assert.not(client.closed);
		const again = fixture.open(version);
		again.raw(connectBytes(version, { keepAlive: 0 }));
		assert.ok(client.closed);
		fixture.advance(1_000_000);
		assert.not(again.closed);
	},
);

test.run();
