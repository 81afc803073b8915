// Greets who subscribes, and refuses who says bad words: node examples/controller/greeting.mjs [port]
import { Hub, ReasonCode, Refusal } from "hearth-mqtt";

/** @type {import("hearth-mqtt").Controller} */
const controller = {
	subscribe({ connection, session }) {
		connection.send({ type: "publish", topic: "greeting", payload: `hello, ${session.clientId}` });
	},
	publish(_context, packet) {
		if (packet.payloadText?.includes("damn")) throw new Refusal(ReasonCode.NotAuthorized, "mind your words");
	},
};
const hub = new Hub({ listeners: [{ mqtt: { port: Number(process.argv[2] ?? 1883), controller } }] });
for (const address of await hub.open()) console.log(`listening ${address}`);
