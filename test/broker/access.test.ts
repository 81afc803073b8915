/** Rights: what is asked, what is kept of the answers, logins that take time, and guessing. */
import type { AccessRules, Answer, Client } from "../../src/broker/access.js";
import { Cause } from "../../src/errors.js";
import { data, ended, fresh, lasting, packet } from "../conformance/wire.js";
import { Fixture, type FixtureOptions, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("access");

function login(fixture: Fixture, clientId: string, username: string, password = "p", more: object = {}): TestClient {
	return fixture.connect(clientId, { username, password: Buffer.from(password), ...more });
}

test("the rules hear who asks, by Client Identifier and user name", () => {
	const asked: string[] = [];
	const note = (what: string) => (client: Client, topic: string) => {
		asked.push(`${what} ${client.clientId} ${client.userName} ${topic}`);
		return true;
	};
	const access = {
		authorizePublish: note("publish"),
		authorizeSubscribe: note("subscribe"),
		authorizeReceive: note("receive"),
	};
	const fixture = new Fixture({ access });
	const will = { topic: "w", payload: Buffer.from("x"), qos: 0 as const, retain: false };
	login(fixture, "c", "ann", "p", { will }).subscribe("$share/g/a");
	login(fixture, "d", "ben").subscribe("a");
	fixture.connect("e").publish("a", "x");
	assert.equal(asked, [
		"publish c ann w",
		"subscribe c ann a",
		"subscribe d ben a",
		"publish e undefined a",
		"receive d ben a",
		"receive c ann a",
	]);
});

test("a rule is asked once for a publisher and its topic, again when it comes in again", () => {
	let asked = 0;
	const access = { authorizePublish: () => ++asked > 0 };
	const fixture = new Fixture({ access });
	const client = fixture.connect("c");
	for (let i = 0; i < 10; i++) client.publish("a", "x");
	assert.is(asked, 1);
	const other = fixture.connect("other");
	other.publish("a", "x");
	assert.is(asked, 2, "another's answer is its own");
	client.cut();
	fixture.connect("c").publish("a", "x");
	assert.is(asked, 3);
	for (let i = 0; i < 100; i++) other.publish(`many/${i}`, "x"); // more than there are routes
	assert.is(asked, 103);
	fixture.broker.accessChanged();
	other.publish("many/99", "x");
	assert.is(asked, 104);
});

for (const way of [{ copiesWrites: true }, { copiesWrites: false }, { shortWays: false }])
	test(`of several publishers each is asked once, and who may not each time: ${JSON.stringify(way)}`, () => {
		const asked = new Map<string, number>();
		const authorizePublish = ({ clientId }: Client, topic: string): boolean => {
			asked.set(`${clientId} ${topic}`, (asked.get(`${clientId} ${topic}`) ?? 0) + 1);
			return clientId !== "no" || topic === "b";
		};
		const fixture = new Fixture({ ...way, access: { authorizePublish } });
		const receiver = fixture.connect("receiver");
		receiver.subscribe(["a", "b"]);
		const clients = ["one", "two", "no", "three"].map((name) => fixture.connect(name));
		for (let round = 0; round < 5; round++)
			for (const client of clients) client.publish("a", "x").publish("b", "x", 1).packets.length = 0;
		assert.is(receiver.messages().length, 5 * 3 + 5 * 4);
		for (const name of ["one", "two", "three"]) assert.equal([asked.get(`${name} a`), asked.get(`${name} b`)], [1, 1]);
		assert.equal([asked.get("no a"), asked.get("no b")], [5, 1]);
		fixture.broker.accessChanged();
		for (const client of clients) client.publish("a", "x");
		assert.equal([asked.get("one a"), asked.get("no a")], [2, 6], "nothing is known any more");
	});

test("a refused PUBLISH: 5.0 hears 0x87; before, it is acknowledged and dropped, or closed by option", () => {
	for (const refusedPublish of ["acknowledge", "close"] as const) {
		const fixture = new Fixture({ access: { authorizePublish: () => false, refusedPublish } });
		const witness = fixture.connect("w");
		witness.subscribe("#");
		for (const qos of [0, 1, 2] as const) {
			const v5 = fixture.connect("v5", fresh(5));
			v5.publish("a", "x", qos);
			if (qos > 0) assert.is((v5.packets[0] as { reasonCode?: number }).reasonCode, 0x87);
			assert.not(v5.closed);
			const old = fixture.connect("old");
			old.publish("a", "x", qos);
			assert.is(old.closed, refusedPublish === "close");
			if (!old.closed) assert.is(old.packets.length, qos === 0 ? 0 : 1);
		}
		assert.equal(witness.messages(), []);
		assert.is(fixture.broker.counters.refusedPublishes, 6);
	}
});

test("who may not receive a topic gets nothing of it: live, retained, queued, or as a group's member", () => {
	const access: AccessRules = { authorizeReceive: (client, topic) => client.userName === "ann" || topic !== "secret" };
	const fixture = new Fixture({ access });
	const ann = login(fixture, "a", "ann");
	const ben = login(fixture, "b", "ben", "p", { clean: false });
	const member = login(fixture, "m", "ben");
	const publisher = fixture.connect("p");
	publisher.publish("secret", "kept", 1, { retain: true });
	for (const client of [ann, ben]) client.subscribe("#", 1);
	member.subscribe("$share/g/#", 1);
	publisher.publish("secret", "x", 1);
	publisher.publish("open", "y", 1);
	assert.equal(ann.messages(), ["secret kept 1 retain", "secret x 1", "open y 1"]);
	assert.equal(ben.messages(), ["open y 1"]);
	assert.equal(member.messages(), ["open y 1"]);
	ben.cut();
	publisher.publish("secret", "z", 1);
	assert.equal(login(fixture, "b", "ben", "p", { clean: false }).messages(), ["open y 1 dup"]);
	const annNow = login(fixture, "b", "ann", "p", { clean: false });
	annNow.packets = [];
	publisher.publish("secret", "to ann", 1);
	assert.equal(annNow.messages(), ["secret to ann 1"], "the session is another user's now");
});

test("a lost member's message goes to a member who may receive it", () => {
	const topic = `long/${"x".repeat(200)}`;
	const access: AccessRules = { authorizeReceive: (client) => client.userName !== "ben" };
	const fixture = new Fixture({ access });
	const lost = login(fixture, "lost", "ann", "p", fresh(5));
	lost.subscribe("$share/g/#", 1);
	for (const name of ["a", topic]) fixture.connect("p", fresh(5)).publish(name, "x", 1);
	const ben = login(fixture, "b", "ben", "p", fresh(5));
	const cyd = login(fixture, "c", "cyd", "p", fresh(5));
	for (const client of [ben, cyd]) client.subscribe("$share/g/#", 1);
	lost.cut();
	assert.equal([ben.messages(), cyd.messages()], [[], ["a x 1", `${topic} x 1`]]);
});

test("when the rules change, subscriptions that are not allowed any more are lost, and messages stop", () => {
	let open = true;
	const access: AccessRules = {
		authorizeSubscribe: (_client, filter) => open || filter !== "closed/#",
		authorizeReceive: (_client, topic) => open || topic !== "other",
		authorizePublish: (_client, topic) => open || topic !== "mine",
	};
	const fixture = new Fixture({ access });
	const client = fixture.connect("c", lasting(5));
	client.subscribe(["closed/#", "other", "mine"]);
	const own: string[] = [];
	fixture.broker.subscribe("closed/#", (message) => own.push(message.topic));
	for (const topic of ["closed/1", "other", "mine"]) client.publish(topic, "x");
	assert.is(client.messages().length, 3);
	open = false;
	assert.is(fixture.broker.accessChanged(), 1);
	fixture.settle();
	for (const topic of ["closed/1", "other", "mine"]) client.publish(topic, "x");
	assert.equal(client.messages(), []);
	assert.equal(own, ["closed/1", "closed/1"], "the program's own stay");
	assert.is(fixture.broker.table.count, 3);
});

test("when the rules change, who may not stay is disconnected and leaves its Will, which has a rule of its own", () => {
	const gone = new Set<string>();
	const access: AccessRules = {
		authorizePublish: () => true,
		authorizeWill: (_client, topic) => topic !== "forbidden",
		mayStay: ({ userName }) => userName === undefined || !gone.has(userName),
	};
	const fixture = new Fixture({ access });
	const will = { topic: "allowed", payload: Buffer.from("ben has gone"), qos: 0 as const, retain: false };
	const ann = login(fixture, "a", "ann");
	const ben = login(fixture, "b", "ben", "p", { ...fresh(5), will });
	const nobody = fixture.connect("n");
	ann.subscribe("allowed");
	gone.add("ben");
	fixture.broker.accessChanged();
	fixture.settle();
	assert.is(ben.take("disconnect").reasonCode, 0x87);
	assert.ok(ben.closed);
	assert.not(ann.closed || nobody.closed);
	assert.equal(ann.messages(), ["allowed ben has gone 0"]);
	const refused = fixture.open();
	const connack = refused.connect("w", { will: { ...will, topic: "forbidden" } });
	assert.is(connack.returnCode, 5);
});

/** A broker whose logins are answered by the test. */
function slow(options: FixtureOptions = {}): { fixture: Fixture; answers: Answer[] } {
	const answers: Answer[] = [];
	const authenticate = (_client: Client, _password: unknown, _address: string, answer: Answer) => {
		answers.push(answer);
		return undefined;
	};
	const fixture = new Fixture({
		access: { authenticate },
		...options,
		limits: { authentications: 3, ...options.limits },
	});
	return { fixture, answers };
}

/** CONNECT, SUBSCRIBE and a PUBLISH to itself in one piece. */
function eager(id: string): number[] {
	const connect = packet(0x10, data("MQTT"), [4, 2, 0, 60], data(id));
	const subscribe = packet(0x82, [0, 1], data("a/#"), [0]);
	return [...connect, ...subscribe, ...packet(0x30, data(`a/${id}`), [...Buffer.from("x".repeat(300))])];
}

function answer(fixture: Fixture, given: Answer, cause: Cause): void {
	given(cause);
	fixture.settle();
}

test("a login that takes time: what the client sent behind CONNECT waits, others go on", () => {
	const { fixture, answers } = slow();
	const first = fixture.open().raw(eager("1"));
	const second = fixture.open().raw(eager("2"));
	assert.equal([first.bytes, second.bytes], [[], []]);
	assert.is(fixture.broker.connectedCount, 0);
	answer(fixture, answers[1]!, Cause.None);
	assert.equal(
		second.packets.map(({ cmd }) => cmd),
		["connack", "suback", "publish"],
	);
	assert.equal(first.bytes, []);
	answer(fixture, answers[0]!, Cause.BadUserNameOrPassword);
	assert.equal(first.bytes, [0x20, 2, 0, 4]);
	assert.ok(first.closed);
	second.publish("a/2", "later").publish("a/2", "still");
	assert.equal(second.messages().slice(-2), ["a/2 later 0", "a/2 still 0"]);
	assert.is(fixture.broker.authenticating, 0);
	assert.is(fixture.broker.pool.freeCount, fixture.broker.limits.blocks);
});

test("a login that the rules don't answer is refused in time; an answer after that does nothing", () => {
	const { fixture, answers } = slow();
	const before = fixture.open().raw(eager("1"));
	const v5 = fixture.open(5).raw(packet(0x10, data("MQTT"), [5, 2, 0, 0, 0], data("2")));
	fixture.advance(9_750);
	assert.equal([before.bytes, v5.bytes], [[], []]);
	fixture.advance(500);
	assert.equal(before.bytes, [0x20, 2, 0, 3], "server unavailable");
	assert.equal([v5.take("connack").reasonCode, v5.closed], [0x88, true]);
	assert.is(fixture.broker.authenticating, 0);
	answer(fixture, answers[0]!, Cause.None);
	assert.is(fixture.broker.connectedCount, 0);
	assert.is(fixture.broker.counters.closedFor(Cause.LoginTimeout), 2);
});

test("an answer that comes twice, or for a client that has gone, does nothing", () => {
	const { fixture, answers } = slow();
	const gone = fixture.open().raw(eager("1"));
	gone.cut();
	const next = fixture.open().raw(eager("2")); // has the same place
	answer(fixture, answers[0]!, Cause.None);
	assert.equal(next.bytes, []);
	answer(fixture, answers[1]!, Cause.None);
	answer(fixture, answers[1]!, Cause.NotAuthorized);
	assert.not(next.closed);
	assert.is(fixture.broker.connectedCount, 1);
	assert.is(fixture.broker.pool.freeCount, fixture.broker.limits.blocks);
});

test("no answer in time ends the connection; more logins at once than there is room for are refused", () => {
	const { fixture, answers } = slow({ limits: { connectTimeoutMs: 5_000 } });
	const waiting = ["1", "2", "3"].map((id) => fixture.open().raw(eager(id)));
	const fourth = fixture.open().raw(eager("4"));
	assert.equal(fourth.bytes, [0x20, 2, 0, 3]);
	fixture.advance(6_000);
	for (const client of waiting) assert.ok(client.closed);
	assert.is(fixture.broker.authenticating, 0);
	const fifth = fixture.open().raw(eager("5"));
	answer(fixture, answers.at(-1)!, Cause.None);
	assert.is(fifth.take("connack").returnCode, 0);
});

/** @returns the CONNACK's code; undefined: none yet */
function tried(client: TestClient, password: string, username = "ann"): number | undefined {
	client.send({
		cmd: "connect",
		protocolId: "MQTT",
		protocolVersion: 4,
		clientId: "guesser",
		clean: true,
		keepalive: 0,
		username,
		password: Buffer.from(password),
	});
	return (client.packets[0] as { returnCode?: number } | undefined)?.returnCode;
}

test("who guesses waits longer each time, for the right password too; others don't wait", () => {
	const authenticate = ({ userName }: Client, password: Uint8Array | undefined) =>
		Buffer.from(password ?? []).toString() === `of ${userName}` ? Cause.None : Cause.BadUserNameOrPassword;
	const fixture = new Fixture({ access: { authenticate } });
	for (let i = 0; i < 3; i++) assert.is(tried(fixture.open(), "wrong"), 4, "people mistype");
	const waits: number[] = [];
	for (let i = 0; i < 6; i++) {
		const client = fixture.open();
		assert.is(tried(client, "wrong"), undefined);
		assert.is(tried(fixture.open(), "of ann"), 3, "only one at a time");
		const from = fixture.now;
		while (client.packets.length === 0) fixture.advance(250);
		waits.push(fixture.now - from);
	}
	assert.equal(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000]);
	const right = fixture.open();
	tried(right, "of ann");
	fixture.advance(60_000);
	assert.is(right.take("connack").returnCode, 0);
	assert.is(fixture.broker.guesses.delayed, 7);
	fixture.advance(600_000);
	assert.is(tried(fixture.open(), "wrong"), 4, "forgotten");
});

