/** What only 5.0 has, with MQTT.js and Mosquitto's clients. */
import { randomBytes } from "node:crypto";
import { connect, type IClientOptions, type IConnackPacket, type IPublishPacket, type MqttClient } from "mqtt";
import { crypto } from "../../host-sim/platform.js";
import { text } from "../../host-sim/text.js";
import { ScramSha256, scramCredentials } from "../../src/auth/scram.js";
import { answerScram, scramOptions } from "../support/scram-client.js";
import { assert, suite } from "../support/test.js";
import { has, NOTHING_HELD, Running, TestHub, until, within } from "./support.js";

const test = suite("MQTT 5.0, real clients");
const mosquitto = test.if(
	has("mosquitto_rr"),
	"no mosquitto_pub, mosquitto_sub and mosquitto_rr: install mosquitto-clients",
);
const alice = scramCredentials(crypto, text, "wonderland", randomBytes(16));
const authentication = (platform: ConstructorParameters<typeof ScramSha256>[0]) => [
	new ScramSha256(platform, { credentials: (name) => (name === "alice" ? alice : undefined) }),
];
const hub = await TestHub.start({ receiveMaximum: 20 }, { authentication });

class Client {
	readonly mqtt: MqttClient;
	readonly got: IPublishPacket[] = [];
	connack: IConnackPacket | undefined;
	error: Error | undefined;

	constructor(clientId: string, options: IClientOptions = {}) {
		const port = hub.port;
		this.mqtt = connect({ host: "127.0.0.1", port, clientId, protocolVersion: 5, reconnectPeriod: 0, ...options });
		this.mqtt.on("message", (topic, _payload, packet) => this.got.push({ ...packet, topic }));
		this.mqtt.on("connect", (connack) => {
			this.connack = connack;
		});
		this.mqtt.on("error", (error) => {
			this.error = error;
		});
	}

	static async start(clientId: string, options: IClientOptions = {}): Promise<Client> {
		const client = new Client(clientId, options);
		await until(() => client.connack !== undefined, `${clientId} is connected: ${client.error}`);
		return client;
	}

	async gets(count: number): Promise<IPublishPacket[]> {
		await until(() => this.got.length >= count, `${count} messages (has ${this.got.length})`);
		return this.got;
	}

	end(): Promise<void> {
		return within(this.mqtt.endAsync(), "the end");
	}
}

test("MQTT.js: aliases in both directions: fewer bytes, the same topics", async () => {
	const taking = await Client.start("aliases", { properties: { topicAliasMaximum: 10 } });
	const plain = await Client.start("plain");
	const publisher = await Client.start("publisher", { autoAssignTopicAlias: true });
	for (const client of [taking, plain]) await client.mqtt.subscribeAsync("alias/#", { qos: 1 });
	const topics = Array.from({ length: 300 }, (_, i) => `alias/of a rather long topic name/${i % 5}`);
	const sent = { bytes: 0 };
	taking.mqtt.stream.on("data", (chunk: Buffer) => {
		sent.bytes += chunk.length;
	});
	let plainBytes = 0;
	plain.mqtt.stream.on("data", (chunk: Buffer) => {
		plainBytes += chunk.length;
	});
	await Promise.all(topics.map((topic, i) => publisher.mqtt.publishAsync(topic, `${i}`, { qos: (i % 2) as 0 | 1 })));
	for (const client of [taking, plain]) {
		const got = await client.gets(300);
		const byNumber = [...got].sort((a, b) => Number(a.payload) - Number(b.payload));
		assert.equal(
			byNumber.map(({ topic }) => topic),
			topics,
		);
	}
	assert.ok(sent.bytes < plainBytes / 2, `${sent.bytes} bytes, without aliases ${plainBytes}`);
	await Promise.all([taking, plain, publisher].map((client) => client.end()));
});

