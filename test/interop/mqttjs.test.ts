/** MQTT.js against the hub: MQTT 3.1, 3.1.1, and the basics of 5.0. */
import { spawn } from "node:child_process";
import { connect, type IClientOptions, type IPublishPacket, type ISubscriptionMap, type MqttClient } from "mqtt";
import { assert, suite } from "../support/test.js";
import { NOTHING_HELD, TestHub, until, within } from "./support.js";

const test = suite("MQTT.js");
const VERSIONS = [3, 4, 5] as const;
type Version = (typeof VERSIONS)[number];
type Qos = 0 | 1 | 2;
const names = { 3: "3.1", 4: "3.1.1", 5: "5.0" };

const hub = await TestHub.start();
let ids = 0;

interface Message {
	topic: string;
	payload: Buffer;
	qos: number;
	retain: boolean;
	dup: boolean;
}

/** A client of MQTT.js and what it got. */
class Client {
	readonly mqtt: MqttClient;
	readonly got: Message[] = [];
	sessionPresent = false;
	/** how often it came in */
	connects = 0;

	constructor(
		readonly id: string,
		version: Version,
		options: IClientOptions,
	) {
		this.mqtt = connect(`mqtt://127.0.0.1:${hub.port}`, {
			clientId: id,
			protocolVersion: version,
			protocolId: version === 3 ? "MQIsdp" : "MQTT",
			reconnectPeriod: 0,
			...options,
		});
		this.mqtt.on("message", (topic: string, payload: Buffer, packet: IPublishPacket) =>
			this.got.push({ topic, payload, qos: packet.qos, retain: packet.retain, dup: packet.dup }),
		);
		this.mqtt.on("connect", (connack) => {
			this.sessionPresent = connack.sessionPresent;
			this.connects++;
		});
		this.mqtt.on("error", () => {});
	}

	/** When so many messages came. @returns them as texts */
	async texts(count: number): Promise<string[]> {
		await until(() => this.got.length >= count, `${this.id} gets ${count} messages (has ${this.got.length})`);
		return this.got.map((m) => `${m.payload}`);
	}

	subscribe(filters: string | string[] | ISubscriptionMap, qos: Qos = 0) {
		return within(this.mqtt.subscribeAsync(filters, { qos }), `${this.id} subscribes`);
	}

	publish(topic: string, payload: string | Buffer, qos: Qos = 0, retain = false) {
		return within(this.mqtt.publishAsync(topic, payload, { qos, retain }), `${this.id} publishes`);
	}

	/** Breaks the connection without DISCONNECT. */
	cut(): void {
		this.mqtt.stream.destroy();
	}

	/** DISCONNECT. When the broker knows. */
	async end(): Promise<void> {
		await this.mqtt.endAsync();
		await until(() => hub.broker.sessions.find(this.id)?.connection === undefined, `${this.id} is gone`);
	}
}

async function client(version: Version, options: IClientOptions = {}): Promise<Client> {
	const made = new Client(options.clientId ?? `js-${++ids}`, version, options);
	await until(() => made.connects > 0, `${made.id} connects`);
	return made;
}

/** A session that outlives its connection. */
function persistent(version: Version, clientId: string): IClientOptions {
	const properties = version === 5 ? { properties: { sessionExpiryInterval: 3600 } } : {};
	return { clientId, clean: false, ...properties };
}

/** Ends a session for good. */
async function forget(version: Version, clientId: string): Promise<void> {
	await (await client(version, { clientId })).end();
	assert.is(hub.broker.sessions.find(clientId), undefined);
}

function numbered(count: number): string[] {
	return Array.from({ length: count }, (_, i) => `message ${i}`);
}

