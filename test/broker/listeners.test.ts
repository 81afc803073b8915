/** Listeners: rules and limits of their own, one topic space. */
import type { AccessRules } from "../../src/broker/access.js";
import { Cause, HearthError } from "../../src/errors.js";
import { ended, fresh, lasting } from "../conformance/wire.js";
import { Fixture, TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("listeners");

test("clients of several listeners share topics, Client Identifiers and Retained Messages", () => {
	const fixture = new Fixture();
	const other = fixture.broker.addListener({ name: "other" });
	const here = fixture.connect("here");
	here.subscribe("a/#", 1);
	const there = fixture.connect("there", {}, other);
	there.publish("a/b", "x", 1, { retain: true });
	assert.equal(here.messages(), ["a/b x 1"]);
	there.packets = [];
	there.subscribe("a/b");
	assert.equal(there.messages(), ["a/b x 0 retain"]);
	const again = fixture.connect("here", {}, other);
	assert.ok(here.closed, "the same client comes in elsewhere");
	assert.not(again.closed);
	assert.equal([fixture.broker.listener.connectedCount, other.connectedCount], [0, 2]);
	assert.equal([fixture.broker.listener.openCount, other.openCount], [0, 2]);
});

test("each listener's rules hold for who came in there, also when it is away", () => {
	const secret: AccessRules = { authorizeReceive: (_client, topic) => topic !== "secret" };
	const fixture = new Fixture({ access: { authorizePublish: (_client, topic) => topic !== "forbidden" } });
	const guests = fixture.broker.addListener({ access: secret });
	const closed = fixture.broker.addListener({ access: { authorizeSubscribe: () => false, allowAnonymous: false } });
	const inside = fixture.connect("inside", lasting(4));
	const guest = fixture.connect("guest", lasting(4), guests);
	for (const client of [inside, guest]) client.subscribe("#", 1);
	fixture.connect("p", {}, guests).publish("forbidden", "x", 1);
	const publisher = fixture.connect("p");
	for (const topic of ["forbidden", "secret"]) publisher.publish(topic, "x", 1); // the first is dropped
	assert.equal(inside.messages(), ["forbidden x 1", "secret x 1"]);
	assert.equal(guest.messages(), ["forbidden x 1"]);
	guest.cut();
	inside.cut();
	for (const topic of ["secret", "open"]) publisher.publish(topic, "y", 1);
	assert.equal(fixture.connect("guest", lasting(4), guests).messages(), ["forbidden x 1 dup", "open y 1"]);
	assert.equal(
		fixture.connect("inside", lasting(4)).messages().slice(2),
		["secret y 1", "open y 1"],
		"what a session may have is what its client's last listener says",
	);
	assert.is(fixture.open(4, closed).connect("stranger").returnCode, 5);
});

test("a client that comes in at another listener has that one's rules from then on", () => {
	const fixture = new Fixture();
	const guests = fixture.broker.addListener({
		access: { authorizeReceive: (_client, topic) => topic !== "secret", authorizePublish: () => false },
	});
	const publisher = fixture.connect("p");
	fixture.connect("c", lasting(5)).subscribe("secret", 1);
	publisher.publish("secret", "1", 0);
	const guest = fixture.connect("c", lasting(5), guests);
	publisher.publish("secret", "2", 1);
	publisher.packets = [];
	assert.equal(guest.messages(), []);
	assert.is(guest.publish("a", "x", 1).take("puback").reasonCode, 0x87);
	const again = fixture.connect("c", lasting(5));
	publisher.publish("secret", "3", 1);
	assert.equal(again.messages(), ["secret 3 1"]);
	assert.is(again.publish("a", "x", 1).take("puback").reasonCode, 0x10);
});

test("refusedPublish is the listener's", () => {
	const fixture = new Fixture();
	const access: AccessRules = { authorizePublish: () => false, refusedPublish: "close" };
	const strict = fixture.broker.addListener({ access });
	assert.ok(fixture.connect("a", {}, strict).publish("t", "x", 1).closed);
	assert.not(fixture.connect("b").publish("t", "x", 1).closed);
});

test("a listener's connections are bounded, its clients' and those of strangers; others keep their places", () => {
	const fixture = new Fixture({ limits: { connections: 6, spareConnections: 1 } });
	const few = fixture.broker.addListener({ limits: { connections: 2 } });
	const clients = [fixture.connect("1", {}, few), fixture.connect("2", {}, few)];
	assert.is(fixture.open(4, few).connect("3").returnCode, 3);
	assert.is(fixture.open(5, few).connect("3").reasonCode, 0x97);
	const again = fixture.connect("2", {}, few);
	assert.ok(clients[1]!.closed && !again.closed, "who comes again takes its own place");
	const silent = [fixture.open(4, few), fixture.open(4, few)];
	assert.equal(
		silent.map((client) => client.closed),
		[true, false],
		"the one that has waited longest makes room",
	);
	assert.is(few.openCount, 3);
	for (const id of ["4", "5", "6", "7"]) fixture.connect(id);
	assert.is(fixture.broker.connectedCount, 6);
	again.cut();
	clients[0]!.cut();
	assert.is(few.connectedCount, 0);
	assert.is(few.openCount, 1, "the silent one");
	const moved = fixture.connect("1", {}, few);
	assert.not(fixture.connect("1").closed, "a client may move to another listener");
	assert.ok(moved.closed);
	assert.is(few.connectedCount, 0);
});

test("a full listener takes nobody who is connected elsewhere", () => {
	const fixture = new Fixture();
	const one = fixture.broker.addListener({ limits: { connections: 1 } });
	const first = fixture.connect("first", {}, one);
	const second = fixture.connect("second");
	assert.is(fixture.open(4, one).connect("second").returnCode, 3);
	assert.not(first.closed || second.closed);
});

test("packet size, QoS, Keep Alive and session expiry are the listener's, and CONNACK says so", () => {
	const fixture = new Fixture();
	const small = fixture.broker.addListener({
		limits: { packetBytes: 200, qosMax: 1, keepAliveMaxSeconds: 30, sessionExpirySeconds: 60 },
	});
	const properties = { sessionExpiryInterval: 1_000 };
	const client = fixture.open(5, small);
	const connack = client.connect("c", { keepalive: 100, properties });
	const told = connack.properties!;
	assert.equal(
		[told.maximumPacketSize, told.maximumQoS, told.serverKeepAlive, told.sessionExpiryInterval],
		[200, 1, 30, 60],
	);
	assert.equal(client.subscribe("#", 2), [1]);
	client.publish("t", "x".repeat(193), 0);
	assert.equal(client.messages(), [`t ${"x".repeat(193)} 0`], "200 bytes");
	ended(client.publish("t", "x".repeat(194), 0), "201 bytes", 0x95);
	ended(fixture.connect("q", fresh(5), small).publish("t", "x", 2), "QoS 2", 0x9b);
	const will = { topic: "w", payload: Buffer.from("x"), qos: 2 as const, retain: false };
	assert.is(fixture.open(5, small).connect("w", { will }).reasonCode, 0x9b);
	const large = fixture.connect("large");
	large.publish("t", "x".repeat(1_000), 2).take("pubrec");
	assert.not(large.closed, "the same place has the broker's limits for others");
});

test("a limit beyond the broker's is refused with both numbers", () => {
	const { broker } = new Fixture();
	const limits: object[] = [{ connections: 17 }, { connections: 0 }, { packetBytes: 4_097 }, { packetBytes: 127 }];
	for (const wrong of [...limits, { qosMax: 3 }, { keepAliveMaxSeconds: 1.5 }, { sessionExpirySeconds: 1e9 }])
		assert.throws(
			() => broker.addListener({ name: "n", limits: wrong }),
			(error: unknown) =>
				error instanceof HearthError && /^listener n: limits\.\w+: [\d.]+: give \d+ to \d+$/.test(error.message),
		);
});

test("a certificate's name is the user name where the listener says so, and is not judged again", () => {
	const asked: (string | undefined)[] = [];
	const access: AccessRules = {
		authenticate: (client) => {
			asked.push(client.userName);
			return Cause.BadUserNameOrPassword;
		},
	};
	const fixture = new Fixture({ access });
	const byName = fixture.broker.addListener({ certificateUserName: true });
	const connect = (listener: typeof byName | undefined, name: string | undefined) =>
		new TestClient(fixture, 4, listener, name).connect(`c${asked.length}`, { username: "mallory" }).returnCode;
	assert.is(connect(byName, "alice"), 0);
	assert.is(fixture.broker.sessions.find("c0")!.userName, "alice");
	assert.equal(asked, []);
	assert.is(connect(byName, undefined), 4);
	assert.is(connect(undefined, "alice"), 4);
	assert.equal(asked, ["mallory", "mallory"]);
});

test.run();
