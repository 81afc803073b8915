/** The hub as a process with users, rights, certificates and $SYS: what its options do, for real clients. */
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import https from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync, type IClientOptions } from "mqtt";
import { makeCertificate } from "../../host-sim/certificate.js";
import { assert, suite } from "../support/test.js";
import { Raw } from "./raw.js";
import { has, Running, until, within } from "./support.js";

const test = suite("hearth hub, whole");
const mosquitto = test.if(has("mosquitto_pub") && has("mosquitto_passwd"), "mosquitto-clients is not installed");
const bin = join(process.cwd(), "bin", "hearth.mjs");
const folder = mkdtempSync(join(tmpdir(), "hearth-hub-"));
const path = (name: string) => join(folder, name);
const authority = makeCertificate({ commonName: "an authority", days: 9, usage: "authority" });
const stranger = makeCertificate({ commonName: "an authority", days: 9, usage: "authority" });

/** Writes a certificate and its key. */
function certify(name: string, commonName: string, issuer = authority, usage: "client" | "server" = "client") {
	const made = makeCertificate({ commonName, hosts: usage === "server" ? ["127.0.0.1"] : [], days: 9, usage, issuer });
	writeFileSync(path(`${name}.crt`), made.cert);
	writeFileSync(path(`${name}.key`), made.key);
	return made;
}

writeFileSync(path("ca.crt"), authority.cert);
certify("hub", "hub", authority, "server");
certify("ann", "ann");
certify("false-ann", "ann", stranger);

/** A hub that runs, on free ports. */
class HubProcess {
	private constructor(
		readonly running: Running,
		readonly ports: Readonly<Record<string, number>>,
	) {}

	static async start(...args: string[]): Promise<HubProcess> {
		const running = new Running(process.execPath, [bin, "hub", "--port", "0", ...args]);
		await Promise.race([running.says(/^listening .*\n/m), running.finished]);
		const ports: Record<string, number> = {};
		// all of them are said at once
		for (const [, protocol, port] of running.stdout.matchAll(/^listening (\w+):\/\/\S+:(\d+)$/gm))
			ports[protocol!] = Number(port);
		if (Object.keys(ports).length === 0) throw new Error(running.stderr);
		last = running;
		return new HubProcess(running, ports);
	}

	/** SIGHUP, and what the hub said of it. */
	async reload(): Promise<string> {
		const before = this.running.stderr.length;
		this.running.kill("SIGHUP");
		await until(() => /read again: .*\n/.test(this.running.stderr.slice(before)), "it is read again");
		return this.running.stderr.slice(before);
	}

	async stop(): Promise<void> {
		this.running.kill("SIGTERM");
		assert.is((await this.running.finished).code, 0);
	}
}

/** The hub that was started last. */
let last: Running | undefined;

/** CONNACK's code, as 3.1.1 has it. */
async function tries(port: number, username?: string, password = ""): Promise<number> {
	const raw = await Raw.open(port);
	const login = username === undefined ? {} : { username, password: Buffer.from(password) };
	const { returnCode } = await raw.connect(`c-${username ?? "nobody"}`, login).catch((error) => {
		throw new Error(`${username}: ${error}; the hub said: ${last?.stderr}`);
	});
	raw.cut();
	return returnCode ?? -1;
}

const login = (username: string, password: string) => ({ username, password: Buffer.from(password) });

function hearth(args: string[], input = ""): string {
	const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { input, encoding: "utf8" });
	assert.is(status, 0, stderr);
	return stdout;
}

