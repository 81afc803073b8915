/** A call for each packet: a program that speaks MQTT itself. */
import { ClientListener } from "../../src/client/client-listener.js";
import { LowLevel } from "../../src/client/low-level.js";
import { Cause } from "../../src/errors.js";
import { ScriptedServer } from "../support/scripted-server.js";
import { assert, suite } from "../support/test.js";

const test = suite("low-level calls");

/** Hears of every packet that comes. */
class Heard extends ClientListener {
	readonly packets: string[] = [];
	override connectAck(): void {
		this.packets.push("connack");
	}
	override publish(message: { topic: string; packetId: number }): void {
		this.packets.push(`publish ${message.topic} ${message.packetId}`);
	}
	override publishAck(packet: { packetId: number }): void {
		this.packets.push(`puback ${packet.packetId}`);
	}
	override publishReceived(packet: { packetId: number }): void {
		this.packets.push(`pubrec ${packet.packetId}`);
	}
	override publishRelease(packet: { packetId: number }): void {
		this.packets.push(`pubrel ${packet.packetId}`);
	}
	override publishComplete(packet: { packetId: number }): void {
		this.packets.push(`pubcomp ${packet.packetId}`);
	}
	override subscribeAck(packet: { packetId: number }): void {
		this.packets.push(`suback ${packet.packetId}`);
	}
	override unsubscribeAck(packet: { packetId: number }): void {
		this.packets.push(`unsuback ${packet.packetId}`);
	}
	override ping(): void {
		this.packets.push("pingresp");
	}
}

for (const version of [4, 5]) {
	test(`${version}: each packet is sent as it is asked for, and each answer heard`, () => {
		const listener = new Heard();
		const server = new ScriptedServer({ version, listener, manualAcks: true });
		const low = new LowLevel(server.client);
		low.connect();
		server.settle();
		server.accept();
		const end = server.end;
		const told = () => {
			server.settle();
			return end.packets.splice(0).map((p) => `${p.cmd} ${p.messageId ?? 0}`);
		};
		assert.is(low.ping(), 0);
		const one = low.publish("a/é", Buffer.from("x"), { qos: 1 });
		const two = low.publish("a", Buffer.from("y"), { qos: 2, retain: true });
		assert.is(low.publish("a", Buffer.alloc(0)), 0);
		const sub = low.subscribe("a/#", 1);
		const unsub = low.unsubscribe("a/#");
		assert.equal(told(), [
			"pingreq 0",
			`publish ${one}`,
			`publish ${two}`,
			"publish 0",
			`subscribe ${sub}`,
			`unsubscribe ${unsub}`,
		]);
		end.send({ cmd: "pingresp" });
		end.send({ cmd: "puback", messageId: one });
		end.send({ cmd: "pubrec", messageId: two });
		assert.is(low.publishRelease(two), two);
		end.send({ cmd: "pubcomp", messageId: two });
		end.send({ cmd: "suback", messageId: sub, granted: [1] });
		end.send({ cmd: "unsuback", messageId: unsub, granted: [0] });
		assert.equal(told(), [`pubrel ${two}`]);
		// what comes is acknowledged by the program alone
		const incoming = { cmd: "publish", topic: "a/b", payload: "z", dup: false, retain: false };
		end.send({ ...incoming, qos: 1, messageId: 7 });
		end.send({ ...incoming, qos: 2, messageId: 8 });
		end.send({ ...incoming, qos: 2, messageId: 8, dup: true });
		assert.equal(told(), []);
		low.publishAck(7);
		low.publishReceived(8);
		end.send({ cmd: "pubrel", messageId: 8 });
		low.publishComplete(8);
		assert.equal(told(), ["puback 7", "pubrec 8", "pubcomp 8"]);
		assert.equal(listener.packets, [
			"connack",
			"pingresp",
			`puback ${one}`,
			`pubrec ${two}`,
			`pubcomp ${two}`,
			`suback ${sub}`,
			`unsuback ${unsub}`,
			"publish a/b 7",
			"publish a/b 8",
			"publish a/b 8",
			"pubrel 8",
		]);
		low.disconnect();
		assert.equal(told(), ["disconnect 0"]);
		assert.ok(end.closed);
		assert.is(low.ping(), -Cause.TransportClosed);
	});
}

test("what cannot be sent is refused, and nothing is", () => {
	const server = new ScriptedServer({ version: 5 });
	server.connect({ properties: { maximumQoS: 1, maximumPacketSize: 60 } });
	const low = new LowLevel(server.client);
	assert.is(low.publish("a/#", Buffer.alloc(0)), -Cause.TopicWildcard);
	assert.is(low.publish("a", Buffer.alloc(0), { qos: 2 }), -Cause.QosNotSupported);
	assert.is(low.publish("a", Buffer.alloc(80)), -Cause.PacketTooLarge);
	assert.is(low.subscribe("a/#/b"), -Cause.FilterInvalid);
	assert.is(low.subscribe("x".repeat(80)), -Cause.PacketTooLarge);
	assert.is(low.send({ type: "subscribe", filters: [] }), -Cause.FilterListEmpty);
	assert.is(low.publishAck(0), -Cause.PacketIdZero);
	assert.is(low.publishAck(65_536), -Cause.PacketIdZero);
	server.settle();
	assert.equal(server.end.kinds(), []);
});

test.run();
