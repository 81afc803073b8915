/** Devices on a board: the hub's window, their records on a medium, and random numbers that can be trusted. Without one
 *  of these there is no pairing, and the console says why. */
import Timer from "timer";
import type { AccessRules } from "../src/broker/access.js";
import type { Broker } from "../src/broker/broker.js";
import { HubDevices } from "../src/hub/hub-devices.js";
import { MediumRecords, type ReadableStorage } from "../src/hub/medium-records.js";
import type { HubRecords } from "../src/hub/registry.js";
import { StoredRecords } from "../src/hub/stored-records.js";
import type { DevicesPart } from "./hub.js";
import { type DeviceMedium, MediumSteps } from "./medium-steps.js";
import { DevicePairingPlatform } from "./pairing-platform.js";
import { DevicePlatform } from "./platform.js";
import type { Entropy } from "./random.js";

/** How often the window's seconds are looked at, ms. */
const TICK_MS = 1_000;

/** Steps that a new medium may take until it can be written to: some erased sectors. */
const READY_STEPS = 64;

/** Log lines, and strangers that came with a password, that are remembered for the page. */
const LINES_MAX = 8;
const KNOCKS_MAX = 4;

export interface PairingOptions {
	entropy: Entropy;
	/** devices at most */
	devicesMax: number;
	/** the user who may use the hub's own topics and its page; undefined: none but devices of the kind "admin" */
	admin: string | undefined;
	/** opens the medium for the hub's records; undefined: they are kept until the next start only. What it returns:
	 *  undefined: the board has none, and there is no pairing */
	openRecords: ((platform: DevicePlatform) => (DeviceMedium & ReadableStorage) | undefined) | undefined;
	/** the window opened or closed */
	changed?: (devices: HubDevices) => void;
}

export class PairingOnDevice implements DevicesPart {
	readonly platform: DevicePlatform;
	devices: HubDevices | undefined = undefined;
	private readonly pairingPlatform: DevicePairingPlatform | undefined;
	private steps: MediumSteps<Timer> | undefined = undefined;
	private ticks: Timer | undefined = undefined;

	constructor(private readonly options: PairingOptions) {
		const platform = new DevicePairingPlatform(options.entropy);
		try {
			platform.randomBytes(new Uint8Array(1));
			this.pairingPlatform = platform;
			this.platform = platform;
		} catch (error) {
			this.pairingPlatform = undefined;
			this.platform = new DevicePlatform();
			platform.detach();
			this.platform.log(0, `${(error as Error).message}`);
		}
	}

	begin(rules: AccessRules): HubDevices | undefined {
		const { options, pairingPlatform: platform } = this;
		const records = platform === undefined ? undefined : this.openRecords(platform);
		if (platform === undefined || records === undefined) return undefined;
		const { admin, devicesMax } = options;
		const devices = new HubDevices({
			platform,
			records,
			devicesMax,
			knocksMax: KNOCKS_MAX,
			linesMax: LINES_MAX,
			rules,
			isAdmin: ({ userName }) => userName !== undefined && userName === admin,
			log: (_level, line) => {
				platform.log(1, line);
				devices.log(line);
			},
			events: { changed: () => this.windowChanged() },
		});
		this.devices = devices;
		return devices;
	}

	private openRecords(platform: DevicePairingPlatform): HubRecords | undefined {
		const { openRecords } = this.options;
		if (openRecords === undefined) return new StoredRecords();
		try {
			const medium = openRecords(platform);
			if (medium !== undefined) {
				// a medium that is new makes itself ready, so that the hub can keep who it is
				for (let steps = 0; steps < READY_STEPS && medium.step() === 0; steps++);
				this.steps = new MediumSteps<Timer>(Timer, platform, medium);
				return new MediumRecords(medium);
			}
			platform.log(0, "pairing: this board has nothing that keeps devices over a restart: there is no pairing");
		} catch (error) {
			platform.fault("pairing, goes on without", error);
		}
		return undefined;
	}

	attach(broker: Broker): void {
		const { devices, platform } = this;
		if (devices === undefined) return;
		devices.attach(broker);
		this.options.changed?.(devices);
		this.ticks = Timer.repeat(() => platform.event("pairing", () => devices.tick()), TICK_MS);
	}

	open(openedBy: string): void {
		const pairing = this.devices?.hub.pairing;
		if (pairing !== undefined && pairing.window === undefined) pairing.open({ openedBy });
	}

	/** The code is for who stands before the board's console: no topic and no log line of the page has it. */
	private windowChanged(): void {
		const { devices, platform, options } = this;
		if (devices === undefined) return;
		const { window, lastEnd, hubId } = devices.hub.pairing;
		if (window === undefined) platform.log(1, `pairing: the window is closed (${lastEnd})`);
		else if (window.attempts === 0)
			platform.log(1, `pairing: open, by ${window.options.openedBy}: code ${window.code}, hub ${hubId}`);
		options.changed?.(devices);
	}

	close(): void {
		Timer.clear(this.ticks);
		this.steps?.close();
	}
}
