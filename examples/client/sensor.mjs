// A sensor: publishes a temperature each few seconds, and what it could not send goes when the hub is back.
//   node examples/client/sensor.mjs mqtt://127.0.0.1:1883 greenhouse
import { connect } from "hearth-mqtt/client";

const [url = "mqtt://127.0.0.1:1883", name = "sensor", every = "5000"] = process.argv.slice(2);

const client = await connect(url, {
	clientId: name,
	retry: true, // the hub may come later than the sensor
	queueMessages: 500,
	whenQueueFull: "drop-oldest", // old values are worth least
});
client.on("disconnect", ({ error, againMs }) => console.error(`${error.message}; again in ${againMs} ms`));
client.on("drop", (error) => console.error(error.message));

const measure = () => (20 + 5 * Math.sin(Date.now() / 60_000)).toFixed(1);

const timer = setInterval(() => {
	client.publish(`sensors/${name}/temperature`, measure(), {
		qos: 1,
		retain: true,
		properties: { contentType: "text/plain", messageExpiryInterval: 3_600 },
	});
}, Number(every));

process.once("SIGINT", async () => {
	clearInterval(timer);
	await client.end(); // when all is acknowledged
});
console.log(`${name} measures`);
