/** The hub on a PC: brokers, their listeners, and how they begin and end. */
import type { AddressInfo, Server } from "node:net";
import type { AuthenticationMethod } from "../src/auth/authentication-method.js";
import type { AccessRules } from "../src/broker/access.js";
import { Broker } from "../src/broker/broker.js";
import type { BrokerEvents } from "../src/broker/events.js";
import type { PersistOptions } from "../src/broker/persist.js";
import { hostLimits, type Limits } from "../src/limits.js";
import type { Platform } from "../src/platform.js";
import type { DataDirectory } from "./data/directory.js";
import { NodeDevices, type NodeDevicesOptions } from "./devices.js";
import { endpointOf, type HubListener, name, protocolOf, reachableHost, startListener } from "./listeners.js";
import { isLoopback } from "./loopback.js";
import { type NodePlatform, nodePlatform } from "./platform.js";
import type { TlsControl } from "./tls.js";
import type { Assets } from "./web/assets.js";
import { PageServer } from "./web/page-server.js";

export interface HubOptions {
	/** Default: hostLimits */
	limits?: Limits;
	/** what `open` opens. Default: none */
	listeners?: readonly HubListener[];
	/** limits of the topic spaces that listeners name. Default: each has those of the hub */
	spaces?: Readonly<Record<string, Limits>>;
	/** clients without a user name may come in, at listeners that don't say. Default: on loopback addresses only */
	allowAnonymous?: boolean;
	/** the rules of listeners that have none of their own */
	access?: AccessRules;
	/** methods of Enhanced Authentication for this platform */
	authentication?: (platform: Platform) => readonly AuthenticationMethod[];
	/** what outlives a restart is kept there; the hub closes it. Default: nothing outlives one */
	data?: DataDirectory;
	/** how it is kept */
	persist?: Omit<PersistOptions, "medium">;
	/** see BrokerOptions */
	strict?: boolean;
	sysInterval?: number;
	responseInformation?: string;
	/** -1 nothing, 0 errors, 1 events, 2 details. Default: 0 */
	logLevel?: number;
	/** takes log lines. Default: they go nowhere */
	log?: (level: number, line: string) => void;
	events?: BrokerEvents;
	/** the devices of the topic space "", and the page; absent: there are none */
	devices?: Omit<NodeDevicesOptions, "rules" | "log"> & { assets: Assets };
}

/** A topic space. */
interface Space {
	broker: Broker;
	platform: NodePlatform;
}

export class Hub {
	/** of the topic space "" */
	readonly broker: Broker;
	private readonly spaces = new Map<string, Space>();
	private readonly servers: (Server & Partial<TlsControl>)[] = [];
	/** the devices of the topic space "" */
	devices: NodeDevices | undefined;
	private page: PageServer | undefined;
	/** where MQTT is spoken over TCP, for who joins */
	private mqtt: { address: string; port: number } | undefined;

	/** Throws HearthError for an option that cannot be used. */
	constructor(private readonly options: HubOptions) {
		this.broker = this.space("");
	}

	/** @returns the broker of a topic space, which is made when it is first asked for */
	space(name: string): Broker {
		const { options } = this;
		const existing = this.spaces.get(name);
		if (existing !== undefined) return existing.broker;
		const log = (level: number, line: string) => {
			options.log?.(level, line);
			this.devices?.log(line);
		};
		const logLevel = options.logLevel ?? 0;
		const platform = nodePlatform(logLevel < 0 ? undefined : log);
		const devices = name === "" ? this.makeDevices(platform) : undefined;
		const own = options.authentication?.(platform) ?? [];
		const broker = new Broker({
			limits: (name === "" ? undefined : options.spaces?.[name]) ?? options.limits ?? hostLimits,
			platform,
			access: devices?.hub.access ?? options.access ?? {},
			events: devices?.events(options.events ?? {}) ?? options.events ?? {},
			authentication: devices === undefined ? own : [...own, ...devices.hub.authentication],
			strict: options.strict ?? false,
			sysInterval: options.sysInterval ?? 0,
			...(options.responseInformation === undefined ? {} : { responseInformation: options.responseInformation }),
			...this.storageOf(name),
			logLevel,
		});
		platform.attach(broker);
		devices?.attach(broker);
		this.spaces.set(name, { broker, platform });
		return broker;
	}

