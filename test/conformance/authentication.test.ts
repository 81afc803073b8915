/** Enhanced Authentication of 5.0: the exchange of AUTH packets, with a method that asks two questions. */
import type { Packet } from "mqtt-packet";
import type { AuthenticationMethod } from "../../src/auth/authentication-method.js";
import { Cause } from "../../src/errors.js";
import { Fixture, type FixtureOptions, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";
import { connectBytes, data, ended, fresh, packet, variable } from "./wire.js";

const test = suite("Enhanced Authentication");

/** Says what came, letter for letter, until "open" has come twice; "wrong" fails, "throw" throws. */
const sesame: AuthenticationMethod = {
	name: "SESAME",
	begin(_clientId, userName) {
		let opened = 0;
		const exchange = {
			data: undefined as Uint8Array | undefined,
			userName: userName ?? "ali",
			take(bytes: Uint8Array, start: number, end: number) {
				const said = String.fromCharCode(...bytes.slice(start, end));
				if (said === "throw") throw new Error("a fault of the method");
				if (said === "mustafa") exchange.userName = said;
				exchange.data = start === end ? undefined : bytes.slice(start, end);
				if (said === "open" && ++opened === 2) return "success" as const;
				return said === "wrong" ? ("failure" as const) : ("continue" as const);
			},
		};
		return exchange;
	},
};

function fixtureOf(options: FixtureOptions = {}): Fixture {
	return new Fixture({ authentication: [sesame], ...options });
}

const METHOD = [21, ...data("SESAME")];

function dataProperty(said: string): number[] {
	return said === "" ? [] : [22, ...data(said)];
}

/** @returns a CONNECT that begins an exchange */
function connecting(said: string, more: number[] = [], payload = data("c")): number[] {
	return connectBytes(5, { properties: [...METHOD, ...dataProperty(said), ...more], payload });
}

function auth(reason: number, said: string, method = METHOD): number[] {
	const properties = [...method, ...dataProperty(said)];
	return packet(0xf0, [reason], variable(properties.length), properties);
}

function properties(taken: Packet): { method: string | undefined; said: string } {
	const found = (taken as { properties?: { authenticationMethod?: string; authenticationData?: Buffer } }).properties;
	return { method: found?.authenticationMethod, said: `${found?.authenticationData ?? ""}` };
}

/** A client that has answered twice. */
function authenticated(fixture: Fixture, payload = data("c")): TestClient {
	const client = fixture.open(5);
	client.raw(connecting("open", [], payload)).raw(auth(0x18, "open"));
	assert.is(client.packets.shift()?.cmd, "auth");
	assert.is(client.take("connack").reasonCode, 0);
	return client;
}

const ASKED = "[5:MQTT-4.12.0-2] [5:MQTT-4.12.0-5] [5:MQTT-3.15.2-1]";

test(`5.0: AUTH 0x18 asks until the method is content; then CONNACK comes, all with the method's name ${ASKED}`, () => {
	const fixture = fixtureOf();
	const client = fixture.open(5);
	client.raw(connecting("open"));
	for (const said of ["", "who?", "open"]) {
		const asked = client.take("auth" as "connack");
		assert.is(asked.reasonCode, 0x18);
		assert.equal(properties(asked), { method: "SESAME", said: said === "" ? "open" : said === "open" ? "" : said });
		assert.is(fixture.broker.connectedCount, 0, "not in yet");
		client.raw(auth(0x18, said === "" ? "who?" : said === "who?" ? "" : "open"));
	}
	const connack = client.take("connack");
	assert.is(connack.reasonCode, 0);
	assert.equal(properties(connack), { method: "SESAME", said: "open" });
	assert.is(fixture.broker.connectedCount, 1);
	assert.equal(client.packets, []);
});

test("5.0: all of a CONNECT is as if it had come after the exchange, a large one too", () => {
	const fixture = fixtureOf();
	const witness = fixture.connect("w", fresh(5));
	witness.subscribe("#", 1);
	const payload = [...data("c"), 0, ...data("will/topic"), ...data("x".repeat(1_000)), ...data("user")];
	const will = connectBytes(5, { flags: 0x80 | 0x0e, properties: [...METHOD, ...dataProperty("open")], payload });
	const client = fixture.open(5);
	for (let at = 0; at < will.length; at += 100) client.raw(will.slice(at, at + 100));
	fixture.connect("other", fresh(5)).publish("a", "y".repeat(800)); // uses the same memory meanwhile
	witness.packets = [];
	client.raw(auth(0x18, "open"));
	client.packets.shift();
	assert.is(client.take("connack").reasonCode, 0);
	client.cut();
	const published = witness.take("publish");
	assert.equal([published.topic, `${published.payload}`, published.qos], ["will/topic", "x".repeat(1_000), 1]);
});

test("5.0: who fails gets CONNACK with the reason, and the end; its place is free again [5:MQTT-4.12.0-4]", () => {
	const fixture = fixtureOf({ limits: { guesses: 0, authentications: 2 } });
	for (let i = 0; i < 10; i++) {
		const client = fixture.open(5);
		client.raw(connecting("open"));
		client.packets = [];
		client.raw(auth(0x18, "wrong"));
		assert.is(client.take("connack").reasonCode, 0x87);
		assert.ok(client.closed);
	}
	assert.is(fixture.broker.authenticating, 0);
	assert.is(fixture.broker.pool.freeCount, fixture.broker.limits.blocks);
	assert.is(fixture.broker.clientSessions, 0);
});

test("5.0: an unknown method is refused with 0x8C, data without one and a method's fault with their reasons", () => {
	const fixture = fixtureOf();
	const tries: [number[], number][] = [
		[connectBytes(5, { properties: [21, ...data("SESAM")] }), 0x8c],
		[connectBytes(5, { properties: [22, ...data("open")] }), 0x82],
		[connectBytes(5, { properties: [...METHOD, ...METHOD] }), 0x82],
	];
	for (const [bytes, reason] of tries) {
		const client = fixture.open(5).raw(bytes);
		assert.is(client.take("connack").reasonCode, reason);
		assert.ok(client.closed);
	}
	const broken = fixture.open(5).raw(connecting("throw"));
	assert.ok(broken.closed);
	assert.is(fixture.broker.counters.internalErrors, 1);
	const other = new Fixture().open(5).raw(connecting("open"));
	assert.is(other.take("connack").reasonCode, 0x8c, "where there are no methods");
});

test("5.0: until CONNACK only AUTH and DISCONNECT may come [5:MQTT-3.1.2-30]", () => {
	const fixture = fixtureOf();
	const others = [[0xc0, 0], connecting("open"), packet(0x30, data("a"), [0]), packet(0x82, [0, 1, 0], data("a"), [0])];
	for (const other of [...others, packet(0x30, data("a"), [0], Array(3_000).fill(0))]) {
		const client = fixture.open(5).raw(connecting("open"));
		client.packets = [];
		client.raw(other);
		assert.is(client.take("connack").reasonCode, 0x82);
		assert.ok(client.closed);
	}
	const client = fixture.open(5).raw(connecting("open"));
	client.packets = [];
	client.raw([0xe0, 0]);
	assert.equal(client.packets, []);
	assert.ok(client.closed);
	assert.is(fixture.broker.authenticating, 0);
});

const WRONG = "AUTH without the method, with another, with a code that is none of a client's, or from who named none";

test(`5.0: ${WRONG} [5:MQTT-4.12.0-6] [5:MQTT-4.12.0-3]`, () => {
	const fixture = fixtureOf();
	const wrong: [string, number[]][] = [
		["no method", packet(0xf0, [0x18, 0])],
		["nothing", [0xf0, 0]],
		["another method", auth(0x18, "open", [21, ...data("SESAMI")])],
		["success", auth(0, "open")],
		["re-authentication", auth(0x19, "open")],
		["no code of AUTH", auth(0x87, "open")],
	];
	for (const [what, bytes] of wrong) {
		const client = fixture.open(5).raw(connecting("open"));
		client.packets = [];
		client.raw(bytes);
		assert.is(client.take("connack").reasonCode, 0x82, what);
		assert.ok(client.closed, what);
	}
	for (const bytes of [auth(0x19, "open"), auth(0x18, "open"), [0xf0, 0]]) {
		const plain = fixture.connect("plain", fresh(5));
		ended(plain.raw(bytes), "from who named no method", 0x82);
	}
	for (const version of [3, 4]) {
		const old = fixture.connect("old", { protocolVersion: version as 3 });
		ended(old.raw([0xf0, 0]), `${version}`);
	}
	const without = fixture.open(5).raw(connectBytes(5, {}));
	assert.equal(properties(without.take("connack")), { method: undefined, said: "" });
	assert.equal(without.packets, []);
});

test("5.0: a client authenticates again while its messages pass [5:MQTT-4.12.1-1]", () => {
	const fixture = fixtureOf();
	const client = authenticated(fixture);
	client.subscribe("a");
	for (let i = 0; i < 3; i++) {
		client.raw(auth(0x19, "open"));
		const asked = client.take("auth" as "connack");
		assert.equal([asked.reasonCode, properties(asked).method], [0x18, "SESAME"]);
		client.publish("a", "meanwhile");
		assert.equal(client.messages(), ["a meanwhile 0"]);
		client.raw(auth(0x18, "open"));
		const done = client.take("auth" as "connack");
		assert.is(done.reasonCode ?? 0, 0);
		assert.equal(properties(done), { method: "SESAME", said: "open" });
	}
	assert.is(fixture.broker.authenticating, 0);
});

test("5.0: who fails to authenticate again, or as another, is disconnected with the reason [5:MQTT-4.12.1-2]", () => {
	const fixture = fixtureOf();
	ended(authenticated(fixture).raw(auth(0x19, "wrong")), "wrong", 0x87);
	const other = authenticated(fixture);
	other.raw(auth(0x19, "mustafa")).raw(auth(0x18, "open"));
	other.packets = [];
	ended(other.raw(auth(0x18, "open")), "another user", 0x87);
	const twice = authenticated(fixture).raw(auth(0x19, "open"));
	twice.packets = [];
	ended(twice.raw(auth(0x19, "open")), "begun twice", 0x82);
	ended(authenticated(fixture).raw(auth(0x18, "open")), "continued what is not begun", 0x82);
	ended(authenticated(fixture).raw(auth(0x19, "open", [21, ...data("X")])), "another method", 0x82);
	assert.is(fixture.broker.authenticating, 0);
});

test("5.0: exchanges are few: more at once are refused with 0x89, and what is not finished ends with its time", () => {
	const fixture = fixtureOf({ limits: { authentications: 2, connectTimeoutMs: 10_000 } });
	const live = authenticated(fixture);
	const waiting = fixture.open(5).raw(connecting("open", [], data("w")));
	live.raw(auth(0x19, "open"));
	const third = fixture.open(5).raw(connecting("open", [], data("t")));
	assert.is(third.take("connack").reasonCode, 0x89);
	assert.ok(third.closed);
	live.packets = [];
	fixture.advance(11_000);
	ended(live, "not finished again", 0x87);
	assert.ok(waiting.closed);
	assert.is(fixture.broker.authenticating, 0);
	assert.is(fixture.broker.pool.freeCount, fixture.broker.limits.blocks);
	authenticated(fixture);
});

test("5.0: a method is asked in place of user name and password, and may take the user name over", () => {
	let asked = 0;
	const authenticate = () => {
		asked++;
		return Cause.NotAuthorized;
	};
	const access = { authenticate, allowAnonymous: false };
	const fixture = fixtureOf({ access });
	authenticated(fixture);
	assert.is(asked, 0);
});

test("who fails from an address again and again is told to come later, and others are not", () => {
	const fixture = fixtureOf({ limits: { guesses: 8, authentications: 2 } });
	const tries = () => {
		const client = fixture.open(5);
		client.raw(connecting("wrong"));
		return client.take("connack").reasonCode;
	};
	const reasons = [tries(), tries(), tries(), tries()];
	assert.equal(reasons, [0x87, 0x87, 0x87, 0x89]);
	fixture.advance(500);
	assert.is(tries(), 0x87);
});

test.run();