test("hearth passwd's users come in with their passwords; who is gone is disconnected at SIGHUP", async () => {
	const users = path("users");
	hearth(["passwd", users, "ann"], "right\n");
	hearth(["passwd", users, "ben"], "also right\n");
	const hub = await HubProcess.start("--no-ws", "--password-file", users);
	const port = hub.ports.mqtt!;
	assert.is(await tries(port, "ann", "right"), 0);
	assert.is(await tries(port, "ann", "wrong"), 4);
	assert.is(await tries(port, "eve", "right"), 4);
	assert.is(await tries(port), 5, "a password file is there: nobody comes in without one");
	const ann = await Raw.client(port, "ann", 5, login("ann", "right"));
	const ben = await Raw.client(port, "ben", 5, login("ben", "also right"));
	hearth(["passwd", "-D", users, "ben"]);
	hearth(["passwd", users, "cyd"], "new\n");
	await hub.reload();
	const heard = await ben.end();
	assert.is(heard[0]?.cmd === "disconnect" && heard[0].reasonCode, 0x87);
	await ann.ping();
	assert.is(await tries(port, "ben", "also right"), 4);
	assert.is(await tries(port, "cyd", "new"), 0);
	// a file that cannot be used changes nothing
	writeFileSync(users, "dora:plain text\n");
	const said = await hub.reload();
	assert.match(said, /^hearth: .*users:1: expected a hash .*; users and rights of before stay$/m);
	await ann.ping();
	assert.is(await tries(port, "cyd", "new"), 0);
	await ann.leave();
	await hub.stop();
});

test("with --allow-anonymous clients may come without a name, but not with a wrong password", async () => {
	hearth(["passwd", path("few"), "ann"], "right\n");
	const hub = await HubProcess.start("--no-ws", "--password-file", path("few"), "--allow-anonymous");
	assert.is(await tries(hub.ports.mqtt!), 0);
	assert.is(await tries(hub.ports.mqtt!, "ann", "wrong"), 4);
	assert.is(await tries(hub.ports.mqtt!, "ann", "right"), 0);
	await hub.stop();
});

mosquitto("mosquitto_passwd's users come in: $7$, $6$, and from the environment", async () => {
	const file = path("mosquitto-users");
	for (const [first, name, password] of [
		[true, "new", "of 2.0"],
		[false, "with space", "grüße 🔥"],
	] as const) {
		const made = spawnSync("mosquitto_passwd", [...(first ? ["-c"] : []), "-b", file, name, password]);
		assert.is(made.status, 0, `${made.stderr}`);
	}
	const hub = await HubProcess.start("--no-ws", "--password-file", file);
	assert.is(await tries(hub.ports.mqtt!, "new", "of 2.0"), 0);
	assert.is(await tries(hub.ports.mqtt!, "with space", "grüße 🔥"), 0);
	assert.is(await tries(hub.ports.mqtt!, "new", "of 1.6"), 4);
	await hub.stop();
});

test("SIGHUP reads rights again: who may not read any more loses the subscription, and may not publish", async () => {
	const rights = path("rights");
	writeFileSync(rights, "everyone\nallow all #\n");
	const hub = await HubProcess.start("--no-ws", "--acl-file", rights);
	const port = hub.ports.mqtt!;
	const ann = await Raw.client(port, "ann", 5, login("ann", "any"));
	assert.equal(await ann.subscribe(["open/#", "closed/#"], 1), [1, 1]);
	const other = await Raw.client(port, "other", 5);
	for (const topic of ["open/a", "closed/a"]) assert.is(await other.publish(topic, "x", 1), 0);
	await until(() => ann.packets.length === 2, "both arrive");
	ann.packets.length = 0;
	writeFileSync(rights, "everyone\nallow all #\ndeny all closed/#\n");
	assert.match(await hub.reload(), /1 subscriptions lost/);
	assert.is(await other.publish("closed/a", "x", 1), 0x87);
	assert.is(await other.publish("open/a", "x", 1), 0);
	await until(() => ann.packets.length > 0, "what it may read arrives");
	assert.equal(
		ann.packets.splice(0).map((packet) => packet.cmd === "publish" && packet.topic),
		["open/a"],
	);
	assert.equal(await ann.subscribe("closed/#"), [0x87]);
	writeFileSync(rights, "everyone\nalow all #\n");
	assert.match(await hub.reload(), /rights:2: expected .*; users and rights of before stay/);
	assert.is(await other.publish("open/a", "x", 1), 0);
	await Promise.all([ann.leave(), other.leave()]);
	await hub.stop();
});

