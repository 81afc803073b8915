import { Cause } from "../../src/errors.js";
import { Fixture } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("the program's own publishing and subscribing");

test("a client gets what the program publishes, and the program what a client publishes", () => {
	const fixture = new Fixture();
	const got: string[] = [];
	fixture.broker.subscribe("a/+", (m) => got.push(`${m.topic} ${Buffer.from(m.payload)} ${m.qos} ${m.retain}`));
	const client = fixture.connect("c");
	client.subscribe("#", 2);
	client.publish("a/b", "hello", 1);
	assert.is(fixture.broker.publish("a/c", "from inside", { qos: 1, retain: true }), Cause.None);
	fixture.settle();
	assert.equal(got, ["a/b hello 1 false", "a/c from inside 1 false"]);
	assert.equal(client.messages(), ["a/b hello 1", "puback", "a/c from inside 1"]);
});

test("a new subscription of the program begins with the Retained Messages", () => {
	const fixture = new Fixture();
	fixture.broker.publish("a", new Uint8Array([1, 2, 3]), { retain: true });
	const got: unknown[] = [];
	fixture.broker.subscribe("a", (m) => got.push([...m.payload, m.retain]));
	fixture.settle();
	assert.equal(got, [[1, 2, 3, true]]);
});

test("a handler may publish, subscribe, and close any client, the sender included", () => {
	const fixture = new Fixture({ limits: { localSubscriptions: 3 } });
	const { broker } = fixture;
	const got: string[] = [];
	const first = broker.subscribe("in", (m) => {
		broker.publish("out", m.payload, { qos: 1 });
		broker.subscribe("out", (n) => got.push(`late ${n.topic}`));
		broker.disconnect("sender");
		broker.disconnect("nobody");
		first.close();
		first.close();
	});
	broker.subscribe("out", (m) => got.push(`${m.topic} ${Buffer.from(m.payload)}`));
	const sender = fixture.connect("sender");
	const other = fixture.connect("other");
	other.subscribe("out", 1);
	sender.publish("in", "x");
	assert.equal(got, ["out x"]);
	assert.ok(sender.closed);
	assert.equal(other.messages(), ["out x 1"]);
	broker.publish("in", "y");
	fixture.settle();
	assert.equal(got, ["out x"], "the first subscription is closed");
	broker.publish("out", "z");
	fixture.settle();
	assert.equal(got.sort(), ["late out", "out x", "out z"]);
});

test("messages keep their order through handlers that publish", () => {
	const fixture = new Fixture();
	const { broker } = fixture;
	const got: string[] = [];
	broker.subscribe("n", (m) => {
		const n = Number(Buffer.from(m.payload).toString());
		got.push(`n${n}`);
		if (n < 3) broker.publish("n", `${n + 1}`);
		broker.publish("m", `${n}`);
	});
	broker.subscribe("m", (m) => got.push(`m${Buffer.from(m.payload)}`));
	broker.publish("n", "1");
	broker.publish("n", "3");
	fixture.settle();
	assert.equal(
		got.filter((g) => g[0] === "n"),
		["n1", "n3", "n2", "n3"],
	);
	assert.equal(
		got.filter((g) => g[0] === "m"),
		["m1", "m3", "m2", "m3"],
	);
});

test("a handler that throws is counted and logged, and stops nothing", () => {
	const fixture = new Fixture();
	const got: string[] = [];
	fixture.broker.subscribe("a", () => {
		throw new Error("mine");
	});
	fixture.broker.subscribe("a", (m) => got.push(m.topic));
	fixture.broker.publish("a", "");
	fixture.settle();
	assert.equal(got, ["a"]);
	assert.is(fixture.broker.counters.handlerErrors, 1);
	assert.ok(fixture.log.some((line) => line.includes("mine")));
});

test("events tell of clients coming, going, subscribing and publishing", () => {
	const told: string[] = [];
	const fixture = new Fixture({
		events: {
			connected: (id) => told.push(`connected ${id}`),
			disconnected: (id, reason) => told.push(`disconnected ${id} ${reason}`),
			subscribed: (id, filter) => told.push(`subscribed ${id} ${filter}`),
			published: (id, topic) => told.push(`published ${id} ${topic}`),
		},
	});
	const client = fixture.connect("c");
	client.subscribe("a/#");
	client.publish("a/b", "");
	client.send({ cmd: "disconnect" });
	fixture.connect("d").cut();
	assert.equal(told, [
		"connected c",
		"subscribed c a/#",
		"published c a/b",
		"disconnected c by the client",
		"connected d",
		"disconnected d transport-closed",
	]);
});

test("an event handler may close the client it is told of", () => {
	const fixture: Fixture = new Fixture({
		events: { connected: (id) => fixture.broker.disconnect(id) },
	});
	const client = fixture.open();
	client.connect("c");
	assert.ok(client.closed);
	assert.is(fixture.broker.connectedCount, 0);
});

test("a request's Response Topic and Correlation Data reach the program, and go with its answer", () => {
	const fixture = new Fixture();
	const { broker } = fixture;
	broker.subscribe("ask", (m) => {
		assert.is(m.contentType, "text/plain");
		broker.publish(m.responseTopic!, `${Buffer.from(m.payload)}!`, { correlationData: m.correlationData!, qos: 1 });
	});
	const client = fixture.connect("c", { protocolVersion: 5 });
	client.subscribe("answer/#", 1);
	const properties = { responseTopic: "answer/c", correlationData: Buffer.of(1, 2, 3), contentType: "text/plain" };
	client.publish("ask", "really", 0, { properties });
	const answer = client.take("publish");
	assert.is(`${answer.topic} ${answer.payload}`, "answer/c really!");
	assert.equal([...answer.properties!.correlationData!], [1, 2, 3]);
	assert.throws(() => broker.publish("a", "", { responseTopic: "a/#" }), /responseTopic "a\/#": give a Topic Name/);
});

test("an invalid topic or filter, a message too large and a full table are told with the remedy", () => {
	const { broker } = new Fixture({ limits: { localSubscriptions: 1 } });
	assert.throws(() => broker.publish("a/+", ""), /topic "a\/\+": topic-wildcard/);
	assert.throws(() => broker.publish("", ""), /topic-empty/);
	assert.throws(() => broker.publish("a", new Uint8Array(5000)), /more than 4096 bytes/);
	assert.throws(() => broker.subscribe("a/#/b", () => {}), /not valid/);
	const subscription = broker.subscribe("a", () => {});
	assert.throws(() => broker.subscribe("b", () => {}), /localSubscriptions/);
	subscription.close();
	broker.subscribe("b", () => {});
});

test.run();
