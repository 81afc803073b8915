/** The examples of controllers, and that docs/controllers.md shows what is run here. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificate } from "../../host-sim/certificate.js";
import { has, Running, until, within } from "../interop/support.js";
import { assert, suite } from "../support/test.js";
import { client, Example, read, refusal } from "./support.js";

const test = suite("examples of controllers");
const withMosquitto = test.if(has("mosquitto_pub"), "mosquitto_pub and mosquitto_sub are not there");
const folder = mkdtempSync(join(tmpdir(), "hearth-examples-"));
const made = makeCertificate({
	commonName: "self-signed",
	hosts: ["127.0.0.1", "localhost"],
	days: 9,
	usage: "server",
});
const cert = join(folder, "server.crt");
const key = join(folder, "server.key");
writeFileSync(cert, made.cert);
writeFileSync(key, made.key);

const examples: Example[] = [];

async function start(file: string, args: readonly string[], count = 1): Promise<Example> {
	const example = new Example(`examples/controller/${file}`, args);
	examples.push(example);
	return example.listens(count);
}

const server = await start("server.mjs", ["0", "0", cert, key], 2);
const login = { username: "imi", password: "123456" };

for (const [index, transport] of ["MQTT", "MQTTS"].entries())
	for (const protocolVersion of [4, 5] as const) {
		const version = protocolVersion === 4 ? "3.1.1" : "5.0";
		const address = server.addresses[index]!;
		const options = { protocolVersion, ca: made.cert, clientId: `${transport}-${version}` };

		test(`${transport}, ${version}: the controller acknowledges each QoS, and greets who subscribes`, async () => {
			const { mqtt, got } = await client(address, { ...options, ...login });
			const packets: string[] = [];
			mqtt.on("packetreceive", ({ cmd }) => packets.push(cmd));
			for (const qos of [0, 1, 2] as const)
				await within(mqtt.publishAsync(`qos/${qos}`, `${qos}`, { qos }), `QoS ${qos} is acknowledged`);
			assert.equal(packets, ["puback", "pubrec", "pubcomp"]);
			const granted = await within(mqtt.subscribeAsync("data/+", { qos: 2 }), "it is subscribed");
			assert.equal(
				granted.map(({ qos }) => qos),
				[0],
			);
			await until(() => got.length === 1, "a message comes");
			assert.equal(got, ["welcome you asked for data/+"]);
			assert.equal(packets.slice(3), ["suback", "publish"]);
			await mqtt.publishAsync("data/1", "not routed", { qos: 1 });
			await within(mqtt.unsubscribeAsync("data/+"), "it is unsubscribed");
			await within(mqtt.endAsync(), "it ends");
			assert.equal(got.length, 1);
			for (const line of ["sends qos/0 0", "sends qos/1 1", "sends qos/2 2", "goes"])
				await server.says(`${options.clientId} ${line}`);
		});
	}

for (const version of ["311", "5"] as const)
	withMosquitto(`mosquitto_pub and mosquitto_sub, ${version}, plain and with TLS`, async () => {
		for (const [index, more] of [[], ["--cafile", cert]].entries()) {
			const port = new URL(server.addresses[index]!).port;
			const common = ["-h", "127.0.0.1", "-p", port, "-V", version, "-u", "imi", ...more];
			for (const qos of ["0", "1", "2"]) {
				const pub = new Running("mosquitto_pub", [...common, "-P", "123456", "-t", "m", "-m", "x", "-q", qos]);
				assert.is((await pub.finished).code, 0);
			}
			const sub = new Running("mosquitto_sub", [...common, "-P", "123456", "-t", "a/b", "-C", "1", "-v", "-W", "15"]);
			assert.equal((await sub.finished).lines, ["welcome you asked for a/b"]);
		}
	});

test("a wrong login is refused with its code, over MQTT and MQTTS", async () => {
	const options = { ...login, password: "654321", ca: made.cert };
	const [plain, secure] = server.addresses as [string, string];
	// last, and few of them: who guesses is slowed
	assert.is(await refusal(plain, { ...options, protocolVersion: 4 }), 4);
	assert.is(await refusal(secure, { ...options, protocolVersion: 5 }), 0x86);
	assert.is(await refusal(secure, { ...options, username: "immi", protocolVersion: 4 }), 4);
});

withMosquitto("mosquitto_pub with a wrong password is told so", async () => {
	const port = new URL(server.addresses[0]!).port;
	const args = ["-h", "127.0.0.1", "-p", port, "-u", "imi", "-P", "wrong", "-t", "t", "-m", "x"];
	const refused = await new Running("mosquitto_pub", args).finished;
	assert.ok(refused.code !== 0);
	assert.match(refused.stderr, /not authori[sz]ed|bad user name/i);
});

test("greeting.mjs greets, routes, and refuses words", async () => {
	const example = await start("greeting.mjs", ["0"]);
	const address = example.addresses[0]!;
	const [one, two] = [await client(address, { clientId: "ann" }), await client(address, { protocolVersion: 5 })];
	await one.mqtt.subscribeAsync("talk");
	await until(() => one.got.length === 1, "the greeting comes");
	const refused = await two.mqtt.publishAsync("talk", "damn it", { qos: 1 }).catch((error) => error.code);
	assert.is(refused, 0x87);
	await two.mqtt.publishAsync("talk", "good day", { qos: 1 });
	await until(() => one.got.length === 2, "the message comes");
	assert.equal(one.got, ["greeting hello, ann", "talk good day"]);
	for (const { mqtt } of [one, two]) mqtt.end(true);
});

test("database.mjs judges logins and subscriptions later", async () => {
	const address = (await start("database.mjs", ["0"])).addresses[0]!;
	assert.is(await refusal(address, { username: "ann", password: "guess" }), 4);
	const { mqtt, got } = await client(address, { username: "ann", password: "secret", protocolVersion: 5 });
	const granted = await mqtt.subscribeAsync({ "garden/#": { qos: 1 } });
	assert.equal(
		granted.map(({ qos }) => qos),
		[1],
	);
	const refused = await mqtt.subscribeAsync("house/#").then(() => "granted", String);
	assert.match(refused, /Not authorized/);
	await mqtt.publishAsync("garden/rose", "blooms", { qos: 1 });
	await until(() => got.length === 1, "it comes");
	mqtt.end(true);
});

test("listeners.mjs has members, guests and a laboratory", async () => {
	const [members, guests, laboratory] = (await start("listeners.mjs", ["0", "0", "0"], 3)).addresses as [
		string,
		string,
		string,
	];
	assert.is(await refusal(members, {}), 5);
	const ann = await client(members, { username: "ann" });
	const guest = await client(guests, { protocolVersion: 5 });
	const scientist = await client(laboratory);
	for (const { mqtt } of [ann, guest, scientist]) await mqtt.subscribeAsync("#");
	guest.mqtt.publish("guests/wall", "hi");
	guest.mqtt.publish("private", "no");
	await ann.mqtt.publishAsync("private", "yes", { qos: 1 });
	await scientist.mqtt.publishAsync("result", "42", { qos: 1 });
	await until(() => ann.got.length === 2 && guest.got.length === 2 && scientist.got.length === 1, "all have theirs");
	assert.equal(ann.got.sort(), ["guests/wall hi", "private yes"]);
	assert.equal(guest.got.sort(), ann.got);
	assert.equal(scientist.got, ["result 42"]);
	for (const { mqtt } of [ann, guest, scientist]) mqtt.end(true);
});

test("the broker in ten lines", async () => {
	const example = new Example("examples/broker/broker.mjs", ["0"]);
	examples.push(example);
	const { mqtt, got } = await client((await example.listens()).addresses[0]!);
	await mqtt.subscribeAsync("alarm", { qos: 1 });
	await mqtt.publishAsync("room/1/temperature", "20", { qos: 1 });
	await mqtt.publishAsync("room/2/temperature", "31", { qos: 1 });
	await until(() => got.length === 1, "the alarm comes");
	assert.equal(got, ["alarm room/2/temperature is hot"]);
	assert.ok(read("examples/broker/broker.mjs").trimEnd().split("\n").length <= 10);
	mqtt.end(true);
});

test("each block of code in docs/controllers.md is one of these files", () => {
	const blocks = [...read("docs/controllers.md").matchAll(/^```(\w*)\n(.*?)^```$/gms)];
	const files = readdirSync("examples/controller").map((name) => read(`examples/controller/${name}`));
	assert.is(blocks.length, files.length);
	for (const [, language, code] of blocks) {
		assert.is(language, "js");
		assert.ok(files.includes(code!), code);
	}
});

test.after(() => {
	for (const example of examples) example.end();
	rmSync(folder, { recursive: true });
});

test.run();
