/** What CONNACK advertises, and what happens to a client that does not heed it. Spec: 5.0, 3.2.2.3 */
import type { IConnectPacket, Packet } from "mqtt-packet";
import type { Limits } from "../../src/limits.js";
import { Fixture, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";
import { connectBytes, data, ended, fresh, lasting, packet } from "./wire.js";

const test = suite("what CONNACK advertises");

type Properties = Record<string, unknown>;

function connack(limits: Partial<Limits>, options: Partial<IConnectPacket> = {}): Properties {
	const client = new Fixture({ limits }).open(5);
	return { ...client.connect("c", { ...fresh(5), ...options }).properties };
}

/** A broker whose limits differ, and a 5.0 client of it. */
function clientOf(limits: Partial<Limits>): TestClient {
	return new Fixture({ limits }).connect("c", fresh(5));
}

function subscribe(client: TestClient, topic: string, qos: 0 | 1 | 2, properties: object = {}): TestClient {
	return client.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos }], properties });
}

test("5.0: where everything is supported, only what differs from the specification's defaults is told", () => {
	const limits = { receiveMaximum: 65_535, topicAliases: 0 };
	assert.equal(Object.keys(connack(limits)), ["maximumPacketSize"]);
});

test("5.0: Maximum QoS is told, granted, kept to [5:MQTT-3.2.2-9] [5:MQTT-3.2.2-10] [5:MQTT-3.2.2-12]", () => {
	for (const qosMax of [0, 1] as const) {
		assert.is(connack({ qosMax }).maximumQoS, qosMax);
		const client = clientOf({ qosMax });
		for (const qos of [0, 1, 2] as const) assert.equal(client.subscribe("a", qos), [Math.min(qos, qosMax)]);
		for (const protocolVersion of [4, 5] as const)
			for (let qos = 1; qos <= 2; qos++) {
				const publisher = new Fixture({ limits: { qosMax } }).connect("p", { protocolVersion });
				publisher.publish("a", "x", qos as 1 | 2);
				if (qos <= qosMax) assert.not(publisher.closed);
				else ended(publisher, `QoS ${qos} of ${qosMax}`, 0x9b);
			}
		const fixture = new Fixture({ limits: { qosMax } });
		const will = { topic: "w", payload: Buffer.from("x"), qos: (qosMax + 1) as 1 | 2, retain: false };
		const refused = fixture.open(5);
		assert.is(refused.connect("w", { ...fresh(5), will }).reasonCode, 0x9b);
		assert.ok(refused.closed);
		const old = fixture.open(4);
		const flags = 6 | ((qosMax + 1) << 3);
		old.raw(connectBytes(4, { flags, payload: [...data("w"), ...data("w"), ...data("x")] }));
		assert.ok(old.closed);
	}
	assert.is(connack({ qosMax: 2 }).maximumQoS, undefined);
});

test("5.0: Retain Available 0: a retained PUBLISH or Will is refused with 0x9A; before 5.0 it is delivered", () => {
	assert.is(connack({ retained: 0 }).retainAvailable, false);
	const client = clientOf({ retained: 0 });
	ended(client.publish("a", "x", 0, { retain: true }), "", 0x9a);
	const will = { topic: "w", payload: Buffer.from("x"), qos: 0 as const, retain: true };
	const refused = new Fixture({ limits: { retained: 0 } }).open(5);
	assert.is(refused.connect("w", { ...fresh(5), will }).reasonCode, 0x9a);
	const fixture = new Fixture({ limits: { retained: 0 } });
	const old = fixture.connect("old");
	old.subscribe("a");
	old.publish("a", "x", 0, { retain: true });
	assert.equal(old.messages(), ["a x 0"]);
});

test("5.0: Wildcard, Shared Subscription and Subscription Identifier Available 0: using it ends it all", () => {
	const cases: [Partial<Limits>, string, string, object, number][] = [
		[{ wildcardSubscriptions: false }, "wildcardSubscriptionAvailable", "a/+", {}, 0xa2],
		[{ wildcardSubscriptions: false }, "wildcardSubscriptionAvailable", "$share/g/#", {}, 0xa2],
		[{ sharedSubscriptions: false }, "sharedSubscriptionAvailable", "$share/g/a", {}, 0x9e],
		[{ subscriptionIdentifiers: false }, "subscriptionIdentifiersAvailable", "a", { subscriptionIdentifier: 7 }, 0xa1],
	];
	for (const [limits, property, filter, properties, reason] of cases) {
		assert.is(connack(limits)[property], false, property);
		assert.is(connack({})[property], undefined);
		ended(subscribe(clientOf(limits), filter, 0, properties), property, reason);
		assert.equal(clientOf(limits).subscribe("a/b"), [0], "what is supported still is");
		const old = new Fixture({ limits }).connect("old");
		if (reason !== 0xa1) assert.equal(old.subscribe(["ok", filter]), [0, 0x80], "3.1.1: refused alone");
	}
});

test("5.0: Server Keep Alive: a longer one, or none, is replaced; a shorter one stays", () => {
	const limits = { keepAliveMaxSeconds: 20 };
	for (const [keepalive, told] of [
		[0, 20] as const,
		[21, 20] as const,
		[65_535, 20] as const,
		[20, undefined] as const,
	])
		assert.is(connack(limits, { keepalive }).serverKeepAlive, told, `${keepalive}`);
	const fixture = new Fixture({ limits });
	const client = fixture.connect("c", { ...fresh(5), keepalive: 0 });
	const old = fixture.connect("old");
	fixture.advance(29_000);
	assert.not(client.closed);
	fixture.advance(2_000);
	ended(client, "after one and a half of it", 0x8d);
	assert.not(old.closed, "3.1.1 cannot be told");
});

