/** MQTT over TLS: MQTT.js, Mosquitto's clients and OpenSSL against the hub, and who is no TLS peer at all. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { generate, type Packet, parser } from "mqtt-packet";
import { type MadeCertificate, makeCertificate } from "../../host-sim/certificate.js";
import { listenTls, type TlsOptions, type TlsTransport, WAITING_BYTES_MAX } from "../../host-sim/tls.js";
import { assert, suite } from "../support/test.js";
import { connectPacket } from "./raw.js";
import { has, NOTHING_HELD, Running, TestHub, until, within } from "./support.js";

const test = suite("TLS");
const names = { 4: "3.1.1", 5: "5.0" };
const folder = mkdtempSync(join(tmpdir(), "hearth-tls-"));
const hosts = ["localhost", "127.0.0.1"];
const authority = makeCertificate({ commonName: "an authority", days: 9, usage: "authority" });
const stranger = makeCertificate({ commonName: "an authority", days: 9, usage: "authority" });
const server = makeCertificate({ commonName: "hub", hosts, days: 9, usage: "server" });
const alice = makeCertificate({ commonName: "alice", days: 9, usage: "client", issuer: authority });
const mallory = makeCertificate({ commonName: "alice", days: 9, usage: "client", issuer: stranger });

/** Writes a certificate and its key. @returns their paths */
function files(name: string, made: MadeCertificate): { cert: string; key: string } {
	const paths = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
	writeFileSync(paths.cert, made.cert);
	writeFileSync(paths.key, made.key);
	return paths;
}

const own = files("hub", server);
const ca = files("authority", authority).cert;
const hub = await TestHub.start({}, { logLevel: 1 });

/** A listener of the hub. */
async function listen(options: Partial<TlsOptions> = {}, of = hub) {
	const listener = await listenTls(of.broker, "127.0.0.1", 0, { ...own, ...options });
	return { listener, port: (listener.address() as AddressInfo).port };
}

const { listener, port } = await listen();
const asking = await listen({ ca, requireCertificate: true });
let ids = 0;

/** A client of MQTT.js that came in, and what it got. */
async function client(version: 4 | 5, options: IClientOptions = {}, at = port) {
	const id = options.clientId ?? `tls-${++ids}`;
	const common = { clientId: id, protocolVersion: version, reconnectPeriod: 0, ca: server.cert };
	const mqtt: MqttClient = connect(`mqtts://127.0.0.1:${at}`, { ...common, ...options });
	const got: Buffer[] = [];
	mqtt.on("message", (_topic, payload) => got.push(payload));
	mqtt.on("error", () => {});
	await within(new Promise((resolve) => mqtt.once("connect", resolve)), `${id} connects`);
	return { id, mqtt, got };
}

async function secure(options: ConnectionOptions = {}, at = port): Promise<TLSSocket> {
	const socket = connectTls({ host: "127.0.0.1", port: at, ca: server.cert, ...options });
	socket.on("error", () => {});
	await within(once(socket, "secureConnect"), "a handshake is done");
	return socket;
}

/** When the peer has ended the connection. */
function ended(socket: { closed: boolean; resume(): unknown }, deadlineMs?: number): Promise<void> {
	socket.resume();
	return until(() => socket.closed, "the hub ends the connection", deadlineMs);
}

const opened = (of = hub) => of.broker.connections.filter((connection) => connection.state !== 0).length;

for (const version of [4, 5] as const) {
	test(`${names[version]}: a payload of 1 MB arrives byte for byte, at each QoS`, async () => {
		const [one, two] = [await client(version), await client(version)];
		await within(one.mqtt.subscribeAsync(`large/${version}`, { qos: 2 }), "subscribes");
		const payload = randomBytes(1 << 20);
		for (const qos of [0, 1, 2] as const)
			await within(two.mqtt.publishAsync(`large/${version}`, payload, { qos }), "publishes");
		await until(() => one.got.length === 3, "all arrive");
		for (const got of one.got) assert.ok(got.equals(payload));
		await Promise.all([one.mqtt.endAsync(), two.mqtt.endAsync()]);
	});

	test(`${names[version]}: 100 clients talk at once`, async () => {
		const clients = await Promise.all(Array.from({ length: 100 }, () => client(version)));
		await Promise.all(clients.map((c) => within(c.mqtt.subscribeAsync("many/#", { qos: 1 }), "subscribes")));
		await Promise.all(clients.map((c) => within(c.mqtt.publishAsync(`many/${c.id}`, c.id, { qos: 1 }), "publishes")));
		await until(() => clients.every((c) => c.got.length === 100), "all have all");
		const expected = clients.map((c) => c.id).sort();
		for (const c of clients) assert.equal(c.got.map(String).sort(), expected);
		await Promise.all(clients.map((c) => c.mqtt.endAsync()));
	});
}