	/** Where a topic space keeps what outlives a restart. */
	private storageOf(name: string): { storage?: PersistOptions } {
		const { data, persist } = this.options;
		return data === undefined ? {} : { storage: { ...persist, medium: data.storage(name) } };
	}

	private makeDevices(platform: NodePlatform): NodeDevices | undefined {
		const { devices, access, log = () => {} } = this.options;
		if (devices === undefined) return undefined;
		this.devices = new NodeDevices(platform, { ...devices, rules: access ?? {}, log });
		this.page = new PageServer({
			hub: this.devices.hub,
			assets: devices.assets,
			mqttAddress: (asked) => {
				const { address, port } = this.mqtt ?? { address: "127.0.0.1", port: 1883 };
				return { host: reachableHost(address, asked), port };
			},
			log,
		});
		return this.devices;
	}

	/** Opens the listeners of the options. @returns their addresses, in that order.
	 *  Rejects with HearthError when one cannot listen; then none does. */
	async open(): Promise<string[]> {
		const addresses: string[] = [];
		try {
			for (const listener of this.options.listeners ?? []) addresses.push(await this.add(listener));
		} catch (error) {
			await this.close();
			throw error;
		}
		return addresses;
	}

	/** Opens one more listener. @returns its address, such as mqtts://127.0.0.1:8883.
	 *  Rejects with HearthError, which has the address and the cause, when it cannot listen. */
	async add(hubListener: HubListener): Promise<string> {
		const { protocol, options } = protocolOf(hubListener);
		const broker = this.space(options.space ?? "");
		const { host } = endpointOf(protocol, options);
		const allowAnonymous =
			options.allowAnonymous ?? options.access?.allowAnonymous ?? this.options.allowAnonymous ?? isLoopback(host);
		const isPage = protocol === "http" || protocol === "https";
		// who the page is was found out before the WebSocket was made
		const more = isPage ? { allowAnonymous: false, certificateUserName: true } : { allowAnonymous };
		// devices are the same at listeners with users of their own
		const devices = broker === this.broker ? this.devices?.hub : undefined;
		const rules =
			options.access !== undefined && devices !== undefined ? { access: devices.around(options.access) } : {};
		const listener = broker.addListener({ ...options, ...rules, ...more });
		const server = await startListener(broker, protocol, options, listener, this.page);
		this.servers.push(server);
		const { address, port } = server.address() as AddressInfo;
		if (protocol === "mqtt") this.mqtt ??= { address, port };
		return `${protocol}://${name(address)}:${port}`;
	}

	/** @param port 0: a free one @returns the address of one more listener for MQTT over TCP; see `add` */
	listen(host: string, port: number): Promise<string> {
		return this.add({ mqtt: { host, port } });
	}

	/** Reads the certificates of all listeners again; connections go on. What cannot be used is one log line, and that
	 *  listener's old certificates stay. @returns whether all new ones are in use */
	reload(): boolean {
		let all = true;
		for (const server of this.servers) if (server.reload?.() === false) all = false;
		return all;
	}

	/** Tells all brokers that access rules answer differently from now on. @returns how many subscriptions were lost */
	accessChanged(): number {
		let lost = 0;
		for (const { broker } of this.spaces.values()) lost += broker.accessChanged();
		this.page?.usersChanged();
		return lost;
	}

	/** Ends all connections without Will Messages, and the listeners; waits until what is kept is on disk. */
	async close(): Promise<void> {
		this.devices?.close();
		const closed = this.servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
		for (const { broker, platform } of this.spaces.values()) {
			broker.stop();
			platform.detach();
		}
		await Promise.all(closed);
		await this.options.data?.close();
	}
}
