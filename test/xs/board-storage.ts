/** On XS: the hub as boards/ has it, with a journal on a virtual flash; it ends, another begins, and then one whose
 *  flash cannot be used. Needs more than a board's heap: the flash is there, too, and two hubs at a time. */
import Timer from "timer";
import { HubOnDevice } from "../../boards/hub.js";
import type { DeviceMedium } from "../../boards/medium-steps.js";
import { VirtualFlash } from "../../host-sim/sim/flash.js";
import { Journal } from "../../src/storage/journal.js";
import { journalLimits } from "../../src/storage/journal-limits.js";
import { report } from "./measure.js";

globalThis.trace = (line) => host.print(`${line}`.trimEnd());

const limits = { ...journalLimits, records: 128, valueBytes: 1_024 };
const flash = new VirtualFlash({ sectors: 5, sectorBytes: 2_048 });

function start(openMedium: (platform: HubOnDevice["platform"]) => DeviceMedium): HubOnDevice {
	const options = { port: 0, webSocketPort: undefined, user: undefined, secret: undefined, anonymous: true };
	return new HubOnDevice({ ...options, restarts: "1", openMedium });
}

function open(platform: HubOnDevice["platform"]): DeviceMedium {
	return new Journal({ flash, limits, now: () => platform.now(), random: () => platform.random() });
}

let hub = start(open);
// the flash is new: sectors are erased first, one a step
Timer.set(() => {
	hub.broker.publish("kept", "what was kept", { retain: true });
	Timer.set(() => {
		hub.close();
		report("written", { bytes: flash.bytesProgrammed, faults: hub.platform.faults });
		again();
	}, 100);
}, 1_000);

function again(): void {
	hub = start(open);
	hub.broker.subscribe("kept", ({ payload }) =>
		report("kept", { payload: hub.platform.text.decode(payload, 0, payload.length) }),
	);
	Timer.set(() => {
		hub.close();
		const later = start(() => {
			throw new Error("no partition");
		});
		report("without", { storage: later.broker.persist !== undefined, faults: later.platform.faults });
		later.close();
		host.exit(0);
	}, 200);
}
