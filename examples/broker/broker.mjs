// A broker in ten lines, with a program of its own: node examples/broker/broker.mjs [port]
import { Hub } from "hearth-mqtt";

const hub = new Hub({ listeners: [{ mqtt: { port: Number(process.argv[2] ?? 1883) } }] });
hub.broker.subscribe("room/+/temperature", ({ topic, payload }) => {
	if (Number(Buffer.from(payload)) > 30) hub.broker.publish("alarm", `${topic} is hot`, { qos: 1 });
});
for (const address of await hub.open()) console.log(`listening ${address}`);
