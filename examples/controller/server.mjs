// A server that answers every packet itself, on a plain port and one with TLS, where nothing is routed:
// node examples/controller/server.mjs [port [tls-port cert key]]
import { Controller, Hub, ReasonCode, Refusal } from "hearth-mqtt";

class Telemetry extends Controller {
	connect(_context, { userName, password }) {
		const known = userName === "imi" && Buffer.from(password ?? []).equals(Buffer.from("123456"));
		if (!known) throw new Refusal(ReasonCode.BadUserNameOrPassword);
		return { type: "connack" };
	}

	publish({ connection }, packet) {
		console.log(`${connection.clientId} sends ${packet.topic} ${packet.payloadText}`);
		if (packet.qos === 1) return { type: "puback" };
		return packet.qos === 2 ? { type: "pubrec" } : null;
	}

	publishRelease() {
		return { type: "pubcomp" };
	}

	subscribe({ connection }, { packetId, subscriptions }) {
		connection.send({ type: "suback", packetId, reasonCodes: subscriptions.map(() => 0) });
		for (const { filter } of subscriptions)
			connection.send({ type: "publish", topic: "welcome", payload: `you asked for ${filter}` });
		return null; // it is answered
	}

	unsubscribe(_context, { filters }) {
		return { type: "unsuback", reasonCodes: filters.map(() => 0) };
	}

	ping() {
		return { type: "pingresp" };
	}

	disconnect({ connection }) {
		console.log(`${connection.clientId} goes`);
	}
}

const [port = "1883", tlsPort, cert, key] = process.argv.slice(2);
const common = { controller: new Telemetry(), routing: false };
const listeners = [{ mqtt: { port: Number(port), ...common } }];
if (tlsPort !== undefined) listeners.push({ mqtts: { port: Number(tlsPort), cert, key, ...common } });
const hub = new Hub({ listeners });
for (const address of await hub.open()) console.log(`listening ${address}`);
