/** On XS: what controllers cost, and what they don't: the same packets without one, beside one, and with one. Then a
 *  controller that answers all packets, with an ESP32's limits and heaps. */
import { limits } from "../../boards/esp32/limits.js";
import { Broker } from "../../src/broker/broker.js";
import type { BrokerOptions } from "../../src/broker/broker-options.js";
import type { Connection } from "../../src/broker/connection.js";
import { type Context, Controller } from "../../src/broker/controller.js";
import type { PublishView } from "../../src/broker/view-publish.js";
import type { SubscribeView } from "../../src/broker/views.js";
import { Feeder, packet, publishBytes, text } from "./clients.js";
import { costOf, report } from "./measure.js";
import { XsPlatform } from "./platform.js";

const TOPIC = "sensors/room1/temp";

/** Leaves everything to the broker. */
class Watching extends Controller {
	override publish(): undefined {}
	override publishAck(): undefined {}
	override ping(): undefined {}
}

/** Answers by itself. */
class Answering extends Controller {
	private readonly puback = { type: "puback" as const };

	override publish(_context: Context, view: PublishView): { type: "puback" } | null {
		return view.qos === 1 ? this.puback : null;
	}
	override publishAck(): null {
		return null;
	}
	override ping(): null {
		return null;
	}
}

function measure(name: string, options: Partial<BrokerOptions>, beside = false): void {
	const platform = new XsPlatform();
	platform.log = () => {};
	const broker = new Broker({ limits, platform, ...options });
	if (beside) broker.addListener({ controller: new Answering() });
	const feeder = new Feeder(broker);
	const publisher = feeder.connect("publisher")!;
	const receiver = feeder.connect("receiver")!;
	feeder.subscribe(receiver, TOPIC, 1);
	const { memory, layout } = broker;
	const start = layout.receive;
	const ack = start + 1_000;
	const cost = (what: string, bytes: readonly number[], acknowledged: boolean): void => {
		memory.set(bytes, start);
		memory.set([0x40, 2], ack);
		const step = (): void => {
			for (let i = 0; i < 4; i++) memory[start + i] = bytes[i]!; // the answer may lie over the packet before
			publisher.onReadable(memory, start, start + bytes.length);
			broker.endTurn();
			const sent = acknowledged ? receiver.session!.outbox.sentFirst : 0;
			if (sent === 0) return;
			const id = broker.deliveries.packetId[sent]!;
			memory[ack + 2] = id >> 8;
			memory[ack + 3] = id;
			receiver.onReadable(memory, ack, ack + 4);
			broker.endTurn();
		};
		report(`${name}: ${what}`, costOf(step, 5));
	};
	cost("QoS 0, 1 receiver", publishBytes(TOPIC, 38, 0, false, 0), false);
	cost("QoS 1, 1 receiver, with both PUBACKs", publishBytes(TOPIC, 36, 1, false, 7), true);
	cost("PINGREQ", [0xc0, 0], false);
}

/** All of an ESP32's clients at a listener whose controller answers everything. */
function full(): void {
	class Everything extends Controller {
		override connect(context: Context): { type: "connack" } {
			context.connection.data = "";
			return { type: "connack" };
		}
		override publish({ connection }: Context, view: PublishView): { type: "puback" } {
			connection.send({ type: "publish", topic: view.topic, payload: view.payloadText ?? "", qos: 0 });
			return { type: "puback" };
		}
		override subscribe({ session }: Context, view: SubscribeView): { type: "suback"; reasonCodes: number[] } {
			const reasonCodes: number[] = [];
			const list = view.subscriptions;
			for (let i = 0; i < list.length; i++) reasonCodes.push(session!.subscribe(list[i]!.filter, list[i]!.qos));
			return { type: "suback", reasonCodes };
		}
	}
	const platform = new XsPlatform();
	platform.log = () => {};
	const broker = new Broker({ limits, platform, controller: new Everything() });
	const feeder = new Feeder(broker);
	const clients: Connection[] = [];
	for (let i = 0; i < limits.connections; i++) clients.push(feeder.connect(`client-${i}`)!);
	for (let i = 0; i < clients.length; i++)
		for (let k = 0; k < 8; k++) feeder.subscribe(clients[i]!, `room${i}/set/${k}`, 1);
	let slots = 0;
	let chunks = 0;
	for (let n = 1; n <= 2_000; n++) {
		const client = clients[n % clients.length]!;
		feeder.publish(client, `room${n % 16}/state`, 30, 1, false, 1 + (n % 1000));
		if (n !== 200) continue;
		host.gc();
		slots = host.slots();
		chunks = host.chunks();
	}
	host.gc();
	slots = host.slots() - slots;
	chunks = host.chunks() - chunks;
	const answered = feeder.last(0);
	const { counters } = broker;
	report("full", {
		clients: broker.connectedCount,
		subscriptions: broker.table.count,
		sent: counters.publishesSent,
		answered,
		errors: counters.handlerErrors + counters.internalErrors,
		left: { slots, chunks },
	});
	reject(broker, feeder);
}

/** A refusal, a promise, and a view that is read too late. */
function reject(broker: Broker, feeder: Feeder): void {
	let kept: PublishView | undefined;
	const listener = broker.addListener({
		controller: {
			publish: (_context: Context, view: PublishView) => {
				kept = view;
				const { userProperties = [] } = view.properties;
				if (view.topic === "throw") throw new Error("a mistake");
				return view.topic === "later"
					? Promise.resolve({ type: "puback" as const, reasonCode: userProperties.length === 1 ? 0x10 : 0x80 })
					: { type: "puback" as const, reasonCode: 0x10, properties: { reasonString: "told" } };
			},
		},
	});
	broker.server.connection("client-0")!.close();
	const connection = broker.accept(feeder.sink, 5_744, listener)!;
	feeder.feed(connection, packet(0x10, [0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 2, 0, 60, 0].concat(text("client-0"))));
	const properties = [8, 0x26, 0, 1, 0x61, 0, 2, 0x62, 0x63];
	const publish = (topic: string): void =>
		feeder.feed(connection, packet(0x32, text(topic).concat([0, 9], properties, [0x41])));
	const sent = (): number[] => {
		const bytes: number[] = [];
		for (let i = 0; i < feeder.sink.end - feeder.sink.start; i++) bytes.push(feeder.last(i));
		return bytes;
	};
	publish("now");
	report("answered", { bytes: sent() });
	let late = "";
	try {
		late = kept!.topic;
	} catch (error) {
		late = `${error}`;
	}
	publish("throw");
	report("late", { late, bytes: sent() });
	publish("later");
	afterPromises(() => {
		broker.endTurn();
		report("later", { bytes: sent(), waiting: broker.server.waitingBytes });
		host.exit(0);
	});
}

/** Runs after the promises that are settled already. */
function afterPromises(then: () => void): void {
	let turns = 0;
	const step = (): unknown => (++turns < 20 ? Promise.resolve().then(step) : then());
	step();
}

measure("no controller", {});
measure("a controller without methods", { controller: new Controller() });
measure("a controller at another listener", {}, true);
measure("a controller that asks at CONNECT only", {
	controller: Object.assign(new Controller(), { connect: () => undefined }),
});
measure("a controller that leaves all to the broker", { controller: new Watching() });
measure("a controller that answers", { controller: new Answering() });
full();
