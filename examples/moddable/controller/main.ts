/** A broker whose program answers itself: whoever publishes to "add" two numbers gets their sum under "sum", and no
 *  client but the program publishes there. Options: ssid, password, port. */

import { Broker } from "hearth-mqtt";
import { DevicePlatform } from "hearth-mqtt/boards/platform";
import { TcpListener } from "hearth-mqtt/boards/tcp";
import { limits } from "hearth-mqtt/limits";
import { Controller, Refusal } from "hearth-mqtt/src/broker/controller";
import config from "mc/config";

const NOT_AUTHORIZED = 0x87;

const platform = new DevicePlatform();
const broker = new Broker({ limits, platform });
platform.attach(broker);

class Adder extends Controller {
	override publish(_context: unknown, packet: { readonly topic: string }): undefined {
		if (packet.topic === "sum") throw new Refusal(NOT_AUTHORIZED, "the program publishes this");
		return undefined;
	}
}

broker.subscribe("add", (message) => {
	const { payload } = message;
	const text = platform.text.decode(payload, 0, payload.length) ?? "";
	const [a = 0, b = 0] = text.split(" ").map(Number);
	broker.publish("sum", `${a + b}`);
});
const rules = broker.addListener({ controller: new Adder() });
const listener = new TcpListener(platform, broker, Number(config.port ?? 1883), rules);
trace(`listening mqtt://*:${listener.port}\n`);
