/** Reason Strings: with every refusal, unless the client does not want them or takes no packet of that size. */
import type { Packet } from "mqtt-packet";
import type { Client } from "../../src/broker/access.js";
import { Cause } from "../../src/errors.js";
import { Fixture, type FixtureOptions, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";
import { connectBytes, data, fresh, packet, variable } from "./wire.js";

const test = suite("Reason Strings");

const access = {
	authorizePublish: (_client: unknown, topic: string) => topic !== "secret",
	authorizeSubscribe: (_client: unknown, filter: string) => filter !== "secret",
	authenticate: ({ clientId }: Client) => (clientId === "bad" ? Cause.NotAuthorized : Cause.None),
};

interface Refusal {
	what: string;
	ids: string;
	cmd: Packet["cmd"];
	reason: number;
	string: string;
	/** brings the broker to send it; the connection is there already, but for CONNACK */
	provoke(client: TestClient): void;
}

const refusals: Refusal[] = [
	{
		what: "PUBACK",
		ids: "[5:MQTT-3.4.2-2]",
		cmd: "puback",
		reason: 0x87,
		string: "not-authorized",
		provoke: (client) => client.publish("secret", "x", 1),
	},
	{
		what: "PUBREC",
		ids: "[5:MQTT-3.5.2-2]",
		cmd: "pubrec",
		reason: 0x87,
		string: "not-authorized",
		provoke: (client) => client.publish("secret", "x", 2),
	},
	{
		what: "SUBACK",
		ids: "[5:MQTT-3.9.2-1]",
		cmd: "suback",
		reason: 0x87,
		string: "not-authorized",
		provoke: (client) => client.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "secret", qos: 0 }] }),
	},
	{
		what: "DISCONNECT",
		ids: "[5:MQTT-3.14.2-3]",
		cmd: "disconnect",
		reason: 0x82,
		string: "connect-twice",
		provoke: (client) => client.raw(connectBytes(5)),
	},
];

function fixtureOf(options: FixtureOptions = {}): Fixture {
	return new Fixture({ access, ...options });
}

function reasonOf(taken: Packet): [number, string | undefined] {
	const { reasonCode, granted, properties } = taken as {
		reasonCode?: number;
		granted?: number[];
		properties?: { reasonString?: string };
	};
	return [reasonCode ?? granted?.[0] ?? 0, properties?.reasonString];
}

function bytesOf(client: TestClient, refusal: Refusal): number {
	client.bytes = [];
	refusal.provoke(client);
	return client.bytes.length;
}

for (const refusal of refusals) {
	const sentence = `${refusal.what} tells the cause by its name, where the client takes so large a packet`;
	test(`5.0: ${sentence} ${refusal.ids} [5:MQTT-3.1.2-24]`, () => {
		const fixture = fixtureOf();
		const connect = (maximumPacketSize: number) =>
			fixture.connect("c", { ...fresh(5), properties: { maximumPacketSize } });
		const client = connect(1_000);
		const whole = bytesOf(client, refusal);
		assert.equal(reasonOf(client.take(refusal.cmd)), [refusal.reason, refusal.string]);
		client.cut();
		for (const max of [whole - 1, whole, whole + 1]) {
			const small = connect(max);
			const bytes = bytesOf(small, refusal);
			assert.ok(bytes <= max, `${bytes} of ${max}`);
			const [reason, string] = reasonOf(small.take(refusal.cmd));
			assert.is(reason, refusal.reason);
			if (max < whole) assert.is(string, undefined);
			small.cut();
		}
	});
}

test("5.0: CONNACK tells the cause by its name, where the client takes so large a packet [5:MQTT-3.2.2-19]", () => {
	const refuse = (max: number) => {
		const fixture = fixtureOf();
		const size = [39, 0, 0, max >> 8, max & 255];
		const client = fixture.open(5).raw(connectBytes(5, { properties: size, payload: data("bad") }));
		assert.ok(client.closed);
		assert.ok(client.bytes.length <= max, `${client.bytes.length} of ${max}`);
		return client;
	};
	const client = refuse(1_000);
	const whole = client.bytes.length;
	const [reason, string] = reasonOf(client.take("connack"));
	assert.equal([reason, string], [0x87, "not-authorized"]);
	assert.equal(reasonOf(refuse(whole - 1).take("connack")), [reason, undefined]);
	assert.equal(refuse(4).packets, [], "not even CONNACK fits");
});

test("5.0: without Request Problem Information only CONNACK and DISCONNECT have one [5:MQTT-3.1.2-29]", () => {
	for (const refusal of refusals) {
		const fixture = fixtureOf();
		const client = fixture.connect("c", { ...fresh(5), properties: { requestProblemInformation: false } });
		refusal.provoke(client);
		const [reason, string] = reasonOf(client.take(refusal.cmd));
		assert.is(reason, refusal.reason);
		assert.is(string, refusal.cmd === "disconnect" ? refusal.string : undefined, refusal.what);
	}
});

test("3.1.1: nobody hears a Reason String", () => {
	for (const refusal of refusals) {
		const fixture = fixtureOf();
		const client = fixture.connect("c");
		if (refusal.cmd === "disconnect" || refusal.cmd === "puback" || refusal.cmd === "pubrec") continue;
		refusal.provoke(client);
		assert.equal(client.bytes.slice(-5), [0x90, 3, 0, 1, 0x80]);
	}
});

test("5.0: a SUBACK larger than the client takes is not sent: the connection ends with 0x95 [5:MQTT-3.1.2-24]", () => {
	const fixture = fixtureOf();
	const client = fixture.connect("c", { ...fresh(5), properties: { maximumPacketSize: 30 } });
	const filters = Array.from({ length: 40 }, () => [...data("a"), 0]).flat();
	client.bytes = [];
	client.raw(packet(0x82, [0, 1], variable(0), filters));
	assert.is(client.take("disconnect").reasonCode, 0x95);
	assert.ok(client.closed);
	assert.ok(client.bytes.length <= 30);
});

test.run();
