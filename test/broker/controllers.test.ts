/** Controllers: each method, what it may answer, and what the client gets, in both versions, at once and later. */
import type { Packet } from "mqtt-packet";
import { ControlledConnection } from "../../src/broker/controlled-connection.js";
import { type Answer, type Context, Controller, Refusal } from "../../src/broker/controller.js";
import type { View } from "../../src/broker/view.js";
import type { ServerPacket } from "../../src/codec/packets.js";
import { fresh, type Version } from "../conformance/wire.js";
import { Fixture, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("controllers");

type Method = keyof Controller;

/** What a method does. */
const ANSWERS = ["undefined", "a packet", "null", "a refusal", "an exception"] as const;
type Kind = (typeof ANSWERS)[number];

interface Case {
	/** what to do before the method is there, and the packet that it is called for */
	before?: (client: TestClient, fixture: Fixture) => void;
	packet: (client: TestClient) => Packet;
	/** the method's own packet */
	answer: ServerPacket;
	/** by answer: what the client gets, 3.1.1 and 5.0 where they differ; "!": and the connection ends */
	gets: Record<Kind, string | [v4: string, v5: string]>;
}

const CLOSED: [string, string] = ["!", "disconnect 135 why!"];
const FAILED: [string, string] = ["!", "disconnect 128!"];
const told = { reasonString: "told" };
const message: ServerPacket = { type: "publish", topic: "answer", payload: "x" };

const toIt = (qos: 1 | 2) => (client: TestClient, fixture: Fixture) => {
	assert.is(fixture.broker.server.send("c", { type: "publish", topic: "t", payload: "x", qos }), 0);
	fixture.settle();
	client.take("publish");
};

const publish = (qos: 0 | 1 | 2) => (): Packet => {
	const id = qos === 0 ? {} : { messageId: 7 };
	return { cmd: "publish", topic: "t", payload: "x", qos, dup: false, retain: false, ...id } as Packet;
};

const CASES: Record<string, Case> = {
	ping: {
		packet: () => ({ cmd: "pingreq" }),
		answer: { type: "pingresp" },
		gets: { undefined: "pingresp", "a packet": "pingresp", null: "", "a refusal": CLOSED, "an exception": FAILED },
	},
	"publish 0": {
		packet: publish(0),
		answer: message,
		gets: { undefined: "", "a packet": "publish answer", null: "", "a refusal": "", "an exception": ["!", ""] },
	},
	"publish 1": {
		packet: publish(1),
		answer: { type: "puback", properties: told },
		gets: {
			undefined: ["puback", "puback 16"],
			"a packet": ["puback", "puback told"],
			null: "",
			"a refusal": ["puback", "puback 135 why"],
			"an exception": ["!", "puback 128"],
		},
	},
	"publish 2": {
		packet: publish(2),
		answer: { type: "pubrec", properties: told },
		gets: {
			undefined: ["pubrec", "pubrec 16"],
			"a packet": ["pubrec", "pubrec told"],
			null: "",
			"a refusal": ["pubrec", "pubrec 135 why"],
			"an exception": ["!", "pubrec 128"],
		},
	},
	publishAck: {
		before: toIt(1),
		packet: () => ({ cmd: "puback", messageId: 1 }),
		answer: message,
		gets: { undefined: "", "a packet": "publish answer", null: "", "a refusal": CLOSED, "an exception": FAILED },
	},
	publishReceived: {
		before: toIt(2),
		packet: () => ({ cmd: "pubrec", messageId: 1 }),
		answer: { type: "pubrel", properties: told },
		gets: {
			undefined: "pubrel",
			"a packet": ["pubrel", "pubrel told"],
			null: "",
			"a refusal": CLOSED,
			"an exception": FAILED,
		},
	},
	publishRelease: {
		before: (client) => client.send(publish(2)()).take("pubrec"),
		packet: () => ({ cmd: "pubrel", messageId: 7 }),
		answer: { type: "pubcomp", properties: told },
		gets: {
			undefined: "pubcomp",
			"a packet": ["pubcomp", "pubcomp told"],
			null: "",
			"a refusal": CLOSED,
			"an exception": FAILED,
		},
	},
	publishComplete: {
		before: (client, fixture) => {
			toIt(2)(client, fixture);
			client.send({ cmd: "pubrec", messageId: 1 }).take("pubrel");
		},
		packet: () => ({ cmd: "pubcomp", messageId: 1 }),
		answer: message,
		gets: { undefined: "", "a packet": "publish answer", null: "", "a refusal": CLOSED, "an exception": FAILED },
	},
	subscribe: {
		packet: () => ({
			cmd: "subscribe",
			messageId: 3,
			subscriptions: [
				{ topic: "a", qos: 1 },
				{ topic: "b", qos: 2 },
			],
		}),
		answer: { type: "suback", reasonCodes: [0, 0x87] },
		gets: {
			undefined: "suback 1,2",
			"a packet": ["suback 0,128", "suback 0,135"],
			null: "",
			"a refusal": ["suback 128,128", "suback 135,135 why"],
			"an exception": "suback 128,128",
		},
	},
	unsubscribe: {
		packet: () => ({ cmd: "unsubscribe", messageId: 3, unsubscriptions: ["a", "b"] }),
		answer: { type: "unsuback", reasonCodes: [0, 0x11] },
		gets: {
			undefined: ["unsuback", "unsuback 17,17"],
			"a packet": ["unsuback", "unsuback 0,17"],
			null: "",
			"a refusal": ["unsuback", "unsuback 135,135 why"],
			"an exception": ["unsuback", "unsuback 128,128"],
		},
	},
	disconnect: {
		packet: () => ({ cmd: "disconnect" }),
		answer: message,
		gets: { undefined: "!", "a packet": "!", null: "!", "a refusal": "!", "an exception": "!" },
	},
	auth: {
		packet: () => ({ cmd: "auth", reasonCode: 0x19, properties: { authenticationMethod: "M" } }),
		answer: { type: "auth", properties: { authenticationMethod: "M" } },
		gets: {
			undefined: "disconnect 130!",
			"a packet": "auth",
			null: "",
			"a refusal": CLOSED,
			"an exception": FAILED,
		},
	},
};

/** What came to the client since it was asked last. */
function got(client: TestClient): string {
	const packets = client.packets.splice(0) as (Packet & Record<string, unknown>)[];
	const text = packets.map((packet) => {
		const code = packet.reasonCode ?? packet.returnCode;
		const string = (packet.properties as { reasonString?: string } | undefined)?.reasonString;
		const ownString = string === "told" || string === "why" ? ` ${string}` : "";
		const codes = Array.isArray(packet.granted) && packet.granted.length > 0 ? ` ${packet.granted}` : "";
		const topic = packet.cmd === "publish" ? ` ${packet.topic}` : "";
		return `${packet.cmd}${code ? ` ${code}` : ""}${codes}${topic}${ownString}`;
	});
	return `${text.join(", ")}${client.closed ? "!" : ""}`;
}

function act(kind: Kind, packet: ServerPacket): Answer {
	if (kind === "a packet") return packet;
	if (kind === "null") return null;
	if (kind === "a refusal") throw new Refusal(0x87, "why");
	if (kind === "an exception") throw new TypeError("a mistake");
	return undefined;
}

/** A controller with one method, which begins to answer when `on` is set. */
function controllerOf(method: Method, kind: Kind, answer: ServerPacket, later: boolean) {
	const controller = new Controller() as Controller & { on: boolean; calls: number };
	controller.on = false;
	controller.calls = 0;
	const answers = (context: Context, view: View) => {
		if (!controller.on) return undefined;
		controller.calls++;
		assert.is(context.connection.open, true);
		assert.ok(view.live);
		if (!later) return act(kind, answer);
		return Promise.resolve().then(() => {
			assert.ok(view.live, "a view is good as long as its promise is open");
			return act(kind, answer);
		});
	};
	Object.assign(controller, { [method]: answers });
	return controller;
}

/** Lets promises settle, and the broker's turns end. */
async function settle(fixture: Fixture): Promise<void> {
	for (let i = 0; i < 10; i++) await null;
	fixture.settle();
}

const WILL = { will: { topic: "will", payload: Buffer.from("x"), qos: 0 as const, retain: false } };

for (const [name, one] of Object.entries(CASES))
	for (const kind of ANSWERS)
		for (const version of [4, 5] as const) {
			if (name === "auth" && version === 4) continue;
			test(`${version === 5 ? "5.0" : "3.1.1"}: ${name} answers ${kind}`, async () => {
				const method = name.split(" ")[0] as Method;
				const expected = one.gets[kind];
				const wanted = typeof expected === "string" ? expected : expected[version - 4];
				for (const later of [false, true]) {
					const controller = controllerOf(method, kind, one.answer, later);
					const fixture = new Fixture({ controller });
					const witness = fixture.connect("witness");
					witness.subscribe("will");
					const client = fixture.connect("c", { ...fresh(version), ...WILL });
					one.before?.(client, fixture);
					assert.equal(client.packets, []);
					controller.on = true;
					client.send(one.packet(client));
					await settle(fixture);
					assert.is(got(client), wanted, later ? "later" : "at once");
					assert.is(controller.calls, 1);
					const failures = kind === "an exception" ? 1 : 0;
					assert.is(fixture.broker.counters.handlerErrors, failures);
					assert.is(fixture.broker.counters.internalErrors, 0);
					assert.is(fixture.broker.server.waitingBytes, 0);
					if (failures > 0)
						assert.ok(fixture.log.some((line) => /^controller: \w+ of c: TypeError: a mistake/.test(line)));
					const published = client.closed && (method !== "disconnect" || failures > 0 || kind === "a refusal");
					assert.equal(witness.messages(), published ? ["will x 0"] : []);
					if (client.closed) continue;
					controller.on = false;
					assert.is(got(client.send({ cmd: "pingreq" })), "pingresp", "the client goes on");
				}
			});
		}

const CONNECTS: Record<Kind, [v4: string, v5: string]> = {
	undefined: ["connack", "connack"],
	"a packet": ["connack", "connack told"],
	null: ["", ""],
	"a refusal": ["connack 5!", "connack 135 why!"],
	"an exception": ["connack 3!", "connack 128!"],
};

for (const kind of ANSWERS)
	for (const version of [4, 5] as Version[])
		test(`${version === 5 ? "5.0" : "3.1.1"}: connect answers ${kind}`, async () => {
			for (const later of [false, true]) {
				const controller = controllerOf("connect", kind, { type: "connack", properties: told }, later);
				controller.on = true;
				const fixture = new Fixture({ controller });
				const client = fixture.open(version);
				const protocol = { protocolId: "MQTT", protocolVersion: version as 4, clean: true, keepalive: 0 } as const;
				client.send({ cmd: "connect", clientId: "", ...protocol });
				client.send({ cmd: "pingreq" }); // waits for the answer
				await settle(fixture);
				const connack = client.packets[0] as Packet & { properties?: Record<string, unknown> };
				const ping = kind === "a refusal" || kind === "an exception" ? "" : "pingresp";
				const wanted = CONNECTS[kind][version - 4]!;
				assert.is(got(client), ping === "" ? wanted : wanted === "" ? ping : `${wanted}, ${ping}`);
				if (version === 5 && ping !== "" && kind !== "null") {
					assert.match(String(connack.properties?.assignedClientIdentifier), /^hearth-/);
					assert.is(connack.properties?.maximumPacketSize, 4_096, "what the client must know, it is told");
				}
				assert.is(fixture.broker.connectedCount, ping === "" ? 0 : 1);
			}
		});

test("no controller, or one without methods, makes no other connections", () => {
	for (const options of [{}, { controller: new Controller() }])
		assert.not.instance(new Fixture(options).connect("c").connection, ControlledConnection);
	const ping = Object.assign(new Controller(), { ping: () => null });
	const fixture = new Fixture();
	const listener = fixture.broker.addListener({ controller: ping });
	assert.instance(fixture.connect("c", {}, listener).connection, ControlledConnection);
	assert.is(got(fixture.connect("d").send({ cmd: "pingreq" })), "pingresp", "another listener's clients are not asked");
});

test("two listeners with a controller each; a class with methods; `this` is the controller", () => {
	class Greeter extends Controller {
		greeted: string[] = [];
		constructor(readonly greeting: string) {
			super();
		}
		override subscribe(context: Context): undefined {
			this.greeted.push(`${context.session!.clientId} at ${context.connection.listener}`);
			context.connection.send({ type: "publish", topic: "greeting", payload: this.greeting });
		}
	}
	const fixture = new Fixture();
	const clients = ["hello", "moin"].map((greeting) => {
		const controller = new Greeter(greeting);
		const client = fixture.connect(greeting, {}, fixture.broker.addListener({ name: greeting, controller }));
		client.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "shared", qos: 1 }] });
		assert.equal(controller.greeted, [`${greeting} at ${greeting}`]);
		return client;
	});
	assert.equal(
		clients.map((client) => client.messages()),
		[
			["greeting hello 0", "suback"],
			["greeting moin 0", "suback"],
		],
	);
	clients[0]!.publish("shared", "to all", 1);
	for (const client of clients) assert.ok(client.messages().includes("shared to all 1"), "one topic space");
});

