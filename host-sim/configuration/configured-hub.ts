/** A hub as a configuration describes it. */
import type { BrokerEvents } from "../../src/broker/events.js";
import type { PersistOptions } from "../../src/broker/persist.js";
import { HearthError } from "../../src/errors.js";
import type { Limits } from "../../src/limits.js";
import { boardLimits } from "../boards.js";
import type { DataDirectory } from "../data/directory.js";
import { Hub, type HubOptions } from "../hub.js";
import { endpointOf, type HubListener, protocolOf } from "../listeners.js";
import { isLoopback } from "../loopback.js";
import { Announcement, startMdns } from "../mdns.js";
import { type UserFileOptions, UserFiles } from "../users/user-files.js";
import { Assets } from "../web/assets.js";
import type { ConfiguredListener, HubConfiguration } from "./hub-configuration.js";

export interface ConfiguredHubOptions {
	/** takes log lines, and what a person must know */
	log: (line: string) => void;
	events?: BrokerEvents;
	/** where the page's files are; absent: it has none */
	pageFolder?: string;
	/** where what outlives a restart is kept; the hub closes it */
	data?: DataDirectory;
}

/** A listener to open. */
export interface Wanted {
	listener: ConfiguredListener;
	/** nobody asked for this one: where its port is taken, the hub goes on without it */
	optional: boolean;
}

/** Ports that are taken when others are asked for no particular one. */
const WS_PORT = 9001;
const HTTP_PORT = 8080;
const TLS_PORT = 8883;

export class ConfiguredHub {
	readonly hub: Hub;
	private readonly wanted: readonly Wanted[];
	/** those of one pair of files share what was read */
	private readonly users = new Map<string, UserFiles>();
	private announcement: Announcement | undefined;
	private windowChanged: () => void = () => {};
	/** addresses of which it was said that nobody can come in */
	private readonly warned = new Set<string>();

	/** Reads the files that the configuration names. Throws HearthError for what cannot be used. */
	constructor(
		private readonly configuration: HubConfiguration,
		private readonly options: ConfiguredHubOptions,
	) {
		const { board = "host", limits = {}, spaces = {}, logLevel = 0 } = configuration;
		this.wanted = wantedListeners(configuration);
		const all: Limits = { ...boardLimits(board), ...limits };
		this.hub = new Hub({
			limits: all,
			spaces: Object.fromEntries(Object.entries(spaces).map(([name, own]) => [name, { ...all, ...own }])),
			access: this.usersOf(filesOf(configuration)).rules(),
			logLevel,
			log: (_level, line) => options.log(line),
			strict: configuration.strict ?? false,
			...(options.data === undefined ? {} : { data: options.data, persist: persistOptions(configuration) }),
			sysInterval: configuration.sysInterval ?? 10,
			...this.deviceOptions(),
			...(options.events === undefined ? {} : { events: options.events }),
			...(configuration.responseInformation === undefined
				? {}
				: { responseInformation: configuration.responseInformation }),
		});
	}

	/** Devices are there without a page, too: those that were paired log in. */
	private deviceOptions(): Pick<HubOptions, "devices"> {
		const { admins = [], homeAssistant: announceHub = false } = this.configuration;
		const events = { changed: () => this.windowChanged() };
		return { devices: { admins, announceHub, assets: new Assets(this.options.pageFolder ?? ""), events } };
	}

	/** Opens the listeners. @returns their addresses. Rejects with HearthError when one cannot listen; then none does. */
	async open(): Promise<string[]> {
		const addresses: string[] = [];
		try {
			for (const wanted of this.wanted) {
				const address = await this.add(wanted);
				if (address !== undefined) addresses.push(address);
			}
		} catch (error) {
			await this.hub.close();
			throw error;
		}
		if (this.configuration.mdns === true) this.announce(addresses);
		return addresses;
	}

	/** Tells the network of the hub, and of its pairing window as that opens and closes. */
	private announce(addresses: readonly string[]): void {
		const pairing = this.hub.devices?.hub.pairing;
		if (pairing === undefined) return;
		const announcement = new Announcement(startMdns((error) => this.tell(`mdns: ${error.message}`)));
		const tell = () => {
			const { hubId, window } = pairing;
			announcement.tell({ hubId, pairing: window !== undefined, addresses });
		};
		tell();
		this.windowChanged = tell;
		this.announcement = announcement;
	}

	private async add({ listener, optional }: Wanted): Promise<string | undefined> {
		const { protocol, options } = protocolOf(listener as HubListener);
		const { configuration } = this;
		const own = options as ConfiguredListener["mqtt"] & object;
		const files = { ...filesOf(configuration), ...filesOf(own) };
		const isPage = protocol === "http" || protocol === "https";
		const { host } = endpointOf(protocol, options);
		const loopback = isLoopback(host);
		const noPasswords = files.passwordFile === undefined;
		const allowAnonymous = own.allowAnonymous ?? configuration.allowAnonymous ?? (loopback && noPasswords);
		const access = Object.keys(filesOf(own)).length === 0 ? {} : { access: this.usersOf(files).rules() };
		try {
			const address = await this.hub.add({
				[protocol]: { ...options, ...access, allowAnonymous },
			} as unknown as HubListener);
			if (!loopback && !allowAnonymous && noPasswords && !own.certificateUserName && !isPage) this.warn(host);
			return address;
		} catch (error) {
			if (!optional || !(error instanceof HearthError) || error.code !== "HEARTH_ERR_LISTEN") throw error;
			this.tell(`${error.message}; going on without it (--no-${protocol} asks for that)`);
			return undefined;
		}
	}