for (const version of VERSIONS) {
	// a statement is proven with the version that makes it
	const others = version === 4 ? / \[5:.*?\]/g : version === 5 ? / \[MQTT-.*?\]/g : / \[.*?\]/g;
	const check = (name: string, statements: string, run: () => Promise<void>) =>
		test(`${names[version]}: ${name}${` ${statements}`.replace(others, "").trimEnd()}`, run);
	const t = `js${version}`;

	check("a message arrives with the lower of both QoS", "[MQTT-3.8.4-6] [5:MQTT-3.8.4-8]", async () => {
		const subs = [await client(version), await client(version), await client(version)];
		const pub = await client(version);
		for (const [qos, sub] of subs.entries()) await sub.subscribe(`${t}/qos`, qos as Qos);
		for (const qos of [0, 1, 2] as const) await pub.publish(`${t}/qos`, `sent with ${qos}`, qos);
		for (const [granted, sub] of subs.entries()) {
			assert.equal(
				await sub.texts(3),
				[0, 1, 2].map((qos) => `sent with ${qos}`),
			);
			assert.equal(
				sub.got.map((m) => m.qos),
				[0, 1, 2].map((qos) => Math.min(qos, granted)),
			);
		}
		await Promise.all([pub, ...subs].map((c) => c.end()));
	});

	check(
		"a Retained Message comes at each subscribing, until it is deleted",
		"[MQTT-3.3.1-6] [MQTT-3.8.4-3] [MQTT-3.3.1-10] [5:MQTT-3.8.4-4] [5:MQTT-3.3.1-6]",
		async () => {
			const topic = `${t}/retained`;
			const one = await client(version);
			await one.publish(topic, "first", 1, true);
			await one.publish(topic, "second", 1, true);
			await one.subscribe(topic, 1);
			await one.subscribe(topic, 1);
			assert.equal(await one.texts(2), ["second", "second"]);
			assert.equal(
				one.got.map((m) => m.retain),
				[true, true],
			);
			await one.publish(topic, "", 1, true);
			assert.equal((await one.texts(3))[2], "");
			assert.is(one.got[2]!.retain, false);
			const two = await client(version);
			await two.subscribe(topic, 1);
			await two.publish(topic, "live", 1);
			assert.equal(await two.texts(1), ["live"]);
			await one.end();
			await two.end();
			assert.is(hub.broker.retained.count, 0);
		},
	);

	for (const qos of [0, 1, 2] as const)
		check(`a payload of 1 MB arrives byte for byte with QoS ${qos}`, "", async () => {
			const payload = Buffer.alloc(1024 * 1024);
			for (let i = 0, x = qos; i < payload.length; i++) {
				x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
				payload[i] = x >>> 24;
			}
			const [sub, pub] = [await client(version), await client(version)];
			await sub.subscribe(`${t}/big`, qos);
			await pub.publish(`${t}/big`, payload, qos);
			await sub.texts(1);
			assert.is(Buffer.compare(sub.got[0]!.payload, payload), 0);
			await sub.end();
			await pub.end();
		});

	check(
		"a client with the identifier of another takes its place, and the other's will is published",
		"[MQTT-3.1.4-2] [MQTT-3.1.2-8] [5:MQTT-3.1.4-3]",
		async () => {
			const watcher = await client(version);
			await watcher.subscribe(`${t}/taken`);
			const clientId = `${t}-twin`;
			const will = { topic: `${t}/taken`, payload: Buffer.from("gone"), qos: 0 as const, retain: false };
			const first = await client(version, { clientId, will });
			let reason: number | undefined;
			first.mqtt.on("disconnect", (packet) => {
				reason = packet.reasonCode;
			});
			const closed = new Promise((resolve) => first.mqtt.once("close", () => resolve(undefined)));
			const second = await client(version, { clientId });
			await within(closed, "the first is closed");
			if (version === 5) assert.is(reason, 0x8e);
			assert.equal(await watcher.texts(1), ["gone"]);
			await second.subscribe(`${t}/alive`);
			await second.publish(`${t}/alive`, "I am");
			assert.equal(await second.texts(1), ["I am"]);
			await Promise.all([watcher.end(), second.end(), first.mqtt.endAsync(true)]);
		},
	);

	if (version !== 3)
		check(
			"CONNACK says whether the session was there",
			"[MQTT-3.2.2-1] [MQTT-3.2.2-2] [MQTT-3.2.2-3] [5:MQTT-3.2.2-2] [5:MQTT-3.2.2-3] [5:MQTT-3.1.2-4]",
			async () => {
				const clientId = `${t}-present`;
				const seen: boolean[] = [];
				for (const clean of [false, false, true, false, true]) {
					const c = await client(version, { ...persistent(version, clientId), clean });
					seen.push(c.sessionPresent);
					if (seen.length === 1) await c.subscribe(`${t}/present`, 1);
					if (seen.length < 3) assert.is(hub.broker.table.count, 1);
					if (seen.length === 3) assert.is(hub.broker.table.count, 0);
					await c.end();
				}
				// a session of 5.0 that began clean stays as long as it asked to
				assert.equal(seen, [false, true, false, version === 5, false]);
				await forget(version, clientId);
			},
		);

	for (const qos of [1, 2] as const)
		check(
			`what came while a client was away waits for it, in order, QoS ${qos}`,
			"[MQTT-3.1.2-5] [MQTT-4.4.0-1] [MQTT-4.6.0-6] [5:MQTT-4.5.0-1] [5:MQTT-4.6.0-5]",
			async () => {
				const clientId = `${t}-away-${qos}`;
				const before = await client(version, persistent(version, clientId));
				await before.subscribe(`${t}/away/#`, qos);
				await before.end();
				const pub = await client(version);
				const sent = numbered(500);
				await Promise.all(sent.map((text) => pub.publish(`${t}/away/x`, text, qos)));
				await pub.publish(`${t}/away/x`, "not with QoS 0");
				const back = await client(version, persistent(version, clientId));
				await pub.publish(`${t}/away/x`, "last", qos);
				const got = await back.texts(501);
				assert.equal(got, [...sent, "last"]);
				await back.end();
				await pub.end();
				await forget(version, clientId);
			},
		);

	for (const qos of [1, 2] as const)
		check(
			`a publisher that is cut off again and again sends the rest again: QoS ${qos}`,
			qos === 2 ? "[MQTT-4.3.3-2] [5:MQTT-4.3.3-10]" : "[5:MQTT-4.3.2-4]",
			async () => {
				const clientId = `${t}-cut-pub-${qos}`;
				const sub = await client(version);
				await sub.subscribe(`${t}/cut`, qos);
				const pub = await client(version, { ...persistent(version, clientId), reconnectPeriod: 1 });
				const sent = numbered(400);
				// 5.0 tells a resent PUBREL whose PUBCOMP was lost that the id is free: MQTT.js thinks it an error
				const released = (error: { code?: number }) => {
					if (version !== 5 || qos !== 2 || error.code !== 0x92) throw error;
				};
				const all = Promise.all(sent.map((text) => pub.publish(`${t}/cut`, text, qos).catch(released)));
				all.catch(() => {}); // awaited below
				for (const at of [40, 150, 260]) {
					await until(() => sub.got.length >= at, `${at} messages`);
					pub.cut();
					const connects = pub.connects;
					await until(() => pub.connects > connects, "the publisher is back");
				}
				await all;
				const got = await sub.texts(sent.length);
				if (qos === 2) assert.equal(got, sent);
				else assert.equal([...new Set(got)], sent);
				await pub.end();
				await sub.end();
				await forget(version, clientId);
			},
		);

	for (const qos of [1, 2] as const)
		check(
			`a subscriber that is cut off again and again gets the rest: QoS ${qos}`,
			"[MQTT-4.4.0-1] [MQTT-3.3.1-1] [5:MQTT-4.4.0-1]",
			async () => {
				const clientId = `${t}-cut-sub-${qos}`;
				const sub = await client(version, {
					...persistent(version, clientId),
					reconnectPeriod: 1,
					resubscribe: false,
				});
				await sub.subscribe(`${t}/cut`, qos);
				const pub = await client(version);
				const sent = numbered(600);
				const first: string[] = [];
				const again: string[] = [];
				sub.mqtt.on("packetreceive", (packet) => {
					if (packet.cmd === "publish") (packet.dup ? again : first).push(`${packet.payload}`);
				});
				const all = Promise.all(sent.map((text) => pub.publish(`${t}/cut`, text, qos)));
				for (const at of [30, 150, 300]) {
					await until(() => sub.got.length >= at, `${at} messages`);
					sub.cut();
					const connects = sub.connects;
					await until(() => sub.connects > connects, "the subscriber is back");
				}
				await all;
				await until(() => sub.got.some((m) => `${m.payload}` === sent.at(-1)), "the last message");
				const got = sub.got.map((m) => `${m.payload}`);
				if (qos === 2) assert.equal(got, sent);
				else assert.equal([...new Set(got)], sent);
				// without DUP each came once
				assert.is(new Set(first).size, first.length);
				await sub.end();
				await pub.end();
				await forget(version, clientId);
			},
		);

	check("a burst of 1,000 messages of QoS 2 arrives once each, in order", "[MQTT-4.3.3-2] [MQTT-4.6.0-6]", async () => {
		const [sub, pub] = [await client(version), await client(version)];
		await sub.subscribe(`${t}/burst`, 2);
		const sent = numbered(1000);
		await Promise.all(sent.map((text) => pub.publish(`${t}/burst`, text, 2)));
		assert.equal(await sub.texts(1000), sent);
		await sub.end();
		await pub.end();
	});

	check("one SUBSCRIBE brings 500 filters, one UNSUBSCRIBE takes them", "[MQTT-3.8.4-5] [5:MQTT-3.8.4-6]", async () => {
		const one = await client(version);
		const filters: ISubscriptionMap = {};
		for (let i = 0; i < 500; i++) filters[`${t}/f/${i}/#`] = { qos: (i % 3) as Qos };
		const granted = await one.subscribe(filters);
		assert.equal(
			granted.map((g) => g.qos),
			granted.map((_, i) => i % 3),
		);
		assert.is(hub.broker.table.count, 500);
		for (const i of [0, 499]) await one.publish(`${t}/f/${i}/a/b`, `${i}`, 1);
		assert.equal(await one.texts(2), ["0", "499"]);
		await within(one.mqtt.unsubscribeAsync(Object.keys(filters)), "unsubscribes");
		assert.is(hub.broker.table.count, 0);
		await one.publish(`${t}/f/0/a`, "nobody", 1);
		assert.is(one.got.length, 2);
		await one.end();
	});

	check("a home automation restarts: will, birth, and all discovery payloads again", "[MQTT-3.3.1-6]", async () => {
		const device = await client(version);
		const configs = new Map<string, string>();
		for (let i = 0; i < 60; i++) {
			const topic = `${t}/homeassistant/sensor/device${i % 6}/sensor${i}/config`;
			const config = {
				name: `sensor ${i}`,
				state_topic: `${t}/state/${i}`,
				filler: "x".repeat(1900),
				unit: "°C",
			};
			configs.set(topic, JSON.stringify(config));
		}
		await Promise.all([...configs].map(([topic, config]) => device.publish(topic, config, 1, true)));
		await device.subscribe(`${t}/homeassistant/status`, 1);
		const filters = [
			...["sensor", "light", "switch", "climate"].map((kind) => `${t}/homeassistant/${kind}/+/config`),
			...["sensor", "light", "switch", "climate"].map((kind) => `${t}/homeassistant/${kind}/+/+/config`),
			...Array.from({ length: 60 }, (_, i) => `${t}/state/${i}`),
		];
		const status = `${t}/homeassistant/status`;
		const will = { topic: status, payload: Buffer.from("offline"), qos: 1 as const, retain: true };
		for (let restart = 0; restart < 3; restart++) {
			const home = await client(version, { clientId: `${t}-ha`, will, keepalive: 15 });
			await home.publish(status, "online", 1, true);
			await home.subscribe(filters, 1);
			await home.texts(configs.size);
			assert.is(home.got.length, configs.size);
			for (const { topic, payload, retain } of home.got) {
				assert.is(`${payload}`, configs.get(topic));
				assert.is(retain, true);
			}
			await device.publish(`${t}/state/7`, "21.5", 0);
			assert.is((await home.texts(configs.size + 1)).at(-1), "21.5");
			home.cut();
			assert.equal((await device.texts(2 * restart + 2)).slice(-2), ["online", "offline"]);
		}
		await Promise.all([...configs.keys(), status].map((topic) => device.publish(topic, "", 1, true)));
		await device.end();
		assert.is(hub.broker.retained.count, 0);
	});
}

