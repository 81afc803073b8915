/** `hearth sub` does and prints what mosquitto_sub does and prints, command line by command line, on both brokers. */
import { suite } from "../../support/test.js";
import { available, type Broker, hearth, mosquitto } from "./brokers.js";
import { type Case, compareAll, type Given } from "./compare.js";

const test = suite("hearth sub and mosquitto_sub");

const ONE: Given[] = [{ topic: "{t}/a", payload: "hello world, ünïcode 🌡" }];
const TWO: Given[] = [
	{ topic: "{t}/a", payload: "one" },
	{ topic: "{t}/b/c", payload: "two" },
];
const KEPT: Given[] = TWO.map((given) => ({ ...given, retain: true }));
const QOS: Given[] = [0, 1, 2].map((qos) => ({ topic: "{t}/q", payload: `${qos}`, qos: qos as 0 | 1 | 2 }));
const BINARY: Given[] = [{ topic: "{t}/a", payload: Buffer.from(Array.from({ length: 512 }, (_, i) => i & 255)) }];
const EMPTY: Given[] = [
	{ topic: "{t}/a", payload: "" },
	{ topic: "{t}/a", payload: "last" },
];
const LARGE: Given[] = [
	{ topic: "{t}/a", payload: Buffer.alloc(700_000, "0123456789abcdef") },
	{ topic: "{t}/a", payload: "after" },
];
const RICH: Given[] = [
	{
		topic: "{t}/a",
		payload: "rich",
		properties: {
			payloadFormatIndicator: true,
			contentType: "text/plain",
			responseTopic: "{t}/answer",
			correlationData: Buffer.from("correlation"),
			userProperties: { k: ["v", "w"], other: "x" },
		},
	},
	{ topic: "{t}/a", payload: "poor" },
];
const JSONS: Given[] = ['{"a": 27.0, "b": [1, 2.50, {"c": null}], "a": "é\\u0001"}', "no json", "[ ]", ""].map(
	(payload) => {
		return { topic: "{t}/a", payload };
	},
);

/** The digits of a time. */
const steady = (output: string) => output.replaceAll(/\d/g, "0");

/** Brokers send Retained Messages in any order. */
const sorted = (output: string) => output.split("\n").sort().join("\n");

type Printed = [line: string, messages: Given[], steady?: (output: string) => string];

const PRINTED: Printed[] = [
	["-t {t}/a -C 1", ONE],
	["-t {t}/a -C 1 -v", ONE],
	["-t {t}/a -C 1 -N", ONE],
	["-t {t}/# -C 2 --verbose -N", TWO],
	["-t {t}/# -C 2 -v", TWO],
	["-t {t}/a -t {t}/b/+ -C 2 -v", TWO],
	["--topic {t}/# -C 1 --host 127.0.0.1 --port {port} --qos 1", TWO],
	["-t {t}/q -C 3 -F '%q %r %l %p'", QOS],
	["-t {t}/q -C 3 -q 1 -F '%q %m %p'", QOS],
	["-t {t}/q -C 3 -q 2 -F '%q %m %p'", QOS],
	["-t {t}/q -C 3 -q 2 -F '%q %m %p' -V 5", QOS],
	["-t {t}/q -C 2 -q 2 -V 31 -F %q:%p", QOS],
	["-t {t}/a -C 1", BINARY],
	["-t {t}/a -C 1 -N -v", BINARY],
	["-t {t}/a -C 1 -F %x", BINARY],
	["-t {t}/a -C 1 -F '%X %l'", BINARY],
	["-t {t}/a -C 2", EMPTY],
	["-t {t}/a -C 2 -v", EMPTY],
	["-t {t}/a -C 2 -v -N", EMPTY],
	["-t {t}/a -C 2 -F '<%p>'", EMPTY],
	["-t {t}/a -C 2 -q 1", LARGE],
	["-t {t}/# -C 1 -T {t}/a", TWO],
	["-t {t}/# -C 1 --filter-out {t}/+ -v", TWO],
	["-t {t}/a -t {t}/# -C 2 -U {t}/nothing", TWO],
	["-t $share/group/{t}/# -C 2 -v", TWO],
	["-L mqtt://127.0.0.1:{port}/{t}/# -C 2 -v", TWO],
	["-L mqtt://ann:p:w@127.0.0.1:{port}/{t}/a -C 1", TWO],
];

