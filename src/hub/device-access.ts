/** The hub's rules around those of others: its devices come in with secrets of their own and do what they may, the
 *  hub's own topics are for admins, and all others are judged as they would be without devices. Before registry.ts and
 *  device-rights.ts, for broker/access.ts */
import type { AccessRules, Answer, Client } from "../broker/access.js";
import { Cause } from "../errors.js";
import type { DeviceHub } from "./device-hub.js";
import { ADMIN_ROOT } from "./device-rights.js";

/** A class, because on a device an object with functions of its own takes ten times the memory. */
export class DeviceAccess implements AccessRules {
	declare allowAnonymous?: boolean;
	declare refusedPublish?: "acknowledge" | "close";
	declare authorizeWill?: (client: Client, topic: string) => boolean;
	declare authorizeReceive?: (client: Client, topic: string) => boolean;
	declare mayStay?: (client: Client) => boolean;

	/** @param rules for all who are no devices. What those don't judge is not asked: devices need to hear nothing */
	constructor(
		private readonly hub: DeviceHub,
		private readonly rules: AccessRules,
	) {
		if (rules.allowAnonymous !== undefined) this.allowAnonymous = rules.allowAnonymous;
		if (rules.refusedPublish !== undefined) this.refusedPublish = rules.refusedPublish;
		if (rules.authorizeWill !== undefined)
			this.authorizeWill = (client, topic) => this.may("publish", client, topic) ?? rules.authorizeWill!(client, topic);
		if (rules.authorizeReceive !== undefined)
			this.authorizeReceive = (client, topic) =>
				this.may("subscribe", client, topic) ?? rules.authorizeReceive!(client, topic);
		if (rules.mayStay !== undefined)
			this.mayStay = (client) =>
				(client.userName !== undefined && hub.devices.has(client.userName)) || rules.mayStay!(client);
	}

	authorizePublish(client: Client, topic: string): boolean {
		return this.may("publish", client, topic) ?? this.rules.authorizePublish?.(client, topic) ?? true;
	}

	authorizeSubscribe(client: Client, filter: string): boolean {
		return this.may("subscribe", client, filter) ?? this.rules.authorizeSubscribe?.(client, filter) ?? true;
	}

	/** @param wanted a Topic Name or Filter @returns undefined: that is for the others' rules to say */
	private may(what: "publish" | "subscribe", client: Client, wanted: string): boolean | undefined {
		const { hub } = this;
		if (wanted.startsWith(ADMIN_ROOT)) return hub.isAdmin(client);
		return what === "publish" ? hub.rights.mayPublish(client, wanted) : hub.rights.maySubscribe(client, wanted);
	}

	/** Devices with a password are judged here, those with keys by SCRAM-SHA-256 alone, all others by the rules. */
	authenticate(
		client: Client,
		password: Uint8Array | undefined,
		address: string,
		answer: Answer,
		allowAnonymous: boolean,
	): Cause | undefined {
		const { hub, rules } = this;
		const { userName } = client;
		if (userName !== undefined && hub.devices.has(userName)) {
			const right = password !== undefined && hub.devices.isPassword(userName, password) === true;
			return right ? Cause.None : Cause.BadUserNameOrPassword;
		}
		const judge = (cause: Cause): Cause => {
			if (cause !== Cause.None && userName !== undefined && password !== undefined)
				hub.knock(client.clientId, userName, password, address);
			return cause;
		};
		const judged =
			rules.authenticate === undefined
				? this.judgeUnknown(client, allowAnonymous)
				: rules.authenticate(client, password, address, (cause) => answer(judge(cause)), allowAnonymous);
		return judged === undefined ? undefined : judge(judged);
	}

	/** Without other rules, a name that nobody knows is as good as none, but nobody gets an admin's for the asking. */
	private judgeUnknown(client: Client, allowAnonymous: boolean): Cause {
		const { userName } = client;
		if (userName === undefined) return allowAnonymous ? Cause.None : Cause.NotAuthorized;
		return allowAnonymous && !this.hub.isAdmin(client) ? Cause.None : Cause.BadUserNameOrPassword;
	}
}
