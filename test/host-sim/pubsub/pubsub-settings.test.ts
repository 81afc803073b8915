/** The arguments and the configuration of `hearth pub` and `hearth sub`. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { flagGroups, namesOf } from "../../../host-sim/cli/pubsub/flags.js";
import { helpOf } from "../../../host-sim/cli/pubsub/help.js";
import { type PubSubSettings, pubSubSettings } from "../../../host-sim/cli/pubsub/settings.js";
import { PropertyId } from "../../../src/codec/packet-types.js";
import { HearthError } from "../../../src/errors.js";
import { assert, suite } from "../../support/test.js";

const test = suite("arguments of hearth pub and hearth sub");

/** where no configuration is */
const NOWHERE = { XDG_CONFIG_HOME: join(tmpdir(), "hearth-no-such-folder") };

function pub(...args: string[]): PubSubSettings {
	return pubSubSettings("pub", args, NOWHERE);
}

function sub(...args: string[]): PubSubSettings {
	return pubSubSettings("sub", args, NOWHERE);
}

/** One line says what is wrong. */
function refused(call: () => unknown, pattern: RegExp): void {
	try {
		call();
	} catch (error) {
		assert.instance(error, HearthError);
		assert.match((error as Error).message, pattern);
		assert.not.match((error as Error).message, /\n/);
		return;
	}
	assert.unreachable(`${pattern} was not refused`);
}

test("the defaults are Mosquitto's", () => {
	const { host, port, version, keepAlive, clean, qos, retain, repeat, maxInflight } = pub("-t", "a", "-n");
	assert.equal([host, port, version, keepAlive, clean], ["localhost", undefined, 4, 60, true]);
	assert.equal([qos, retain, repeat, maxInflight], [0, false, 1, 20]);
	const settings = sub("-t", "a");
	assert.equal([settings.endOfLine, settings.count, settings.timeoutMs, settings.randomPercent], [true, 0, 0, 100]);
});

test("each flag of pub is taken, by both of its names", () => {
	for (const long of [false, true]) {
		const name = (one: string, other: string) => (long ? other : one);
		const settings = pub(
			...[name("-h", "--host"), "box", name("-p", "--port"), "1884", name("-t", "--topic"), "a/b"],
			...[name("-m", "--message"), "-n", name("-q", "--qos"), "2", name("-r", "--retain"), name("-i", "--id"), "me"],
			...[name("-u", "--username"), "ann", name("-P", "--pw"), "pw", name("-k", "--keepalive"), "7"],
			...[name("-V", "--protocol-version"), "mqttv31", name("-c", "--disable-clean-session"), "-A", "10.0.0.1"],
			...["--repeat", "3", "--repeat-delay", "0.25", "-M", "5", "--nodelay", "--quiet", name("-d", "--debug")],
			...["--will-topic", "w", "--will-payload", "gone", "--will-qos", "1", "--will-retain"],
		);
		assert.equal([settings.host, settings.port, settings.topics, settings.qos], ["box", 1884, ["a/b"], 2]);
		assert.equal(settings.source, { kind: "text", payload: Buffer.from("-n") }, "a value may begin with -");
		assert.equal([settings.retain, settings.clientId, settings.username], [true, "me", "ann"]);
		assert.equal([settings.password, settings.keepAlive, settings.version], [Buffer.from("pw"), 7, 3]);
		assert.equal(
			[settings.clean, settings.bindAddress, settings.repeat, settings.repeatDelayMs],
			[false, "10.0.0.1", 3, 250],
		);
		assert.equal([settings.maxInflight, settings.quiet, settings.debug], [5, true, true]);
		assert.equal(settings.will, { topic: "w", payload: Buffer.from("gone"), qos: 1, retain: true });
	}
});

