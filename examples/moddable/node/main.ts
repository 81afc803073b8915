/** A node that is both: a broker for the devices near it, and a client that hands their values on to a larger one.
 *  Options: ssid, password, port; server, serverPort of the larger one. */

import { Broker } from "hearth-mqtt";
import { TcpConnector } from "hearth-mqtt/boards/connector";
import { DevicePlatform } from "hearth-mqtt/boards/platform";
import { TcpListener } from "hearth-mqtt/boards/tcp";
import { limits as all } from "hearth-mqtt/limits";
import { Client } from "hearth-mqtt/src/client/client";
import { deviceClientLimits } from "hearth-mqtt/src/client/client-limits";
import config from "mc/config";

// half of the board's places, so that both fit
const limits = { ...all, connections: all.connections >> 1, sessions: all.sessions >> 1, blocks: 64 };
const platform = new DevicePlatform();
const broker = new Broker({ limits, platform });
platform.attach(broker);
const server = `${config.server ?? "hearth.local"}`;
const connector = new TcpConnector(platform, server, Number(config.serverPort ?? 1883));
const client = new Client({ limits: deviceClientLimits, platform, connector, clientId: "node" });
platform.add(client);
client.connect();
broker.subscribe("up/#", (message) => {
	client.publish(message.topic.slice(3), message.payload, { qos: 1 });
});
const listener = new TcpListener(platform, broker, Number(config.port ?? 1883));
trace(`listening mqtt://*:${listener.port}\n`);