test("who doesn't read holds up nobody, fills no memory, and gets all in the end", async () => {
	const socket = await secure();
	const read = parser({ protocolVersion: 4 });
	const packets: Packet[] = [];
	read.on("packet", (packet: Packet) => packets.push(packet));
	socket.on("data", (chunk: Buffer) => read.parse(chunk));
	socket.write(generate(connectPacket(4, "slow")));
	socket.write(generate({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "slow", qos: 0 }] }));
	await until(() => packets.length === 2, "it subscribes");
	socket.pause();
	const { mqtt } = await client(4);
	const bodies = Array.from({ length: 200 }, () => randomBytes(1 << 16));
	for (const body of bodies) await within(mqtt.publishAsync("slow", body, { qos: 1 }), "publishes");
	const held = hub.broker.sessions.find("slow")!.connection!.output.transport as unknown as { socket: TLSSocket };
	assert.ok(held.socket.writableLength <= WAITING_BYTES_MAX + (1 << 16), `${held.socket.writableLength}`);
	assert.ok(packets.length < 100);
	socket.resume();
	await until(() => packets.length === 202, "all arrive");
	for (const [i, body] of bodies.entries())
		assert.ok(body.equals((packets[i + 2] as Packet & { payload: Buffer }).payload), `message ${i}`);
	socket.end(generate({ cmd: "disconnect" }));
	await mqtt.endAsync();
	await hub.gone("slow");
});

test("the last packet before the hub ends a connection arrives", async () => {
	const first = await client(5, { clientId: "twice" });
	const told = new Promise<number | undefined>((resolve) =>
		first.mqtt.once("disconnect", (packet) => resolve(packet.reasonCode)),
	);
	const second = await client(5, { clientId: "twice" });
	assert.is(await within(told, "the first hears why"), 0x8e);
	await second.mqtt.endAsync();
	const socket = await secure();
	const packet = Buffer.from(generate(connectPacket(4, "unknown-version")));
	packet[8] = 9;
	socket.write(packet);
	const [connack] = (await within(once(socket, "data"), "CONNACK comes")) as [Buffer];
	assert.equal([...connack], [0x20, 2, 0, 1]);
	await ended(socket);
});

test("a client certificate that an authority vouches for is a user name", async () => {
	const asks = await listen({ ca });
	const nameOf = (id: string) =>
		(hub.broker.sessions.find(id)?.connection?.output.transport as TlsTransport | undefined)?.certificateUserName;
	const named = await client(5, { cert: alice.cert, key: alice.key }, asking.port);
	assert.is(nameOf(named.id), "alice");
	// one that may come without: no certificate, a good one, and one that nobody vouches for
	const without = await client(4, {}, asks.port);
	const good = await client(4, { cert: alice.cert, key: alice.key }, asks.port);
	const wrong = await client(4, { cert: mallory.cert, key: mallory.key }, asks.port);
	assert.equal([nameOf(without.id), nameOf(good.id), nameOf(wrong.id)], [undefined, "alice", undefined]);
	await Promise.all([named, without, good, wrong].map((c) => c.mqtt.endAsync()));
	asks.listener.close();
});

test("where a certificate is required, none and a wrong one don't come as far as the broker", async () => {
	const before = asking.listener.handshakeFailures;
	const connections = hub.broker.counters.connectionsOpened;
	for (const pair of [{}, { cert: mallory.cert, key: mallory.key }]) {
		const socket = connectTls({ host: "127.0.0.1", port: asking.port, ca: server.cert, ...pair });
		socket.on("error", () => {});
		await ended(socket);
	}
	await until(() => asking.listener.handshakeFailures === before + 2, "both are counted");
	assert.is(hub.broker.counters.connectionsOpened, connections);
	assert.ok(
		hub.log.some((line) => /^127\.0\.0\.1:\d+: refused: no TLS handshake: client certificate: UNABLE_TO/.test(line)),
	);
});

