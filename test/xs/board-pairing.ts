/** On XS: the hub as boards/ has it, with devices whose records lie on a virtual flash that outlives a restart of the
 *  hub: "again" makes one. With mcconfig's option `entropy=none` the board has no random numbers.
 *  Ends when a client publishes to the topic "end". */
import config from "mc/config";
import Timer from "timer";
import { entropy as none } from "../../boards/entropy.js";
import { entropy } from "../../boards/entropy-esp.js";
import { HubOnDevice } from "../../boards/hub.js";
import { PairingOnDevice } from "../../boards/pairing.js";
import { VirtualFlash } from "../../host-sim/sim/flash.js";
import { hubRecords } from "../../src/hub/medium-records.js";
import { Journal } from "../../src/storage/journal.js";
import { journalLimits } from "../../src/storage/journal-limits.js";
import { report } from "./measure.js";

globalThis.trace = (line) => host.print(`${line}`.trimEnd());

const DEVICES = 32;
const limits = { ...journalLimits, recordBytes: 256, pendingBytes: 512, valueBytes: 1_024, intervalMs: 0 };
const flash = new VirtualFlash({ sectors: 12, sectorBytes: 2_048 });

function start(): void {
	const pairing = new PairingOnDevice({
		entropy: config.entropy === "none" ? none : entropy,
		devicesMax: DEVICES,
		admin: "ann",
		openRecords: (platform) =>
			new Journal({
				flash,
				limits: { ...limits, records: hubRecords(DEVICES, limits.recordBytes) },
				now: () => platform.now(),
				random: () => platform.random(),
			}),
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
		const again = hub.platform.text.decode(payload, 0, payload.length) === "again";
		hub.close();
		report("counted", { internalErrors, faults: hub.platform.faults });
		if (again) Timer.set(start, 20);
	});
	report("listening", { port: hub.port, hubId: pairing.devices?.hub.hubId });
}

start();
