/** Mosquitto's clients against the hub: MQTT 3.1, 3.1.1, and the basics of 5.0. */
import { assert, suite } from "../support/test.js";
import { type Finished, has, NOTHING_HELD, Running, TestHub, until } from "./support.js";

const test = suite("mosquitto_pub and mosquitto_sub");
const available = has("mosquitto_pub") && has("mosquitto_sub");
const VERSIONS = ["31", "311", "5"] as const;
type Version = (typeof VERSIONS)[number];
const names = { "31": "3.1", "311": "3.1.1", "5": "5.0" };

const hub = await TestHub.start();
let ids = 0;

interface Sub {
	filters: string[];
	qos?: number;
	/** messages after which it ends */
	count?: number;
	id?: string;
	format?: string;
	more?: string[];
}

/** Begins a mosquitto_sub and waits until all its filters are subscribed. */
async function subscribe(version: Version, sub: Sub): Promise<Running> {
	const id = sub.id ?? `sub-${++ids}`;
	const args = ["-h", "127.0.0.1", "-p", `${hub.port}`, "-V", version, "-i", id, "-q", `${sub.qos ?? 0}`];
	if (sub.count !== undefined) args.push("-C", `${sub.count}`);
	args.push("-F", sub.format ?? "%t %q %r %p", ...(sub.more ?? []));
	for (const filter of sub.filters) args.push("-t", filter);
	const running = new Running("mosquitto_sub", args);
	const last = sub.filters.at(-1);
	if (last !== undefined) await Promise.race([hub.subscribed(id, last), running.finished.then(mustBeGood)]);
	return running;
}

/** Runs a mosquitto_pub to its end. */
async function publish(version: Version, args: string[], input?: string | Buffer): Promise<void> {
	const common = ["-h", "127.0.0.1", "-p", `${hub.port}`, "-V", version];
	mustBeGood(await new Running("mosquitto_pub", [...common, ...args], input).finished);
}

function mustBeGood(finished: Finished): void {
	if (finished.code !== 0) throw new Error(`exit ${finished.code}: ${finished.stderr}${finished.stdout}`);
}

/** The lines of a mosquitto_sub that ends well. */
async function linesOf(running: Running): Promise<string[]> {
	const finished = await running.finished;
	mustBeGood(finished);
	return finished.lines;
}