test("5.0: Response Information is told to who asks, and names the client [5:MQTT-3.1.2-28]", () => {
	const ask = { properties: { requestResponseInformation: true } };
	assert.is(connack({}, ask).responseInformation, "response/c");
	assert.is(connack({}).responseInformation, undefined);
	assert.is(connack({}, { properties: { requestResponseInformation: false } }).responseInformation, undefined);
	const information = (clientId: string, responseInformation?: string) => {
		const fixture = new Fixture(responseInformation === undefined ? {} : { responseInformation });
		return fixture.open(5).connect(clientId, { ...fresh(5), ...ask }).properties?.responseInformation;
	};
	assert.is(information("$&"), "response/$&", "as it is");
	assert.is(information("a+b"), undefined, "no Topic Name");
	assert.is(information("c", "r/%c/x"), "r/c/x");
	assert.is(information("c", ""), undefined);
	assert.match(information("")!, /^response\/hearth-/);
	assert.throws(() => new Fixture({ responseInformation: "x".repeat(65) }), /at most 64 bytes/);
});

test("5.0: a request finds its way to the responder, and the answer back", () => {
	const fixture = new Fixture();
	const requester = fixture.open(5);
	const options = { ...fresh(5), properties: { requestResponseInformation: true } };
	const base = requester.connect("req", options).properties!.responseInformation!;
	requester.subscribe(`${base}/#`, 1);
	const responder = fixture.connect("res", fresh(5));
	responder.subscribe("service", 1);
	const properties = { responseTopic: `${base}/1`, correlationData: Buffer.from([0, 255, 7]) };
	requester.publish("service", "question", 1, { properties });
	requester.packets = [];
	const asked = responder.take("publish");
	const { responseTopic, correlationData } = asked.properties!;
	responder.publish(responseTopic!, "answer", 1, { properties: { correlationData } });
	const answer = requester.take("publish");
	assert.equal([answer.topic, `${answer.payload}`], ["response/req/1", "answer"]);
	assert.equal(answer.properties?.correlationData, Buffer.from([0, 255, 7]));
});

test("5.0: Session Expiry, Receive Maximum, Maximum Packet Size, Topic Alias Maximum are the limits'", () => {
	const limits = { sessionExpirySeconds: 60, receiveMaximum: 9, packetBytes: 2_000, topicAliases: 3 };
	const told = connack(limits, { properties: { sessionExpiryInterval: 0xffffffff } });
	assert.equal(
		[told.sessionExpiryInterval, told.receiveMaximum, told.maximumPacketSize, told.topicAliasMaximum],
		[60, 9, 2_000, 3],
	);
	assert.is(connack(limits, { properties: { sessionExpiryInterval: 59 } }).sessionExpiryInterval, undefined);
});

test("5.0: where 64 filters overlap, one copy has all their identifiers, queued or not [5:MQTT-3.3.4-4]", () => {
	const limits = { subscriptions: 128, topicLevels: 16, filterNodes: 400, filterBytes: 16_384, blocks: 200 };
	const fixture = new Fixture({ limits });
	const client = fixture.connect("c", lasting(5));
	const expected: number[] = [];
	// every way to write each of 6 levels as itself or "+": 64 filters that all match
	for (let i = 0; i < 64; i++) {
		const filter = ["a", "b", "c", "d", "e", "f"].map((level, at) => ((i >> at) & 1 ? "+" : level)).join("/");
		const identifier = 200_000_000 + i;
		subscribe(client, filter, 1, { subscriptionIdentifier: identifier });
		expected.push(identifier);
	}
	client.packets = [];
	const publisher = fixture.connect("p", fresh(5));
	const identifiers = (taken: Packet) =>
		[(taken as { properties?: { subscriptionIdentifier?: number[] } }).properties?.subscriptionIdentifier ?? []]
			.flat()
			.sort((a, b) => a - b);
	publisher.publish("a/b/c/d/e/f", "x", 0);
	assert.equal(identifiers(client.take("publish")), expected, "QoS 0");
	publisher.publish("a/b/c/d/e/f", "x", 1);
	assert.equal(identifiers(client.take("publish")), expected, "QoS 1");
	client.cut();
	publisher.publish("a/b/c/d/e/f", "y", 1, { messageId: 2 });
	const back = fixture.connect("c", lasting(5));
	assert.equal(identifiers(back.take("publish")), expected, "sent again");
	assert.equal(identifiers(back.take("publish")), expected, "kept while it was away");
});

test("5.0: after CONNACK or DISCONNECT with an error the connection is closed [5:MQTT-4.13.2-1]", () => {
	const fixture = new Fixture({ access: { authorizePublish: (_client, topic) => topic !== "secret" } });
	const refused = fixture.open(5).raw(connectBytes(5, { properties: [33, 0, 0] }));
	assert.ok(refused.take("connack").reasonCode! >= 0x80 && refused.closed);
	ended(fixture.connect("c", fresh(5)).raw(packet(0x30, data("a/#"), [0])), "DISCONNECT", 0x90);
	const client = fixture.connect("c", fresh(5));
	client.publish("secret", "x", 1);
	assert.is(client.take("puback").reasonCode, 0x87);
	assert.not(client.closed, "PUBACK's refusal is no end");
});

test.run();
