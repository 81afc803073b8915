/** The low-level calls. */
import { generate } from "mqtt-packet";
import { assert, suite } from "../support/test.js";
import { script } from "./script.js";

const test = suite("the client's packets");

test("there is a call for each packet", () => {
	const server = script({ version: 5 }).accept();
	const { packets } = server.client;
	packets.ping();
	for (const call of ["publishAck", "publishReceived", "publishRelease", "publishComplete"] as const) packets[call](7);
	const entries = [
		{ filter: "a", options: 1 },
		{ filter: "b/#", options: 2 },
	];
	const id = packets.subscribe(entries);
	packets.unsubscribe(entries);
	packets.send(
		generate({ cmd: "publish", topic: "raw", payload: "x", qos: 0, dup: false, retain: false }, { protocolVersion: 5 }),
	);
	server.world.advance(1);
	assert.equal(
		server.packets.slice(1).map((packet) => packet.cmd),
		["pingreq", "puback", "pubrec", "pubrel", "pubcomp", "subscribe", "unsubscribe", "publish"],
	);
	assert.is((server.sent("subscribe")[0] as { messageId: number }).messageId, id);
	server.client.disconnect();
	assert.is(packets.subscribe(entries), 0);
	assert.is(packets.send(new Uint8Array(2)), false);
});

test.run();