test("who came in from an address before does not wait for what others there did, unless it guesses itself", () => {
	const authenticate = ({ userName }: Client, password: Uint8Array | undefined) =>
		Buffer.from(password ?? []).toString() === `of ${userName}` ? Cause.None : Cause.BadUserNameOrPassword;
	const fixture = new Fixture({ access: { authenticate }, limits: { guesses: 64 } });
	assert.is(tried(fixture.open(), "of ann"), 0);
	for (let i = 0; i < 5; i++) {
		const client = fixture.open();
		tried(client, "wrong", "broken");
		while (client.packets.length === 0) fixture.advance(250);
	}
	assert.is(tried(fixture.open(), "of zoe", "zoe"), undefined, "nobody has seen her there");
	assert.is(tried(fixture.open(), "of ann"), 0);
	for (let i = 0; i < 3; i++) assert.is(tried(fixture.open(), "wrong"), 4, "she mistypes");
	assert.is(tried(fixture.open(), "of ann"), 3, "she is like all others");
	// a device has no memory for that
	const small = new Fixture({ access: { authenticate }, limits: { guesses: 63 } });
	assert.is(tried(small.open(), "of ann"), 0);
	for (let i = 0; i < 3; i++) tried(small.open(), "wrong", `broken ${i}`);
	assert.is(tried(small.open(), "of ann"), undefined);
});