test("each flag of sub is taken", () => {
	const settings = sub(
		...["-t", "a/#", "--topic", "$share/g/+/b", "-T", "a/c", "--filter-out", "a/d/#", "-U", "x", "--unsubscribe", "y"],
		...["-C", "3", "-W", "2", "-E", "-R", "--remove-retained", "--retain-as-published", "-v", "-N", "--pretty"],
		...["-F", "%t", "--random-filter", "12.5", "-V", "5", "-x", "60", "-I", "pre", "--unix", "/tmp/m"],
	);
	assert.equal(settings.topics, ["a/#", "$share/g/+/b"]);
	assert.equal(
		[settings.filtersOut, settings.unsubscribe],
		[
			["a/c", "a/d/#"],
			["x", "y"],
		],
	);
	assert.equal([settings.count, settings.timeoutMs, settings.exitAfterSubscribe], [3, 2000, true]);
	assert.equal([settings.noRetained, settings.removeRetained, settings.retainAsPublished], [true, true, true]);
	assert.equal([settings.verbose, settings.endOfLine, settings.pretty, settings.format], [true, false, true, "%t"]);
	assert.equal([settings.randomPercent, settings.sessionExpiry, settings.idPrefix], [12.5, 60, "pre"]);
	assert.is(settings.unixPath, "/tmp/m");
	assert.is(sub("-t", "a", "--retained-only").retainedOnly, true);
	for (const forever of ["-1", "∞", "4294967295"])
		assert.is(sub("-t", "a", "-V", "5", "-x", forever, "-i", "me").sessionExpiry, 0xffff_ffff);
	for (const [name, version] of [
		["31", 3],
		["mqttv311", 4],
		["3.1.1", 4],
		["5", 5],
		["mqttv5", 5],
	] as const)
		assert.is(sub("-t", "a", "-V", name).version, version);
});

test("pub has one message, of any kind", () => {
	assert.equal(pub("-t", "a", "-f", "x").source, { kind: "file", path: "x" });
	assert.equal(pub("-t", "a", "--file", "x").source, { kind: "file", path: "x" });
	for (const flag of ["-s", "--stdin-file"]) assert.equal(pub("-t", "a", flag).source, { kind: "input" });
	for (const flag of ["-l", "--stdin-line"]) assert.equal(pub("-t", "a", flag).source, { kind: "lines" });
	for (const flag of ["-n", "--null-message"])
		assert.equal(pub("-t", "a", flag).source, { kind: "text", payload: new Uint8Array(0) });
	for (const two of [
		["-m", "x", "-n"],
		["-s", "-l"],
		["-f", "x", "-m", "x"],
	])
		refused(() => pub("-t", "a", ...two), /^pub: -\w: give only one of -m, -f, -s, -l and -n/);
});

test("bytes that are no UTF-8 stay in a message, and are no topic", () => {
	const raw = [Buffer.from("-t"), Buffer.from("a"), Buffer.from("-m"), Buffer.of(0xff, 0x61)];
	const { source } = pubSubSettings("pub", ["-t", "a", "-m", "\ufffda"], NOWHERE, raw);
	assert.equal(source, { kind: "text", payload: Buffer.of(0xff, 0x61) });
	raw[1] = Buffer.of(0xff);
	refused(() => pubSubSettings("pub", ["-t", "\ufffd", "-n"], NOWHERE, raw.slice(0, 2)), /^pub: -t .*is not UTF-8/);
	raw[1] = Buffer.from("\ufffd");
	assert.equal(pubSubSettings("pub", ["-t", "\ufffd", "-n"], NOWHERE, raw).topics, ["\ufffd"]);
});

test("-L has where and what; what comes later counts", () => {
	const all = sub("-L", "mqtt://ann:p:w@box.example:1884/a/b/#", "-t", "c");
	assert.equal([all.scheme, all.host, all.port, all.topics], ["mqtt", "box.example", 1884, ["a/b/#", "c"]]);
	assert.equal([all.username, all.password], ["ann", Buffer.from("p:w")]);
	const tls = pub("-p", "1", "-L", "MQTTS://u@[::1]/t/%41", "-n");
	assert.equal([tls.scheme, tls.host, tls.port, tls.topics], ["mqtts", "::1", undefined, ["t/%41"]]);
	assert.equal([tls.username, tls.password, tls.tls.wanted], ["u", undefined, true]);
	assert.equal([pub("-L", "mqtt://h/t", "-p", "5", "-n").port, pub("-L", "ws://h:9001/t", "-n").scheme], [5, "ws"]);
	for (const url of ["http://h/t", "mqtt://h", "h/t", "mqtt://h:x/t", "mqtt://h:99999/t", "mqtt://h/", "mqtt://h/a/#"])
		refused(() => pub("-L", url, "-n"), /^pub: -L .*give |is no Topic Name/);
});

