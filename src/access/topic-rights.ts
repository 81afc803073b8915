/** Rights by topic: rules for users, groups and everyone that allow or deny. Asked by broker/access.ts, which keeps the
 *  answers, so that nothing in here is on a packet's way. */
import type { Client } from "../broker/access.js";

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
}

/** A list that says nothing. */
const NONE: readonly Rule[] = [];

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
		this.rulesOf(section).push({ ...rule, levels: levelsOf(rule.filter) });
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
	for (const rule of rules) {
		if ((rule.rights & right) === 0) continue;
		const wanted = namesIn(rule, client);
		if (wanted === undefined) continue;
		// a filter is denied when all of it is, and allowed when some of it is
		const applies = rule.allow && right === Right.Subscribe ? overlap(wanted, levels) : covers(wanted, levels);
		if (!applies) continue;
		if (!rule.allow) return Verdict.Denied;
		verdict = Verdict.Allowed;
	}
	return verdict;
}

/** @returns the levels of a Topic Filter, its wildcards told from letters */
function levelsOf(filter: string): readonly string[] {
	return filter.split("/").map((level) => (level === "+" ? ANY : level === "#" ? REST : level));
}

/** @returns the rule's levels for a client; undefined: it does not apply to it */
function namesIn(rule: Rule, client: Client): readonly string[] | undefined {
	if (rule.names === "none" || !rule.filter.includes("%")) return rule.levels;
	const { clientId, userName } = client;
	if (userName === undefined && rule.filter.includes("%u")) return undefined;
	const put = (text: string) => text.replace(/%[cu]/g, (which) => (which === "%c" ? clientId : (userName ?? which)));
	return rule.names === "pattern" ? levelsOf(put(rule.filter)) : rule.levels.map(put);
}

/** @returns whether all that `given` is, a topic or a filter, is matched by the filter `wanted`. A wildcard at the
 *  beginning leaves out what begins with $ [MQTT-4.7.2-1] */
function covers(wanted: readonly string[], given: readonly string[]): boolean {
	if (given[0]!.startsWith("$") && wanted[0] !== given[0]) return false;
	for (let i = 0; i < wanted.length; i++) {
		const level = wanted[i]!;
		if (level === REST) return true;
		if (i === given.length || given[i] === REST) return false;
		if (level !== ANY && level !== given[i]) return false;
	}
	return wanted.length === given.length;
}

/** @returns whether there is a topic that both filters match */
function overlap(one: readonly string[], other: readonly string[]): boolean {
	const special = one[0]!.startsWith("$") || other[0]!.startsWith("$");
	if (special && one[0] !== other[0]) return false;
	for (let i = 0; ; i++) {
		const a = one[i];
		const b = other[i];
		if (a === REST || b === REST) return true;
		if (a === undefined || b === undefined) return a === b;
		if (a !== ANY && b !== ANY && a !== b) return false;
	}
}

function hasWildcardLetter(name: string): boolean {
	return name.includes("+") || name.includes("#");
}