test("a certificate by the name that the client asks for", async () => {
	const make = (name: string) => makeCertificate({ commonName: name, hosts: [name], days: 9, usage: "server" });
	const made = { "one.example": make("one.example"), "*.two.example": make("*.two.example") };
	const sni = Object.fromEntries(Object.entries(made).map(([name, m]) => [name, files(name.replace("*", "any"), m)]));
	const several = await listen({ sni });
	const fingerprint = async (servername?: string) => {
		const options = { rejectUnauthorized: false, ...(servername === undefined ? {} : { servername }) };
		const socket = await secure(options, several.port);
		const found = socket.getPeerCertificate().fingerprint256;
		socket.destroy();
		return found;
	};
	for (let round = 0; round < 2; round++) {
		assert.is(await fingerprint("one.example"), made["one.example"].fingerprint);
		assert.is(await fingerprint("ONE.example"), made["one.example"].fingerprint);
		assert.is(await fingerprint("a.two.example"), made["*.two.example"].fingerprint);
		for (const name of ["two.example", "a.b.two.example", "three.example", undefined])
			assert.is(await fingerprint(name), server.fingerprint);
		made["one.example"] = make("one.example");
		files("one.example", made["one.example"]);
		assert.ok(several.listener.reload());
	}
	several.listener.close();
});

test("reload: new certificates for who comes, nothing for who is there; unusable ones change nothing", async () => {
	const name = files("reloaded", server);
	const changing = await listen({ ...name, ca });
	const fingerprint = async () => {
		const socket = await secure({ rejectUnauthorized: false }, changing.port);
		const found = socket.getPeerCertificate().fingerprint256;
		socket.destroy();
		return found;
	};
	const live = await client(5, {}, changing.port);
	await live.mqtt.subscribeAsync("live");
	assert.is(await fingerprint(), server.fingerprint);
	const next = makeCertificate({ commonName: "hub", hosts, days: 9, usage: "server" });
	writeFileSync(name.cert, next.cert);
	const lines = hub.log.length;
	assert.is(changing.listener.reload(), false);
	const said = hub.log.slice(lines);
	assert.is(said.length, 1);
	assert.match(
		said[0]!,
		/reloaded\.key: the key does not belong to .*reloaded\.crt; .*; the certificates of before stay$/,
	);
	assert.is(await fingerprint(), server.fingerprint);
	writeFileSync(name.key, next.key);
	assert.is(changing.listener.reload(), true);
	assert.is(await fingerprint(), next.fingerprint);
	await within(live.mqtt.publishAsync("live", "still there", { qos: 1 }), "publishes");
	await until(() => live.got.length === 1, "the message arrives");
	assert.is(String(live.got[0]), "still there");
	await live.mqtt.endAsync();
	changing.listener.close();
});

test("reload: who resumes a session of before is asked for a certificate again", async () => {
	const before = await secure({ cert: alice.cert, key: alice.key, maxVersion: "TLSv1.2" }, asking.port);
	const session = before.getSession();
	before.destroy();
	const again = () => secure({ cert: alice.cert, key: alice.key, maxVersion: "TLSv1.2", session }, asking.port);
	const resumed = await again();
	assert.is(resumed.isSessionReused(), true);
	assert.ok(asking.listener.reload());
	const fresh = await again();
	assert.is(fresh.isSessionReused(), false);
	resumed.destroy();
	fresh.destroy();
});

const garbage: Record<string, Buffer> = {
	"MQTT without TLS": Buffer.from(generate(connectPacket(4, "plain"))),
	HTTP: Buffer.from("GET / HTTP/1.1\r\n\r\n"),
	"random bytes": randomBytes(10_000),
	"a record header that promises much": Buffer.from([22, 3, 1, 255, 255, 1, 0, 0]),
	nothing: Buffer.alloc(0),
};
for (const [what, bytes] of Object.entries(garbage))
	test(`${what} in place of a handshake costs that connection alone`, async () => {
		const before = listener.handshakeFailures;
		const connections = hub.broker.counters.connectionsOpened;
		const socket = connectTcp(port, "127.0.0.1");
		socket.on("error", () => {});
		socket.end(bytes);
		await ended(socket);
		await until(() => listener.handshakeFailures === before + 1, "it is counted");
		assert.is(hub.broker.counters.connectionsOpened, connections);
		await (await client(4)).mqtt.endAsync();
	});