test("MQTT.js: CONNACK tells the limits; a burst beyond Receive Maximum passes; its own is kept to", async () => {
	const client = await Client.start("told", { properties: { requestResponseInformation: true, receiveMaximum: 3 } });
	const properties = client.connack!.properties!;
	assert.equal([properties.receiveMaximum, properties.topicAliasMaximum], [20, hub.broker.limits.topicAliases]);
	assert.is(properties.responseInformation, "response/told");
	await client.mqtt.subscribeAsync("flow", { qos: 2 });
	const sending = Array.from({ length: 200 }, (_, i) => client.mqtt.publishAsync("flow", `${i}`, { qos: 2 }));
	await within(Promise.all(sending), "200 messages of QoS 2, 20 at once by the limits");
	const got = await client.gets(200);
	assert.equal(
		got.map(({ payload }) => Number(payload)),
		Array.from({ length: 200 }, (_, i) => i),
	);
	await client.end();
});

test("MQTT.js: a refusal has its reason and its string", async () => {
	const client = new Client("x".repeat(2_000));
	await until(() => client.error !== undefined, "refused");
	assert.match(`${client.error}`, /Client Identifier not valid|133/);
	client.mqtt.end(true);
});

test("MQTT.js: SCRAM-SHA-256: both sides prove that they know the password", async () => {
	const options = scramOptions("alice");
	const client = new Client("scram", options);
	const signature = answerScram(client.mqtt, options, "wonderland");
	await until(() => client.connack !== undefined, `connected: ${client.error}`);
	assert.is(`${client.connack!.properties?.authenticationData}`, signature());
	await client.mqtt.publishAsync("a", "x", { qos: 1 });
	await client.end();
});

test("MQTT.js: SCRAM-SHA-256: a wrong password, an unknown user and an unknown method are refused", async () => {
	for (const [user, password] of [
		["alice", "looking-glass"],
		["mallory", "wonderland"],
	] as const) {
		const options = scramOptions(user);
		const client = new Client("scram", options);
		answerScram(client.mqtt, options, password);
		await until(() => client.error !== undefined, `${user} is refused`);
		assert.match(`${client.error}`, /Not authorized/);
		client.mqtt.end(true);
	}
	const client = new Client("scram", { properties: { authenticationMethod: "PLAIN" } });
	await until(() => client.error !== undefined, "PLAIN is refused");
	assert.match(`${client.error}`, /Bad authentication method/);
	client.mqtt.end(true);
});

test("MQTT.js: members of a group share 300 messages; what a member loses another gets", async () => {
	const members = await Promise.all(["m1", "m2", "m3"].map((id) => Client.start(id)));
	for (const member of members) await member.mqtt.subscribeAsync("$share/work/jobs/+", { qos: 1 });
	const publisher = await Client.start("p");
	await Promise.all(
		Array.from({ length: 200 }, (_, i) => publisher.mqtt.publishAsync(`jobs/${i % 7}`, `${i}`, { qos: 1 })),
	);
	// one dies without having acknowledged
	members[0]!.mqtt.handleMessage = () => {};
	await Promise.all(
		Array.from({ length: 100 }, (_, i) => publisher.mqtt.publishAsync(`jobs/${i % 7}`, `${200 + i}`, { qos: 1 })),
	);
	members[0]!.mqtt.stream.destroy();
	const seen = () => new Set(members.flatMap((member) => member.got.map(({ payload }) => `${payload}`)));
	const others = () => new Set(members.slice(1).flatMap((member) => member.got.map(({ payload }) => `${payload}`)));
	await until(() => seen().size === 300, "all jobs are done");
	const before = members[0]!.got.filter(({ payload }) => Number(payload) < 200).length;
	await until(() => others().size >= 300 - before, `what the dead one did not finish is done (${others().size})`);
	for (const member of members.slice(1)) assert.ok(member.got.length > 50, "balanced");
	for (const client of [...members.slice(1), publisher]) await client.end();
});