test("properties are taken for each packet, and make it MQTT 5.0", () => {
	const { properties, version } = pub(
		...[
			"-t",
			"a",
			"-n",
			"-D",
			"publish",
			"content-type",
			"text/plain",
			"--property",
			"PUBLISH",
			"user-property",
			"k",
			"v",
		],
		...["-D", "publish", "user-property", "k", "w", "-D", "publish", "message-expiry-interval", "60"],
		...["-D", "connect", "session-expiry-interval", "9", "-D", "disconnect", "user-property", "bye", "x"],
		...["-D", "will", "will-delay-interval", "5", "--will-topic", "w", "-D", "connect", "receive-maximum", "3"],
	);
	assert.is(version, 5);
	assert.equal(properties.publish, [
		{ id: PropertyId.ContentType, value: "text/plain" },
		{ id: PropertyId.UserProperty, value: ["k", "v"] },
		{ id: PropertyId.UserProperty, value: ["k", "w"] },
		{ id: PropertyId.MessageExpiryInterval, value: 60 },
	]);
	assert.is(properties.connect.length + properties.disconnect.length + properties.will.length, 4);
	const { subscribe } = sub("-t", "a", "-D", "subscribe", "subscription-identifier", "268435455").properties;
	assert.equal(subscribe, [{ id: PropertyId.SubscriptionIdentifier, value: 268_435_455 }]);
});

test("properties that cannot be are refused with what could be", () => {
	const wrong: [string[], RegExp][] = [
		[["publish"], /^pub: -D: NAME VALUE is missing/],
		[["publish", "content-type"], /VALUE is missing/],
		[["publish", "user-property", "k"], /VALUE is missing/],
		[["puback", "reason-string", "x"], /-D puback reason-string: give one of connect, will, publish/],
		[["__proto__", "x", "x"], /give one of connect/],
		[["publish", "nonsense", "x"], /give one of payload-format-indicator, .*user-property/],
		[["publish", "subscription-identifier", "1"], /give one of payload-format/],
		[["subscribe", "content-type", "1"], /give one of subscription-identifier, user-property/],
		[["publish", "topic-alias", "0"], /publish topic-alias 0: give a number from 1 to 65535/],
		[["publish", "topic-alias", "65536"], /from 1 to 65535/],
		[["publish", "payload-format-indicator", "2"], /from 0 to 1/],
		[["publish", "message-expiry-interval", "-1"], /from 0 to 4294967295/],
		[["publish", "message-expiry-interval", "1e3"], /from 0 to 4294967295/],
		[["publish", "content-type", "x".repeat(65_536)], /too long/],
		[["publish", "content-type", "x", "-D", "publish", "content-type", "y"], /is there twice/],
		[["publish", "content-type", "x", "-V", "311"], /-D needs MQTT 5\.0/],
	];
	for (const [args, pattern] of wrong) refused(() => pub("-t", "a", "-n", "-D", ...args), pattern);
});