	private warn(host: string): void {
		if (this.warned.has(host)) return;
		this.warned.add(host);
		this.tell(`${host} is not loopback: clients need credentials; give --password-file, or --allow-anonymous`);
	}

	private tell(line: string): void {
		if ((this.configuration.logLevel ?? 0) >= 0) this.options.log(`hearth: ${line}`);
	}

	private usersOf(files: UserFileOptions): UserFiles {
		const key = JSON.stringify([files.passwordFile, files.aclFile, files.refusedPublish]);
		let users = this.users.get(key);
		if (users === undefined) {
			users = new UserFiles(files, (line) => this.tell(line));
			this.users.set(key, users);
		}
		return users;
	}

	/** Reads users, rights and certificates again. Connections go on, but those of users that have gone; subscriptions
	 *  to what may not be read any more are lost. What cannot be used is one line, and stays as it was.
	 *  @returns whether all is in use */
	reload(): boolean {
		let all = this.hub.reload();
		for (const users of this.users.values()) if (!users.reload()) all = false;
		const lost = this.hub.accessChanged();
		this.tell(
			`${all ? "users, rights and certificates were" : "what can be used was"} read again: ${lost} subscriptions lost`,
		);
		return all;
	}

	async close(): Promise<void> {
		await this.announcement?.close();
		await this.hub.close();
	}
}

/** How data is kept. */
function persistOptions(c: HubConfiguration): Omit<PersistOptions, "medium"> {
	return {
		durability: c.durability ?? "acknowledged",
		neverStore: c.neverStore ?? [],
		...(c.durabilityInterval === undefined ? {} : { intervalMs: c.durabilityInterval }),
	};
}

function filesOf(options: UserFileOptions): UserFileOptions {
	return pick(options, ["passwordFile", "aclFile", "refusedPublish"]);
}

/** @returns the listeners of a configuration. Throws HearthError when there are none, or one lacks a file. */
export function wantedListeners(configuration: HubConfiguration): Wanted[] {
	const listeners =
		configuration.listeners?.map((listener) => ({ listener, optional: false })) ?? described(configuration);
	for (const { listener } of listeners) for (const name of ["mqtts", "wss", "https"] as const) checkTls(listener, name);
	if (listeners.length > 0) return listeners;
	throw new HearthError(
		"HEARTH_ERR_OPTION",
		"hub: there is no listener; take one of --no-mqtt, --no-ws and --no-http away",
	);
}

function checkTls(listener: ConfiguredListener, name: "mqtts" | "wss" | "https"): void {
	const options = listener[name];
	if (options === undefined) return;
	const lacks = (what: string, remedy: string) =>
		new HearthError("HEARTH_ERR_OPTION", `hub: ${name}: ${what}; ${remedy}`);
	if (options.cert === undefined || options.key === undefined)
		throw lacks("needs a certificate and its key", "give --cert and --key, hearth cert makes them");
	const certified = "certificateUserName" in options && options.certificateUserName === true;
	if ((certified || options.requireCertificate === true) && options.ca === undefined)
		throw lacks("asks for client certificates, but no authority for them is named", "give --ca");
}

/** The listeners that the options describe in place of `listeners`. */
function described(c: HubConfiguration): Wanted[] {
	const wanted: Wanted[] = [];
	const host = c.host ?? "127.0.0.1";
	const tls = {
		host,
		...pick(c, ["cert", "key", "ca", "requireCertificate", "sni", "certificateUserName"]),
	} as ConfiguredListener["mqtts"] & object;
	const web = { host, ...pick(c, ["paths", "allowedOrigins"]) };
	if (c.mqtt !== false) wanted.push({ listener: { mqtt: { host, port: c.port ?? 1883 } }, optional: false });
	const onlyOther = c.wssPort !== undefined || c.httpsPort !== undefined;
	if (c.tlsPort !== undefined || (!onlyOther && (c.cert !== undefined || c.key !== undefined)))
		wanted.push({ listener: { mqtts: { ...tls, port: c.tlsPort ?? TLS_PORT } }, optional: false });
	if (c.ws !== false) {
		const port = c.wsPort ?? (c.port === 0 ? 0 : WS_PORT);
		wanted.push({ listener: { ws: { ...web, port } }, optional: c.ws === undefined && c.wsPort === undefined });
	}
	if (c.http !== false) {
		const port = c.httpPort ?? (c.port === 0 ? 0 : HTTP_PORT);
		wanted.push({ listener: { http: { host, port } }, optional: c.http === undefined && c.httpPort === undefined });
	}
	if (c.httpsPort !== undefined) {
		const { certificateUserName: _, ...own } = tls;
		wanted.push({ listener: { https: { ...own, port: c.httpsPort } }, optional: false });
	}
	if (c.wssPort !== undefined) wanted.push({ listener: { wss: { ...web, ...tls, port: c.wssPort } }, optional: false });
	return wanted;
}

function pick<T extends object, K extends keyof T>(object: T, keys: readonly K[]): Partial<Pick<T, K>> {
	const picked: Partial<Pick<T, K>> = {};
	for (const key of keys) if (object[key] !== undefined) picked[key] = object[key];
	return picked;
}
