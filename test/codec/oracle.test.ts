/** Packet by packet against npm's mqtt-packet. What the two see differently is in docs/codec-disagreements.md. */
import fc from "fast-check";
import { generate, parser } from "mqtt-packet";
import { Frame, Framer } from "../../src/codec/framer.js";
import { Version } from "../../src/codec/packet-types.js";
import { Cause } from "../../src/errors.js";
import { packetOf, VERSIONS } from "../support/arbitrary-packets.js";
import { decode, encode, type Fields, PACKET_TYPES } from "../support/codec.js";
import { assert, suite } from "../support/test.js";

const test = suite("codec against mqtt-packet");

/** @returns a packet as both describe it */
function normal(p: Fields, version: Version): Fields {
	const v5 = version === Version.V5;
	const properties = (given: Fields): Fields => {
		const entries = Object.entries(given ?? {}).map(([name, value]) => [name, plain(name, value)]);
		return Object.fromEntries(entries);
	};
	const plain = (name: string, value: Fields): Fields => {
		if (typeof value === "boolean") return value ? 1 : 0;
		if (value instanceof Uint8Array) return [...value];
		return name === "userProperties" ? { ...value } : value;
	};
	const result: Fields = { cmd: p.cmd };
	const named = ["messageId", "keepalive", "clientId", "username", "sessionPresent"];
	if (p.cmd === "publish") named.push("topic", "qos", "retain", "dup");
	for (const name of named) if (p[name] !== undefined && p[name] !== null) result[name] = p[name];
	if (p.cmd === "publish" && p.qos === 0) delete result.messageId;
	if (p.cmd === "publish") result.payload = [...Buffer.from(p.payload)];
	if (p.password !== undefined && p.password !== null) result.password = [...Buffer.from(p.password)];
	if (p.cmd === "connect") result.clean = p.clean;
	if (p.will)
		result.will = {
			topic: p.will.topic,
			payload: [...Buffer.from(p.will.payload)],
			qos: p.will.qos,
			retain: p.will.retain,
			properties: properties(v5 ? p.will.properties : {}),
		};
	if (p.cmd === "suback" || (v5 && p.cmd === "unsuback")) result.granted = [...p.granted];
	if (p.entries !== undefined) result.entries = p.entries;
	else if (p.subscriptions !== undefined)
		result.entries = p.subscriptions.map((s: Fields) => [
			s.topic,
			s.qos | (s.nl ? 4 : 0) | (s.rap ? 8 : 0) | ((s.rh ?? 0) << 4),
		]);
	else if (p.unsubscriptions !== undefined) result.entries = p.unsubscriptions.map((s: string) => [s, 0]);
	if (!["connect", "publish", "subscribe", "unsubscribe", "suback", "unsuback", "pingreq", "pingresp"].includes(p.cmd))
		result.reason = p.reason ?? p.reasonCode ?? p.returnCode ?? 0;
	if (v5 && p.cmd !== "pingreq" && p.cmd !== "pingresp") result.properties = properties(p.properties);
	return result;
}

/** @returns what mqtt-packet makes of the bytes */
function theirs(bytes: Uint8Array, version: Version): Fields {
	let packet: Fields;
	const parse = parser({ protocolVersion: version });
	parse.on("packet", (p) => {
		packet = p;
	});
	parse.on("error", (error: Error) => {
		throw error;
	});
	parse.parse(Buffer.from(bytes));
	return packet;
}

/** @returns what Hearth makes of the bytes */
function ours(bytes: Uint8Array, version: Version): Fields {
	const framer = new Framer(new Uint8Array(64), 0, 64, 1_000_000);
	assert.is(framer.next(bytes, 0, bytes.length), Frame.Packet);
	assert.is(framer.after, bytes.length);
	const { cause, fields } = decode(framer.first, framer.bytes, framer.start, framer.end, version);
	assert.is(cause, Cause.None);
	return fields;
}

for (const version of VERSIONS)
	for (const cmd of Object.keys(PACKET_TYPES)) {
		if (cmd === "auth" && version !== Version.V5) continue;
		test(`${cmd} of level ${version}: the same bytes, and the same values of them`, () => {
			fc.assert(
				fc.property(packetOf(cmd, version), (p) => {
					const expected = generate(p, { protocolVersion: version });
					const target = new Uint8Array(expected.length + 64);
					const { end } = encode(p, version, target, 0);
					const mine = target.slice(0, end);
					if (!isShorter(p, version)) assert.is(Buffer.from(mine).toString("hex"), expected.toString("hex"));
					same(normal(ours(expected, version), version), normal(p, version));
					same(normal(theirs(cmd === "auth" ? expected : mine, version), version), normal(p, version));
				}),
				{ seed: 5, numRuns: 150, includeErrorInReport: true },
			);
		});
	}

function same(actual: Fields, expected: Fields): void {
	const sorted = (value: Fields): Fields =>
		value !== null && typeof value === "object" && !Array.isArray(value)
			? Object.fromEntries(
					Object.entries(value)
						.sort()
						.map(([key, inner]) => [key, sorted(inner)]),
				)
			: value;
	assert.is(JSON.stringify(sorted(actual)), JSON.stringify(sorted(expected)));
}

/** Where Hearth uses the short form that the specification allows and mqtt-packet the long one: without properties, and
 *  for success (docs/codec-disagreements.md). */
function isShorter(p: Fields, version: Version): boolean {
	const short = ["puback", "pubrec", "pubrel", "pubcomp", "disconnect", "auth"].includes(p.cmd);
	return short && version === Version.V5 && Object.keys(p.properties).length === 0;
}

test.run();
