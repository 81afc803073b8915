/** A sensor: a client only. It tells a value every ten seconds, takes the interval from a topic, and is known to be
 *  offline when it is. Options: ssid, password, server, port, name. */

import { TcpConnector } from "hearth-mqtt/boards/connector";
import { DevicePlatform } from "hearth-mqtt/boards/platform";
import { Client } from "hearth-mqtt/src/client/client";
import { deviceClientLimits as limits } from "hearth-mqtt/src/client/client-limits";
import config from "mc/config";
import Timer from "timer";

const name = `${config.name ?? "sensor"}`;
const platform = new DevicePlatform();
const connector = new TcpConnector(platform, `${config.server ?? "hearth.local"}`, Number(config.port ?? 1883));
const offline = { topic: `${name}/status`, payload: new Uint8Array([0x30]), qos: 1, retain: true };
const client = new Client({ limits, platform, connector, clientId: name, will: offline });
platform.add(client);

let count = 0;
const tell = (): void => {
	client.publish(`${name}/status`, "1", { qos: 1, retain: true });
	client.publish(`${name}/value`, `${count++}`, { qos: 1 });
};
const timer = Timer.repeat(tell, 10_000);
client.subscribe(`${name}/interval`, (message) => {
	const seconds = Number(message.textOfPart());
	if (seconds > 0) Timer.schedule(timer, 0, seconds * 1_000);
});
client.connect();
tell();
