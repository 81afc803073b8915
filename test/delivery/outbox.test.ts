import fc from "fast-check";
import { Deliveries, DeliveryState } from "../../src/delivery/deliveries.js";
import { Outbox } from "../../src/delivery/outbox.js";
import { BlockPool } from "../../src/memory/block-pool.js";
import { MessageStore } from "../../src/memory/message-store.js";
import { assert, suite } from "../support/test.js";

const test = suite("outbox");

function make(entries = 100) {
	const pool = new BlockPool(new Uint8Array(64 * 100), 0, 64, 100);
	const store = new MessageStore(pool, entries, 4096);
	const deliveries = new Deliveries(entries, store, 100, 10);
	const outbox = new Outbox(deliveries);
	const source = new Uint8Array(100);
	/** Queues a message of so many bytes. */
	const push = (qos: number, bytes = 10) => {
		const message = store.add(qos, 0, source, 0, 1, source, 0, 0, source, 0, bytes - 1);
		const entry = outbox.push(message, qos);
		store.release(message);
		return entry;
	};
	/** Sends what may be sent. @returns the Packet Identifiers, 0 for QoS 0 */
	const send = (window: number) => {
		const sent: number[] = [];
		for (let entry = outbox.nextWaiting(window); entry !== 0; entry = outbox.nextWaiting(window)) {
			outbox.startSending(entry);
			sent.push((deliveries.state[entry]! & DeliveryState.Qos) === 0 ? 0 : deliveries.packetId[entry]!);
			outbox.endSending(entry);
		}
		return sent;
	};
	return { pool, store, deliveries, outbox, push, send };
}

test("messages leave in order, as many as the window lets [MQTT-4.6.0-5] [5:MQTT-4.9.0-1] [5:MQTT-4.9.0-2]", () => {
	const { outbox, push, send } = make();
	for (let i = 0; i < 5; i++) push(1);
	assert.equal(send(3), [1, 2, 3]);
	assert.equal(send(3), []);
	assert.ok(outbox.complete(2, 1, false));
	assert.equal(send(3), [4]);
	assert.is(outbox.count, 4);
});

test("a QoS 0 message passes a closed window [5:MQTT-4.9.0-3]", () => {
	const { outbox, push, send } = make();
	push(1);
	push(1);
	push(0);
	push(2);
	push(0);
	assert.equal(send(1), [1, 0, 0]);
	assert.not(outbox.mayPass(3), "a QoS 1 message waits that may be sent");
	assert.ok(outbox.mayPass(1));
	outbox.complete(1, 1, false);
	assert.equal(send(1), [2]);
});

test("a Packet Identifier in flight is not given again, over the wrap-around [MQTT-2.3.1-4] [5:MQTT-2.2.1-4]", () => {
	const { outbox, push, send } = make();
	push(1);
	push(1);
	assert.equal(send(10), [1, 2]);
	for (let id = 3; id <= 65_535; id++) {
		push(1);
		assert.equal(send(10), [id]);
		assert.ok(outbox.complete(id, 1, false));
	}
	push(1);
	push(1);
	assert.equal(send(10), [3, 4], "1 and 2 are still in flight");
});

test("an acknowledgement of the wrong kind is not taken", () => {
	const { outbox, push, send } = make();
	push(1);
	push(2);
	send(5);
	assert.not(outbox.complete(1, 2, true));
	assert.not(outbox.complete(2, 1, false));
	assert.not(outbox.complete(2, 2, true), "PUBCOMP before PUBREC");
	assert.not(outbox.complete(9, 1, false));
	assert.not(outbox.receive(1), "PUBREC for QoS 1");
	assert.ok(outbox.receive(2));
	assert.ok(outbox.receive(2), "PUBREC once more");
	assert.not(outbox.complete(2, 2, false));
	assert.ok(outbox.complete(2, 2, true));
	assert.is(outbox.count, 1);
});

test("after a PUBREC the message is given up, the identifier is not [MQTT-4.3.3-1]", () => {
	const { outbox, push, send, store } = make();
	push(2);
	send(5);
	assert.is(store.count, 1);
	outbox.receive(1);
	assert.is(store.count, 0);
	assert.is(outbox.count, 1);
	assert.is(outbox.bytes, 0);
});

test("after the connection ended, QoS 0 is gone and the rest waits in its order", () => {
	const { outbox, push, send, deliveries } = make();
	push(1);
	push(2);
	send(5);
	push(0);
	push(1);
	push(0);
	assert.is(outbox.disconnect(), 2);
	outbox.reconnect();
	const resent: number[] = [];
	for (let entry = outbox.resendNext; entry !== 0; entry = deliveries.next[entry]!)
		resent.push(deliveries.packetId[entry]!);
	assert.equal(resent, [1, 2]);
	assert.equal(send(5), [3]);
});

test("its bound counts bytes and messages of what waits and what is in flight", () => {
	const { outbox, push, send } = make();
	for (let i = 0; i < 3; i++) push(1, 20);
	send(2);
	assert.is(outbox.bytes, 60);
	assert.ok(outbox.hasRoom(40, 100, 10));
	assert.not(outbox.hasRoom(41, 100, 10));
	assert.not(outbox.hasRoom(1, 100, 3));
});

test("whatever happens, nothing is lost in the tables", () => {
	const step = fc.tuple(fc.constantFrom("push", "send", "ack", "rec", "comp", "cut", "drop"), fc.nat(2), fc.nat(9));
	fc.assert(
		fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
			const { outbox, push, send, store, deliveries, pool } = make(30);
			for (const [what, qos, n] of steps) {
				if (what === "push" && outbox.hasRoom(10, 250, 25)) push(qos);
				else if (what === "send") send(n);
				else if (what === "ack") outbox.complete(n, 1, false);
				else if (what === "rec") outbox.receive(n);
				else if (what === "comp") outbox.complete(n, 2, true);
				else if (what === "cut") {
					outbox.disconnect();
					outbox.reconnect();
				} else if (what === "drop") {
					const entry = outbox.nextWaiting(n);
					if (entry !== 0) outbox.drop(entry);
				}
				assert.is(deliveries.freeCount, 30 - outbox.count);
			}
			outbox.clear();
			assert.is(outbox.count, 0);
			assert.is(outbox.bytes, 0);
			assert.is(store.count, 0);
			assert.is(pool.freeCount, 100);
			assert.is(deliveries.freeCount, 30);
		}),
		{ seed: 11, numRuns: 300 },
	);
});

test.run();
