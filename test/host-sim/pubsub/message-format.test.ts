/** What `hearth sub` prints of a message, byte for byte what mosquitto_sub 2.0.11 prints. */

import { parseJson, printJson } from "../../../host-sim/cli/pubsub/json-text.js";
import { checkFormat, MessageFormat, type PrintedMessage } from "../../../host-sim/cli/pubsub/message-format.js";
import { text } from "../../../host-sim/text.js";
import { PacketType } from "../../../src/codec/packet-types.js";
import { Properties } from "../../../src/codec/properties.js";
import { assert, suite } from "../../support/test.js";

const test = suite("formats of messages");

const MESSAGE: PrintedMessage = {
	topic: "a/tö",
	payload: Buffer.from("hello"),
	qos: 0,
	retain: false,
	packetId: 0,
	properties: undefined,
};

interface Printed {
	output: string;
	warnings: string[];
}

/** Prints a message; the output is a binary string. */
function print(format: string | undefined, message: Partial<PrintedMessage> = {}, options = {}): Printed {
	const chunks: Buffer[] = [];
	const warnings: string[] = [];
	const target = {
		bytes: (bytes: Uint8Array) => chunks.push(Buffer.from(bytes)),
		text: (string: string) => chunks.push(Buffer.from(string)),
		binary: (string: string) => chunks.push(Buffer.from(string, "latin1")),
	};
	const all = {
		verbose: false,
		endOfLine: true,
		pretty: false,
		...(format === undefined ? {} : { format }),
		...options,
	};
	new MessageFormat(all).print(
		{ ...MESSAGE, ...message },
		target,
		() => TIME,
		(what) => warnings.push(what),
	);
	return { output: Buffer.concat(chunks).toString("latin1"), warnings };
}

/** 2026-03-08 00:00:00.123456 UTC */
const TIME = 1772928000123.4561;

function utf8(string: string): string {
	return Buffer.from(string).toString("latin1");
}

function properties(...bytes: number[]): Properties {
	const all = new Properties();
	assert.is(all.decode(Uint8Array.of(bytes.length, ...bytes), 0, bytes.length + 1, PacketType.Publish, text), 0);
	return all;
}

/** contentType "t/x", user properties k:v and k2:v2 around it, expiry 10, identifiers 7 and 300, correlation ff 00 */
const RICH = properties(
	...[38, 0, 1, 0x6b, 0, 1, 0x76],
	...[3, 0, 3, 0x74, 0x2f, 0x78],
	...[38, 0, 2, 0x6b, 0x32, 0, 2, 0x76, 0x32],
	...[2, 0, 0, 0, 10],
	...[11, 7],
	...[11, 0xac, 0x02],
	...[9, 0, 2, 0xff, 0],
	...[8, 0, 1, 0x72],
	...[1, 1],
	...[35, 0, 3],
);

test("without -F: the payload; with -v topic and payload; -N leaves the end of line out", () => {
	assert.is(print(undefined).output, "hello\n");
	assert.is(print(undefined, {}, { verbose: true }).output, utf8("a/tö hello\n"));
	assert.is(print(undefined, {}, { verbose: true, endOfLine: false }).output, utf8("a/tö hello"));
	const empty = { payload: Buffer.alloc(0) };
	assert.is(print(undefined, empty).output, "", "an empty payload is no line");
	assert.is(print(undefined, empty, { verbose: true }).output, utf8("a/tö (null)\n"));
	assert.is(print(undefined, empty, { verbose: true, endOfLine: false }).output, "");
	assert.is(print("%p", empty).output, "\n");
	assert.is(print(undefined, { payload: Buffer.of(0xff, 0, 10) }).output, "\xff\0\n\n", "bytes are left alone");
});

test("widths and what they cut count bytes", () => {
	const format = "[%10t|%-10t|%.2t|%5.2t|%05l|%5l|%-5l|%-05l|%10p|%-10p|%010p|%3p|%8x|%08x|%-8X|%3x|%10m|%q|%5q|%r]";
	const expected =
		"[     a/tö|a/tö     |a/|   a/|00005|    5|5    |5    |     hello|hello     |00000hello|hel|" +
		"    6865|00006865|6865    | 68|         0|0|0|0]\n";
	assert.is(print(format).output, utf8(expected));
	assert.is(print("%x %X").output, "68656c6c6f 68656C6C6F\n");
});

test("what a message does not have leaves its place empty", () => {
	assert.is(print("|%A|%5A|%05A|%5C|%5D|%5E|%5F|%5R|%5S|%5P|").output, "||     |00000|     ||     |     ||     ||\n");
});

test("properties of MQTT 5.0", () => {
	const message = { properties: RICH };
	assert.is(print("%A|%5A|%C|%-5C|%.1C|%E|%F|%P|%R|%S", message).output, "3|    3|t/x|t/x  |t|10|1|k:v k2:v2|r|7\n");
	assert.is(print("%D", message).output, "\xff\0\n");
});

test("QoS, RETAIN and Packet Identifier", () => {
	assert.is(print("%q %r %m %05m", { qos: 2, retain: true, packetId: 77 }).output, "2 1 77 00077\n");
});

