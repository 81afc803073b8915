/** `hearth pub` does what mosquitto_pub does, command line by command line, on both brokers. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "../../support/test.js";
import { available, type Broker, hearth, mosquitto } from "./brokers.js";
import { type Case, compareAll } from "./compare.js";

const test = suite("hearth pub and mosquitto_pub");
const folder = mkdtempSync(join(tmpdir(), "hearth-pub-"));

/** Writes a file. @returns its path */
function file(name: string, content: string | Buffer): string {
	const path = join(folder, name);
	writeFileSync(path, content);
	return path;
}

const binary = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7 + (i >> 8)) & 255));
const small = file("small", "what is in it\n");
const bytes = file("bytes", binary);
const large = file("large", Buffer.alloc(300_000, "0123456789abcdef\n"));
const empty = file("empty", "");

/** 5.0's properties of a message */
const PROPERTIES =
	"-D publish payload-format-indicator 1 -D publish message-expiry-interval 60 -D publish content-type text/plain " +
	"-D publish response-topic {t}/answer -D publish correlation-data abc -D publish user-property k v " +
	"-D publish user-property k 'another value' -D publish user-property other x";

const MESSAGES: [line: string, input?: string | Buffer][] = [
	["-t {t}/a -m hello"],
	["-t {t}/a -m 'hello world, ünïcode 🌡'"],
	["-t {t}/a -m ''"],
	["-t {t}/a -m -n"],
	["-t {t}/tömperatur/🌡 -m 1"],
	["-t /{t}//a/ -m 1"],
	["-t {t}/a -m 1 -q 0"],
	["-t {t}/a -m 1 -q 1"],
	["-t {t}/a -m 1 -q 2"],
	["-t {t}/a -m kept -r"],
	["-t {t}/a -n -r"],
	["-t {t}/a -n"],
	["--topic {t}/a --message long --qos 1 --retain --host 127.0.0.1 --port {port}"],
	["-t {t}/first -t {t}/second -m 1"],
	[`-t {t}/a -f ${small}`],
	[`-t {t}/a --file ${bytes} -q 1`],
	[`-t {t}/a -f ${empty}`],
	[`-t {t}/a -f ${large}`],
	[`-t {t}/a -f ${large} -q 2 -V 5`],
	["-t {t}/a -s", binary],
	["-t {t}/a --stdin-file -q 1", "from standard input\nin two lines"],
	["-t {t}/a -l", "one\ntwo\nthree\n"],
	["-t {t}/a --stdin-line", "one\n\n  two  \r\nno end"],
	["-t {t}/a -l -q 1", "one\ntwo\nthree\n"],
	["-t {t}/a -l -q 2 -r", "one\ntwo\nthree\n"],
	["-t {t}/a -l -q 1 -M 1", "one\ntwo\nthree\nfour\n"],
	["-t {t}/a -l", `${"a long line ".repeat(3000)}\nshort\n`],
	["-t {t}/a -l", ""],
	["-t {t}/a -m again --repeat 3"],
	["-t {t}/a -m again --repeat 2 --repeat-delay 0.02 -q 1"],
	["-t {t}/a -n --repeat 2"],
];

const SESSIONS: [line: string, input?: string][] = [
	["-t {t}/a -m 1 -V 31"],
	["-t {t}/a -m 1 -V mqttv31 -q 2"],
	["-t {t}/a -m 1 -V 311"],
	["-t {t}/a -m 1 -V mqttv311"],
	["-t {t}/a -m 1 -V 5"],
	["-t {t}/a -m 1 --protocol-version mqttv5 -q 2"],
	["-t {t}/a -m 1 -i {t}-me"],
	["-t {t}/a -m 1 --id {t}-me -c"],
	["-t {t}/a -m 1 -i {t}-me -c -V 5"],
	["-t {t}/a -m 1 -V 5 -x 60"],
	["-t {t}/a -m 1 -i {t}-me -V 5 -x -1"],
	["-t {t}/a -m 1 -I {t}-"],
	["-t {t}/a --null-message --id-prefix {t}-"],
	["-t {t}/a -m 1 --id {t}-me --disable-clean-session"],
	["-t {t}/a -m 1 -A 127.0.0.1"],
	["-t {t}/a -m 1 -u ann"],
	["-t {t}/a -m 1 -u ann -P secret"],
	["-t {t}/a -m 1 --username ann --pw ''"],
	["-t {t}/a -m 1 -P secret -V 5"],
	["-t {t}/a -m 1 -k 30"],
	["-t {t}/a -m 1 --keepalive 65535 --nodelay --quiet"],
	["-L mqtt://127.0.0.1:{port}/{t}/a/b -m 1"],
	["-L mqtt://ann:p:w@127.0.0.1:{port}/{t}/a -m 1"],
	["--url mqtt://ann@127.0.0.1:{port}/{t}/a -n -q 1"],
	["-t {t}/a -m 1 --will-topic {t}/will"],
	["-t {t}/a -m 1 --will-topic {t}/will --will-payload gone --will-qos 2 --will-retain"],
	[
		"-t {t}/a -m 1 --will-topic {t}/will --will-payload gone -D will will-delay-interval 5 -D will content-type x " +
			"-D will user-property a b",
	],
	[`-t {t}/a -m 1 ${PROPERTIES}`],
	[`-t {t}/a -n -q 1 -r ${PROPERTIES}`],
	["-t {t}/a -l -D publish topic-alias 1", "one\ntwo\nthree\n"],
	["-t {t}/a -m 1 -D connect user-property k v -D connect request-problem-information 0"],
	["-t {t}/a -m 1 -D connect session-expiry-interval 30 -D connect maximum-packet-size 1000"],
	["-t {t}/a -m 1 -D disconnect user-property k v"],
	["-t {t}/a -m 1 -V 5 -x 60 -D disconnect session-expiry-interval 0"],
	["-t {t}/a -m 1 --property PUBLISH content-type x"],
];

