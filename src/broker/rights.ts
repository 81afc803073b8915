/** What was found out of clients' rights, and where it is kept: with the routes, so that the packet path asks a
 *  rule once
 *  for a topic. Between the handlers and access.ts. */
import { Cause } from "../errors.js";
import type { Access } from "./access.js";
import type { Broker } from "./broker.js";
import { certifiedName } from "./handle-connect.js";
import { loseSubscriptions } from "./handle-subscribe.js";
import type { ReceiveRights } from "./route-cache.js";
import type { Session } from "./session.js";

export class Rights implements ReceiveRights {
	/** the rules of some listener speak of publishing, of receiving: where none do, nothing is asked for a message */
	judgesPublish = false;
	judgesReceive = false;
	/** by session: the rules of the listener that its client came in at last */
	private readonly access: Access[];
	/** pairs of a session's stamp and the number of a topic (RouteCache.serial) that it may publish to; what comes to a
	 *  place replaces what was there. Made when there are rules */
	private others: Uint32Array;
	private era = 0;

	constructor(
		private readonly broker: Broker,
		sessions: number,
	) {
		this.others = new Uint32Array(0);
		this.access = [];
		for (let i = 0; i < sessions; i++) this.access.push(broker.access);
	}

	/** A listener has these rules; at start. */
	add(access: Access): void {
		if (access.rules.authorizePublish !== undefined && !this.judgesPublish) {
			this.judgesPublish = true;
			this.others = new Uint32Array(2 << Math.ceil(Math.log2(this.broker.limits.routes)));
		}
		if (access.rules.authorizeReceive !== undefined) this.judgesReceive = true;
	}

	/** Who a session's client is, and whose rules hold; what was found out before is not known any more. */
	identify(session: Session, userName: string | undefined, access: Access): void {
		const changed = session.userName !== userName || this.access[session.index] !== access;
		session.userName = userName;
		this.access[session.index] = access;
		this.forget(session.index);
		if (changed && this.judgesReceive) this.broker.routes.forgetAll();
	}

	private forget(session: number): void {
		if (this.broker.sessions.restamp(session)) return;
		this.broker.routes.allowed.fill(0);
		this.others.fill(0);
	}

	/** @returns whether a session is known to have the right to publish to a route's topic; false: it has to be asked */
	knows(session: Session, route: number): boolean {
		const routes = this.broker.routes;
		const stamp = this.broker.sessions.stamps[session.index]!;
		if (routes.allowed[route] === stamp) return true;
		const serial = routes.serial[route]!;
		const at = this.placeOf(stamp, serial);
		if (this.others[at] !== stamp || this.others[at + 1] !== serial || this.era !== routes.serialEra) return false;
		routes.allowed[route] = stamp;
		return true;
	}

	/** An answer is kept with the route, for the one client that publishes to most topics; and in a table, for topics of
	 *  several clients. @param route 0: the topic has none yet */
	mayPublish(session: Session, route: number, topic: string): boolean {
		if (route !== 0 && this.knows(session, route)) return true;
		if (!this.access[session.index]!.mayPublish(session, topic)) return false;
		if (route !== 0) this.keep(session, route);
		return true;
	}

	/** A session has the right to publish to a route's topic. */
	keep(session: Session, route: number): void {
		const routes = this.broker.routes;
		const stamp = this.broker.sessions.stamps[session.index]!;
		const serial = routes.serial[route]!;
		routes.allowed[route] = stamp;
		if (serial === 0) return;
		if (this.era !== routes.serialEra) this.others.fill(0); // the numbers began anew
		this.era = routes.serialEra;
		const at = this.placeOf(stamp, serial);
		this.others[at] = stamp;
		this.others[at + 1] = serial;
	}

	/** @returns the one place of a stamp and a topic's number in `others` */
	private placeOf(stamp: number, serial: number): number {
		return ((stamp * 7 + serial) & (this.others.length / 2 - 1)) * 2;
	}

	/** Asked when a route is built, and for what goes to one receiver. The program itself may receive all. */
	mayReceive(session: number, topic: string): boolean {
		const client = this.broker.sessions.at(session);
		return client.handler !== undefined || this.access[session]!.mayReceive(client, topic);
	}

	/** The program itself may subscribe to all. */
	maySubscribe(session: Session, filter: string): boolean {
		return session.handler !== undefined || this.access[session.index]!.maySubscribe(session, filter);
	}

	/** The rules answer differently from now on: who may not stay is ended at the end of the turn, and who may not
	 *  subscribe any more loses the subscription. @returns how many subscriptions were lost */
	changed(): number {
		const broker = this.broker;
		let lost = 0;
		for (let i = 0; i < broker.sessions.max; i++) {
			const session = broker.sessions.at(i);
			if (session.clientId === "" || session.handler !== undefined) continue;
			this.forget(i);
			const connection = session.connection;
			if (connection !== undefined && certifiedName(connection) === undefined && !this.access[i]!.mayStay(session))
				broker.closeLater(connection, Cause.NotAuthorized);
			lost += loseSubscriptions(broker, session);
		}
		broker.routes.forgetAll();
		return lost;
	}
}