for (const version of VERSIONS) {
	// a statement is proven with the version that makes it
	const others = version === "311" ? / \[5:.*?\]/g : version === "5" ? / \[MQTT-.*?\]/g : / \[.*?\]/g;
	const check = (name: string, statements: string, run: () => Promise<void>) => {
		const proven = ` ${statements}`.replace(others, "").trimEnd();
		test.if(available, "mosquitto_pub is not installed")(`${names[version]}: ${name}${proven}`, run);
	};
	const t = `v${version}`;

	check(
		"a message arrives with the lower of both QoS, in all combinations",
		"[MQTT-3.8.4-6] [5:MQTT-3.8.4-8]",
		async () => {
			const subs = await Promise.all(
				[0, 1, 2].map((qos) => subscribe(version, { filters: [`${t}/qos`], qos, count: 3 })),
			);
			for (const qos of [0, 1, 2]) await publish(version, ["-t", `${t}/qos`, "-q", `${qos}`, "-m", `sent with ${qos}`]);
			for (const granted of [0, 1, 2]) {
				const expected = [0, 1, 2].map((qos) => `${t}/qos ${Math.min(qos, granted)} 0 sent with ${qos}`);
				assert.equal(await linesOf(subs[granted]!), expected);
			}
		},
	);

	check(
		"a Retained Message comes at subscribing, is replaced and deleted",
		"[MQTT-3.3.1-5] [MQTT-3.3.1-6] [MQTT-3.3.1-8] [MQTT-3.3.1-10] [5:MQTT-3.3.1-5] [5:MQTT-3.3.1-9] [5:MQTT-3.3.1-6]",
		async () => {
			const topic = `${t}/retained`;
			await publish(version, ["-t", topic, "-r", "-q", "1", "-m", "first"]);
			assert.equal(await linesOf(await subscribe(version, { filters: [topic], qos: 1, count: 1 })), [
				`${topic} 1 1 first`,
			]);
			await publish(version, ["-t", topic, "-r", "-q", "2", "-m", "second"]);
			assert.equal(await linesOf(await subscribe(version, { filters: [topic], qos: 2, count: 1 })), [
				`${topic} 2 1 second`,
			]);
			await publish(version, ["-t", topic, "-r", "-n"]);
			await publish(version, ["-t", `${topic}/last`, "-r", "-m", "there"]);
			const after = await subscribe(version, { filters: [topic, `${topic}/last`], count: 1 });
			assert.equal(await linesOf(after), [`${topic}/last 0 1 there`]);
			await publish(version, ["-t", `${topic}/last`, "-r", "-n"]);
			assert.is(hub.broker.retained.count, 0);
		},
	);

	check(
		"a subscription that is there gets a retained message without RETAIN",
		"[MQTT-3.3.1-9] [MQTT-3.3.1-12] [5:MQTT-3.3.1-12] [5:MQTT-3.3.1-8]",
		async () => {
			const topic = `${t}/live`;
			const sub = await subscribe(version, { filters: [topic], count: 2 });
			await publish(version, ["-t", topic, "-r", "-m", "kept"]);
			await publish(version, ["-t", topic, "-m", "not kept"]);
			assert.equal(await linesOf(sub), [`${topic} 0 0 kept`, `${topic} 0 0 not kept`]);
			assert.equal(await linesOf(await subscribe(version, { filters: [topic], count: 1 })), [`${topic} 0 1 kept`]);
			await publish(version, ["-t", topic, "-r", "-n"]);
		},
	);

	check(
		"the will of a killed client is published, retained as it asked",
		"[MQTT-3.1.2-8] [MQTT-3.1.2-17] [5:MQTT-3.1.2-8] [5:MQTT-3.1.2-15]",
		async () => {
			const topic = `${t}/will`;
			const id = `dies-${version}`;
			const watcher = await subscribe(version, { filters: [topic], qos: 2, count: 1 });
			const will = ["--will-topic", topic, "--will-payload", "I am dead", "--will-qos", "1", "--will-retain"];
			const victim = await subscribe(version, { filters: [`${t}/none`], id, more: will });
			victim.kill("SIGKILL");
			assert.equal(await linesOf(watcher), [`${topic} 1 0 I am dead`]);
			assert.equal(await linesOf(await subscribe(version, { filters: [topic], qos: 1, count: 1 })), [
				`${topic} 1 1 I am dead`,
			]);
			await publish(version, ["-t", topic, "-r", "-n"]);
		},
	);

	check(
		"a client that disconnects leaves no will",
		"[MQTT-3.14.4-3] [MQTT-3.1.2-10] [5:MQTT-3.14.4-3] [5:MQTT-3.1.2-10]",
		async () => {
			const topic = `${t}/no-will`;
			const id = `leaves-${version}`;
			const watcher = await subscribe(version, { filters: [topic], count: 1 });
			const will = ["--will-topic", topic, "--will-payload", "should not be", "-C", "1"];
			const client = await subscribe(version, { filters: [`${t}/go`], id, more: will });
			await publish(version, ["-t", `${t}/go`, "-m", "now"]);
			await client.finished;
			await hub.gone(id);
			await publish(version, ["-t", topic, "-m", "the only one"]);
			assert.equal(await linesOf(watcher), [`${topic} 0 0 the only one`]);
		},
	);

	for (const qos of [1, 2])
		check(
			`a session without connection gets its QoS ${qos} messages later, in order`,
			"[MQTT-3.1.2-4] [MQTT-3.1.2-5] [MQTT-4.6.0-6] [5:MQTT-3.1.2-5] [5:MQTT-3.1.2-23] [5:MQTT-4.6.0-5]",
			async () => {
				const topic = `${t}/offline/${qos}`;
				const id = `sleeper-${version}-${qos}`;
				const session = { filters: [topic], qos, id };
				mustBeGood(await (await subscribe(version, { ...session, more: ["-c", "-E"] })).finished);
				await hub.gone(id);
				const sent = Array.from({ length: 300 }, (_, i) => `message ${i}`);
				await publish(version, ["-t", topic, "-q", `${qos}`, "-l"], `${sent.join("\n")}\n`);
				const back = new Running("mosquitto_sub", [
					...["-h", "127.0.0.1", "-p", `${hub.port}`, "-V", version, "-i", id, "-c", "-q", `${qos}`],
					...["-t", topic, "-C", "300", "-F", "%q %r %p"],
				]);
				assert.equal(
					await linesOf(back),
					sent.map((text) => `${qos} 0 ${text}`),
				);
				// the session ends
				await hub.empty();
				const clean = await subscribe(version, {
					...session,
					more: version === "5" ? ["-x", "0", "-E"] : ["-E"],
				});
				mustBeGood(await clean.finished);
			},
		);

	check(
		"wildcards match levels, empty ones too, and never topics that begin with $",
		"[MQTT-4.7.2-1] [MQTT-4.7.3-4] [5:MQTT-4.7.2-1] [5:MQTT-4.7.3-4]",
		async () => {
			const topics = ["a/b", "a/b/c", "a", "/a", "a/", "a//b", "$own/a", "$own/a/b", "A/b", "/"];
			const matches: [filter: string, matched: string[]][] = [
				["#", ["a/b", "a/b/c", "a", "/a", "a/", "a//b", "A/b", "/"]],
				["+", ["a"]],
				["+/+", ["a/b", "/a", "a/", "A/b", "/"]],
				["a/#", ["a/b", "a/b/c", "a", "a/", "a//b"]],
				["a/+", ["a/b", "a/"]],
				["a/+/b", ["a//b"]],
				["+/a/#", ["/a"]],
				["/+", ["/a", "/"]],
				["/#", ["/a", "/"]],
				["$own/#", ["$own/a", "$own/a/b"]],
				["$own/+", ["$own/a"]],
			];
			const subs = await Promise.all(
				matches.map(([filter]) => subscribe(version, { filters: [filter, `end/${t}/it`], format: "%t" })),
			);
			for (const topic of topics) await publish(version, ["-t", topic, "-m", "x"]);
			await publish(version, ["-t", `end/${t}/it`, "-m", "x"]);
			for (const [i, [filter, matched]] of matches.entries()) {
				await subs[i]!.says(new RegExp(`^end/${t}/it$`, "m"));
				const lines = subs[i]!.stdout.trimEnd()
					.split("\n")
					.slice(0, matched.length + 1);
				assert.equal(lines, [...matched, `end/${t}/it`], filter);
				subs[i]!.kill("SIGTERM");
			}
			await Promise.all(subs.map((sub) => sub.finished));
		},
	);

	for (const qos of [0, 1, 2])
		check(`a payload of 1 MB arrives byte for byte with QoS ${qos}`, "", async () => {
			const payload = Buffer.alloc(1024 * 1024);
			for (let i = 0, x = 7; i < payload.length; i++) {
				x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0;
				payload[i] = x >>> 24;
			}
			const sub = await subscribe(version, { filters: [`${t}/big`], qos, count: 1, format: "%p", more: ["-N"] });
			await publish(version, ["-t", `${t}/big`, "-q", `${qos}`, "-s"], payload);
			const finished = await sub.finished;
			mustBeGood(finished);
			assert.is(Buffer.compare(finished.stdout.subarray(0, payload.length), payload), 0);
			assert.ok(finished.stdout.length <= payload.length + 1);
		});

	check(
		"a filter that is unsubscribed gets nothing more, the others do",
		"[MQTT-3.10.4-1] [MQTT-3.10.4-2] [5:MQTT-3.10.4-1] [5:MQTT-3.10.4-2]",
		async () => {
			const id = `leaver-${version}`;
			const [kept, given, last] = [`${t}/u/kept`, `${t}/u/given`, `${t}/u/last`];
			const first = await subscribe(version, { filters: [kept, given], qos: 1, id, more: ["-c", "-E"] });
			mustBeGood(await first.finished);
			await hub.gone(id);
			const again = await subscribe(version, {
				filters: [last],
				qos: 1,
				id,
				count: 2,
				format: "%p",
				more: ["-c", "-U", given],
			});
			await untilUnsubscribed(id, given);
			for (const topic of [kept, given, last]) await publish(version, ["-t", topic, "-q", "1", "-m", `to ${topic}`]);
			assert.equal(await linesOf(again), [`to ${kept}`, `to ${last}`]);
			await hub.empty();
			mustBeGood(
				await (
					await subscribe(version, {
						filters: [last],
						id,
						more: version === "5" ? ["-x", "0", "-E"] : ["-E"],
					})
				).finished,
			);
		},
	);

	check("one SUBSCRIBE brings 300 filters", "", async () => {
		const filters = Array.from({ length: 300 }, (_, i) => `${t}/many/${i}/+`);
		const sub = await subscribe(version, { filters, qos: 1, count: 3, format: "%t" });
		for (const i of [0, 150, 299]) await publish(version, ["-t", `${t}/many/${i}/x`, "-q", "1", "-m", "x"]);
		assert.equal(
			await linesOf(sub),
			[0, 150, 299].map((i) => `${t}/many/${i}/x`),
		);
	});
}

function untilUnsubscribed(clientId: string, filter: string): Promise<void> {
	const session = hub.broker.sessions.find(clientId)!;
	return until(() => hub.broker.table.find(session.index, filter) === 0, `${clientId} unsubscribes ${filter}`);
}

test("after all this the hub holds nothing", async () => {
	await hub.empty();
	assert.equal(hub.held(), NOTHING_HELD);
	assert.equal(hub.log, []);
	await hub.close();
});

test.run();