/** Mosquitto says 1 for what cannot be used, Hearth 2. */
const UNUSABLE: string[] = [
	"",
	"-t {t}/a",
	"-m 1",
	"-t {t}/+ -m 1",
	"-t {t}/# -m 1",
	"-t {t}/a -m",
	"-t {t}/a -m 1 -n",
	"-t {t}/a -m 1 -s",
	"-t {t}/a -m 1 -q 3",
	"-t {t}/a -m 1 -p 65536",
	"-t {t}/a -m 1 -V 4",
	"-t {t}/a -m 1 -k 65536",
	"-t {t}/a -m 1 --repeat 0",
	"-t {t}/a -m 1 -c",
	"-t {t}/a -m 1 -i a -I b",
	"-t {t}/a -m 1 -P secret",
	"-t {t}/a -m 1 --will-payload x",
	"-t {t}/a -m 1 --will-topic {t}/#",
	"-t {t}/a -m 1 --will-topic {t}/w --will-qos 3",
	"-t {t}/a -m 1 -C 1",
	"-t {t}/a -m 1 --nothing",
	"-t {t}/a -m 1 stray",
	"-t {t}/a -m 1 -D publish nothing x",
	"-t {t}/a -m 1 -D publish topic-alias 65536",
	"-t {t}/a -m 1 -D subscribe content-type x",
	"-t {t}/a -m 1 -L http://127.0.0.1/a",
	"-t {t}/a -m 1 --cert x",
	`-t {t}/a -f ${join(folder, "missing")}`,
];

/** Then mosquitto_pub prints all of its help. */
const MISSING = ["", "-t {t}/a", "-m 1"];

const FAILURES: Case[] = [
	{ command: "pub", line: "-p 1 -h 127.0.0.1 -t {t}/a -m 1" },
	{ command: "pub", line: "-p 1 -h no-such-host.invalid -t {t}/a -m 1" },
	{ command: "pub", line: "-t {t}/a -s", input: "" },
	{ command: "pub", line: "-t {t}/a -m 1", closed: true },
	{ command: "pub", line: "-t {t}/a -m 1 -V 31", closed: true },
	{ command: "pub", line: "-t {t}/a -m 1 -V 5", closed: true },
	{ command: "pub", line: "-t {t}/a -l -V 5", input: "one\n", closed: true },
];

const brokers: Broker[] = available ? [await hearth(), await mosquitto()] : [];
test.after(async () => {
	for (const broker of brokers) await broker.close();
	rmSync(folder, { recursive: true });
});

/** for one broker: there is no connection */
const unusable = UNUSABLE.map((line): Case => {
	return { command: "pub", line, codes: [1, 2], printsOtherwise: MISSING.includes(line) };
});

const groups: [name: string, cases: Case[]][] = [
	["what is sent", MESSAGES.map(([line, input]) => pubCase(line, input))],
	["sessions, Wills and properties", SESSIONS.map(([line, input]) => pubCase(line, input))],
	["unusable arguments: one line, nothing is sent, and an exit code that is not 0", unusable],
	["brokers that are not there, or say no: the same exit code", FAILURES],
];

function pubCase(line: string, input?: string | Buffer): Case {
	return input === undefined ? { command: "pub", line } : { command: "pub", line, input };
}

for (const name of ["Hearth", "Mosquitto"])
	for (const [what, cases] of name === "Hearth" ? groups : groups.filter(([, cases]) => cases !== unusable))
		test.if(available, "mosquitto and mosquitto-clients are not installed")(`${name}: ${what}`, async () => {
			const broker = brokers.find((one) => one.name === name)!;
			await compareAll(broker, cases);
		});

test.run();