mosquitto("mosquitto_pub's properties arrive at mosquitto_sub as they were sent", async () => {
	const to = ["-p", `${hub.port}`, "-V", "5"];
	const format = "%t|%p|%C|%R|%D|%E|%P|%F";
	const receiver = new Running("mosquitto_sub", [...to, "-i", "ms", "-t", "mp/+", "-C", "1", "-F", format]);
	await hub.subscribed("ms", "mp/+");
	const properties = [
		"content-type text/plain",
		"response-topic back/to",
		"correlation-data k1",
		"message-expiry-interval 60",
	];
	const more = ["payload-format-indicator 1", "user-property b 1", "user-property a 2"];
	const args = [...properties, ...more].flatMap((property) => ["-D", "publish", ...property.split(" ")]);
	await new Running("mosquitto_pub", [...to, "-t", "mp/x", "-m", "hello", "-q", "1", ...args]).finished;
	const { lines } = await receiver.finished;
	assert.equal(lines, ["mp/x|hello|text/plain|back/to|k1|60|b:1 a:2|1"]);
});

mosquitto("mosquitto_rr asks, MQTT.js answers", async () => {
	const responder = await Client.start("responder");
	await responder.mqtt.subscribeAsync("ask", { qos: 1 });
	responder.mqtt.on("message", (_topic, payload, packet) => {
		const { responseTopic, correlationData } = packet.properties!;
		const properties = correlationData === undefined ? {} : { correlationData };
		responder.mqtt.publish(responseTopic!, `${payload}!`, { qos: 1, properties });
	});
	const args = ["-p", `${hub.port}`, "-V", "5", "-t", "ask", "-e", "answers/1", "-m", "what", "-q", "1"];
	const { lines, code } = await new Running("mosquitto_rr", args).finished;
	assert.equal([lines, code], [["what!"], 0]);
	await responder.end();
});

mosquitto("mosquitto_pub's Topic Alias stands for the topic of its later lines", async () => {
	const client = await Client.start("lines");
	await client.mqtt.subscribeAsync("al/+", { qos: 1 });
	const args = ["-p", `${hub.port}`, "-V", "5", "-t", "al/x", "-l", "-q", "1", "-D", "publish", "topic-alias", "3"];
	await new Running("mosquitto_pub", args, "one\ntwo\nthree\n").finished;
	const got = await client.gets(3);
	assert.equal(
		got.map(({ topic, payload }) => `${topic} ${payload}`),
		["al/x one", "al/x two", "al/x three"],
	);
	await client.end();
});

mosquitto(
	"mosquitto_sub's session lasts as long as its Session Expiry Interval, and gets what has not expired",
	async () => {
		const to = ["-p", `${hub.port}`, "-V", "5"];
		const session = [...to, "-i", "late", "-c", "-x", "600", "-t", "late/#", "-q", "1"];
		const first = new Running("mosquitto_sub", [...session, "-E"]);
		await first.finished;
		await new Running("mosquitto_pub", [...to, "-t", "late/1", "-m", "kept", "-q", "1"]).finished;
		const gone = ["-D", "publish", "message-expiry-interval", "1"];
		await new Running("mosquitto_pub", [...to, "-t", "late/2", "-m", "gone", "-q", "1", ...gone]).finished;
		await new Running("mosquitto_pub", [...to, "-t", "late/3", "-m", "kept too", "-q", "1"]).finished;
		const expired = hub.broker.counters.dropsExpired;
		await new Promise((resolve) => setTimeout(resolve, 1_050)); // an interval of seconds, and a clock that is real
		const { lines } = await new Running("mosquitto_sub", [...session, "-C", "2"]).finished;
		assert.equal(lines, ["kept", "kept too"]);
		assert.is(hub.broker.counters.dropsExpired, expired + 1);
		await new Running("mosquitto_sub", [...to, "-i", "late", "-t", "x", "-E"]).finished;
	},
);

test("after all this the hub holds nothing", async () => {
	await hub.empty();
	assert.equal(hub.held(), NOTHING_HELD);
	await hub.close();
});

test.run();
