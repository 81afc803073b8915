/** The hub on a PC: a broker, its listeners, and how they begin and end. */
import type { AddressInfo, Server } from "node:net";
import type { AuthenticationMethod } from "../src/auth/authentication-method.js";
import type { BrokerEvents } from "../src/broker/broker.js";
import { Broker } from "../src/broker/broker.js";
import { HearthError } from "../src/errors.js";
import type { Limits } from "../src/limits.js";
import type { Platform } from "../src/platform.js";
import { type NodePlatform, nodePlatform } from "./platform.js";
import { listenTcp } from "./tcp.js";

export interface HubOptions {
	limits: Limits;
	/** clients without a user name may come in */
	allowAnonymous: boolean;
	/** methods of Enhanced Authentication for this platform */
	authentication?: (platform: Platform) => readonly AuthenticationMethod[];
	/** see BrokerOptions.strict */
	strict?: boolean;
	/** -1 nothing, 0 errors, 1 events, 2 details */
	logLevel: number;
	log: (level: number, line: string) => void;
	events?: BrokerEvents;
}

export class Hub {
	readonly broker: Broker;
	private readonly platform: NodePlatform;
	private readonly servers: Server[] = [];

	constructor(options: HubOptions) {
		this.platform = nodePlatform(options.logLevel < 0 ? undefined : options.log);
		this.broker = new Broker({
			limits: options.limits,
			platform: this.platform,
			access: { allowAnonymous: options.allowAnonymous },
			events: options.events ?? {},
			authentication: options.authentication?.(this.platform) ?? [],
			strict: options.strict ?? false,
			logLevel: options.logLevel,
		});
		this.platform.attach(this.broker);
	}

	/** @param port 0: a free one @returns the listener's address, such as mqtt://127.0.0.1:1883.
	 *  Throws HearthError with the address and the cause when it cannot listen. */
	async listen(host: string, port: number): Promise<string> {
		try {
			const server = await listenTcp(this.broker, host, port);
			this.servers.push(server);
			const address = server.address() as AddressInfo;
			const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
			return `mqtt://${name}:${address.port}`;
		} catch (error) {
			throw new HearthError("HEARTH_ERR_LISTEN", `hub: ${host}:${port}: ${causeOf(error)}`);
		}
	}

	/** Ends all connections without Will Messages, and the listeners. */
	async close(): Promise<void> {
		const closed = this.servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
		this.broker.stop();
		this.platform.detach();
		await Promise.all(closed);
	}
}

function causeOf(error: unknown): string {
	switch ((error as NodeJS.ErrnoException).code) {
		case "EADDRINUSE":
			return "the port is in use; give another with --port, or end who has it";
		case "EADDRNOTAVAIL":
			return "this machine has no such address; give one of its own with --host";
		case "EACCES":
			return "not allowed; give a port above 1023 with --port";
		case "ENOTFOUND":
		case "EAI_AGAIN":
			return "no such host; give an address with --host";
		default:
			return String(error);
	}
}
