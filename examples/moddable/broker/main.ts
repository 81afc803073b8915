/** A broker in ten lines: with this board's limits, on its port 1883. Options of mcconfig's command line: ssid,
 *  password, port. */

import { Broker } from "hearth-mqtt";
import { DevicePlatform } from "hearth-mqtt/boards/platform";
import { TcpListener } from "hearth-mqtt/boards/tcp";
import { limits } from "hearth-mqtt/limits";
import config from "mc/config";

const platform = new DevicePlatform();
const broker = new Broker({ limits, platform });
platform.attach(broker);
const listener = new TcpListener(platform, broker, Number(config.port ?? 1883));
trace(`listening mqtt://*:${listener.port}\n`);