const FORMATTED: Printed[] = [
	["-t {t}/a -C 1 -F '%%|%t|%10t|%-30t|%.3t|%20.3t|%030t|@@|\\t\\\\\\e[0m\\a\\v\\r\\n|'", ONE],
	["-t {t}/a -C 1 -F '%l|%10l|%-10l|%010l|%5q|%5r|%m|%05m|%-5m|'", ONE],
	["-t {t}/a -C 1 -F '%p|%60p|%-60p|%060p|%5p|%.3p|'", ONE],
	["-t {t}/a -C 1 -F '%x|%60x|%-60X|%060x|%5x|'", ONE],
	["-t {t}/a -C 1 -F '|%A|%5A|%05A|%C|%8C|%D|%5D|%E|%5E|%F|%5F|%P|%5P|%R|%5R|%S|%5S|'", ONE],
	["-t {t}/a -C 2 -V 5 -F '%A|%C|%20C|%-20C|%.4C|%D|%F|%3F|%P|%R|%30R|%S|'", RICH],
	["-t {t}/a -C 2 -V 5 -F '%S|%5S|%05S' -D subscribe subscription-identifier 42", RICH],
	["-t {t}/a -C 1 -V 5 -F %E", [{ topic: "{t}/a", payload: "x", properties: { messageExpiryInterval: 1000 } }]],
];

const TIMED: Printed[] = [
	["-t {t}/a -C 1 -F %j", ONE, steady],
	["-t {t}/a -C 1 -q 1 -F '<%j>'", ONE, steady],
	["-t {t}/a -C 2 -F %j", EMPTY, steady],
	["-t {t}/a -C 2 -V 5 -q 1 -F %j -D subscribe subscription-identifier 7", RICH, steady],
	["-t {t}/a -C 2 -V 5 -F %j --pretty", RICH, steady],
	["-t {t}/a -C 4 -F %J", JSONS, steady],
	["-t {t}/a -C 4 -F %J --pretty", JSONS, steady],
	["-t {t}/a -C 1 -F '%I|%30I|%-30I|%U|@N|@s'", ONE, steady],
	["-t {t}/a -C 1 -F '@Y-@m-@d @H:@M:@S @z @Z @j @y @C @F @T @D @R @e @k @n@t@%'", ONE, steady],
	["-t {t}/a -C 1 -F '@a @A @b @B @h @p @P @q'", ONE],
];

const WHEN_KEPT: [line: string, before: Given[], messages?: Given[]][] = [
	["-t {t}/# -C 2 -F '%r %t %p'", KEPT],
	["-t {t}/# -C 1 -R -v", KEPT, [{ topic: "{t}/d", payload: "fresh" }]],
	["-t {t}/# -C 1 -R -v -V 5", KEPT, [{ topic: "{t}/d", payload: "fresh" }]],
	["-t {t}/# --retained-only -v", KEPT, [{ topic: "{t}/d", payload: "fresh" }]],
	["-t {t}/# -W {w} --remove-retained -v", KEPT.slice(1)],
	["-t {t}/# -W {w} --remove-retained -T {t}/a -v", KEPT],
	["-t {t}/# -C 1 -F '%r %p' -V 5 --retain-as-published", [], [{ topic: "{t}/d", payload: "x", retain: true }]],
	["-t {t}/# -C 1 -F '%r %p' -V 5", [], [{ topic: "{t}/d", payload: "x", retain: true }]],
];

/** s; see Case.waits */
const WAITS = [1, 4, 10];

