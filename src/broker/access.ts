/** Who may come in, publish, subscribe and receive: the questions that the handlers ask. */
import { Cause } from "../errors.js";

/** Who asks. */
export interface Client {
	readonly clientId: string;
	/** undefined: an anonymous client */
	readonly userName: string | undefined;
}

/** Says what came of a login, once: Cause.None, or why it is refused (see AccessRules.authenticate). */
export type Answer = (cause: Cause) => void;

/** What an application decides. Absent: everything is allowed, anonymous clients as `allowAnonymous` says. Asked while
 *  a packet is handled: these answer, and don't call the broker. */
export interface AccessRules {
	/** Clients without a user name may come in. Default: true */
	allowAnonymous?: boolean;
	/** Judges user name and password, also those of anonymous clients. Not asked where a method of Enhanced
	 *  Authentication has judged.
	 *  @param password a copy that may be kept; undefined: none @param address where the client is
	 *  @param answer for what takes time: return undefined and call it later. The client's packets wait meanwhile;
	 *  others' don't
	 *  @param allowAnonymous whether this listener lets in whom nobody knows
	 *  @returns Cause.None, Cause.BadUserNameOrPassword, Cause.NotAuthorized or Cause.ClientIdRejected */
	authenticate?(
		client: Client,
		password: Uint8Array | undefined,
		address: string,
		answer: Answer,
		allowAnonymous: boolean,
	): Cause | undefined;
	/** A message to the topic. The answer is kept until the client comes in again or `Broker.accessChanged`. */
	authorizePublish?(client: Client, topic: string): boolean;
	/** A Will Message to the topic, at CONNECT. Absent: as authorizePublish says */
	authorizeWill?(client: Client, topic: string): boolean;
	/** A Topic Filter, without `$share/name/` */
	authorizeSubscribe?(client: Client, filter: string): boolean;
	/** A message of the topic for a client whose subscription matches. The answer is kept with the topic's route. */
	authorizeReceive?(client: Client, topic: string): boolean;
	/** Whether a client that is connected may stay; asked at `Broker.accessChanged`, not of those whose certificate is
	 *  their name. Absent: all may */
	mayStay?(client: Client): boolean;
	/** What a client before 5.0 gets when its PUBLISH of QoS 1 or 2 is refused: it is acknowledged and dropped, or the
	 *  connection is closed. Default: "acknowledge" [MQTT-3.3.5-2] */
	refusedPublish?: "acknowledge" | "close";
}

export class Access {
	/** @param allowAnonymous see AccessRules.allowAnonymous */
	constructor(
		readonly rules: AccessRules,
		private readonly allowAnonymous: boolean = rules.allowAnonymous ?? true,
	) {}

	/** Spec: [MQTT-3.1.4-1] ff., 5.0 [MQTT-3.1.4-2] @returns undefined: `answer` is called later */
	authenticate(client: Client, password: Uint8Array | undefined, address: string, answer: Answer): Cause | undefined {
		const rules = this.rules;
		if (rules.authenticate !== undefined)
			return rules.authenticate(client, password, address, answer, this.allowAnonymous);
		return this.allowAnonymous ? Cause.None : Cause.NotAuthorized;
	}

	mayPublish(client: Client, topic: string): boolean {
		const rules = this.rules;
		return rules.authorizePublish === undefined || rules.authorizePublish(client, topic);
	}

	/** Spec: 3.1.2.5 */
	mayWill(client: Client, topic: string): boolean {
		const rules = this.rules;
		return rules.authorizeWill === undefined ? this.mayPublish(client, topic) : rules.authorizeWill(client, topic);
	}

	mayStay(client: Client): boolean {
		const rules = this.rules;
		return rules.mayStay === undefined || rules.mayStay(client);
	}

	maySubscribe(client: Client, filter: string): boolean {
		const rules = this.rules;
		return rules.authorizeSubscribe === undefined || rules.authorizeSubscribe(client, filter);
	}

	mayReceive(client: Client, topic: string): boolean {
		const rules = this.rules;
		return rules.authorizeReceive === undefined || rules.authorizeReceive(client, topic);
	}
}
