/** Rights by topic in a file. Mosquitto's `acl_file` is read as it is; Hearth's own lines may stand in the same one.
 *  docs/rights.md tells what they mean. */
import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { Right, type Section, TopicRights } from "../../src/access/topic-rights.js";
import { checkTopicFilter } from "../../src/codec/topic.js";
import { Cause, HearthError } from "../../src/errors.js";
import { fromEnvironment } from "../environment.js";

const READ = Right.Subscribe | Right.Receive;
const WRITE = Right.Publish | Right.Will;

/** Words of Hearth's lines. */
const RIGHTS: Readonly<Record<string, number>> = {
	publish: Right.Publish,
	will: Right.Will,
	subscribe: Right.Subscribe,
	receive: Right.Receive,
	read: READ,
	write: WRITE,
	all: READ | WRITE,
};

/** Words of Mosquitto's; deny: nothing. */
const ACCESS: Readonly<Record<string, number>> = { read: READ, write: WRITE, readwrite: READ | WRITE, deny: 0 };

/** Reads a file. Throws HearthError HEARTH_ERR_ACL_FILE with one line: the file, the line's number where one is to
 *  blame, what was expected, and the remedy. */
export function loadAclFile(path: string): TopicRights {
	const text = fromEnvironment(path);
	if (text !== undefined) return parseAclFile(text, path);
	let bytes: Buffer;
	try {
		bytes = readFileSync(path);
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		throw unusable(path, `${code === "ENOENT" ? "no such file" : `cannot be read (${code})`}; give another`);
	}
	if (!isUtf8(bytes)) throw unusable(path, "expected UTF-8; save the file as UTF-8");
	return parseAclFile(bytes.toString(), path);
}

function unusable(where: string, what: string): HearthError {
	return new HearthError("HEARTH_ERR_ACL_FILE", `${where}: ${what}`);
}

/** @param text the lines; # begins a comment @param name what errors call the file. Throws as `loadAclFile` does. */
export function parseAclFile(text: string, name: string): TopicRights {
	const reader = new AclReader(name);
	for (const line of text.replace(/^\uFEFF/, "").split("\n")) reader.take(line);
	return reader.rights;
}

class AclReader {
	readonly rights = new TopicRights();
	private line = 0;
	/** Mosquitto's lines before the first user are about anonymous clients; Hearth's own need a section */
	private section: Section | undefined;

	constructor(private readonly name: string) {}

	take(text: string): void {
		this.line++;
		const line = text.trim();
		if (line === "" || line.startsWith("#")) return;
		const space = line.search(/[ \t]/);
		const word = space < 0 ? line : line.slice(0, space);
		const rest = space < 0 ? "" : line.slice(space).trim();
		switch (word) {
			case "user":
				this.section = { of: "user", name: this.given(rest, "user NAME") };
				return;
			case "group":
				this.section = { of: "group", name: this.given(rest, "group NAME") };
				return;
			case "everyone":
			case "anonymous":
				if (rest !== "") throw this.unusable(`expected ${word} alone on its line; begin another`);
				this.section = { of: word };
				return;
			case "member":
				return this.member(this.given(rest, "member USER"));
			case "allow":
			case "deny":
				return this.rule(word === "allow", rest);
			case "topic":
			case "pattern":
				return this.mosquitto(word === "pattern", rest);
		}
		throw this.unusable(
			"expected user, group, member, everyone, anonymous, allow, deny, topic or pattern; begin a comment with #",
		);
	}

	private member(userName: string): void {
		if (this.section?.of !== "group") throw this.unusable("expected a line with group NAME before member; add one");
		this.rights.join(this.section.name, userName);
	}

	/** `allow RIGHT[,RIGHT…] FILTER`, and deny */
	private rule(allow: boolean, rest: string): void {
		const word = allow ? "allow" : "deny";
		if (this.section === undefined)
			throw this.unusable(`expected a line with everyone, anonymous, user or group before ${word}; add one`);
		const [, words = "", filter = ""] = /^(\S+)\s+(.*)$/.exec(rest) ?? [];
		if (filter === "") throw this.unusable(`expected ${word} RIGHTS TOPIC, such as ${word} publish,will room/%u/#`);
		let rights = 0;
		for (const one of words.split(",")) {
			if (!Object.hasOwn(RIGHTS, one))
				throw this.unusable(`expected rights out of ${Object.keys(RIGHTS).join(", ")}; write them with commas between`);
			rights |= RIGHTS[one]!;
		}
		this.rights.add(this.section, { allow, rights, filter: this.filter(filter) });
	}

	/** `topic [ACCESS] FILTER`, and pattern: without a word of access all that stands there is the filter, unless a space
	 *  is in it. Source: mosquitto.conf(5), acl_file */
	private mosquitto(pattern: boolean, rest: string): void {
		const [, word = "", after] =
			/^(\S+)(?:\s+(.*))?$/.exec(this.given(rest, "topic [read|write|readwrite|deny] TOPIC")) ?? [];
		const access = after === undefined ? READ | WRITE : Object.hasOwn(ACCESS, word) ? ACCESS[word]! : undefined;
		if (access === undefined) throw this.unusable("expected read, write, readwrite or deny before the topic; name one");
		const filter = this.filter(after ?? word);
		const rule = { allow: access !== 0, rights: access === 0 ? READ | WRITE : access, filter };
		if (pattern) this.rights.add({ of: "everyone" }, { ...rule, names: "pattern" });
		else this.rights.add(this.section ?? { of: "anonymous" }, { ...rule, names: "none" });
	}

	private filter(text: string): string {
		if (checkTopicFilter(text) === Cause.None) return text;
		throw this.unusable("expected a Topic Filter: + and # stand alone in their levels, and # in the last; mend it");
	}

	private given(text: string, form: string): string {
		if (text !== "") return text;
		throw this.unusable(`expected ${form}; write what is missing`);
	}

	private unusable(what: string): HearthError {
		return unusable(`${this.name}:${this.line}`, what);
	}
}
