/** How others find the hub: its listeners by mDNS (RFC 6762, 6763), and finding hubs so. It finds, it proves nothing:
 *  anybody can announce anything. The hub proves itself when a device pairs and logs in. SECURITY.md */
import { createRequire } from "node:module";
import type { Bonjour, ServiceConfig } from "bonjour-service";
import { hubTexts } from "../src/hub/pairing-keys.js";
import { isLoopback } from "./loopback.js";

/** What is announced of a listener. DNS-SD has no name of its own for MQTT over WebSocket: the TXT record says it. */
const SERVICES: Readonly<Record<string, string>> = {
	mqtt: "mqtt",
	mqtts: "secure-mqtt",
	http: "http",
	https: "https",
};

/** The longest name of a service, bytes. RFC 6763, 4.1.1 */
const NAME_BYTES = 63;

/** What of bonjour-service is used; tests have their own. */
export type Mdns = Pick<Bonjour, "publish" | "unpublishAll" | "destroy" | "find">;

export interface Announced {
	hubId: string;
	/** a pairing window is open */
	pairing: boolean;
	/** the addresses of the hub's listeners, such as mqtt://0.0.0.0:1883 */
	addresses: readonly string[];
}

/** @returns the library; opens sockets for all of this machine's networks */
export function startMdns(complain: (error: Error) => void): Mdns {
	// it is CommonJS with a class for its whole export
	const library = createRequire(import.meta.url)("bonjour-service") as typeof import("bonjour-service");
	return new library.Bonjour({}, complain);
}

/** @returns what to announce: nothing of what only this machine reaches */
export function servicesOf({ hubId, pairing, addresses }: Announced): ServiceConfig[] {
	const listeners = addresses
		.map((address) => new URL(address))
		.filter((url) => !isLoopback(url.hostname.replace(/^\[|\]$/g, "")));
	const webSocket = listeners.find((url) => url.protocol === "ws:");
	const txt = {
		...Object.fromEntries(hubTexts(hubId, pairing)),
		...(webSocket === undefined ? {} : { ws: webSocket.port }),
	};
	const services: ServiceConfig[] = [];
	for (const url of listeners) {
		const type = SERVICES[url.protocol.slice(0, -1)];
		if (type === undefined) continue;
		// each name once in the network: another hub has another identifier
		const name = Buffer.from(`Hearth ${hubId}`).subarray(0, NAME_BYTES).toString();
		services.push({
			name,
			type,
			port: Number(url.port),
			host: `hearth-${hubId.toLowerCase()}.local`,
			txt,
			probe: false,
		});
	}
	return services;
}

/** Announces a hub until it is closed. */
export class Announcement {
	private told = "";

	constructor(private readonly mdns: Mdns) {}

	/** Announces what is new; the same again costs nothing. */
	tell(announced: Announced): void {
		const services = servicesOf(announced);
		const now = JSON.stringify(services);
		if (now === this.told) return;
		this.told = now;
		this.mdns.unpublishAll(() => {
			if (now !== this.told) return; // something newer is on its way
			for (const service of services) this.mdns.publish(service);
		});
	}

	/** Takes everything back. */
	close(): Promise<void> {
		this.told = "closed";
		return new Promise((resolve) => {
			const timer = setTimeout(resolve, 1_000);
			this.mdns.unpublishAll(() =>
				this.mdns.destroy(() => {
					clearTimeout(timer);
					resolve();
				}),
			);
		});
	}
}

/** A hub that was found. */
export interface Found {
	hubId: string;
	/** its addresses, the first one to be tried first */
	addresses: string[];
	port: number;
	secure: boolean;
	pairing: boolean;
	host: string;
}

/** What of a service that was found is used. */
interface FoundService {
	port: number;
	host: string;
	addresses?: string[];
	referer?: { address: string };
	txt?: Record<string, unknown>;
}

/** Looks for hubs. @param found is called for each service of one, as they come @returns what ends the search */
export function findHubs(mdns: Mdns, found: (hub: Found) => void): () => void {
	const browsers = (["mqtt", "secure-mqtt"] as const).map((type) =>
		mdns.find({ type }, (service: FoundService) => {
			const id = service.txt?.["id"];
			if (typeof id !== "string" || id === "") return; // another broker
			// where the answer came from, and then what it says of itself; IPv4 first
			const all = [service.referer?.address, ...(service.addresses ?? [])].filter((a) => a !== undefined);
			const addresses = [...new Set(all)].sort((a, b) => Number(a.includes(":")) - Number(b.includes(":")));
			const { port, host } = service;
			const pairing = service.txt?.["pair"] === "1";
			found({ hubId: id, addresses, port, secure: type === "secure-mqtt", pairing, host });
		}),
	);
	return () => {
		for (const browser of browsers) browser.stop();
	};
}