test("who guesses gets one judgement at a time, however long it takes; a right one does not slow the next", () => {
	const answers: ((cause: Cause) => void)[] = [];
	const authenticate = (_client: Client, _password: Uint8Array | undefined, _address: string, answer: Answer) => {
		answers.push(answer);
		return undefined;
	};
	const fixture = new Fixture({ access: { authenticate } });
	for (let i = 0; i < 3; i++) {
		tried(fixture.open(), "wrong");
		answer(fixture, answers.pop()!, Cause.BadUserNameOrPassword);
	}
	fixture.advance(500);
	for (let i = 0; i < 10; i++) tried(fixture.open(), "wrong");
	assert.is(answers.length, 1, "of ten at once one is judged");
	fixture.advance(499);
	assert.is(answers.length, 1);
	fixture.advance(250);
	assert.is(answers.length, 2, "and the one that waits, later");
	fixture.advance(500);
	answer(fixture, answers.pop()!, Cause.None);
	tried(fixture.open(), "right", "zoe");
	assert.is(answers.length, 2, "nobody failed meanwhile");
});

test("what is remembered of guesses is bounded, and a client that gives up waiting frees its place", () => {
	const fixture = new Fixture({ access: { authenticate: () => Cause.BadUserNameOrPassword }, limits: { guesses: 4 } });
	for (let i = 0; i < 50; i++) tried(fixture.open(), "x", `user ${i}`);
	const client = fixture.open();
	fixture.advance(100_000);
	for (let i = 0; i < 4; i++) tried(fixture.open(), "x", "ann");
	tried(client, "x");
	client.cut();
	assert.is(fixture.broker.authenticating, 0);
	const again = fixture.open();
	tried(again, "x");
	assert.not(again.closed, "it waits, and is not refused for the one that went");
});

test("Enhanced Authentication and user names end in the same rights", () => {
	const method = { name: "X", begin: () => ({ data: undefined, userName: "zoe", take: () => "success" as const }) };
	const fixture = new Fixture({
		authentication: [method],
		access: { authorizePublish: (client) => client.userName === "zoe" },
	});
	const client = fixture.open(5).raw(packet(0x10, data("MQTT"), [5, 2, 0, 0, 4, 21, ...data("X")], data("c")));
	client.packets = [];
	client.publish("a", "x", 1);
	assert.is(client.take("puback").reasonCode, 0x10);
	const other = fixture.connect("d", fresh(5));
	other.publish("a", "x", 1);
	assert.is(other.take("puback").reasonCode, 0x87);
	ended(other.raw([0x10, 0]), "");
});

test.run();
