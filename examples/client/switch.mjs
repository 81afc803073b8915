// A switch: takes commands, tells its state, and whether it is there at all.
//   node examples/client/switch.mjs mqtt://127.0.0.1:1883 lamp
//   mosquitto_pub -t switches/lamp/set -m on
import { connect } from "hearth-mqtt/client";

const [url = "mqtt://127.0.0.1:1883", name = "switch"] = process.argv.slice(2);
const base = `switches/${name}`;
let state = "off";

const client = await connect(url, {
	clientId: name,
	retry: true,
	keepAlive: 30,
	// the hub says it when this program cannot
	will: { topic: `${base}/available`, payload: "offline", qos: 1, retain: true },
});

const tell = () => client.publish(`${base}/state`, state, { qos: 1, retain: true });
const arrive = () => client.publish(`${base}/available`, "online", { qos: 1, retain: true });
client.on("connect", arrive); // again after each cut

await client.subscribe(
	`${base}/set`,
	async ({ payload }) => {
		const wanted = new TextDecoder().decode(payload);
		if (wanted !== "on" && wanted !== "off") return;
		state = wanted;
		await tell();
	},
	{ qos: 1 },
);
await arrive();
await tell();

process.once("SIGINT", async () => {
	await client.publish(`${base}/available`, "offline", { qos: 1, retain: true });
	await client.end();
});
console.log(`${name} is ${state}`);
