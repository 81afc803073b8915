/** What is flashed: the hub on a device with Wi-Fi. Options come from mcconfig's command line: ssid, password, user,
 *  secret, anonymous, host, port, ws, storage, pairing, button. */
import { limits } from "hearth-mqtt/limits";
import config from "mc/config";
import { storedBytes, storedRecords } from "../src/budget.js";
import { type Announcement, announce, saidOf } from "./announce.js";
import { Button } from "./button.js";
import { makeDevices } from "./devices.js";
import { HubOnDevice } from "./hub.js";
import { openMedium } from "./medium.js";
import type { DeviceMedium } from "./medium-steps.js";
import { Network } from "./network.js";
import type { DevicePlatform } from "./platform.js";
import { countStart } from "./restarts.js";

/** @returns the option's text; undefined: not given */
function option(name: string): string | undefined {
	const value = config[name];
	return value === undefined || value === "" ? undefined : `${value}`;
}

/** @returns what outlives a restart, with room for all that the limits allow */
function open(platform: DevicePlatform): DeviceMedium | undefined {
	return openMedium(platform, storedRecords(limits), storedBytes(limits));
}

function main(): void {
	const restarts = countStart();
	/** what mDNS says of the hub */
	let said: ReadonlyMap<string, string> | undefined;
	let announced: Announcement | undefined;
	const devices = () =>
		makeDevices({
			admin: option("user"),
			changed(hubId, open) {
				said = saidOf(hubId, open);
				announced?.tell(said);
			},
			log: (line) => trace(`${line}\n`),
		});
	const part = option("pairing") === "1" ? devices() : undefined;
	const hub = new HubOnDevice({
		port: Number(option("port") ?? 1883),
		webSocketPort: option("ws") === undefined ? undefined : Number(option("ws")),
		user: option("user"),
		secret: option("secret"),
		anonymous: option("anonymous") === "1" || option("anonymous") === "true",
		restarts,
		openMedium: option("storage") === "1" ? open : undefined,
		devices: part,
	});
	const log = (line: string): void => hub.platform.log(1, line);
	log(`Hearth, start ${restarts}`);
	const pin = option("button");
	if (pin !== undefined && part !== undefined) new Button(hub.platform, Number(pin), () => part.open("button"));
	const ssid = option("ssid");
	if (ssid === undefined) return hub.platform.log(0, "no network: build with ssid=NAME password=PASSWORD");
	const host = option("host") ?? "hearth";
	const silence = (): void => {
		try {
			announced?.close();
		} catch (error) {
			log(`mDNS: ${error}`); // the clients that know the address don't need it
		}
		announced = undefined;
	};
	const onAddress = (address: string): void => {
		log(`address ${address}: mqtt://${address}:${hub.port}, mqtt://${host}.local:${hub.port}`);
		silence();
		try {
			announced = announce(host, hub.port, said, log);
		} catch (error) {
			log(`mDNS: ${error}`);
		}
	};
	const onLost = (): void => {
		log("Wi-Fi is lost; looking for it");
		silence();
	};
	new Network({ ssid, password: option("password"), onAddress, onLost, log });
}

main();
