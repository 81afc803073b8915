/** Rights by topic: rules for users, groups and everyone that allow or deny. Asked by broker/access.ts, which keeps the
 *  answers, so that nothing in here is on a packet's way. */

import type { Client } from "../broker/access.js";
import { frozen } from "../frozen.js";

/** What a rule is about; bits. */
export const enum Right {
	Publish = 1,
	/** the Will Message */
	Will = 2,
	/** asking for a Topic Filter */
	Subscribe = 4,
	/** getting a message, whatever filter it came by */
	Receive = 8,
}

/** Whose rules they are. Where the first of these that says something about a topic decides: the user's own, or an
 *  anonymous client's; those of its groups together; everyone's. Among the rules of one, what is denied is denied. */
export type Section =
	| { readonly of: "user"; readonly name: string }
	| { readonly of: "group"; readonly name: string }
	| { readonly of: "anonymous" }
	| { readonly of: "everyone" };

export interface TopicRule {
	readonly allow: boolean;
	/** Right bits */
	readonly rights: number;
	/** a valid Topic Filter; `%c` stands for the Client Identifier, `%u` for the user name: who has none is not meant */
	readonly filter: string;
	/** How names are put in. "level": never as more than one level, and + and # in them are letters. "pattern", as
	 *  Mosquitto's: one with slashes stands for several levels, and who has + or # in its name has none of the rights
	 *  that everyone has. "none": `%c` and `%u` are letters. Default: "level" */
	readonly names?: "level" | "pattern" | "none";
}

/** In levels, a wildcard: no Topic Name, no Client Identifier and no user name can be one of these. */
const ANY = "\0+";
const REST = "\0#";

interface Rule extends TopicRule {
	readonly levels: readonly string[];
	/** a name, and the user's, stands in it */
	readonly named: boolean;
	readonly namesUser: boolean;
}

/** A list that says nothing. */
const NONE: readonly Rule[] = frozen([]);

/** Who asks for what; and the levels of the topic or filter. */
interface Question {
	readonly client: Client;
	readonly right: Right;
	readonly levels: readonly string[];
}

/** What a list of rules says. */
const enum Verdict {
	Nothing,
	Allowed,
	Denied,
}

export class TopicRights {
	private readonly users = new Map<string, Rule[]>();
	private readonly groups = new Map<string, Rule[]>();
	/** by user: the groups */
	private readonly memberships = new Map<string, string[]>();
	private readonly anonymous: Rule[] = [];
	private readonly everyone: Rule[] = [];
	/** some rule is Mosquitto's `pattern` */
	private hasPatterns = false;

	/** Adds a rule; in a section their order means nothing. */
	add(section: Section, rule: TopicRule): void {
		if (rule.names === "pattern") this.hasPatterns = true;
		const { filter } = rule;
		const named = rule.names !== "none" && /%[cu]/.test(filter);
		const namesUser = named && filter.includes("%u");
		this.rulesOf(section).push({ ...rule, levels: levelsOf(filter), named, namesUser });
	}

	private rulesOf(section: Section): Rule[] {
		if (section.of === "anonymous") return this.anonymous;
		if (section.of === "everyone") return this.everyone;
		const lists = section.of === "user" ? this.users : this.groups;
		let rules = lists.get(section.name);
		if (rules === undefined) lists.set(section.name, (rules = []));
		return rules;
	}

	/** Makes a user a member of a group. */
	join(group: string, userName: string): void {
		const groups = this.memberships.get(userName);
		if (groups === undefined) this.memberships.set(userName, [group]);
		else groups.push(group);
	}

	authorizePublish(client: Client, topic: string): boolean {
		return this.judge({ client, right: Right.Publish, levels: topic.split("/") });
	}

	authorizeWill(client: Client, topic: string): boolean {
		return this.judge({ client, right: Right.Will, levels: topic.split("/") });
	}

	/** Refused is a filter that could bring nothing: no rule allows a topic that it matches, or one denies all of them.
	 *  Of the others each message is judged when it comes. */
	authorizeSubscribe(client: Client, filter: string): boolean {
		return this.judge({ client, right: Right.Subscribe, levels: levelsOf(filter) });
	}

