/** Devices on a board: the hub's window, their records on a medium, and random numbers that can be trusted. Without one
 *  of these there is no pairing, and the console says why. */
import type { AccessRules, Client } from "../src/broker/access.js";
import type { Broker } from "../src/broker/broker.js";
import type { DeviceHubEvents } from "../src/hub/device-hub.js";
import { HubDevices, type HubDevicesOptions } from "../src/hub/hub-devices.js";
import { KeyValueRecords, type Values } from "../src/hub/key-value-records.js";
import type { HubRecords } from "../src/hub/registry.js";
import { StoredRecords } from "../src/hub/stored-records.js";
import type { DevicesPart } from "./hub.js";
import type { MediumPlatform } from "./medium-steps.js";
import { DevicePairingPlatform } from "./pairing-platform.js";
import { DevicePlatform } from "./platform.js";
import type { Entropy } from "./random.js";

/** Log lines, and strangers that came with a password, that are remembered for the page. */
const LINES_MAX = 6;
const KNOCKS_MAX = 4;

/** Bytes of all records, where nobody says otherwise: a record mostly has some 160. */
const BYTES_MAX = 12_000;

export interface PairingOptions {
	entropy: Entropy;
	/** devices at most */
	devicesMax: number;
	/** the user who may use the hub's own topics and its page; undefined: none but devices of the kind "admin" */
	admin: string | undefined;
	/** the hub puts itself into Home Assistant's discovery. Default: false */
	announceHub?: boolean;
	/** opens the store of the hub's records; undefined: they are kept until the next start only */
	openRecords: ((platform: MediumPlatform, devices: number) => Values) | undefined;
	/** bytes of all records that may be kept there. Default: BYTES_MAX */
	bytesMax?: number;
	/** the hub has another one's identity and devices: it begins anew with them */
	moved?: () => void;
	/** the window opened or closed */
	changed?: (devices: HubDevices) => void;
}

/** What the hub's devices are made with: a class, whose functions lie in ROM. */
class BoardDevicesOptions implements HubDevicesOptions {
	constructor(
		private readonly part: PairingOnDevice,
		readonly platform: DevicePairingPlatform,
		readonly records: HubRecords,
		readonly devicesMax: number,
		readonly rules: AccessRules,
	) {}

	get knocksMax(): number {
		return KNOCKS_MAX;
	}

	get linesMax(): number {
		return LINES_MAX;
	}

	get announceHub(): boolean {
		return this.part.options.announceHub ?? false;
	}

	get events(): DeviceHubEvents {
		return this.part;
	}

	isAdmin({ userName }: Client): boolean {
		return userName !== undefined && userName === this.part.options.admin;
	}

	log(_level: number, line: string): void {
		this.platform.log(1, line);
		this.part.devices?.log(line);
	}
}

export class PairingOnDevice implements DevicesPart, DeviceHubEvents {
	readonly platform: DevicePlatform;
	devices: HubDevices | undefined = undefined;

	constructor(readonly options: PairingOptions) {
		const platform = new DevicePairingPlatform(options.entropy);
		try {
			platform.randomBytes(new Uint8Array(1));
			this.platform = platform;
		} catch (error) {
			this.platform = new DevicePlatform();
			platform.detach();
			this.platform.log(0, `${(error as Error).message}`);
		}
	}

	begin(rules: AccessRules): HubDevices | undefined {
		const { options, platform } = this;
		if (!(platform instanceof DevicePairingPlatform)) return undefined;
		const records = this.openRecords();
		if (records === undefined) return undefined;
		this.devices = new HubDevices(new BoardDevicesOptions(this, platform, records, options.devicesMax, rules));
		return this.devices;
	}

	private openRecords(): HubRecords | undefined {
		const { openRecords, devicesMax, bytesMax = BYTES_MAX } = this.options;
		if (openRecords === undefined) return new StoredRecords();
		try {
			return new KeyValueRecords(openRecords(this.platform, devicesMax), devicesMax, bytesMax);
		} catch (error) {
			this.platform.fault("pairing, goes on without", error);
			return undefined;
		}
	}

	attach(broker: Broker): void {
		const { devices, platform } = this;
		if (devices === undefined) return;
		devices.attach(broker);
		this.options.changed?.(devices);
		(platform as DevicePairingPlatform).ticked = devices;
	}

	open(openedBy: string): void {
		const pairing = this.devices?.hub.pairing;
		if (pairing !== undefined && pairing.window === undefined) pairing.open({ openedBy });
	}

	reset(): void {
		this.devices?.reset();
	}

	/** The window opened or closed. The code is for who stands before the board's console: no topic and no log line of
	 *  the page has it. */
	changed(): void {
		const { devices, platform, options } = this;
		if (devices === undefined) return;
		const { window, lastEnd, hubId } = devices.hub.pairing;
		if (window === undefined) platform.log(1, `pairing: the window is closed (${lastEnd})`);
		else if (window.attempts === 0) {
			const { openedBy, move } = window.options;
			platform.log(1, `${move ? "moving" : "pairing"}: open, by ${openedBy}: code ${window.code}, hub ${hubId}`);
		}
		options.changed?.(devices);
	}

	moved(hubId: string | undefined): void {
		if (hubId !== undefined) this.options.moved?.();
	}

	close(): void {
		if (this.platform instanceof DevicePairingPlatform) this.platform.ticked = undefined;
	}
}