test("a handshake that is never finished ends in time, however busy; and holds no connection meanwhile", async () => {
	const quick = await TestHub.start({ connectTimeoutMs: 300 }, { logLevel: 1 });
	const { listener: strict, port: at } = await listen({}, quick);
	const silent = connectTcp(at, "127.0.0.1");
	const slow = connectTcp(at, "127.0.0.1");
	for (const socket of [silent, slow]) socket.on("error", () => {});
	const hello = Buffer.concat([Buffer.from([22, 3, 1, 4, 0, 1, 0, 3, 252]), Buffer.alloc(1000)]);
	let sent = 0;
	const drip = setInterval(() => slow.writable && slow.write(hello.subarray(sent, ++sent)), 20);
	await until(() => opened(quick) === 0 && sent > 3, "both are there");
	await Promise.all([ended(silent), ended(slow)]);
	clearInterval(drip);
	await until(() => strict.handshakeFailures === 2, "both are counted");
	assert.is(quick.broker.counters.connectionsOpened, 0);
	assert.is(quick.log.filter((line) => /refused before CONNECT: is silent for 300 ms/.test(line)).length, 2);
	assert.is(quick.log.length, 2, quick.log.join("\n"));
	strict.close();
	await quick.close();
});

test("strangers beyond the number of connections: the oldest goes, and a client comes in", async () => {
	const small = await TestHub.start({ connections: 4, spareConnections: 1 });
	const { listener: strict, port: at } = await listen({}, small);
	const sockets = [];
	for (let i = 0; i < 5; i++) {
		const socket = connectTcp(at, "127.0.0.1");
		await within(once(socket, "connect"), "connects");
		sockets.push(socket);
	}
	const { mqtt } = await client(4, {}, at);
	await ended(sockets[0]!);
	assert.equal(
		sockets.map((socket) => socket.closed),
		[true, false, false, false, false],
	);
	await mqtt.endAsync();
	// a listener that ends does not wait for them
	await within(new Promise((resolve) => strict.close(resolve)), "the listener ends");
	await Promise.all(sockets.map((socket) => ended(socket)));
	await small.close();
});

test("files that cannot be used: one line names the file, what is wrong and the remedy", async () => {
	const path = (name: string, text: string) => {
		writeFileSync(join(folder, name), text);
		return join(folder, name);
	};
	const refused = async (options: Partial<TlsOptions>, pattern: RegExp) => {
		const error = await listen(options).then(
			() => undefined,
			(e: Error) => e,
		);
		assert.is(error?.name, "HearthError", String(error));
		assert.match(error!.message, pattern);
		assert.not.match(error!.message, /\n/);
	};
	const missing = join(folder, "missing.pem");
	await refused(
		{ cert: missing },
		/^tls: .*missing\.pem: there is no such file; make them with hearth cert, or .*--cert/,
	);
	await refused({ key: missing }, /missing\.pem: there is no such file; .*--key/);
	await refused({ ca: missing }, /missing\.pem: there is no such file; .*--ca/);
	await refused({ cert: folder }, /cannot be read \(EISDIR\)/);
	await refused({ cert: path("text", "hello") }, /text: holds no PEM certificate; .*--cert/);
	await refused({ cert: own.key }, /hub\.key: holds no PEM certificate/);
	await refused({ cert: path("cut", server.cert.replace(/\n.{20}/, "\n")) }, /cut: its certificate is damaged/);
	await refused({ key: own.cert }, /hub\.crt: holds no PEM private key; .*--key/);
	const locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
	await refused({ key: path("locked", locked) }, /locked: the key is encrypted; .*openssl pkey/);
	await refused({ key: path("other", alice.key) }, /other: the key does not belong to .*hub\.crt/);
	await refused({ requireCertificate: true }, /no authority for them is named/);
	await refused({ sni: { x: { cert: missing, key: missing } } }, /missing\.pem: there is no such file/);
	if (process.getuid?.() !== 0) {
		const closed = path("closed", server.cert);
		chmodSync(closed, 0);
		await refused({ cert: closed }, /closed: cannot be read \(EACCES\); let this user read it/);
	}
});

