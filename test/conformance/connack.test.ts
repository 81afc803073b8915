import type { Client } from "../../src/broker/access.js";
import { Cause } from "../../src/errors.js";
import { Fixture } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";
import { connectBytes, data, each, fresh, lasting, none, refused, type Version } from "./wire.js";

const test = suite("CONNACK");

each(
	test,
	{ 3: "", 4: "[MQTT-3.2.0-1]", 5: "[5:MQTT-3.2.0-1] [5:MQTT-3.2.0-2]" },
	"CONNACK comes first, once, and before all that waits for the client",
	(version) => {
		const fixture = new Fixture();
		const silent = fixture.open(version);
		fixture.advance(5_000);
		assert.equal(silent.bytes, [], "nothing comes before CONNECT");
		const client = fixture.connect("c", lasting(version));
		client.subscribe(["a", "b"], 2);
		const publisher = fixture.connect("p");
		publisher.publish("a", "in flight", 1);
		publisher.publish("a", "released", 2, { messageId: 2 });
		client.send({ cmd: "pubrec", messageId: 2 });
		client.cut();
		publisher.publish("a", "waits", 1, { messageId: 3 });
		publisher.publish("b", "kept", 1, { messageId: 4, retain: true });
		const back = fixture.open(version);
		back.raw(connectBytes(version, { flags: 0, properties: [17, 0, 0, 1, 0] }));
		const types = back.packets.map((packet) => packet.cmd);
		assert.equal(types, ["connack", "publish", "pubrel", "publish", "publish"]);
	},
);

each(
	test,
	{ 4: "[MQTT-3.2.2-1]", 5: "[5:MQTT-3.2.2-2]" },
	"Clean Session gets Session Present 0, also where there was a session",
	(version) => {
		const fixture = new Fixture();
		fixture.connect("c", lasting(version)).subscribe("a", 1);
		const offline = fixture.open(version);
		for (const state of ["connected", "offline"]) {
			const client = state === "connected" ? offline : fixture.open(version);
			client.raw(connectBytes(version));
			assert.equal(client.bytes.slice(2, 4), [0, 0], state);
			assert.equal(client.bytes[0], 0x20);
			fixture.connect("c", lasting(version)).cut();
		}
	},
);

each(
	test,
	{ 4: "[MQTT-3.2.2-2] [MQTT-3.2.2-3]", 5: "[5:MQTT-3.2.2-3] [5:MQTT-3.2.2-1]" },
	"without Clean Session, Session Present tells whether there is a session; the other flags are 0",
	(version) => {
		const fixture = new Fixture();
		const flags = () => {
			const client = fixture.open(version);
			client.raw(connectBytes(version, { flags: 0, properties: [17, 0, 0, 1, 0] }));
			assert.is(client.bytes[3], 0);
			return client.bytes[2];
		};
		assert.is(flags(), 0, "there is none");
		assert.is(flags(), 1, "taken over");
		fixture.broker.sessions.find("c")?.connection?.onError();
		fixture.settle();
		assert.is(flags(), 1, "resumed, though it has no subscription");
		fixture.connect("c", fresh(version)).cut();
		assert.is(flags(), 0, "a clean one ended with its connection");
		const left = fixture.connect("d", lasting(version));
		left.send({ cmd: "disconnect" });
		assert.ok(fixture.connect("d", lasting(version)).sessionPresent, "DISCONNECT ends no session");
	},
);

test("3.1: the byte before the return code is not used: 0", () => {
	const fixture = new Fixture();
	fixture.connect("c", lasting(3)).cut();
	const client = fixture.open(3);
	client.raw(connectBytes(3, { flags: 0 }));
	assert.equal(client.bytes, [0x20, 2, 0, 0]);
});

/** Everything that makes the broker refuse a good CONNECT: 3.1.1's return code and 5.0's Reason Code. */
const REFUSALS: readonly [cause: Cause, code: number, reason: number][] = [
	[Cause.ClientIdRejected, 2, 0x85],
	[Cause.BadUserNameOrPassword, 4, 0x86],
	[Cause.NotAuthorized, 5, 0x87],
	[Cause.FullConnections, 3, 0x97],
	[Cause.FullSessions, 3, 0x97],
	[Cause.FullStore, 3, 0x97],
	[Cause.ProtocolVersion, 1, 0x84],
];

