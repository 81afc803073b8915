/** What is flashed: the hub on a device with Wi-Fi. Options come from mcconfig's command line: ssid, password, user,
 *  secret, anonymous, host, port, ws, page, storage, pairing, homeassistant, button, setup. */
import { limits } from "hearth-mqtt/limits";
import config from "mc/config";
import Timer from "timer";
import { storedBytes, storedRecords } from "../src/budget.js";
import { hubTexts } from "../src/hub/pairing-keys.js";
import { ACCESS_POINT_ADDRESS, openAccessPoint } from "./access-point.js";
import { type Announcement, announce } from "./announce.js";
import { Button, HELD_LONG_MS } from "./button.js";
import { makeDevices } from "./devices.js";
import { type DevicesPart, HubOnDevice, type PagePart } from "./hub.js";
import { openMedium } from "./medium.js";
import type { DeviceMedium } from "./medium-steps.js";
import { Network } from "./network.js";
import { makePage } from "./page.js";
import { DevicePlatform } from "./platform.js";
import { countStart } from "./restarts.js";
import { forgetSetUp, type SetUp, SetUpServer, storedSetUp } from "./set-up.js";

/** The board's own network, until it is set up. */
const SET_UP_SSID = "Hearth";

/** Until the board starts again with what it has got: the answer is to leave before, ms. */
const RESTART_MS = 1_000;

/** @returns the option's text; undefined: not given */
function option(name: string): string | undefined {
	const value = config[name];
	return value === undefined || value === "" ? undefined : `${value}`;
}

/** @returns what outlives a restart, with room for all that the limits allow */
function open(platform: DevicePlatform): DeviceMedium | undefined {
	return openMedium(platform, storedRecords(limits), storedBytes(limits));
}

/** The network is forgotten: a person sets the board up again. After a very long press the devices are, too. */
function startAnew(ms: number, part: DevicesPart | undefined): void {
	if (ms >= HELD_LONG_MS) part?.reset();
	forgetSetUp();
	System.restart();
}

/** Opens a network of the board's own, with a page that asks for another. @param asked "1", or its password */
function setUp(asked: string): void {
	const platform = new DevicePlatform();
	platform.add({ endTurn: () => {}, tick: () => {} });
	try {
		const password = asked.length < 8 ? undefined : asked;
		openAccessPoint(SET_UP_SSID, password);
		const host = option("setupHost") ?? ACCESS_POINT_ADDRESS;
		const server = new SetUpServer(platform, host, Number(option("setupPort") ?? 80), () => System.restart());
		platform.log(1, `set up: join the Wi-Fi "${SET_UP_SSID}", then http://${host}:${server.port}`);
	} catch (error) {
		platform.log(0, `set up: ${(error as Error).message}`);
	}
}

/** @returns the network of the command line, or the one that was set up */
function networkOf(): SetUp | undefined {
	const ssid = option("ssid");
	const host = option("host") ?? "hearth";
	return ssid === undefined ? storedSetUp() : { ssid, password: option("password") ?? "", host };
}

/** @param host the board's name in the network @returns the page, if it was asked for */
function pagePart(host: string): PagePart | undefined {
	const asked = option("page");
	return asked === undefined || asked === "0"
		? undefined
		: makePage({ asked, host, log: (line) => trace(`${line}\n`) });
}

function main(): void {
	const restarts = countStart();
	const network = networkOf();
	const asked = option("setup");
	if (network === undefined && asked !== undefined) return setUp(asked);
	begin(network, restarts);
}

/** @param network undefined: there is none */
function begin(network: SetUp | undefined, restarts: string): void {
	/** what mDNS says of the hub */
	let said: ReadonlyMap<string, string> | undefined;
	let announced: Announcement | undefined;
	const announceHub = option("homeassistant") === "1";
	const devices = () =>
		makeDevices({
			admin: option("user"),
			announceHub,
			changed(hubId, open) {
				said = new Map(hubTexts(hubId, open));
				announced?.tell(said);
			},
			moved: () => Timer.set(() => System.restart(), RESTART_MS),
			log: (line) => trace(`${line}\n`),
		});
	const part = option("pairing") === "1" ? devices() : undefined;
	if (announceHub && part === undefined) trace("homeassistant=1: this needs pairing=1, which says who the hub is\n");
	const hub = new HubOnDevice({
		port: Number(option("port") ?? 1883),
		webSocketPort: option("ws") === undefined ? undefined : Number(option("ws")),
		user: option("user"),
		secret: option("secret"),
		anonymous: option("anonymous") === "1" || option("anonymous") === "true",
		restarts,
		openMedium: option("storage") === "1" ? open : undefined,
		devices: part,
		page: pagePart(network?.host ?? "hearth"),
	});
	const log = (line: string): void => hub.platform.log(1, line);
	log(`Hearth, start ${restarts}`);
	const pin = option("button");
	if (pin !== undefined)
		new Button(
			hub.platform,
			Number(pin),
			() => part?.open("button"),
			(ms) => startAnew(ms, part),
		);
	if (network === undefined)
		return hub.platform.log(0, "no network: build with ssid=NAME password=PASSWORD, or with setup=1");
	const { ssid, password, host } = network;
	const silence = (): void => {
		try {
			announced?.close();
		} catch (error) {
			log(`mDNS: ${error}`); // the clients that know the address don't need it
		}
		announced = undefined;
	};
	const onAddress = (address: string): void => {
		const { port, pagePort } = hub;
		log(`address ${address}: mqtt://${address}:${port}, mqtt://${host}.local:${port}`);
		if (pagePort !== undefined) log(`page http://${host}.local${pagePort === 80 ? "" : `:${pagePort}`}`);
		silence();
		try {
			announced = announce({ host, port, pagePort }, said, log);
		} catch (error) {
			log(`mDNS: ${error}`);
		}
	};
	const onLost = (): void => {
		log("Wi-Fi is lost; looking for it");
		silence();
	};
	new Network({ ssid, password: password === "" ? undefined : password, onAddress, onLost, log });
}

main();
