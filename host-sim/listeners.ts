/** The listeners of a hub: what each speaks, its options, and how it begins. */
import { isIP, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import type { Broker } from "../src/broker/broker.js";
import type { Listener, ListenerOptions } from "../src/broker/listener.js";
import { HearthError } from "../src/errors.js";
import { isLoopback } from "./loopback.js";
import { listenTcp } from "./tcp.js";
import { listenTls, type TlsControl, type TlsOptions } from "./tls.js";
import type { PageServer } from "./web/page-server.js";
import { listenWebSocket, type WebSocketOptions } from "./websocket.js";

export interface HubListenerOptions extends ListenerOptions {
	/** address to listen on. Default: 127.0.0.1 */
	host?: string;
	/** 0: a free one. Default: 1883 for mqtt, 8883 for mqtts, 9001 for ws, 9443 for wss, 8080 for http, 8443 for https */
	port?: number;
	/** the topic space that it leads into: those with the same name share one. Default: "", the hub's own */
	space?: string;
}

/** A listener: MQTT over TCP, over TLS, over WebSocket, or over WebSocket and TLS; or the page, with a WebSocket of its
 *  own at the same address. */
export type HubListener =
	| { mqtt: HubListenerOptions }
	| { mqtts: HubListenerOptions & TlsOptions }
	| { ws: HubListenerOptions & Omit<WebSocketOptions, "tls"> }
	| { wss: HubListenerOptions & Omit<WebSocketOptions, "tls"> & TlsOptions }
	| { http: HubListenerOptions }
	| { https: HubListenerOptions & TlsOptions };

export type Protocol = "mqtt" | "mqtts" | "ws" | "wss" | "http" | "https";

const PORTS: Readonly<Record<Protocol, number>> = {
	mqtt: 1883,
	mqtts: 8883,
	ws: 9001,
	wss: 9443,
	http: 8080,
	https: 8443,
};

/** Which of the four a listener is, and its options. Throws HearthError for anything else. */
export function protocolOf(listener: HubListener): { protocol: Protocol; options: HubListenerOptions } {
	const [found, more] = Object.entries(listener);
	if (found === undefined || more !== undefined || !Object.hasOwn(PORTS, found[0]))
		throw new HearthError(
			"HEARTH_ERR_OPTION",
			`hub: a listener is ${JSON.stringify(Object.keys(listener))}; give each one of ${Object.keys(PORTS).join(", ")}`,
		);
	return { protocol: found[0] as Protocol, options: found[1] };
}

/** @returns host and port of a listener, as they were given or by default */
export function endpointOf(protocol: Protocol, options: HubListenerOptions): { host: string; port: number } {
	return { host: options.host ?? "127.0.0.1", port: options.port ?? PORTS[protocol] };
}

/** Begins to listen. @returns the server, listening.
 *  Rejects with HearthError, which has the address and the cause, when it cannot. */
export async function startListener(
	broker: Broker,
	protocol: Protocol,
	options: HubListenerOptions,
	listener: Listener,
	page?: PageServer,
): Promise<Server & Partial<TlsControl>> {
	const { host, port } = endpointOf(protocol, options);
	try {
		switch (protocol) {
			case "mqtt":
				return await listenTcp(broker, host, port, listener);
			case "mqtts":
				return await listenTls(broker, host, port, options as TlsOptions, listener);
			case "ws":
				return await listenWebSocket(broker, host, port, options as WebSocketOptions, listener);
			case "wss":
				return await listenWebSocket(broker, host, port, { ...options, tls: options as TlsOptions }, listener);
			case "http":
				return await listenWebSocket(broker, host, port, webSocketOfPage(page), listener);
			default: {
				const secure = { ...webSocketOfPage(page), tls: options as TlsOptions };
				return await listenWebSocket(broker, host, port, secure, listener);
			}
		}
	} catch (error) {
		if (error instanceof HearthError) throw error;
		throw new HearthError("HEARTH_ERR_LISTEN", `hub: ${protocol}://${name(host)}:${port}: ${causeOf(error)}`);
	}
}

/** Throws HearthError where the hub has no page. */
function webSocketOfPage(page: PageServer | undefined): WebSocketOptions {
	if (page === undefined)
		throw new HearthError("HEARTH_ERR_OPTION", "hub: http: there is no page without devices; give the hub `devices`");
	const { serve, identify, mayUpgrade } = page;
	return { serve, identify, mayUpgrade, paths: ["/mqtt"] };
}

/** @returns an address as it stands in a URL */
export function name(host: string): string {
	return isIP(host) === 6 ? `[${host}]` : host;
}

/** @param address what a listener listens on @param asked the name that somebody used for this machine
 *  @returns where others reach it */
export function reachableHost(address: string, asked: string): string {
	if (address !== "0.0.0.0" && address !== "::") return address;
	if (!isLoopback(asked)) return asked;
	for (const addresses of Object.values(networkInterfaces()))
		for (const { family, internal, address: own } of addresses ?? []) if (family === "IPv4" && !internal) return own;
	return "127.0.0.1";
}

function causeOf(error: unknown): string {
	switch ((error as NodeJS.ErrnoException).code) {
		case "EADDRINUSE":
			return "the port is in use; give another, or end who has it";
		case "EADDRNOTAVAIL":
			return "this machine has no such address; give one of its own";
		case "EACCES":
			return "not allowed; give a port above 1023";
		case "ENOTFOUND":
		case "EAI_AGAIN":
			return "no such host; give an address";
		default:
			return String(error);
	}
}