test("a QoS 2 message that came before is not asked about again, whoever answered it", () => {
	for (const answer of [undefined, { type: "pubrec" as const }]) {
		let asked = 0;
		const controller = Object.assign(new Controller(), {
			publish: () => {
				asked++;
				return answer;
			},
		});
		const fixture = new Fixture({ controller });
		const client = fixture.connect("c");
		for (let i = 0; i < 3; i++) assert.is(got(client.send(publish(2)())), "pubrec");
		assert.is(asked, 1);
		assert.is(got(client.send({ cmd: "pubrel", messageId: 7 })), "pubcomp");
		client.send(publish(2)());
		assert.is(asked, 2);
		assert.is(fixture.broker.received.count, 1);
	}
});

test("each packet is counted once, whoever answers it, and whenever", async () => {
	for (const answer of [undefined, null, { type: "pingresp" as const }])
		for (const later of [false, true]) {
			const reply = () => (later ? Promise.resolve(answer) : answer);
			const connect = () => (later ? Promise.resolve(undefined) : undefined);
			const controller = { connect, ping: reply, publishAck: reply, publish: reply };
			const fixture = new Fixture({ controller });
			const client = fixture.open();
			const protocol = { protocolId: "MQTT", protocolVersion: 4, clean: true, keepalive: 0 } as const;
			client.send({ cmd: "connect", clientId: "c", ...protocol });
			await settle(fixture);
			fixture.broker.server.send("c", message);
			const packets: Packet[] = [{ cmd: "pingreq" }, { cmd: "puback", messageId: 1 }, publish(1)(), { cmd: "pingreq" }];
			for (const packet of packets) client.send(packet);
			await settle(fixture);
			assert.is(fixture.broker.counters.packetsReceived, 5);
		}
});

test("malformed and forbidden packets don't come as far as the controller", () => {
	let asked = 0;
	const count = () => {
		asked++;
	};
	const controller = Object.assign(new Controller(), { connect: count, publish: count, subscribe: count, ping: count });
	const bad: number[][] = [
		[0x30, 3, 0, 1, 0x23], // "#"
		[0x30, 3, 0, 1, 0xff],
		[0x36, 3, 0, 1, 0x61],
		[0x82, 2, 0, 1],
		[0xc0, 1, 0],
		[0x10, 0],
	];
	for (const bytes of bad) {
		const fixture = new Fixture({ controller });
		const client = fixture.connect("c");
		asked = 0;
		client.raw(bytes);
		assert.ok(client.closed, `${bytes}`);
		assert.is(asked, 0, `${bytes}`);
		assert.is(fixture.broker.counters.internalErrors, 0);
	}
	const limited = new Fixture({ limits: { qosMax: 1 }, controller }).connect("c");
	asked = 0;
	assert.ok(limited.publish("t", "x", 2).closed);
	assert.is(asked, 0);
});

test.run();