/** A program with 20 clients, each with a will; it says when they are there. */
const CLIENTS = `
import { connect } from "mqtt";
let connected = 0;
for (let i = 0; i < 20; i++) {
	const will = { topic: "wills/" + i, payload: "will of " + i, qos: i % 3, retain: false };
	connect(process.argv[1], { clientId: "doomed-" + i, will, reconnectPeriod: 0, protocolVersion: 4 + (i % 2) })
		.on("connect", () => ++connected === 20 && console.log("there"));
}
`;

test("20 clients of a killed process: 20 wills arrive [MQTT-3.1.2-8]", async () => {
	const watcher = await client(4);
	await watcher.subscribe("wills/+", 2);
	const args = ["--input-type=module", "-e", CLIENTS, `mqtt://127.0.0.1:${hub.port}`];
	const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
	try {
		await within(new Promise((resolve) => child.stdout.once("data", resolve)), "20 clients are there");
	} finally {
		child.kill("SIGKILL");
	}
	const wills = await watcher.texts(20);
	const expected = Array.from({ length: 20 }, (_, i) => `will of ${i}`);
	assert.equal(wills.sort(), expected.sort());
	for (const { topic, qos } of watcher.got) assert.is(qos, Number(topic.split("/")[1]) % 3);
	assert.is(hub.broker.counters.willsPublished >= 20, true);
	await watcher.end();
});

test("20 destroyed sockets: 20 wills arrive, retained", async () => {
	const watcher = await client(5);
	const doomed = await Promise.all(
		Array.from({ length: 20 }, (_, i) =>
			client(4, { will: { topic: `cut/${i}`, payload: Buffer.from(`${i}`), qos: 1, retain: true } }),
		),
	);
	await watcher.subscribe("cut/#", 1);
	for (const one of doomed) one.cut();
	await watcher.texts(20);
	assert.is(watcher.got.length, 20);
	assert.is(hub.broker.retained.count, 20);
	await Promise.all(doomed.map((_, i) => watcher.publish(`cut/${i}`, "", 1, true)));
	await watcher.end();
});

test("after all this the hub holds nothing", async () => {
	await hub.empty();
	assert.equal(hub.held(), NOTHING_HELD);
	assert.equal(hub.log, []);
	await hub.close();
});

test.run();