test("escapes and times", () => {
	process.env.TZ = "Asia/Kolkata";
	assert.is(print("\\\\ \\0\\a\\e\\n\\r\\t\\v@@%%", {}, { endOfLine: false }).output, "\\ \0\x07\x1b\n\r\t\v@%");
	assert.is(print("@Y-@m-@dT@H:@M:@S@z @s.@N").output, "2026-03-08T05:30:00+0530 1772928000.123456054\n");
	assert.is(
		print("%I|%30I|%U").output,
		"2026-03-08T05:30:00+0530|      2026-03-08T05:30:00+0530|1772928000.123456054\n",
	);
	delete process.env.TZ;
});

test("formats that mean nothing are refused, and why is said", () => {
	for (const good of ["", "plain", "%t", "%010.3t", "%-5l", "%-05l", "@Y", "@@", "\\e[92m", "%%", "100%%", "@é"])
		assert.is(checkFormat(good), undefined, good);
	const wrong: [string, RegExp][] = [
		["%", /"%"/],
		["a %z b", /"%z"/],
		["%5", /"%5"/],
		["%5.2", /"%5\.2"/],
		["%--5t", /"%--5t"/],
		["@", /"@"/],
		["\\", /"\\\\"/],
		["\\q", /"\\\\q"/],
	];
	for (const [format, pattern] of wrong) assert.match(checkFormat(format) ?? "", pattern, format);
});

test("%j is one line of JSON with the payload as a string", () => {
	process.env.TZ = "UTC";
	const time = '{"tst":"2026-03-08T00:00:00.123456Z+0000"';
	const payload = Buffer.from('he"l\\lo/é\x01\x7f\n\0');
	assert.is(
		print("%j", { payload, qos: 1, packetId: 5 }).output,
		utf8(
			`${time},"topic":"a/tö","qos":1,"retain":0,"payloadlen":14,"mid":5,` +
				'"payload":"he\\"l\\\\lo/é\\u0001\x7f\\n\\u0000"}\n',
		),
	);
	assert.is(
		print("<%j>", { payload: Buffer.alloc(0), retain: true }).output,
		utf8(`<${time},"topic":"a/tö","qos":0,"retain":1,"payloadlen":0,"payload":null}>\n`),
	);
	assert.match(
		print("%j", { payload: Buffer.of(0xff, 0xc3) }).output,
		/"payload":"\xff\xc3"\}\n$/,
		"bytes as they are",
	);
	assert.match(
		print("%j", { properties: RICH, topic: "t" }).output,
		new RegExp(
			'"properties":\\{"user-properties":\\{"k":"v","k2":"v2"\\},"content-type":"t/x","message-expiry-interval":10,' +
				'"subscription-identifier":7,"subscription-identifier":300,"correlation-data":"\\xff\\\\u0000",' +
				'"response-topic":"r","payload-format-indicator":1,"topic-alias":3\\},"payload":"hello"',
		),
	);
	delete process.env.TZ;
});

test("%J has the payload's JSON, and numbers, strings and white space as cJSON prints them", () => {
	const printed = (payload: string, pretty = false) => {
		const { output, warnings } = print("%J", { payload: Buffer.from(payload) }, { pretty });
		assert.equal(warnings, [], payload);
		return output.slice(output.indexOf('"payload":') + 10, -2);
	};
	const cases: [string, string][] = [
		['{"a":27.0,"b":[1,2.50,-0,1e2,1e20,0.1,123456789012,1.0000000000000002,-0.0]}', ""],
		[" [ ]\n", "[]"],
		["{}", "{}"],
		['"x\\u00e9\\/\\u0001"', utf8('"xé/\\u0001"')],
		["true", "true"],
		["null", "null"],
		['{"a":1,"a":2,"2":1,"1":[[1,2],[3]]}', '{"a":1,"a":2,"2":1,"1":[[1,2],[3]]}'],
		["1e400", "null"],
		["1.5e-7", "1.5e-07"],
		["0.00001", "1e-05"],
		["0.0001", "0.0001"],
		["12345.678e3", "12345678"],
		["1e15", "1e+15"],
		["123456789012345678", "1.2345678901234568e+17"],
		["0.3", "0.3"],
		["0.1234567890123456789", "0.12345678901234568"],
	];
	cases[0]![1] = '{"a":27,"b":[1,2.5,-0,100,1e+20,0.1,123456789012,1,-0]}';
	for (const [given, expected] of cases) assert.is(printed(given), expected, given);
	assert.is(printed('[1,{"a":[],"b":{}}]', true), '\t[1, {\n\t\t\t"a":\t[],\n\t\t\t"b":\t{\n\t\t\t}\n\t\t}]\n');
});

test("%J of what is no JSON is said, and the rest of the format is printed", () => {
	for (const payload of ["x", "{", '{"a":1} x', "01", "'a'", "[1,]", '"\ud800']) {
		const { output, warnings } = print("%q %J", { payload: Buffer.from(payload) });
		assert.is(output, "0 \n", payload);
		assert.match(warnings.join(), /a\/tö.*not valid JSON/, payload);
	}
});

test("JSON that is nested too deep is none, and the deepest that is taken is printed", () => {
	const nested = (depth: number) => Buffer.from("[".repeat(depth) + "]".repeat(depth));
	const deep = parseJson(nested(1000));
	assert.is(printJson(deep!, false), nested(1000).toString());
	for (const depth of [1001, 200_000]) assert.is(parseJson(nested(depth)), undefined);
});

test.run();
