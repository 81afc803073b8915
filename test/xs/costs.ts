/** On XS: what a message costs a broker with an ESP32's limits, in opcodes and garbage, exact and repeatable. */
import { limits } from "../../boards/esp32/limits.js";
import { Broker } from "../../src/broker/broker.js";
import type { Connection } from "../../src/broker/connection.js";
import { Feeder, publishBytes } from "./clients.js";
import { costOf, keptBy, report } from "./measure.js";
import { XsPlatform } from "./platform.js";

const TOPIC = "sensors/room1/temp";

const platform = new XsPlatform();
platform.log = () => {};
const broker = new Broker({ limits, platform });
const feeder = new Feeder(broker);
const publisher = feeder.connect("publisher")!;
const receivers: Connection[] = [];
for (let i = 0; i < 5; i++) receivers.push(feeder.connect(`receiver-${i}`)!);

/** One packet of the publisher, whose bytes lie in the receive buffer already. */
function measure(name: string, bytes: readonly number[], turns: number, after?: () => void): void {
	const { memory, layout } = broker;
	memory.set(bytes, layout.receive);
	const start = layout.receive;
	const end = start + bytes.length;
	const action = (): void => {
		publisher.onReadable(memory, start, end);
		broker.endTurn();
		if (after !== undefined) after();
	};
	report(name, costOf(action, turns));
}

const qos0 = publishBytes(TOPIC, 38, 0, false, 0);
const qos1 = publishBytes(TOPIC, 36, 1, false, 7);
measure("QoS 0, no receiver", qos0, 20);
feeder.subscribe(receivers[0]!, TOPIC, 1);
measure("QoS 0, 1 receiver", qos0, 20);
for (let i = 1; i < 5; i++) feeder.subscribe(receivers[i]!, TOPIC, 0);
measure("QoS 0, 5 receivers", qos0, 20);
for (let i = 1; i < 5; i++) feeder.unsubscribe(receivers[i]!, TOPIC);
// the receiver's PUBACK comes as a packet of its own, in the measured turn
const ack = layoutAck();
measure("QoS 1, 1 receiver, with its PUBACK", qos1, 5, () => {
	const id = broker.deliveries.packetId[receivers[0]!.session!.outbox.sentFirst]!;
	broker.memory[ack + 2] = id >> 8;
	broker.memory[ack + 3] = id;
	receivers[0]!.onReadable(broker.memory, ack, ack + 4);
	broker.endTurn();
});
measure("PINGREQ", [0xc0, 0], 20);

/** @returns where a PUBACK lies, behind the PUBLISH */
function layoutAck(): number {
	const at = broker.layout.receive + 1_000;
	broker.memory[at] = 0x40;
	broker.memory[at + 1] = 2;
	return at;
}

const client = keptBy(() => feeder.connect("one more client"));
report("a connected client keeps", { slots: client.slots, chunkBytes: client.chunkBytes, bytes: client.bytes });
host.exit(0);
