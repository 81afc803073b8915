/** What is different in MQTT 3.1 ("MQIsdp"), which has no numbered statements. */
import type { Client } from "../../src/broker/access.js";
import { Cause } from "../../src/errors.js";
import { Fixture } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";
import { connectBytes, data, ended, packet, publishBytes, refused } from "./wire.js";

const test = suite("MQTT 3.1");

test("3.1: MQIsdp with level 3 is taken, and no other pair of the two", () => {
	const fixture = new Fixture();
	const client = fixture.open(3);
	client.raw(connectBytes(3));
	assert.equal(client.bytes, [0x20, 2, 0, 0]);
	const pairs: [string, number][] = [
		["MQIsdp", 4],
		["MQIsdp", 5],
		["MQTT", 3],
	];
	for (const [name, level] of pairs) {
		const other = fixture.open(3);
		other.raw(connectBytes(3, { name, level }));
		refused(other, `${name} ${level}`, 1);
	}
});

test("3.1: an empty Client Identifier is rejected with 2, whatever Clean Session says", () => {
	for (const flags of [0, 2]) {
		const client = new Fixture().open(3);
		client.raw(connectBytes(3, { flags, payload: data("") }));
		refused(client, `flags ${flags}`, 2);
	}
});

test("3.1: bits of the Connect Flags that have no meaning are ignored", () => {
	// bit 0 is unused; Will QoS and Will RETAIN mean nothing without the Will flag
	for (const flags of [3, 0x0a, 0x1a, 0x22]) {
		const client = new Fixture().open(3);
		client.raw(connectBytes(3, { flags }));
		assert.equal(client.bytes, [0x20, 2, 0, 0], `flags ${flags}`);
	}
	const client = new Fixture().open(3);
	const payload = [...data("c"), ...data("will"), ...data("x")];
	client.raw(connectBytes(3, { flags: 0x1e, payload }));
	refused(client, "Will QoS 3 with the Will flag", 0);
});

test("3.1: user name and password may be missing in spite of their flags when the packet ends there", () => {
	const seen: (string | undefined)[] = [];
	const authenticate = ({ userName }: Client, password?: Uint8Array) => {
		seen.push(`${userName} ${password?.length}`);
		return Cause.None;
	};
	const fixture = new Fixture({ access: { authenticate } });
	const payloads = [data("c"), [...data("c"), ...data("u")], [...data("c"), ...data("u"), ...data("p")]];
	for (const payload of payloads) {
		const client = fixture.open(3);
		client.raw(connectBytes(3, { flags: 0xc2, payload }));
		assert.equal(client.bytes, [0x20, 2, 0, 0]);
		client.cut();
	}
	assert.equal(seen, ["undefined undefined", "u undefined", "u 1"]);
});

test("3.1: DUP may stand on resent PUBREL, SUBSCRIBE and UNSUBSCRIBE, and means nothing at QoS 0", () => {
	const fixture = new Fixture();
	const client = fixture.connect("c", { protocolVersion: 3 });
	client.raw(packet(0x8a, [0, 1], data("a"), [2]));
	assert.equal(client.take("suback").granted, [2]);
	client.raw(publishBytes(3, 0x08, "a", [], "x"));
	assert.equal(client.messages(), ["a x 0"], "without DUP");
	client.raw(publishBytes(3, 0x0c, "a", [0, 7], "y"));
	assert.equal(client.messages().sort(), ["a y 2", "pubrec"], "without DUP too");
	client.raw([0x6a, 2, 0, 7]);
	assert.is(client.take("pubcomp").messageId, 7);
	client.raw(packet(0xaa, [0, 2], data("a")));
	assert.is(client.take("unsuback").messageId, 2);
	assert.not(client.closed);
});

test("3.1: reserved flags of other packets than these three still end the connection", () => {
	for (const first of [0x41, 0x71, 0xc1, 0xe1]) {
		const client = new Fixture().connect("c", { protocolVersion: 3 });
		client.raw(packet(first, [0, 1], data("a"), first >> 4 === 8 ? [0] : []));
		ended(client, `${first}`);
	}
});

test("3.1: SUBACK can say 0x80 only since 3.1.1, but a filter that is not allowed is never granted", () => {
	const fixture = new Fixture({ access: { authorizeSubscribe: (_client, filter) => filter !== "secret" } });
	const client = fixture.connect("c", { protocolVersion: 3 });
	const granted = client.subscribe(["secret", "open"], 1);
	assert.is(granted.length, 2);
	assert.is(granted[1], 1);
	assert.is(granted[0], 0x80);
	fixture.connect("p").publish("secret", "x");
	assert.equal(client.messages(), []);
});

test("3.1 and 3.1.1 and 5.0 exchange messages with each other", () => {
	const fixture = new Fixture();
	const clients = ([3, 4, 5] as const).map((version) => fixture.connect(`c${version}`, { protocolVersion: version }));
	for (const client of clients) client.subscribe("t/#", 2);
	for (const from of clients)
		for (const qos of [0, 1, 2] as const) {
			from.publish(`t/${qos}`, `from ${from.version}`, qos, { messageId: 9 });
			for (const to of clients) {
				const messages = to.messages().filter((line) => line.startsWith("t/"));
				assert.equal(messages, [`t/${qos} from ${from.version} ${qos}`]);
			}
			if (qos === 2) from.send({ cmd: "pubrel", messageId: 9 });
			for (const to of clients) to.packets = [];
		}
});

test.run();
