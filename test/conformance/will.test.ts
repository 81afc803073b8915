import { Fixture, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";
import { each, fresh, lasting, publishBytes, type Version } from "./wire.js";

const test = suite("Will Messages");

const WILL = { topic: "will", payload: "gone", qos: 1 as const, retain: false };

/** A broker with a witness of all messages and a client with a Will Message. */
function withWill(version: Version, will: object = {}, options = fresh(version)) {
	const fixture = new Fixture();
	const witness = fixture.connect("w");
	witness.subscribe("#", 2);
	const client = fixture.connect("c", { ...options, keepalive: 10, will: { ...WILL, ...will } });
	return { fixture, witness, client };
}

type Ending = [what: string, end: (client: TestClient, fixture: Fixture) => void];

const ABNORMAL: Ending[] = [
	["the network fails", (client) => client.cut()],
	["Keep Alive runs out", (_client, fixture) => fixture.advance(16_000)],
	["a malformed packet", (client) => client.raw([0x36, 2, 0, 0])],
	["a second CONNECT", (client) => client.send({ cmd: "connect", clientId: "c", protocolId: "MQTT", clean: true })],
	["a wildcard in a Topic Name", (client) => client.raw(publishBytes(client.version as Version, 0, "#", [], "x"))],
	["a DISCONNECT with reserved flags", (client) => client.raw([0xe1, 0])],
	["another takes its place", (client, fixture) => fixture.connect("c", fresh(client.version as Version))],
	["the program ends it", (_client, fixture) => fixture.broker.disconnect("c")],
];

each(
	test,
	{ 3: "", 4: "[MQTT-3.1.2-8]", 5: "[5:MQTT-3.1.2-8] [5:MQTT-3.1.2-7]" },
	"the Will Message is published when the connection ends without DISCONNECT, once, and not before",
	(version) => {
		for (const [what, end] of ABNORMAL)
			for (const options of [fresh(version), lasting(version)]) {
				const { fixture, witness, client } = withWill(version, {}, options);
				fixture.advance(5_000);
				assert.equal(witness.messages(), [], what);
				end(client, fixture);
				fixture.settle();
				assert.ok(client.closed || what === "the network fails", what);
				assert.equal(witness.messages(), ["will gone 1"], what);
				fixture.advance(30_000);
				assert.equal(witness.messages(), [], what);
			}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.1.2-10] [MQTT-3.14.4-3]", 5: "[5:MQTT-3.1.2-10] [5:MQTT-3.14.4-3]" },
	"DISCONNECT discards the Will Message; one that was published is gone too",
	(version) => {
		for (const options of [fresh(version), lasting(version)]) {
			const { fixture, witness, client } = withWill(version, {}, options);
			client.send({ cmd: "disconnect" });
			assert.ok(client.closed);
			client.cut();
			fixture.advance(60_000);
			assert.equal(witness.messages(), []);
			const without = fixture.connect("c", options);
			without.cut();
			assert.equal(witness.messages(), [], "the one of before is not kept");
			const second = fixture.connect("c", { ...options, will: WILL });
			second.cut();
			assert.equal(witness.messages(), ["will gone 1"]);
			fixture.connect("c", options).cut();
			fixture.advance(60_000);
			assert.equal(witness.messages(), [], "nor published again");
			witness.send({ cmd: "puback", messageId: 1 });
			assert.is(fixture.broker.store.count, 0);
		}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.1.2-12]" },
	"without the Will flag nothing is published, whatever a session had before",
	(version) => {
		for (const [what, end] of ABNORMAL) {
			const { fixture, witness } = withWill(version, {}, lasting(version));
			const client = fixture.connect("c", { ...lasting(version), keepalive: 10 });
			assert.equal(witness.messages(), ["will gone 1"], "that of the one before");
			end(client, fixture);
			fixture.advance(30_000);
			assert.equal(witness.messages(), [], what);
		}
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.1.2-16]", 5: "[5:MQTT-3.1.2-14]" },
	"with Will Retain 0 it is not retained, and leaves what is",
	(version) => {
		const { fixture, witness, client } = withWill(version);
		fixture.connect("p").publish("will", "here", 0, { retain: true });
		client.cut();
		assert.equal(witness.messages(), ["will here 0", "will gone 1"]);
		const late = fixture.connect("late");
		late.subscribe("will", 2);
		assert.equal(late.messages(), ["will here 0 retain"]);
	},
);

each(
	test,
	{ 3: "", 4: "[MQTT-3.1.2-17]", 5: "[5:MQTT-3.1.2-15]" },
	"with Will Retain 1 it is retained, and an empty one deletes",
	(version) => {
		for (const qos of [0, 1, 2] as const) {
			const { fixture, witness, client } = withWill(version, { retain: true, qos });
			fixture.connect("p").publish("will", "here", 0, { retain: true });
			client.cut();
			assert.equal(witness.messages(), ["will here 0", `will gone ${qos}`]);
			const late = fixture.connect("late");
			late.subscribe("will", 2);
			assert.equal(late.messages(), [`will gone ${qos} retain`]);
			fixture.connect("e", { ...fresh(version), will: { ...WILL, payload: Buffer.alloc(0), retain: true } }).cut();
			assert.equal(late.messages(), ["will  1"]);
			assert.is(fixture.broker.retained.count, 0);
		}
	},
);

each(test, { 3: "", 4: "", 5: "" }, "a Will Message is a message like others: QoS, bytes, who may", (version) => {
	const access = { authorizePublish: (_client: unknown, topic: string) => topic !== "secret" };
	const fixture = new Fixture({ access });
	const witness = fixture.connect("w", lasting(4));
	witness.subscribe("#", 2);
	const own = fixture.connect("own", { ...lasting(version), will: { ...WILL, topic: "own" } });
	own.subscribe("own", 1);
	own.cut();
	assert.equal(witness.messages(), ["own gone 1"]);
	assert.equal(fixture.connect("own", lasting(version)).messages(), ["own gone 1"], "its own session is one of them");
	for (const qos of [0, 1, 2] as const) {
		const payload = Buffer.from([0, 0xff, 0xc0, 0x80, qos]);
		fixture.connect("c", { ...fresh(version), will: { ...WILL, payload, qos } }).cut();
		const publish = witness.take("publish");
		assert.equal([publish.qos, ...(publish.payload as Buffer)], [qos, 0, 0xff, 0xc0, 0x80, qos]);
	}
	const connack = fixture.open(version).connect("s", { ...fresh(version), will: { ...WILL, topic: "secret" } });
	assert.is(connack.returnCode ?? connack.reasonCode, version === 5 ? 0x87 : 5);
	assert.equal(witness.messages(), []);
	witness.cut();
	fixture.connect("c", { ...fresh(version), will: WILL }).cut();
	assert.ok(fixture.connect("w", lasting(4)).messages().includes("will gone 1"), "it waits for those who are away");
});

test("5.0: a Will Message waits for its delay, unless the client is back before [5:MQTT-3.1.3-9]", () => {
	const will = { properties: { willDelayInterval: 20 } };
	const { fixture, witness, client } = withWill(5, will, lasting(5));
	client.cut();
	fixture.advance(19_000);
	assert.equal(witness.messages(), []);
	const back = fixture.connect("c", { ...lasting(5), will: { ...WILL, payload: "late", ...will } });
	fixture.advance(60_000);
	assert.equal(witness.messages(), [], "back in time");
	back.cut();
	fixture.advance(19_000);
	assert.equal(witness.messages(), []);
	fixture.advance(2_000);
	assert.equal(witness.messages(), ["will late 1"]);
	const short = fixture.connect("c", { ...fresh(5), will: { ...WILL, payload: "session", ...will } });
	short.cut();
	fixture.advance(1_000);
	assert.equal(witness.messages(), ["will session 1"], "the session's end is the latest");
});

test("5.0: a DISCONNECT with 0x04 asks for the Will Message, and so do codes of errors", () => {
	for (const reasonCode of [0x04, 0x80, 0x81, 0x98]) {
		const { witness, client } = withWill(5);
		client.send({ cmd: "disconnect", reasonCode });
		assert.ok(client.closed);
		assert.equal(witness.messages(), ["will gone 1"], `${reasonCode}`);
	}
});

test("5.0: User Properties of a Will Message keep their order [5:MQTT-3.1.3-10]", () => {
	const userProperties = { b: ["2", "1"], a: "3" };
	const fixture = new Fixture();
	const witness = fixture.connect("w", fresh(5));
	witness.subscribe("#");
	const properties = { contentType: "text", messageExpiryInterval: 60, userProperties };
	fixture.connect("c", { ...fresh(5), will: { ...WILL, properties } }).cut();
	const text = Buffer.from(witness.bytes).toString("latin1");
	const order = ["\x01b\0\x012", "\x01b\0\x011", "\x01a\0\x013"].map((pair) => text.indexOf(pair));
	assert.ok(order[0]! > 0 && order[0]! < order[1]! && order[1]! < order[2]!, `${order}`);
	const publish = witness.take("publish");
	assert.is(publish.properties?.contentType, "text");
	assert.is(publish.properties?.messageExpiryInterval, 60);
});

test.run();
