/** On XS: the hub as boards/ has it, with devices. With mcconfig's option `entropy=none` it has no random numbers, with
 *  `store=journal` its records lie where a Pico has them.
 *  Ends when a client publishes to the topic "end"; with "again" another hub begins, which has the same records; with
 *  "reset" it becomes as new. */
import config from "mc/config";
import Timer from "timer";
import { Button } from "../../boards/button.js";
import { entropy as none } from "../../boards/entropy.js";
import { entropy } from "../../boards/entropy-esp.js";
import { HubOnDevice } from "../../boards/hub.js";
import { openRecords as openStore } from "../../boards/hub-store.js";
import { openRecords as openJournal } from "../../boards/hub-store-pico.js";
import { PairingOnDevice } from "../../boards/pairing.js";
import { report } from "./measure.js";

globalThis.trace = (line) => host.print(`${line}`.trimEnd());

/** Devices that the hub may have. */
const DEVICES = 32;

/** Closes contacts that bounce, twice: the second time the window is open already. */
function press(pin: number): void {
	const { movePin } = globalThis as { movePin?: (pin: number, level: number) => void };
	const levels = [0, 1, 0, 1, 0];
	for (let i = 0; i < levels.length; i++) Timer.set(() => movePin?.(pin, levels[i]!), 100 + 3 * i);
	for (let i = 0; i < 2; i++) Timer.set(() => movePin?.(pin, 1 - i), 300 + 100 * i);
}

function start(): void {
	const pairing = new PairingOnDevice({
		entropy: config.entropy === "none" ? none : entropy,
		devicesMax: DEVICES,
		admin: "ann",
		announceHub: config.homeassistant === "1",
		openRecords: config.store === "journal" ? openJournal : openStore,
	});
	const hub = new HubOnDevice({
		port: 0,
		webSocketPort: undefined,
		user: "ann",
		secret: "secret",
		anonymous: false,
		restarts: "1",
		devices: pairing,
	});
	hub.broker.subscribe("end", ({ payload }) => {
		const { internalErrors } = hub.broker.counters;
		const wish = hub.platform.text.decode(payload, 0, payload.length);
		if (wish === "reset") return pairing.reset();
		const again = wish === "again";
		hub.close();
		button?.close();
		report("counted", { internalErrors, faults: hub.platform.faults });
		if (again) Timer.set(start, 20);
	});
	const pin = Number(config.button);
	let presses = 0;
	const pressed = (): void => {
		pairing.open("button");
		report("pressed", { times: ++presses });
	};
	const button = config.button === undefined ? undefined : new Button(hub.platform, pin, pressed);
	if (button !== undefined) press(pin);
	report("listening", { port: hub.port, hubId: pairing.devices?.hub.hubId });
}

start();