test("--refused-publish close ends a 3.1.1 client that publishes without the right", async () => {
	writeFileSync(path("readers"), "everyone\nallow read #\n");
	const hub = await HubProcess.start("--no-ws", "--acl-file", path("readers"), "--refused-publish", "close");
	const raw = await Raw.client(hub.ports.mqtt!, "writer");
	raw.send({ cmd: "publish", topic: "a", payload: "x", qos: 1, messageId: 1, dup: false, retain: false });
	assert.equal(await raw.end(), []);
	await hub.stop();
});

const tls = ["--tls-port", "0", "--cert", path("hub.crt"), "--key", path("hub.key"), "--ca", path("ca.crt")];

mosquitto(
	"mosquitto_pub and mosquitto_sub over TLS: a client certificate is the user name, others don't come in",
	async () => {
		writeFileSync(path("by-name"), "user ann\nallow all #\n");
		const more = ["--require-certificate", "--use-certificate-name", "--acl-file", path("by-name"), "--verbose"];
		const hub = await HubProcess.start("--no-ws", "--no-mqtt", ...tls, ...more);
		const common = ["-h", "127.0.0.1", "-p", `${hub.ports.mqtts}`, "--cafile", path("ca.crt")];
		const as = (name: string) => ["--cert", path(`${name}.crt`), "--key", path(`${name}.key`)];
		for (const version of ["311", "5"]) {
			const topic = `tls/${version}`;
			const sub = new Running("mosquitto_sub", [
				...common,
				...as("ann"),
				"-V",
				version,
				"-t",
				topic,
				"-q",
				"1",
				"-C",
				"1",
			]);
			await until(() => hub.running.stderr.includes("connected from"), "it comes in");
			const pub = (...who: string[]) =>
				new Running("mosquitto_pub", [...common, ...who, "-V", version, "-t", topic, "-q", "1", "-m", "m", "-r"])
					.finished;
			const good = await pub(...as("ann"));
			assert.is(good.code, 0, good.stderr);
			assert.equal((await sub.finished).lines, ["m"]);
			assert.is.not((await pub()).code, 0, "without a certificate");
			assert.is.not((await pub(...as("false-ann"))).code, 0, "one that another authority made");
		}
		assert.match(hub.running.stderr, /refused: no TLS handshake: client certificate: UNABLE_TO/);
		await hub.stop();
	},
);

test("a certificate is optional without --require-certificate: others log in with a password", async () => {
	hearth(["passwd", path("mixed"), "ben"], "right\n");
	const hub = await HubProcess.start("--no-ws", ...tls, "--use-certificate-name", "--password-file", path("mixed"));
	const enter = async (options: IClientOptions) => {
		const url = `mqtts://127.0.0.1:${hub.ports.mqtts}`;
		const given = { ca: authority.cert, reconnectPeriod: 0, ...options };
		const client = await within(connectAsync(url, given, false), "it comes in");
		await client.endAsync();
	};
	await enter({ cert: certify("cyd", "cyd").cert, key: keyOf("cyd") });
	await enter({ username: "ben", password: "right" });
	for (const options of [{}, { username: "ben", password: "wrong" }, { username: "cyd", password: "right" }])
		await enter(options).then(
			() => assert.unreachable(JSON.stringify(options)),
			(error) => assert.match(String(error), /Not authorized|Bad username or password|Connection refused/i),
		);
	await hub.stop();
});

const withOpenSsl = test.if(has("openssl"), "openssl is not installed");

