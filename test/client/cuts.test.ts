/** Connections that break at any byte, by a seed: what is acknowledged to the program arrives, QoS 2 once, in order. */
import type { Client } from "../../src/client/client.js";
import type { IncomingMessage } from "../../src/client/incoming-message.js";
import { Cause } from "../../src/errors.js";
import { assert, suite } from "../support/test.js";
import { bytesHeld, World } from "./world.js";

const test = suite("the client over connections that break");

/** Broker limits under which nothing is dropped: what is tested is the client. */
const limits = {
	queueMessages: 4_000,
	queueBytes: 400_000,
	blocks: 16_000,
	deliveries: 8_000,
	inFlight: 20,
	receiveMaximum: 50,
	received: 400,
	sessionExpirySeconds: 100_000,
};

interface Run {
	world: World;
	sender: Client;
	receiver: Client;
	/** numbers that came, by QoS */
	got: Record<number, number[]>;
}

/** Sends `count` messages, every other one at QoS 2, while connections break. */
function run(seed: number, version: number, count: number, cut: number, double: number): Run {
	const world = new World({ seed, limits });
	const common = { version, cleanStart: false, sessionExpirySeconds: 100_000, reconnectMinMs: 20, reconnectMaxMs: 200 };
	const receiver = world.client({ ...common, clientId: "receiver" });
	const sender = world.client({ ...common, clientId: "sender" });
	const got: Run["got"] = [[], [], []];
	let payload = "";
	const take = (message: IncomingMessage) => {
		payload = (message.offset === 0 ? "" : payload) + message.textOfPart();
		if (message.left === 0) got[message.qos]!.push(Number.parseInt(payload.slice(-8), 10));
	};
	receiver.subscribe("n/#", take, { qos: 2 });
	receiver.connect();
	sender.connect();
	world.until(() => sender.isConnected && receiver.isConnected, "both connect");
	world.until(() => receiver.subscriptions.waiting === 0, "the subscription is granted");
	world.weather = { delayMs: 12, split: 0.3, cut, double };
	let published = 0;
	let settled = 0;
	const more = () => {
		while (published < count && sender.unacknowledged < 15) {
			const qos = 1 + (published & 1);
			// one in 50 is larger than the output buffer
			const payload = `${published % 50 === 0 ? "x".repeat(1_500) : ""}${String(published).padStart(8, "0")}`;
			const entry = sender.publish(`n/${qos}`, payload, { qos }, (cause, reason) => {
				assert.is(cause, Cause.None);
				assert.ok(reason < 0x80);
				settled++;
			});
			if (entry < 0) break;
			published++;
		}
	};
	world.until(
		() => {
			more();
			return settled === count;
		},
		`all ${count} are acknowledged`,
		36_000_000,
	);
	world.weather = { delayMs: 0, split: 0, cut: 0, double: 0 };
	world.until(() => got[2]!.length >= count / 2 && new Set(got[1]!).size >= count / 2, "all arrive", 36_000_000);
	world.advance(5_000);
	return { world, sender, receiver, got };
}

/** Numbers without those that came before. */
function firsts(numbers: readonly number[]): number[] {
	return [...new Set(numbers)];
}

for (const [version, name] of [
	[4, "3.1.1"],
	[5, "5.0"],
] as const) {
	test(`${name}: 10,000 messages over 200 cuts and more arrive complete and in order, QoS 2 exactly once`, () => {
		const count = 10_000;
		const { world, sender, receiver, got } = run(7 + version, version, count, 0.012, 0.001);
		assert.ok(world.cuts + world.doubles >= 200, `${world.cuts} cuts, ${world.doubles} doubled`);
		const odd = Array.from({ length: count / 2 }, (_, i) => 2 * i + 1);
		const even = odd.map((n) => n - 1);
		assert.equal(got[2]!, odd);
		assert.equal(firsts(got[1]!), even);
		// nothing is left behind
		for (const client of [sender, receiver]) {
			assert.is(client.unacknowledged, 0);
			assert.is(client.received.count, 0);
			assert.is(bytesHeld(client), 0);
			assert.is(client.counters.internalErrors + client.counters.handlerErrors, 0);
		}
	});

	test(`${name}: so they do for other seeds`, () => {
		for (let seed = 100; seed < 112; seed++) {
			const { world, got } = run(seed, version, 200, 0.05, 0.004);
			assert.ok(world.cuts > 0);
			const odd = Array.from({ length: 100 }, (_, i) => 2 * i + 1);
			assert.equal(got[2]!, odd, `seed ${seed}: QoS 2`);
			assert.equal(
				firsts(got[1]!),
				odd.map((n) => n - 1),
				`seed ${seed}: QoS 1`,
			);
		}
	});
}

test.run();