const ENDS: Case[] = [
	{ command: "sub", line: "-t {t}/a -E" },
	{ command: "sub", line: "-t {t}/a -t {t}/b -q 2 -E -V 5" },
	{ command: "sub", line: "-t {t}/a -E -c -i {t}-me -q 1" },
	{ command: "sub", line: "-t {t}/a -E -c -i {t}-me -V 5 -q 2" },
	{ command: "sub", line: "-t {t}/a -E -V 5 -x 30 -D subscribe user-property k v -D disconnect user-property k v" },
	{ command: "sub", line: "-t {t}/a -U {t}/b -U {t}/c -E -V 5 -D unsubscribe user-property k v" },
	{ command: "sub", line: "-t {t}/a -E -k 20 -u ann -P secret --will-topic {t}/will --will-payload gone --will-qos 1" },
	{ command: "sub", line: "-t {t}/a -E -I {t}-" },
	{ command: "sub", line: "-t {t}/a -E --id-prefix {t}- -A 127.0.0.1 -M 5 --nodelay --quiet" },
	{
		command: "sub",
		line:
			"--url mqtt://127.0.0.1:{port}/{t}/a -E --id {t}-me --disable-clean-session --protocol-version mqttv5 " +
			"--username ann --pw secret --keepalive 30 --will-topic {t}/will --will-retain",
	},
	{ command: "sub", line: "-t {t}/a --unsubscribe {t}/b -E --property connect user-property k v" },
	{ command: "sub", line: "-t {t}/a -W {w}", waits: WAITS },
	{ command: "sub", line: "-t {t}/# -W {w} -v -V 5", messages: TWO, waits: WAITS },
	{ command: "sub", line: "-t {t}/# -W {w} -C 3", messages: TWO, waits: WAITS },
	{ command: "sub", line: "-p 1 -h 127.0.0.1 -t {t}/a" },
	{ command: "sub", line: "-p 1 -h no-such-host.invalid -t {t}/a" },
	{ command: "sub", line: "-t {t}/a", closed: true },
	{ command: "sub", line: "-t {t}/a -V 31", closed: true },
	{ command: "sub", line: "-t {t}/a -V 5", closed: true },
];

/** Mosquitto says 1 for what cannot be used, Hearth 2. */
const UNUSABLE: string[] = [
	"",
	"-v",
	"-t {t}/a#",
	"-t {t}/#/a",
	"-t {t}/a -T a#",
	"-t {t}/a -U a#",
	"-t {t}/a -C 0",
	"-t {t}/a -W 0",
	"-t {t}/a -C",
	"-t {t}/a -F %z",
	"-t {t}/a -F %",
	"-t {t}/a -F '\\q'",
	"-t {t}/a -R --retained-only",
	"-t {t}/a -m 1",
	"-t {t}/a -q 3",
	"-t {t}/a -c",
	"-t {t}/a --random-filter 0",
	"-t {t}/a -D publish content-type",
	"-t {t}/a --nothing",
];

const brokers: Broker[] = available ? [await hearth(), await mosquitto()] : [];
test.after(async () => {
	for (const broker of brokers) await broker.close();
});

function printed([line, messages, steady]: Printed): Case {
	return { command: "sub", line, messages, ...(steady && { steady }) };
}

/** for one broker: there is no connection */
const unusable = UNUSABLE.map((line): Case => ({ command: "sub", line, codes: [1, 2] }));

const groups: [name: string, cases: Case[]][] = [
	["what is printed", PRINTED.map(printed)],
	["-F: widths and properties", FORMATTED.map(printed)],
	["-F: JSON and times", TIMED.map(printed)],
	[
		"Retained Messages",
		WHEN_KEPT.map(([line, before, messages]) => ({
			command: "sub",
			line,
			before,
			steady: sorted,
			...(line.includes("{w}") && { waits: WAITS }),
			...(messages && { messages }),
		})),
	],
	["sessions, ends and exit codes", ENDS],
	["unusable arguments: one line, nothing is sent, and an exit code that is not 0", unusable],
];

for (const name of ["Hearth", "Mosquitto"])
	for (const [what, cases] of name === "Hearth" ? groups : groups.filter(([, cases]) => cases !== unusable))
		test.if(available, "mosquitto and mosquitto-clients are not installed")(`${name}: ${what}`, async () => {
			await compareAll(brokers.find((one) => one.name === name)!, cases);
		});

test.run();
