/** Properties of 5.0 as a program gives them to the client: what cannot be is an error of one line. Spec: 5.0,
 *  2.2.2.2 */
import { connect } from "../../host-sim/client/index.js";
import { text } from "../../host-sim/text.js";
import { PacketType } from "../../src/codec/packet-types.js";
import { Properties, WILL } from "../../src/codec/properties.js";
import { HearthError } from "../../src/errors.js";
import { decodeProperties, encodeProperties, type PropertyRecord } from "../../src/promises/property-record.js";
import { readSettings } from "../../src/promises/settings.js";
import { startHearth } from "../client/servers.js";
import { until } from "../interop/support.js";
import { assert, suite } from "../support/test.js";

const test = suite("properties as an object");

/** @returns the error's line; "": there is none */
function lineOf(record: unknown, packet: number = PacketType.Connect): string {
	try {
		encodeProperties(record as PropertyRecord, text, packet, "packet");
		return "";
	} catch (error) {
		assert.ok(error instanceof HearthError, String(error));
		assert.is(error.code, "HEARTH_ERR_PACKET");
		assert.not.match(error.message, /\n/);
		return error.message;
	}
}

const long = "x".repeat(65_536);

/** property, packet, the range that the error names, values that are wrong, values that are right */
const RANGES: readonly [string, number, string, unknown[], unknown[]][] = [
	["receiveMaximum", PacketType.Connect, "a number, 1 to 65535", [0, 65_536, -1, 1.5, "1", [1], null], [1, 65_535]],
	["topicAliasMaximum", PacketType.Connect, "a number, 0 to 65535", [65_536, true], [0, 65_535]],
	["topicAlias", PacketType.Publish, "a number, 1 to 65535", [0, 65_536], [1]],
	["maximumPacketSize", PacketType.Connect, "a number, 1 to 4294967295", [0, 2 ** 32, Number.NaN], [1, 2 ** 32 - 1]],
	["sessionExpiryInterval", PacketType.Connect, "a number, 0 to 4294967295", [2 ** 32, -1], [0, 2 ** 32 - 1]],
	["messageExpiryInterval", PacketType.Publish, "a number, 0 to 4294967295", [2 ** 32, "60"], [0]],
	["willDelayInterval", WILL, "a number, 0 to 4294967295", [2 ** 32], [5]],
	["payloadFormatIndicator", PacketType.Publish, "true or false", [1, 2, "utf8"], [true, false]],
	["contentType", PacketType.Publish, "a text of at most 65,535 bytes", [long, 1, ["a", "b"], "a\0b"], ["", "x/y"]],
	["responseTopic", PacketType.Publish, "a text of at most 65,535 bytes", ["ü".repeat(32_768)], ["ü".repeat(32_767)]],
	[
		"correlationData",
		PacketType.Publish,
		"a Uint8Array of at most 65,535 bytes",
		["text", [1, 2], new Uint8Array(65_536)],
		[new Uint8Array(65_535)],
	],
	[
		"userProperties",
		PacketType.Publish,
		"pairs of a name and a value, texts of at most 65,535 bytes",
		[{ a: 1 }, { a: ["1", 2] }, { [long]: "x" }, { a: "x\0" }, { a: null }, "a", null, 5],
		[{}, { a: "1" }, { a: ["1", "2"], b: "" }],
	],
];

test("a value out of its property's range is an error that names both", () => {
	for (const [name, packet, range, wrong, right] of RANGES) {
		for (const value of wrong)
			assert.is(lineOf({ [name]: value }, packet), `packet: properties.${name}: give ${range}`, `${name} ${value}`);
		for (const value of right) assert.is(lineOf({ [name]: value }, packet), "", `${name} ${value}`);
	}
});

test("a property that the packet does not have is an error, and so is a name that is none", () => {
	const none = (name: string) => `packet: properties.${name}: this packet has no such property`;
	assert.is(lineOf({ receiveMaximum: 1 }, PacketType.Publish), none("receiveMaximum"));
	assert.is(lineOf({ willDelayInterval: 1 }, PacketType.Publish), none("willDelayInterval"));
	assert.is(lineOf({ contentType: "a" }, PacketType.Subscribe), none("contentType"));
	assert.is(lineOf({ maximumQoS: 1 }, PacketType.Connect), none("maximumQoS"));
	assert.is(lineOf({ receivemaximum: 1 }, PacketType.Connect), none("receivemaximum"));
	assert.is(lineOf({ constructor: 1 }, PacketType.Connect), none("constructor"));
	assert.match(lineOf({ subscriptionIdentifier: 1 }, PacketType.Subscribe), /subscriptionIdentifier: leave it out/);
	assert.is(lineOf({ receiveMaximum: undefined, contentType: undefined }), "");
});

test("what is encoded is read again, several values of a name in their order", () => {
	const record: PropertyRecord = {
		payloadFormatIndicator: true,
		contentType: "text/plain",
		correlationData: new Uint8Array([1, 2]),
		userProperties: { a: ["1", "2"], b: "3" },
	};
	const encoded = encodeProperties(record, text, PacketType.Publish, "publish")!;
	const properties = new Properties();
	const bytes = new Uint8Array([encoded.length, ...encoded]);
	assert.is(properties.decode(bytes, 0, bytes.length, PacketType.Publish, text), 0);
	const { userProperties, ...others } = decodeProperties(properties, text)!;
	assert.equal({ ...others, userProperties: { ...userProperties } }, record);
	assert.is(encodeProperties({}, text, PacketType.Publish, "publish"), undefined);
});

test("properties that the client writes itself are checked, and sent once", async () => {
	const settings = readSettings("mqtt://h", { properties: { receiveMaximum: 5, maximumPacketSize: 1_000 } }, text);
	assert.is(settings.limits.receiveMaximum, 5);
	assert.is(settings.limits.packetBytes, 1_000);
	for (const properties of [{ receiveMaximum: 0 }, { maximumPacketSize: 0 }, { sessionExpiryInterval: -1 }])
		assert.throws(() => readSettings("mqtt://h", { properties }, text), /^connect: properties\.\w+: give a number/);
	const { urls, close } = await startHearth();
	const properties: PropertyRecord = {
		sessionExpiryInterval: 10,
		receiveMaximum: 20_000,
		maximumPacketSize: 300,
		topicAliasMaximum: 3,
		requestResponseInformation: true,
		requestProblemInformation: true,
	};
	const client = await connect(urls.mqtt!, { version: 5, properties });
	const got: string[] = [];
	await client.subscribe("own/#", ({ topic }) => got.push(topic), { qos: 1 });
	await client.publish("own/large", "x".repeat(400), { qos: 1 });
	await client.publish("own/small", "x", { qos: 1, properties: { messageExpiryInterval: 60, topicAlias: 7 } });
	await client.publish("own/small", "x", { qos: 1 });
	await until(() => got.length >= 2, "both messages");
	assert.equal(got, ["own/small", "own/small"], "the server leaves out what is larger than Maximum Packet Size");
	assert.throws(
		() => client.publish("own/small", "x", { properties: { messageExpiryInterval: -1 } }),
		/^publish: properties\.messageExpiryInterval: give a number, 0 to 4294967295$/,
	);
	assert.throws(() => client.publish("a", "x", { properties: { topicAlias: 0 } }), /topicAlias: give a number, 1/);
	const bad = client.end({ properties: { sessionExpiryInterval: 2 ** 32 } });
	assert.match(await bad.then(String, String), /^HearthError: disconnect: properties\.sessionExpiryInterval: give/);
	await client.end();
	await close();
});

test.run();
