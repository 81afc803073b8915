/** On XS: a device as boards/ has it, that joins a hub by mcconfig's options `port` and `code`; then it starts again,
 *  logs in with what it keeps, and publishes. The store outlives a start here, not the process. */
import config from "mc/config";
import Timer from "timer";
import { TcpConnector } from "../../boards/connector.js";
import { entropy } from "../../boards/entropy-esp.js";
import { DeviceKeySlots } from "../../boards/key-slots.js";
import { DevicePairingPlatform } from "../../boards/pairing-platform.js";
import { deviceClientLimits as limits } from "../../src/client/client-limits.js";
import { PairedClient } from "../../src/hub/paired-client.js";
import { report } from "./measure.js";

globalThis.trace = (line) => host.print(`${line}`.trimEnd());

const platform = new DevicePairingPlatform(entropy);

function start(): PairedClient {
	const connector = new TcpConnector(platform, "hub", Number(config.port));
	const client = new PairedClient({
		limits,
		platform,
		connector,
		clientId: "sensor-1",
		model: "XS",
		keys: new DeviceKeySlots(),
		reconnectMinMs: 200,
	});
	platform.add(client);
	return client;
}

const joining = start();
host.gc();
joining.join(`${config.code}`, (why) => {
	report("joined", { why, hubId: joining.hubId });
	if (why !== "") return host.exit(0);
	joining.disconnect();
	const client = start();
	client.connect();
	client.publish("devices/sensor-1/value", "here", { qos: 1 }, (cause, reason) => {
		report("published", { cause, reason, faults: platform.faults });
		client.disconnect();
		Timer.set(() => host.exit(0), 20);
	});
});
