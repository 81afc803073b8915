/** What a broker is made with. */
import type { AuthenticationMethod } from "../auth/authentication-method.js";
import type { Limits } from "../limits.js";
import type { Platform } from "../platform.js";
import type { AccessRules } from "./access.js";
import type { Controller } from "./controller.js";
import type { BrokerEvents } from "./events.js";
import type { ListenerOptions } from "./listener.js";
import type { PersistOptions } from "./persist.js";

export interface BrokerOptions {
	limits: Limits;
	platform: Platform;
	/** who may come in, and do what, at a listener that has no rules of its own */
	access?: AccessRules;
	/** answers the control packets of clients whose transports name no listener. Default: none */
	controller?: Controller;
	/** see ListenerOptions; for the same clients. Default: true */
	routing?: boolean;
	/** methods of Enhanced Authentication that clients may choose from. Default: none */
	authentication?: readonly AuthenticationMethod[];
	/** where a client may let others answer to, when it asks: a Topic Name's beginning, with its Client Identifier for
	 *  "%c"; at most 64 bytes, "": it is told nothing. Default: "response/%c". Spec: 5.0, 3.2.2.3.15 */
	responseInformation?: string;
	events?: BrokerEvents;
	/** what some devices do wrong is refused where the specification says so: docs/tolerance.md. Default: false */
	strict?: boolean;
	/** false: every packet goes the long way; for tests, and to find a fault (forward.ts). Default: true */
	shortWays?: boolean;
	/** where what outlives a restart is kept; taken up at once: throws HearthError when it can't be. Default: none */
	storage?: PersistOptions;
	/** seconds between the values under $SYS/broker (sys-topics.ts). Default: 0, nothing is told */
	sysInterval?: number;
	/** log lines up to this level: 0 errors, 1 events, 2 details; default 1 */
	logLevel?: number;
}

/** @returns what the listener of transports that name none has of its own */
export function ownListener(options: BrokerOptions): ListenerOptions {
	const listener: ListenerOptions = { routing: options.routing ?? true };
	if (options.controller !== undefined) listener.controller = options.controller;
	return listener;
}