	authorizeReceive(client: Client, topic: string): boolean {
		return this.judge({ client, right: Right.Receive, levels: topic.split("/") });
	}

	private judge(question: Question): boolean {
		const { clientId, userName } = question.client;
		const own = userName === undefined ? this.anonymous : (this.users.get(userName) ?? NONE);
		let verdict = judgeBy(own, question);
		if (verdict === Verdict.Nothing && userName !== undefined) verdict = this.judgeByGroups(userName, question);
		if (verdict === Verdict.Nothing) {
			if (this.hasPatterns && (hasWildcardLetter(clientId) || hasWildcardLetter(userName ?? ""))) return false;
			verdict = judgeBy(this.everyone, question);
		}
		return verdict === Verdict.Allowed;
	}

	private judgeByGroups(userName: string, question: Question): Verdict {
		let verdict = Verdict.Nothing;
		for (const group of this.memberships.get(userName) ?? []) {
			const one = judgeBy(this.groups.get(group) ?? NONE, question);
			if (one === Verdict.Denied) return one;
			if (one === Verdict.Allowed) verdict = one;
		}
		return verdict;
	}
}

function judgeBy(rules: readonly Rule[], question: Question): Verdict {
	const { client, right, levels } = question;
	let verdict = Verdict.Nothing;
	for (let i = 0; i < rules.length; i++) {
		const rule = rules[i]!;
		if ((rule.rights & right) === 0) continue;
		if (rule.namesUser && client.userName === undefined) continue;
		const wanted = rule.names === "pattern" ? levelsOf(putNames(rule.filter, client)) : rule.levels;
		const names = rule.named && rule.names !== "pattern" ? client : undefined;
		// nobody may call itself $SYS
		if (names !== undefined && levels[0]!.startsWith("$") && !rule.filter.startsWith("$")) continue;
		// a filter is denied when all of it is, and allowed when some of it is
		const some = rule.allow && right === Right.Subscribe;
		if (!(some ? overlap(wanted, levels, names) : covers(wanted, levels, names))) continue;
		if (!rule.allow) return Verdict.Denied;
		verdict = Verdict.Allowed;
	}
	return verdict;
}

/** @returns the levels of a Topic Filter, its wildcards told from letters */
function levelsOf(filter: string): readonly string[] {
	return filter.split("/").map((level) => (level === "+" ? ANY : level === "#" ? REST : level));
}

/** @returns a filter, or one of its levels, with a client's names in it */
function putNames(text: string, { clientId, userName }: Client): string {
	return text.replace(/%[cu]/g, (which) => (which === "%c" ? clientId : (userName ?? which)));
}

/** @returns whether all that `given` is, a topic or a filter, is matched by the filter `wanted`. A wildcard at the
 *  beginning leaves out what begins with $ [MQTT-4.7.2-1]
 *  @param names whose names stand in `wanted`; undefined: none do */
function covers(wanted: readonly string[], given: readonly string[], names: Client | undefined): boolean {
	for (let i = 0; i < wanted.length; i++) {
		const level = names === undefined ? wanted[i]! : putNames(wanted[i]!, names);
		if (i === 0 && given[0]!.startsWith("$") && level !== given[0]) return false;
		if (level === REST) return true;
		if (i === given.length || given[i] === REST) return false;
		if (level !== ANY && level !== given[i]) return false;
	}
	return wanted.length === given.length;
}

/** @returns whether there is a topic that both filters match. @param names whose names stand in `wanted` */
function overlap(wanted: readonly string[], other: readonly string[], names: Client | undefined): boolean {
	for (let i = 0; ; i++) {
		const a = names === undefined || i >= wanted.length ? wanted[i] : putNames(wanted[i]!, names);
		const b = other[i];
		if (i === 0 && (a!.startsWith("$") || b!.startsWith("$")) && a !== b) return false;
		if (a === REST || b === REST) return true;
		if (a === undefined || b === undefined) return a === b;
		if (a !== ANY && b !== ANY && a !== b) return false;
	}
}

function hasWildcardLetter(name: string): boolean {
	return name.includes("+") || name.includes("#");
}