withOpenSsl("SIGHUP reads certificates again; who is there goes on", async () => {
	const hub = await HubProcess.start("--no-ws", "--no-mqtt", ...tls);
	const url = `mqtts://127.0.0.1:${hub.ports.mqtts}`;
	const client = await within(connectAsync(url, { ca: authority.cert, reconnectPeriod: 0 }), "it comes in");
	const before = fingerprint(hub.ports.mqtts!);
	const renewed = certify("hub", "hub", authority, "server");
	await hub.reload();
	assert.is.not(fingerprint(hub.ports.mqtts!), before);
	assert.is(fingerprint(hub.ports.mqtts!), renewed.fingerprint);
	await within(client.publishAsync("still", "there", { qos: 1 }), "it publishes");
	writeFileSync(path("hub.crt"), "no certificate\n");
	assert.match(await hub.reload(), /hub\.crt: holds no PEM certificate; .*; the certificates of before stay/);
	assert.is(fingerprint(hub.ports.mqtts!), renewed.fingerprint);
	writeFileSync(path("hub.crt"), renewed.cert);
	await client.endAsync();
	await hub.stop();
});

test("MQTT.js over ws and wss", async () => {
	const hub = await HubProcess.start(...tls, "--wss-port", "0", "--no-mqtt");
	assert.equal(Object.keys(hub.ports), ["mqtts", "ws", "http", "wss"]);
	for (const protocol of ["ws", "wss"]) {
		const options = { wsOptions: { ca: authority.cert }, reconnectPeriod: 0 };
		const client = await within(
			connectAsync(`${protocol}://127.0.0.1:${hub.ports[protocol]}/mqtt`, options),
			"comes in",
		);
		const got = new Promise((resolve) => client.once("message", (_topic, payload) => resolve(`${payload}`)));
		await client.subscribeAsync("t");
		await client.publishAsync("t", protocol, { qos: 1 });
		assert.is(await within(got, "it arrives"), protocol);
		await client.endAsync();
	}
	await hub.stop();
});

test("the page is there, and with https, too", async () => {
	const hub = await HubProcess.start("--no-ws", ...tls, "--https-port", "0");
	assert.equal(Object.keys(hub.ports), ["mqtt", "mqtts", "http", "https"]);
	const response = await fetch(`http://127.0.0.1:${hub.ports.http}/`);
	assert.is(response.status, 200);
	assert.match(await response.text(), /<!doctype html>/);
	const request = https.get({ host: "127.0.0.1", port: hub.ports.https, ca: authority.cert });
	const [secure] = (await within(once(request, "response"), "the page comes")) as [
		{ statusCode: number; resume(): void },
	];
	assert.is(secure.statusCode, 200);
	secure.resume();
	await hub.stop();
});

