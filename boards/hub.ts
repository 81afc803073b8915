/** The hub on a device, whatever brings the network: the broker with this board's limits, its listeners, what it tells
 *  of itself. */

import { limits } from "hearth-mqtt/limits";
import Timer from "timer";
import type { AccessRules } from "../src/broker/access.js";
import { Broker } from "../src/broker/broker.js";
import type { BrokerOptions } from "../src/broker/broker-options.js";
import type { DeviceHub } from "../src/hub/device-hub.js";
import type { HubDevices } from "../src/hub/hub-devices.js";
import { healthLine } from "./health.js";
import { type LoginOptions, loginRules } from "./login.js";
import { type DeviceMedium, MediumSteps } from "./medium-steps.js";
import { DevicePlatform } from "./platform.js";
import { TcpListener } from "./tcp.js";
import { WebSocketListener } from "./websocket.js";

const HEALTH_MS = 60_000;

/** ms that a power cut costs, beside what the medium waits: values that change often are stored once in this time. */
const STORE_MS = 60_000;

/** Seconds between the values under $SYS/broker. */
const SYS_INTERVAL = 60;

/** Devices that belong to the hub (pairing.ts). */
export interface DevicesPart {
	/** what the hub stands on */
	readonly platform: DevicePlatform;
	/** @param rules for all who are no devices @returns undefined: there are no devices, and the console says why */
	begin(rules: AccessRules): HubDevices | undefined;
	/** Opens a window for one device, if none is open. @param openedBy for everybody to see, such as "button" */
	open(openedBy: string): void;
	/** The board is as new: it knows no device, and is another hub. */
	reset(): void;
	/** The broker that was made with their rules. */
	attach(broker: Broker): void;
	close(): void;
}

/** The page that a hub serves (page-server.ts). */
export interface PagePart {
	/** Throws an Error with one line when it cannot. */
	begin(hub: HubOnDevice): { readonly port: number; close(): void };
}

export interface DeviceHubOptions extends LoginOptions {
	/** 0: a free one */
	port: number;
	/** of MQTT over WebSocket; 0: a free one; undefined: there is none */
	webSocketPort: number | undefined;
	/** see countStart */
	restarts: string;
	/** opens what outlives a restart; undefined, or what it returns: nothing does */
	openMedium?: ((platform: DevicePlatform) => DeviceMedium | undefined) | undefined;
	/** devices that are paired; undefined: there are none */
	devices?: DevicesPart | undefined;
	/** undefined: there is none */
	page?: PagePart | undefined;
}

export class HubOnDevice {
	readonly platform: DevicePlatform;
	readonly broker: Broker;
	/** undefined: there are none */
	devices: DeviceHub | undefined = undefined;
	private readonly tcp: TcpListener;
	private readonly webSocket: WebSocketListener | undefined;
	private readonly page: { readonly port: number; close(): void } | undefined;
	private readonly health: Timer;
	private steps: MediumSteps<Timer> | undefined = undefined;

	/** Listens on every address that the device has now and later: a changed one needs nothing more. */
	constructor(private readonly options: DeviceHubOptions) {
		this.platform = options.devices?.platform ?? new DevicePlatform();
		const platform = this.platform;
		const brokerOptions = this.brokerOptions();
		this.broker = this.restore(options, brokerOptions) ?? new Broker(brokerOptions);
		platform.attach(this.broker);
		options.devices?.attach(this.broker);
		this.tcp = new TcpListener(platform, this.broker, options.port);
		const { webSocketPort } = options;
		if (webSocketPort !== undefined) this.webSocket = new WebSocketListener(platform, this.broker, webSocketPort);
		this.broker.publish("$SYS/broker/restarts", options.restarts, { retain: true });
		this.health = Timer.repeat(() => this.tellHealth(), HEALTH_MS);
		platform.log(1, `listening mqtt://*:${this.port}`);
		if (this.webSocket !== undefined) platform.log(1, `listening ws://*:${this.webSocket.port}`);
		this.page = this.beginPage();
		if (!options.anonymous && options.user === undefined)
			platform.log(0, "nobody may come in: build with user=NAME secret=PASSWORD, or anonymous=1");
	}

	/** A hub without a page is better than none. */
	private beginPage(): { readonly port: number; close(): void } | undefined {
		try {
			const page = this.options.page?.begin(this);
			if (page !== undefined) this.platform.log(1, `listening http://*:${page.port}`);
			return page;
		} catch (error) {
			this.platform.log(0, `page, goes on without: ${(error as Error).message}`);
			return undefined;
		}
	}

	private brokerOptions(): BrokerOptions {
		const { options, platform } = this;
		const rules = loginRules(platform.text, options);
		const common = { limits, platform, sysInterval: SYS_INTERVAL };
		const devices = options.devices?.begin(rules);
		if (devices === undefined) return { ...common, access: rules };
		this.devices = devices.hub;
		const { access, authentication } = devices.hub;
		return { ...common, access, authentication, events: devices.events({}) };
	}

	/** @returns a broker with what outlived the restart; undefined: nothing does, and the console says why */
	private restore(options: DeviceHubOptions, brokerOptions: BrokerOptions): Broker | undefined {
		const platform = this.platform;
		try {
			const medium = options.openMedium?.(platform);
			if (medium === undefined) return undefined;
			const storage = { medium, durability: "interval", intervalMs: STORE_MS } as const;
			const broker = new Broker({ ...brokerOptions, storage });
			this.steps = new MediumSteps<Timer>(Timer, platform, medium);
			return broker;
		} catch (error) {
			// such as no partition, or a later version's records: a hub without storage is better than none
			platform.fault("storage, goes on without", error);
			return undefined;
		}
	}

	private tellHealth(): void {
		try {
			this.platform.log(1, healthLine(this.broker, this.platform));
		} catch (error) {
			this.platform.fault("health", error);
		}
	}

	/** whether everybody may come in, and nobody has a user name */
	get hasGuests(): boolean {
		return this.options.anonymous && this.options.user === undefined;
	}

	get port(): number {
		return this.tcp.port;
	}

	/** undefined: there is no page */
	get pagePort(): number | undefined {
		return this.page?.port;
	}

	/** undefined: there is no listener for WebSocket */
	get webSocketPort(): number | undefined {
		return this.webSocket?.port;
	}

	/** Ends connections without Will Messages, and the listeners. */
	close(): void {
		this.tcp.close();
		this.webSocket?.close();
		this.page?.close();
		Timer.clear(this.health);
		this.broker.stop();
		this.steps?.close();
		this.options.devices?.close();
		this.platform.detach();
	}
}
