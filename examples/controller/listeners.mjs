// Members and guests in one topic space, a laboratory in another: node examples/controller/listeners.mjs [port...]
import { Cause, Hub } from "hearth-mqtt";

const [members = "1883", guests = "1884", laboratory = "1885"] = process.argv.slice(2);
const hub = new Hub({
	listeners: [
		{
			mqtt: {
				name: "members",
				port: Number(members),
				access: { authenticate: ({ userName }) => (userName === "ann" ? Cause.None : Cause.NotAuthorized) },
			},
		},
		{
			mqtt: {
				name: "guests",
				port: Number(guests),
				limits: { connections: 10, qosMax: 0, packetBytes: 1024 },
				access: { authorizePublish: (_client, topic) => topic.startsWith("guests/") },
			},
		},
		{ mqtt: { name: "laboratory", port: Number(laboratory), space: "laboratory" } },
	],
});
for (const address of await hub.open()) console.log(`listening ${address}`);
setInterval(
	() => hub.broker.server.sendAll({ type: "publish", topic: "time", payload: new Date().toISOString() }),
	60_000,
);
