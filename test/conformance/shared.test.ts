/** Shared Subscriptions: what happens to a message when the member that was chosen is lost. Spec: 5.0, 4.8.2 */
import { Fixture, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";
import { fresh, lasting } from "./wire.js";

const test = suite("Shared Subscriptions");

/** Two members of a group whose sessions outlive their connections; the first has got what was published before the
 *  second came, and acknowledged nothing. */
function lostAndFound(fixture: Fixture, qos: 0 | 1 | 2, count: number, receiveMaximum = 100): TestClient[] {
	const options = { ...lasting(5), properties: { sessionExpiryInterval: 100, receiveMaximum } };
	const lost = fixture.connect("lost", options);
	lost.subscribe("$share/g/a", qos);
	const publisher = fixture.connect("p", fresh(5));
	for (let i = 1; i <= count; i++) {
		publisher.publish("a", `${i}`, qos, { messageId: i });
		if (qos === 2) publisher.send({ cmd: "pubrel", messageId: i });
	}
	const found = fixture.connect("found", lasting(5));
	found.subscribe("$share/g/a", qos);
	assert.equal(found.packets, []);
	return [lost, found];
}

test("5.0: a shared QoS 2 message that was begun stays with its member [5:MQTT-4.8.2-4] [5:MQTT-4.8.2-5]", () => {
	for (const back of [true, false]) {
		const fixture = new Fixture();
		const members = ["m1", "m2"].map((id) => {
			const client = fixture.connect(id, lasting(5));
			client.subscribe("$share/g/a", 2);
			return client;
		});
		fixture.connect("p").publish("a", "x", 2);
		const chosen = members.findIndex((client) => client.packets.length > 0);
		const other = members[1 - chosen]!;
		members[chosen]!.cut();
		fixture.advance(60_000);
		assert.equal(other.messages(), [], "not sent to another while it is away");
		const id = `m${chosen + 1}`;
		if (back) assert.equal(fixture.connect(id, lasting(5)).messages(), ["a x 2 dup"]);
		else fixture.connect(id, fresh(5));
		fixture.advance(1_000);
		assert.equal(other.messages(), [], "nor when its session has ended");
	}
});

test("5.0: a shared message that its member refuses goes to no other [5:MQTT-4.8.2-6]", () => {
	for (const qos of [1, 2] as const) {
		const fixture = new Fixture();
		const members = ["m1", "m2"].map((id) => {
			const client = fixture.connect(id, fresh(5));
			client.subscribe("$share/g/a", 2);
			return client;
		});
		fixture.connect("p").publish("a", "x", qos);
		const chosen = members.findIndex((client) => client.packets.length > 0);
		members[chosen]!.packets = [];
		members[chosen]!.send({ cmd: qos === 1 ? "puback" : "pubrec", messageId: 1, reasonCode: 0x80 });
		fixture.advance(10_000);
		for (const client of members) assert.equal(client.messages(), []);
		assert.is(fixture.broker.store.count, 0);
	}
});

test("5.0: QoS 1 messages that a lost member did not acknowledge go on to another, in order", () => {
	const fixture = new Fixture();
	const [lost, found] = lostAndFound(fixture, 1, 6, 4) as [TestClient, TestClient];
	assert.equal(lost.messages(), ["a 1 1", "a 2 1", "a 3 1", "a 4 1"]);
	lost.send({ cmd: "puback", messageId: 1 });
	lost.cut();
	const messages = ["a 2 1", "a 3 1", "a 4 1", "a 5 1", "a 6 1"];
	assert.equal(found.messages(), messages);
	const back = fixture.connect("lost", lasting(5));
	assert.ok(back.sessionPresent);
	assert.equal(back.messages(), [], "the lost one has nothing of them any more");
});

test("5.0: QoS 2 messages that wait go on to another; those that were sent stay", () => {
	const fixture = new Fixture();
	const [lost, found] = lostAndFound(fixture, 2, 5, 2) as [TestClient, TestClient];
	assert.equal(lost.messages(), ["a 1 2", "a 2 2"]);
	lost.cut();
	assert.equal(found.messages(), ["a 3 2", "a 4 2", "a 5 2"]);
	assert.equal(fixture.connect("lost", lasting(5)).messages(), ["a 1 2 dup", "a 2 2 dup"]);
});

test("5.0: what nobody is there for waits; when the session ends it goes to a member that is away", () => {
	const fixture = new Fixture();
	const [lost, found] = lostAndFound(fixture, 1, 3) as [TestClient, TestClient];
	found.cut();
	lost.cut();
	fixture.advance(50_000);
	assert.equal(fixture.connect("lost", { ...lasting(5), properties: { sessionExpiryInterval: 100 } }).messages(), [
		"a 1 1 dup",
		"a 2 1 dup",
		"a 3 1 dup",
	]);
	fixture.broker.disconnect("lost");
	fixture.settle();
	fixture.advance(101_000);
	assert.equal(fixture.connect("found", lasting(5)).messages(), ["a 1 1", "a 2 1", "a 3 1"]);
});

test("5.0: each member gets its own QoS, flags and Subscription Identifier of what is handed on", () => {
	const fixture = new Fixture();
	const lost = fixture.connect("lost", fresh(5));
	const subscribe = (client: TestClient, qos: 0 | 1, rap: boolean, subscriptionIdentifier: number) => {
		const subscriptions = [{ topic: "$share/g/a", qos, rap }];
		client.send({ cmd: "subscribe", messageId: 9, subscriptions, properties: { subscriptionIdentifier } });
		client.take("suback");
	};
	subscribe(lost, 1, true, 7);
	fixture.connect("p").publish("a", "x", 1, { retain: true });
	assert.equal(lost.packets[0]?.cmd === "publish" && lost.packets[0].properties?.subscriptionIdentifier, 7);
	assert.equal(lost.messages(), ["a x 1 retain"]);
	const found = fixture.connect("found", fresh(5));
	subscribe(found, 0, false, 8);
	lost.cut();
	const handed = found.take("publish");
	assert.equal([handed.qos, handed.retain, handed.dup], [0, false, false]);
	assert.equal(handed.properties?.subscriptionIdentifier, 8);
});

test("5.0: who takes its session over, or left the group, keeps its messages", () => {
	const fixture = new Fixture();
	const [, found] = lostAndFound(fixture, 1, 2) as [TestClient, TestClient];
	const again = fixture.connect("lost", lasting(5));
	assert.equal(again.messages(), ["a 1 1 dup", "a 2 1 dup"]);
	assert.equal(found.messages(), []);
	again.send({ cmd: "unsubscribe", messageId: 3, unsubscriptions: ["$share/g/a"] });
	again.take("unsuback");
	again.cut();
	assert.equal(found.messages(), []);
	assert.equal(fixture.connect("lost", lasting(5)).messages(), ["a 1 1 dup", "a 2 1 dup"]);
});

test("5.0: a group of which nobody is left lets its messages go, and all their memory", () => {
	const fixture = new Fixture();
	const [lost, found] = lostAndFound(fixture, 1, 4) as [TestClient, TestClient];
	for (const client of [found, lost]) client.cut();
	for (const id of ["found", "lost"]) fixture.connect(id, fresh(5)).send({ cmd: "disconnect" } as never);
	fixture.settle();
	assert.is(fixture.broker.store.count, 0);
	assert.is(fixture.broker.deliveries.freeCount, fixture.broker.limits.deliveries);
	assert.is(fixture.broker.pool.freeCount, fixture.broker.limits.blocks);
});

test("5.0: a full member is passed by, and the message stays where it is", () => {
	const fixture = new Fixture({ limits: { queueMessages: 4 } });
	const [lost, found] = lostAndFound(fixture, 1, 4) as [TestClient, TestClient];
	found.subscribe("b", 1);
	for (let i = 1; i <= 3; i++) fixture.connect("p", fresh(5)).publish("b", `${i}`, 1);
	found.packets = [];
	lost.cut();
	assert.equal(found.messages(), ["a 1 1"]);
	assert.equal(fixture.connect("lost", lasting(5)).messages(), ["a 2 1 dup", "a 3 1 dup", "a 4 1 dup"]);
});

test("5.0: members that are there come before those that are away, and those with room before the busy", () => {
	const fixture = new Fixture();
	const away = fixture.connect("away", lasting(5));
	away.subscribe("$share/g/a", 1);
	away.cut();
	const busy = fixture.connect("busy", { ...fresh(5), properties: { receiveMaximum: 1 } });
	busy.subscribe("$share/g/a", 1);
	const free = fixture.connect("free", fresh(5));
	free.subscribe("$share/g/a", 1);
	const publisher = fixture.connect("p", fresh(5));
	for (let i = 1; i <= 8; i++) publisher.publish("a", `${i}`, 1, { messageId: i });
	assert.is(busy.messages().length + free.packets.length, 8);
	assert.ok(free.packets.length >= 7, "the one with the larger window");
	assert.equal(fixture.connect("away", lasting(5)).messages(), []);
});

test.run();
