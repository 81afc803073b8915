/** Who may come in, publish, subscribe and receive: the questions that the handlers ask. */
import { Cause } from "../errors.js";
import type { Session } from "./session.js";

/** What an application decides. Absent: everything is allowed, anonymous clients as `allowAnonymous` says. Asked
 *  while a
 *  packet is handled: these answer, and don't call the broker. */
export interface AccessRules {
	/** Clients without a user name may come in. Default: true */
	allowAnonymous?: boolean;
	/** Judges user name and password; `password` is a copy that may be kept.
	 *  @returns Cause.None, Cause.BadUserNameOrPassword, Cause.NotAuthorized or Cause.ClientIdRejected */
	authenticate?(clientId: string, userName: string | undefined, password: Uint8Array | undefined): Cause;
	mayPublish?(clientId: string, topic: string): boolean;
	maySubscribe?(clientId: string, filter: string): boolean;
}

export class Access {
	constructor(private readonly rules: AccessRules) {}

	/** Spec: [MQTT-3.1.4-1] ff., 5.0 [MQTT-3.1.4-2] */
	authenticate(clientId: string, userName: string | undefined, password: Uint8Array | undefined): Cause {
		if (this.rules.authenticate !== undefined) return this.rules.authenticate(clientId, userName, password);
		return this.rules.allowAnonymous === false ? Cause.NotAuthorized : Cause.None;
	}

	/** A Will Message is judged by this at CONNECT. */
	mayPublish(clientId: string, topic: string): boolean {
		return this.rules.mayPublish === undefined || this.rules.mayPublish(clientId, topic);
	}

	maySubscribe(session: Session, filter: string): boolean {
		return this.rules.maySubscribe === undefined || this.rules.maySubscribe(session.clientId, filter);
	}
}
