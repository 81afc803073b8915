/** A password file and a rights file as a broker's access rules, and how they are read again. */

import type { TopicRights } from "../../src/access/topic-rights.js";
import type { AccessRules, Answer, Client } from "../../src/broker/access.js";
import { Cause } from "../../src/errors.js";
import { loadAclFile } from "./acl-file.js";
import { PasswordFile } from "./password-file.js";

/** Files that say who may come in and do what. */
export interface UserFileOptions {
	/** users and passwords; hearth passwd writes it, and Mosquitto's is read as it is */
	passwordFile?: string;
	/** rights; Mosquitto's is read as it is */
	aclFile?: string;
	/** see AccessRules.refusedPublish */
	refusedPublish?: NonNullable<AccessRules["refusedPublish"]>;
}

export class UserFiles {
	private passwords: PasswordFile | undefined;
	private rights: TopicRights | undefined;

	/** Reads the files. Throws HearthError when one cannot be used. @param log takes error lines */
	constructor(
		private readonly options: UserFileOptions,
		private readonly log: (line: string) => void,
	) {
		this.read();
	}

	private read(): void {
		const { passwordFile, aclFile } = this.options;
		const passwords = passwordFile === undefined ? undefined : PasswordFile.load(passwordFile);
		const rights = aclFile === undefined ? undefined : loadAclFile(aclFile);
		this.passwords = passwords;
		this.rights = rights;
	}

	/** Reads the files again; the caller tells the brokers (`Broker.accessChanged`). What cannot be used is one error
	 *  line, and all stays as it was. @returns whether the new ones are in use */
	reload(): boolean {
		try {
			this.read();
			return true;
		} catch (error) {
			this.log(`${error instanceof Error ? error.message : error}; users and rights of before stay`);
			return false;
		}
	}

	/** @returns rules that follow `reload` */
	rules(): AccessRules {
		const rules: AccessRules = { refusedPublish: this.options.refusedPublish ?? "acknowledge" };
		if (this.options.passwordFile !== undefined) {
			rules.authenticate = (client, password, address, answer, allowAnonymous) =>
				this.authenticate(client, password, address, answer, allowAnonymous);
			rules.mayStay = ({ userName }) => userName === undefined || this.passwords!.has(userName);
		}
		if (this.options.aclFile !== undefined) {
			rules.authorizePublish = (client, topic) => this.rights!.authorizePublish(client, topic);
			rules.authorizeWill = (client, topic) => this.rights!.authorizeWill(client, topic);
			rules.authorizeSubscribe = (client, filter) => this.rights!.authorizeSubscribe(client, filter);
			rules.authorizeReceive = (client, topic) => this.rights!.authorizeReceive(client, topic);
		}
		return rules;
	}

	/** A password's hash takes some 80 ms, on another thread. */
	private authenticate(
		client: Client,
		password: Uint8Array | undefined,
		address: string,
		answer: Answer,
		allowAnonymous: boolean,
	): Cause | undefined {
		const { userName } = client;
		if (userName === undefined) return allowAnonymous ? Cause.None : Cause.NotAuthorized;
		const passwords = this.passwords!;
		passwords
			.verify(userName, password ?? new Uint8Array(0))
			.then((right) => {
				// read again meanwhile: who has gone or has another password must not come in with the old one
				if (passwords !== this.passwords) this.authenticate(client, password, address, answer, allowAnonymous);
				else answer(right ? Cause.None : Cause.BadUserNameOrPassword);
			})
			.catch((error) => {
				this.log(`${address}: the password cannot be judged: ${error}`);
				answer(Cause.NotAuthorized);
			});
		return undefined;
	}
}
