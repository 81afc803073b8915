// Request and response (MQTT 5.0): one program answers, another asks.
//   node examples/client/request.mjs mqtt://127.0.0.1:1883 answer &
//   node examples/client/request.mjs mqtt://127.0.0.1:1883 ask "what is the time"
import { ClientError, connect } from "hearth-mqtt/client";

const [url = "mqtt://127.0.0.1:1883", role = "ask", question = "what is the time"] = process.argv.slice(2);
const client = await connect(url, { version: 5 });

if (role === "answer") {
	await client.respond("questions", ({ text }) => `you asked: ${text}`);
	console.log("answers");
	process.once("SIGINT", () => client.end());
} else {
	try {
		const answer = await client.request("questions", question, { timeoutMs: 5_000 });
		console.log(answer.text);
	} catch (error) {
		if (!(error instanceof ClientError)) throw error;
		console.error(error.message);
		process.exitCode = 1;
	}
	await client.end();
}