test("unusable arguments are refused with the flag and the remedy", () => {
	const wrong: [string[], RegExp][] = [
		[["-t", "a", "-m"], /^pub: -m: TEXT is missing after it/],
		[["-n"], /^pub: the topic is missing; give -t TOPIC/],
		[["-t", "a"], /^pub: the message is missing/],
		[["-t", "a/+", "-n"], /^pub: -t a\/\+: is no Topic Name/],
		[["-t", "", "-n"], /is no Topic Name/],
		[["-t", "x".repeat(65_536), "-n"], /is no Topic Name/],
		[["--nothing"], /^pub: --nothing: no such option; hearth pub --help/],
		[["stray"], /^pub: stray: no such option/],
		[["-C", "1"], /^pub: -C: is an option of hearth sub/],
		[["-t", "a", "-n", "-q", "3"], /^pub: -q 3: give a number from 0 to 2/],
		[["-t", "a", "-n", "-q", "x"], /^pub: -q x: give/],
		[["-t", "a", "-n", "-p", "0"], /^pub: -p 0: give a number from 1 to 65535/],
		[["-t", "a", "-n", "-k", "65536"], /^pub: -k 65536: give/],
		[["-t", "a", "-n", "-V", "4"], /^pub: -V 4: give 31, 311 or 5/],
		[["-t", "a", "-n", "--repeat", "0"], /--repeat 0: give/],
		[["-t", "a", "-n", "--repeat-delay", "-1"], /--repeat-delay -1: give/],
		[["-t", "a", "-l", "--repeat", "2"], /--repeat does not go with -l/],
		[["-t", "a", "-n", "-i", "x", "-I", "y"], /-i and -I exclude each other/],
		[["-t", "a", "-n", "-c"], /-i ID/],
		[["-t", "a", "-n", "-V", "5", "-x", "-1"], /-i ID/],
		[["-t", "a", "-n", "-x", "soon"], /-x soon: give/],
		[["-t", "a", "-n", "-P", "pw"], /-u NAME/],
		[["-t", "a", "-n", "--will-payload", "x"], /--will-topic TOPIC/],
		[["-t", "a", "-n", "--will-qos", "1"], /--will-topic TOPIC/],
		[["-t", "a", "-n", "-D", "will", "content-type", "x"], /--will-topic TOPIC/],
		[["-t", "a", "-n", "--cert", "x"], /--cert and --key belong together/],
		[["-t", "a", "-n", "--tls-version", "1.2"], /--tls-version 1\.2: give tlsv1\.3/],
		[["-t", "a", "-n", "--keyform", "engine"], /--keyform engine: .*pem/],
		[["-t", "a", "-n", "--psk", "00"], /--psk: .*not supported; give --cafile/],
		[["-t", "a", "-n", "--proxy", "socks5h://x"], /--proxy: .*not supported/],
		[["-t", "a", "-n", "-S"], /-S: .*not supported; give -h and -p/],
	];
	for (const [args, pattern] of wrong) refused(() => pub(...args), pattern);
	const wrongForSub: [string[], RegExp][] = [
		[[], /^sub: a topic is missing; give -t FILTER/],
		[["-t", "a#"], /^sub: -t a#: is no Topic Filter/],
		[["-t", "$share/g"], /is no Topic Filter/],
		[["-t", "a", "-m", "x"], /^sub: -m: is an option of hearth pub/],
		[["-t", "a", "-F", "%z"], /^sub: -F %z: "%z"/],
		[["-t", "a", "-C", "0"], /-C 0: give/],
		[["-t", "a", "-W", "0"], /-W 0: give/],
		[["-t", "a", "-R", "--retained-only"], /-R and --retained-only exclude/],
		[["-t", "a", "--random-filter", "0"], /--random-filter 0: give a number from 0\.1 to 100/],
	];
	for (const [args, pattern] of wrongForSub) refused(() => sub(...args), pattern);
});

test("defaults come from a file, one option a line, and arguments count more", () => {
	const folder = mkdtempSync(join(tmpdir(), "hearth-"));
	const env = { XDG_CONFIG_HOME: folder };
	const write = (name: string, ...lines: string[]) => writeFileSync(join(folder, name), lines.join("\n"));
	try {
		write(
			"mosquitto_sub",
			...["# defaults", "-h box", "", "-u ann lee", "-P p w ", "-q 2", "-t one", "-V 5\r"],
			...["-D connect user-property k long value", "--property  connect receive-maximum 4", "-v"],
		);
		const settings = pubSubSettings("sub", ["-t", "two", "-q", "1"], env);
		assert.equal([settings.host, settings.username, settings.password], ["box", "ann lee", Buffer.from("p w ")]);
		assert.equal([settings.qos, settings.topics, settings.version, settings.verbose], [1, ["one", "two"], 5, true]);
		assert.equal(settings.properties.connect, [
			{ id: PropertyId.UserProperty, value: ["k", "long value"] },
			{ id: PropertyId.ReceiveMaximum, value: 4 },
		]);
		assert.is(pubSubSettings("pub", ["-t", "a", "-n"], env).host, "localhost", "pub has its own");

		write("hearth_sub", "-h other");
		assert.is(pubSubSettings("sub", ["-t", "a"], env).host, "other", "Hearth's own file counts");
		write("hearth_sub", "-h other", "-q 7");
		refused(() => pubSubSettings("sub", ["-t", "a"], env), /^sub: .*hearth_sub:2: -q 7: give a number/);
		write("hearth_sub", "-F");
		refused(() => pubSubSettings("sub", ["-t", "a"], env), /^sub: .*hearth_sub:1: -F: FORMAT is missing/);
	} finally {
		rmSync(folder, { recursive: true });
	}
});

test("help and version need nothing else, and help names every flag", () => {
	for (const command of ["pub", "sub"] as const) {
		assert.is(pubSubSettings(command, ["--help", "--nonsense"], NOWHERE).asks, "help");
		assert.is(pubSubSettings(command, ["--version"], NOWHERE).asks, "version");
		const help = helpOf(command, NOWHERE);
		const names = flagGroups(command).flatMap(({ flags }) => flags.flatMap(namesOf));
		assert.is(names.length, new Set(names).size, `${command}: each flag is there once`);
		assert.ok(help.startsWith(`usage: hearth ${command} `));
		for (const { flags } of flagGroups(command))
			for (const name of flags.flatMap(namesOf)) assert.ok(help.includes(name), name);
		for (const line of help.split("\n")) assert.ok(line.length <= 130, line);
	}
});

test.run();