test("an expired certificate is a warning", async () => {
	const old = makeCertificate({ commonName: "hub", hosts, days: -0.01, usage: "server" });
	const lines = hub.log.length;
	const expired = await listen(files("old", old));
	assert.match(hub.log.slice(lines).join("\n"), /^tls: .*old\.crt: expired on .*; make another$/);
	expired.listener.close();
});

const openSsl = test.if(has("openssl"), "openssl is not installed");

openSsl("OpenSSL: TLS 1.2 and 1.3, nothing older; ALPN is mqtt", async () => {
	const run = (...args: string[]) =>
		new Running("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, "-CAfile", own.cert, ...args]).finished;
	for (const version of ["1.2", "1.3"]) {
		const option = `-tls${version.replace(".", "_")}`;
		const { stdout, code } = await run(option, "-alpn", "mqtt", "-verify_return_error", "-verify_ip", "127.0.0.1");
		assert.is(code, 0, `${stdout}`);
		assert.match(`${stdout}`, new RegExp(`New, TLSv${version}`));
		assert.match(`${stdout}`, /ALPN protocol: mqtt/);
		assert.match(`${stdout}`, /Verification: OK/);
	}
	for (const option of ["-tls1", "-tls1_1"]) {
		const { stdout, stderr, code } = await run(option, "-cipher", "DEFAULT:@SECLEVEL=0");
		assert.is.not(code, 0, `${stdout}`);
		assert.match(stderr, /alert protocol version/);
	}
});

const mosquitto = test.if(has("mosquitto_pub") && has("mosquitto_sub"), "mosquitto_pub is not installed");

for (const version of ["311", "5"]) {
	const args = (at: number, pair?: { cert: string; key: string }) => {
		const own_ = pair === undefined ? [] : ["--cert", pair.cert, "--key", pair.key];
		return ["-h", "127.0.0.1", "-p", `${at}`, "-V", version, "--cafile", own.cert, ...own_];
	};
	const pairs = { alice: files("alice", alice), mallory: files("mallory", mallory) };
	for (const [what, at, pair] of [
		["with --cafile", port, undefined],
		["with a client certificate", asking.port, pairs.alice],
	] as const)
		mosquitto(`mosquitto_pub and mosquitto_sub, MQTT ${version}, ${what}`, async () => {
			const id = `sub-${++ids}`;
			const more = ["-i", id, "-t", "m/+", "-q", "1", "-C", "2", "-F", "%t %p"];
			const sub = new Running("mosquitto_sub", [...args(at, pair), ...more]);
			await hub.subscribed(id, "m/+");
			for (const text of ["one", "two"]) {
				const pub = new Running("mosquitto_pub", [...args(at, pair), "-t", `m/${text}`, "-q", "1", "-m", text]);
				const { code, stderr } = await pub.finished;
				assert.is(code, 0, stderr);
			}
			assert.equal((await sub.finished).lines, ["m/one one", "m/two two"]);
		});

	mosquitto(
		`mosquitto_pub, MQTT ${version}: without the certificate or with a wrong one it does not come in`,
		async () => {
			const connections = hub.broker.counters.connectionsOpened;
			const message = ["-t", "m/never", "-q", "1", "-m", "never"];
			for (const pair of [undefined, pairs.mallory]) {
				const { code } = await new Running("mosquitto_pub", [...args(asking.port, pair), ...message]).finished;
				assert.is.not(code, 0);
			}
			assert.is(hub.broker.counters.connectionsOpened, connections);
			// and it believes no hub that its authority does not vouch for
			const distrusting = ["-h", "127.0.0.1", "-p", `${port}`, "-V", version, "--cafile", ca, ...message];
			assert.is.not((await new Running("mosquitto_pub", distrusting).finished).code, 0);
		},
	);
}

test("after all this the hub holds nothing", async () => {
	await hub.empty();
	await until(() => opened() === 0, "all connections are free");
	assert.equal(hub.held(), NOTHING_HELD);
	const closed = [listener, asking.listener].map((one) => new Promise((resolve) => one.close(resolve)));
	await hub.close();
	await within(Promise.all(closed), "the listeners end");
	rmSync(folder, { recursive: true });
});

test.run();