/** @returns a client that is refused, though the broker has a session for it */
function refuse(version: Version, cause: Cause) {
	let answer = Cause.None;
	const limits = cause === Cause.FullSessions ? { connections: 2, sessions: 2 } : { connections: 2 };
	const fixture = new Fixture({ access: { authenticate: () => answer }, limits });
	fixture.connect("c", lasting(version)).cut();
	const client = fixture.open(version);
	let payload = data("c");
	let flags = 0;
	switch (cause) {
		case Cause.FullConnections:
			fixture.connect("1");
			fixture.connect("2");
			break;
		case Cause.FullSessions:
			fixture.connect("1", lasting(version)).cut();
			payload = data("2");
			break;
		case Cause.FullStore:
			payload = [...payload, ...none(version), ...data("will"), ...data("x".repeat(1000))];
			flags = 4;
			while (fixture.broker.pool.freeCount > 4) fixture.broker.pool.take(1);
			break;
		case Cause.ProtocolVersion:
			client.raw(connectBytes(version, { flags, payload, level: 9 }));
			return client;
		default:
			answer = cause;
	}
	client.raw(connectBytes(version, { flags, payload }));
	return client;
}

each(
	test,
	{
		3: "",
		4: "[MQTT-3.2.2-4] [MQTT-3.2.2-5]",
		5: "[5:MQTT-3.2.2-6] [5:MQTT-3.2.2-7] [5:MQTT-3.2.2-8] [5:MQTT-3.1.4-2]",
	},
	"a CONNACK that refuses has Session Present 0 and the right code, and is followed by the end",
	(version) => {
		for (const [cause, code, reason] of REFUSALS) {
			const client = refuse(cause === Cause.ProtocolVersion ? 4 : version, cause);
			assert.ok(client.bytes.length > 0, "it is told why");
			refused(client, `${cause}`, code, reason);
		}
	},
);

test("where no return code fits, the connection ends without CONNACK [MQTT-3.2.2-6]", () => {
	const fixture = new Fixture({ limits: { retained: 0, topicBytes: 10 } });
	const will = (topic: string) => [...data("c"), ...data(topic), ...data("x")];
	const attempts: [string, number[]][] = [
		["a will topic with a wildcard", connectBytes(4, { flags: 6, payload: will("a/#") })],
		["a will topic that is too long", connectBytes(4, { flags: 6, payload: will("a".repeat(11)) })],
		["a retained will where nothing is retained", connectBytes(4, { flags: 0x26, payload: will("a") })],
		["a flag that must be 0", connectBytes(4, { flags: 3 })],
		["another protocol", connectBytes(4, { name: "MQXX" })],
	];
	for (const [what, bytes] of attempts) {
		const client = fixture.open();
		client.raw(bytes);
		refused(client, what, 0);
	}
});

each(test, { 3: "", 4: "", 5: "" }, "user name and password arrive as they were sent", (version) => {
	const seen: unknown[] = [];
	const authenticate = ({ clientId, userName }: Client, password?: Uint8Array) => {
		seen.push([clientId, userName, password === undefined ? undefined : [...password]]);
		return Cause.None;
	};
	const fixture = new Fixture({ access: { authenticate } });
	const connect = (flags: number, ...fields: number[][]) => {
		const client = fixture.open(version);
		client.raw(connectBytes(version, { flags, payload: [...data("c"), ...fields.flat()] }));
		client.take("connack");
		client.cut();
	};
	connect(0x02);
	connect(0x82, data(""));
	connect(0x82, data("ü\u{1f600}"));
	connect(0xc2, data("u"), data([]));
	connect(0xc2, data("u"), data([0, 255, 0xc0, 0x80]));
	assert.equal(seen, [
		["c", undefined, undefined],
		["c", "", undefined],
		["c", "ü\u{1f600}", undefined],
		["c", "u", []],
		["c", "u", [0, 255, 0xc0, 0x80]],
	]);
});

each(test, { 3: "", 4: "" }, "user name and password: the two ways to fail", (version) => {
	const authenticate = ({ userName }: Client, password?: Uint8Array) => {
		if (userName === undefined) return Cause.NotAuthorized;
		return userName === "u" && Buffer.from(password ?? []).toString() === "p"
			? Cause.None
			: Cause.BadUserNameOrPassword;
	};
	const fixture = new Fixture({ access: { authenticate } });
	const code = (options: object) => fixture.open(version).connect("c", options).returnCode;
	assert.is(code({}), 5);
	assert.is(code({ username: "u" }), 4);
	assert.is(code({ username: "u", password: Buffer.from("P") }), 4);
	assert.is(code({ username: "u", password: Buffer.from("p") }), 0);
});

test.run();
