/** A listener: where clients come in, with access rules and limits of its own. Several may lead into one broker, and so
 *  into one topic space. Between the platform's accepting and connection.ts. */
import { PacketType } from "../codec/packet-types.js";
import { HearthError } from "../errors.js";
import type { Limits } from "../limits.js";
import { Access, type AccessRules } from "./access.js";
import type { Broker } from "./broker.js";
import { type Connection, ConnectionState } from "./connection.js";
import { type Controller, callsOf } from "./controller.js";

/** What a listener allows less of than the broker does. Absent: the broker's own limit. */
export interface ListenerLimits {
	/** clients at once, 1 to limits.connections */
	connections?: number;
	/** the largest packet that is taken, 128 to limits.packetBytes. Spec: 5.0, 3.2.2.3.6 */
	packetBytes?: number;
	/** the highest QoS to publish with, and that a subscription gets. Spec: 5.0, 3.2.2.3.4 */
	qosMax?: 0 | 1 | 2;
	/** the longest Keep Alive of a 5.0 client, seconds. Spec: 5.0, 3.2.2.3.14 */
	keepAliveMaxSeconds?: number;
	/** the longest that a session outlives its connection, seconds */
	sessionExpirySeconds?: number;
}

export interface ListenerOptions {
	/** what log lines call it. Default: "" */
	name?: string;
	/** who may come in here, and do what. Default: the broker's */
	access?: AccessRules;
	/** in place of the rules' own `allowAnonymous` */
	allowAnonymous?: boolean;
	limits?: ListenerLimits;
	/** answers control packets. Default: none, and the broker does what the specification says */
	controller?: Controller;
	/** false: only the controller answers. Nobody subscribes to anything, and no message goes to anybody, but by what the
	 *  controller does itself. Default: true */
	routing?: boolean;
	/** the Common Name of a client certificate that an authority vouches for is the user name, and is not judged again;
	 *  who comes without one is judged by user name and password. Default: false */
	certificateUserName?: boolean;
}

export class Listener {
	readonly name: string;
	readonly access: Access;
	readonly limits: Readonly<Required<ListenerLimits>>;
	readonly certificateUserName: boolean;
	readonly controller: Controller | undefined;
	readonly routing: boolean;
	/** a bit for each packet that the controller is asked about: 1 << PacketType */
	readonly calls: number;
	/** open connections, and those of clients with a CONNACK of success */
	openCount = 0;
	connectedCount = 0;

	/** See `Broker.addListener`. */
	constructor(
		readonly broker: Broker,
		options: ListenerOptions,
	) {
		this.name = options.name ?? "";
		const { access, allowAnonymous } = options;
		this.access =
			access === undefined && allowAnonymous === undefined
				? broker.access
				: new Access(access ?? broker.access.rules, allowAnonymous);
		this.limits = limitsOf(broker.limits, options.limits, this.name);
		this.certificateUserName = options.certificateUserName ?? false;
		this.controller = options.controller;
		this.routing = options.routing ?? true;
		this.calls = callsOf(options.controller);
	}

	/** @returns whether the controller, or nobody, has to see packets that could go a short way (connection.ts, Way) */
	get seesAll(): boolean {
		const qos2 = (1 << PacketType.Pubrec) | (1 << PacketType.Pubrel) | (1 << PacketType.Pubcomp);
		const short = (1 << PacketType.Publish) | (1 << PacketType.Puback) | (1 << PacketType.Pingreq) | qos2;
		return !this.routing || (this.calls & short) !== 0;
	}

	/** @returns whether its connections are other ones than the packet path's: ControlledConnection */
	get isControlled(): boolean {
		return this.calls !== 0 || !this.routing;
	}

	/** @returns whether no connection more may be opened: the places of its clients are taken, and those that only tell a
	 *  client so */
	get isFull(): boolean {
		return this.openCount >= this.limits.connections + this.broker.limits.spareConnections;
	}
}

/** Throws HearthError for a limit that is beyond the broker's own. */
function limitsOf(broker: Limits, limits: ListenerLimits | undefined, name: string): Limits | Required<ListenerLimits> {
	if (limits === undefined) return broker;
	const l = {
		connections: limits.connections ?? broker.connections,
		packetBytes: limits.packetBytes ?? broker.packetBytes,
		qosMax: limits.qosMax ?? broker.qosMax,
		keepAliveMaxSeconds: limits.keepAliveMaxSeconds ?? broker.keepAliveMaxSeconds,
		sessionExpirySeconds: limits.sessionExpirySeconds ?? broker.sessionExpirySeconds,
	};
	check(l.connections, 1, broker.connections, "connections", name);
	check(l.packetBytes, 128, broker.packetBytes, "packetBytes", name);
	check(l.qosMax, 0, broker.qosMax, "qosMax", name);
	const keepAlive = broker.keepAliveMaxSeconds; // 0: any, or none
	check(l.keepAliveMaxSeconds, Math.min(keepAlive, 1), keepAlive || 65_535, "keepAliveMaxSeconds", name);
	check(l.sessionExpirySeconds, 0, broker.sessionExpirySeconds, "sessionExpirySeconds", name);
	return l;
}

function check(value: number, min: number, max: number, limit: string, name: string): void {
	if (Number.isInteger(value) && value >= min && value <= max) return;
	const where = name === "" ? "listener" : `listener ${name}`;
	throw new HearthError("HEARTH_ERR_LIMITS_RELATION", `${where}: limits.${limit}: ${value}: give ${min} to ${max}`);
}

/** Makes room where silent strangers hold all places: who has waited longest with its CONNECT goes.
 *  @param listener whose places they are; undefined: the broker's
 *  @returns who goes; undefined: nobody waits with it */
export function oldestStranger(broker: Broker, listener: Listener | undefined): Connection | undefined {
	let oldest: Connection | undefined;
	for (let i = 0; i < broker.connections.length; i++) {
		const connection = broker.connections[i]!;
		if (connection.state !== ConnectionState.Opened) continue;
		if (listener !== undefined && connection.listener !== listener) continue;
		if (oldest === undefined || broker.deadlines.get(i) < broker.deadlines.get(oldest.index)) oldest = connection;
	}
	return oldest;
}