test("the WebSocket port that nobody asked for may be taken: the hub says so and goes on", async () => {
	const other = createServer().unref();
	other.on("error", () => {}); // taken by somebody else: as good
	await new Promise<void>((resolve) => other.listen(9001, "127.0.0.1", resolve).once("error", () => resolve()));
	const free = createServer().listen(0, "127.0.0.1");
	await until(() => free.listening, "a port is free");
	const { port } = free.address() as { port: number };
	await new Promise((resolve) => free.close(resolve));
	const running = new Running(process.execPath, [bin, "hub", "--port", `${port}`, "--http-port", "0"]);
	await running.says(/^listening mqtt:.*\n/m);
	assert.match(
		running.stderr,
		/^hearth: hub: ws:\/\/127\.0\.0\.1:9001: the port is in use; .*going on without it \(--no-ws/,
	);
	assert.not.match(running.stdout, /listening ws/);
	running.kill("SIGTERM");
	assert.is((await running.finished).code, 0);
	other.close();
});

mosquitto("$SYS at an interval, for who has the right", async () => {
	writeFileSync(path("sys"), "everyone\nallow all #\nuser ann\nallow read $SYS/#\n");
	const hub = await HubProcess.start("--no-ws", "--acl-file", path("sys"), "--sys-interval", "1");
	const sub = (user: string, ...more: string[]) =>
		new Running("mosquitto_sub", ["-h", "127.0.0.1", "-p", `${hub.ports.mqtt}`, "-u", user, "-v", ...more]).finished;
	const [values, uptimes, refused] = await Promise.all([
		sub(
			"ann",
			...["clients/connected", "version", "heap/current"].flatMap((t) => ["-t", `$SYS/broker/${t}`]),
			"-C",
			"3",
		),
		sub("ann", "-t", "$SYS/broker/uptime", "-C", "3"),
		sub("ben", "-t", "$SYS/broker/uptime", "-V", "5", "-W", "5"),
	]);
	assert.match(values.lines.join("\n"), /^\$SYS\/broker\/clients\/connected \d+$/m);
	assert.match(values.lines.join("\n"), /^\$SYS\/broker\/version hearth version \S+$/m);
	assert.match(values.lines.join("\n"), /^\$SYS\/broker\/heap\/current \d{7,}$/m);
	assert.is(uptimes.lines.length, 3);
	assert.ok(new Set(uptimes.lines).size > 1, "they are told again");
	assert.match(refused.stderr, /All subscription requests were denied/);
	await hub.stop();
});

test("listeners of a configuration: users, rights and topics of their own", async () => {
	hearth(["passwd", path("lan-users"), "ann"], "right\n");
	writeFileSync(path("guest-rights"), "everyone\nallow read open/#\n");
	writeFileSync(
		path("hub.json"),
		JSON.stringify({
			listeners: [
				{ mqtt: { port: 0, passwordFile: "lan-users" } },
				{ mqtts: { port: 0, cert: "hub.crt", key: "env:HUB_KEY", aclFile: "guest-rights" } },
				{ ws: { port: 0, space: "apart" } },
			],
		}),
	);
	process.env.HUB_KEY = keyOf("hub");
	const running = new Running(process.execPath, [bin, "hub", "--config", path("hub.json")]);
	await running.says(/^listening ws:.*\n/m);
	const port = (protocol: string) =>
		Number(new RegExp(`^listening ${protocol}://\\S+:(\\d+)$`, "m").exec(running.stdout)?.[1]);
	assert.is(await tries(port("mqtt")), 5);
	const ann = await Raw.client(port("mqtt"), "ann", 4, login("ann", "right"));
	assert.equal(await ann.subscribe("$HEARTH/#"), [0x80], "users of a listener are no admins");
	const enter = (url: string) => within(connectAsync(url, { ca: authority.cert, reconnectPeriod: 0 }), url);
	const [guest, apart] = [
		await enter(`mqtts://127.0.0.1:${port("mqtts")}`),
		await enter(`ws://127.0.0.1:${port("ws")}/mqtt`),
	];
	const got: string[] = [];
	guest.on("message", (topic, payload) => got.push(`guest ${topic} ${payload}`));
	apart.on("message", (topic, payload) => got.push(`apart ${topic} ${payload}`));
	await guest.subscribeAsync("#");
	await apart.subscribeAsync("#");
	await guest.publishAsync("open/x", "refused", { qos: 1 });
	for (const topic of ["open/x", "closed/x"]) await ann.publish(topic, "from ann", 1);
	await apart.publishAsync("open/x", "from apart", { qos: 1 });
	await until(() => got.length >= 2, "messages arrive");
	assert.equal(got.sort(), ["apart open/x from apart", "guest open/x from ann"]);
	await Promise.all([guest.endAsync(), apart.endAsync(), ann.leave()]);
	running.kill("SIGTERM");
	assert.is((await running.finished).code, 0);
});

/** @returns the private key in a file */
function keyOf(name: string): string {
	return readFileSync(path(`${name}.key`), "utf8");
}

/** @returns the SHA-256 of the certificate that the port shows */
function fingerprint(port: number): string {
	const shown = spawnSync("openssl", ["s_client", "-connect", `127.0.0.1:${port}`], { input: "", encoding: "utf8" });
	const pem = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/.exec(shown.stdout)?.[0] ?? "";
	return new X509Certificate(pem).fingerprint256;
}

test.after(() => rmSync(folder, { recursive: true }));
test.run();
