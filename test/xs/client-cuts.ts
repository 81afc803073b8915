/** On XS: a connection that breaks in every state. After each the client comes back, finishes what was begun, and holds
 *  what it held before. */

import type { ClientSubscription, Done, MessageHandler } from "../../src/client/subscriptions.js";
import type { Cause } from "../../src/errors.js";
import { Bench, CONNACK, CONNACK_PRESENT } from "./client-parts.js";
import { packet, publishBytes, text } from "./clients.js";
import { report } from "./measure.js";

const bench = new Bench({ version: 4, clientId: "device", cleanStart: false, reconnectMinMs: 1_000, keepAlive: 30 });
const client = bench.client;
const LARGE: Uint8Array = new Uint8Array(2_000).fill(0x42);
let settled = 0;
let heard = 0;
const done = (cause: Cause, reason: number): void => {
	if ((cause as number) === 0 && reason === 0) settled++;
};

/** The connection breaks, and the next one comes. */
function cut(): void {
	client.link.onError();
	client.endTurn();
	again();
}

function again(): void {
	bench.later += 61_000;
	client.tick();
	client.endTurn();
	bench.opened();
	bench.feed(CONNACK_PRESENT);
}

/** The server acknowledges whatever it was sent: QoS 1 and 2 whole. */
function acknowledgeAll(): void {
	for (let turns = 0; client.outbox.count > 0 && turns < 40; turns++) {
		client.link.onWritable(4_096);
		client.endTurn();
		const entry = client.outbox.sentFirst;
		if (entry === 0) continue;
		const id = client.deliveries.packetId[entry]!;
		const state = client.deliveries.state[entry]!;
		bench.feed([(state & 3) === 1 ? 0x40 : (state & 16) !== 0 ? 0x70 : 0x50, 2, id >> 8, id & 255]);
	}
}

const LEAVING = 4;
const asked: ClientSubscription[] = [];

function subscribe(filter: string, handler?: MessageHandler, done?: Done): ClientSubscription {
	const subscription = client.subscribe(filter, handler, { qos: 2 }, done) as ClientSubscription;
	client.endTurn();
	asked.push(subscription);
	return subscription;
}

/** The server acknowledges each SUBSCRIBE and UNSUBSCRIBE. */
function subackAll(): void {
	for (let i = 0; i < asked.length; i++) {
		const { packetId: id, state } = asked[i]!;
		if (id !== 0) bench.feed(state === LEAVING ? [0xb0, 2, id >> 8, id & 255] : [0x90, 3, id >> 8, id & 255, 2]);
	}
}

/** Does something, lets the connection break, and looks at what is left. */
function state(name: string, before: () => void, after: () => void = acknowledgeAll): void {
	before();
	cut();
	subackAll();
	after();
	host.gc();
	report(name, {
		connected: client.isConnected,
		waiting: client.outbox.count + client.subscriptions.waiting,
		free: client.pool.freeCount,
		settled,
		heard,
		errors: client.counters.internalErrors + client.counters.handlerErrors,
		slots: host.slots(),
	});
	settled = heard = 0;
}

bench.connect(CONNACK);
subscribe("in/#", (message) => {
	if (message.left === 0) heard++;
});
subackAll();

state("idle", () => {});
state("the transport is being made", () => {
	client.link.onError();
	client.endTurn();
	bench.later += 61_000;
	client.tick();
	client.endTurn();
	bench.target!.failed("nobody");
	client.endTurn();
	again();
});
state("CONNECT was sent", () => {
	client.link.onError();
	client.endTurn();
	bench.later += 61_000;
	client.tick();
	client.endTurn();
	bench.opened();
	client.link.onError();
	client.endTurn();
	again();
});
state("CONNACK has come in half", () => {
	client.link.onError();
	client.endTurn();
	bench.later += 61_000;
	client.tick();
	client.endTurn();
	bench.opened();
	bench.feed([0x20, 2]);
	client.link.onError();
	client.endTurn();
	again();
});
state("QoS 0 is staged", () => {
	client.publish("out", "0");
});
state("QoS 1 waits for PUBACK", () => {
	client.publish("out", "1", { qos: 1 }, done);
	client.endTurn();
});
state("QoS 2 waits for PUBREC", () => {
	client.publish("out", "2", { qos: 2 }, done);
	client.endTurn();
});
state("QoS 2 waits for PUBCOMP", () => {
	client.publish("out", "2", { qos: 2 }, done);
	client.endTurn();
	const id = client.deliveries.packetId[client.outbox.sentFirst]!;
	bench.feed([0x50, 2, id >> 8, id & 255]);
});
state("a large QoS 1 message is sent in parts", () => {
	bench.transport.room = 100;
	client.link.onWritable(100);
	client.publish("out", LARGE, { qos: 1 }, done);
	client.endTurn();
	bench.transport.room = 4_096;
});
state("a payload that comes as it is sent is in the middle", () => {
	bench.transport.room = 100;
	client.link.onWritable(100);
	const source = {
		byteLength: 5_000,
		restartable: true,
		read(_offset: number, count: number, target: Uint8Array, at: number): number {
			target.fill(0x43, at, at + count);
			return count;
		},
	};
	client.publishFrom("out", source, { qos: 2 }, done);
	client.endTurn();
	bench.transport.room = 4_096;
});
state("a SUBSCRIBE waits for SUBACK", () => {
	subscribe("more/#", undefined, (cause) => done(cause, 0));
});
state("an UNSUBSCRIBE waits for UNSUBACK", () => {
	client.unsubscribe(asked[1]!, done);
	client.endTurn();
});
state("a PUBLISH has come in half", () => bench.feed(publishBytes("in/a", 30, 1, false, 5).slice(0, 9)));
const large = packet(0x32, text("in/large").concat([0, 6], new Array(900).fill(0x41)));
state("the head of a large PUBLISH has come in half", () => bench.feed(large.slice(0, 6)));
state("the payload of a large PUBLISH has come in half", () => bench.feed(large.slice(0, 700)));
state(
	"QoS 2 has come, and not PUBREL",
	() => bench.feed(publishBytes("in/a", 30, 2, false, 7)),
	() => {
		bench.feed(publishBytes("in/a", 30, 2, false, 7)); // once more, which nobody hears
		bench.feed([0x62, 2, 0, 7]);
	},
);
state("reading is paused", () => {
	client.pause();
	bench.feed(publishBytes("in/a", 30, 0, false, 0).concat(publishBytes("in/a", 30, 0, false, 0)));
});
state("PINGREQ has no answer", () => {
	bench.later += 24_000;
	client.tick();
	client.endTurn();
});
state("the store is full", () => {
	client.link.onError();
	client.endTurn();
	for (let i = 0; i < 60; i++) client.publish("out", LARGE.subarray(0, 300), { qos: 1 }, done);
	again();
});
state("nothing is left", () => {});
host.exit(0);
