/** What the arguments and configuration of `hearth pub` and `hearth sub` say. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { HearthError } from "../../../src/errors.js";
import { Arguments, type Command } from "./arguments.js";
import { findFlag } from "./flags.js";
import { type GivenProperties, noProperties } from "./property-option.js";
import type { TlsSettings } from "./tls-flags.js";

export type Scheme = "mqtt" | "mqtts" | "ws" | "wss";

/** What `hearth pub` sends. */
export type Source =
	| { kind: "text"; payload: Uint8Array }
	| { kind: "file"; path: string }
	| { kind: "input" | "lines" };

export interface PubSubSettings {
	/** nothing is done but to print this */
	asks?: "help" | "version";
	scheme: Scheme;
	host: string;
	/** absent: the scheme's own */
	port?: number;
	unixPath?: string;
	bindAddress?: string;
	tls: TlsSettings;
	/** 3, 4 or 5: the Protocol Version */
	version: number;
	clientId?: string;
	idPrefix?: string;
	username?: string;
	password?: Uint8Array;
	/** s; 0: none */
	keepAlive: number;
	clean: boolean;
	/** s; 0xFFFFFFFF: for ever; absent: as `clean` says */
	sessionExpiry?: number;
	will: { topic?: string; payload?: Uint8Array; qos?: number; retain?: boolean };
	properties: GivenProperties;
	/** pub: the Topic Name; sub: the Topic Filters */
	topics: string[];
	qos: number;
	debug: boolean;
	quiet: boolean;
	// pub
	source?: Source;
	retain: boolean;
	repeat: number;
	repeatDelayMs: number;
	maxInflight: number;
	// sub
	/** messages until the end; 0: no end */
	count: number;
	/** ms until the end; 0: no end */
	timeoutMs: number;
	exitAfterSubscribe: boolean;
	filtersOut: string[];
	unsubscribe: string[];
	noRetained: boolean;
	retainedOnly: boolean;
	removeRetained: boolean;
	retainAsPublished: boolean;
	verbose: boolean;
	format?: string;
	endOfLine: boolean;
	pretty: boolean;
	/** share of the messages that are printed */
	randomPercent: number;
}

function defaults(): PubSubSettings {
	return {
		scheme: "mqtt",
		host: "localhost",
		tls: {},
		version: 4,
		keepAlive: 60,
		clean: true,
		will: {},
		properties: noProperties(),
		topics: [],
		qos: 0,
		debug: false,
		quiet: false,
		retain: false,
		repeat: 1,
		repeatDelayMs: 0,
		maxInflight: 20,
		count: 0,
		timeoutMs: 0,
		exitAfterSubscribe: false,
		filtersOut: [],
		unsubscribe: [],
		noRetained: false,
		retainedOnly: false,
		removeRetained: false,
		retainAsPublished: false,
		verbose: false,
		endOfLine: true,
		pretty: false,
		randomPercent: 100,
	};
}

/** Reads the configuration, if there is one, and then the arguments, which may say otherwise.
 *  @param raw the arguments' bytes, see Arguments
 *  @returns settings that go together. Throws HearthError with one line for those that don't. */
export function pubSubSettings(
	command: Command,
	args: readonly string[],
	env: NodeJS.ProcessEnv = process.env,
	raw?: readonly Uint8Array[],
): PubSubSettings {
	const settings = defaults();
	takeConfiguration(command, settings, env);
	takeAll(settings, new Arguments(command, args, command, raw));
	if (settings.asks === undefined) check(command, settings);
	return settings;
}

/** Takes flags until the arguments end, or one asks for help or the version. */
function takeAll(settings: PubSubSettings, args: Arguments): void {
	while (!args.ended && settings.asks === undefined) {
		findFlag(args.nextFlag(), args).take(settings, args);
	}
}

/** @returns paths where the defaults may be: Hearth's own, and those of Mosquitto's command; the first that exists
 *  counts */
export function configurationPaths(command: Command, env: NodeJS.ProcessEnv): string[] {
	const folder = env.XDG_CONFIG_HOME || join(env.HOME || homedir(), ".config");
	return [`hearth_${command}`, `mosquitto_${command}`].map((name) => join(folder, name));
}

function takeConfiguration(command: Command, settings: PubSubSettings, env: NodeJS.ProcessEnv): void {
	for (const path of configurationPaths(command, env)) {
		const text = readIfThere(command, path);
		if (text === undefined) continue;
		for (const [i, line] of text.split(/\r?\n/).entries()) {
			if (line.startsWith("#") || line.trim() === "") continue;
			takeAll(settings, new Arguments(command, wordsOf(line.trimStart()), `${command}: ${path}:${i + 1}`));
		}
		return;
	}
}

/** @returns the flag and its value, which is the rest of the line; -D takes more words before that */
function wordsOf(line: string): string[] {
	const property = /^(-D|--property) +\S+ +(user-property +)?/.exec(line);
	const before = property === null ? 1 : property[2] === undefined ? 3 : 4;
	const words: string[] = [];
	let rest = line;
	while (words.length < before && rest !== "") {
		const found = /^(\S+) *(.*)$/s.exec(rest)!;
		words.push(found[1]!);
		rest = found[2]!;
	}
	return rest === "" ? words : [...words, rest];
}

/** @returns the file's text; undefined: there is none */
function readIfThere(command: Command, path: string): string | undefined {
	try {
		return readFileSync(path, "utf8");
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === "ENOENT" || code === "ENOTDIR") return undefined;
		throw new HearthError("HEARTH_ERR_FILE", `${command}: ${path}: can't be read (${code}); make it readable`);
	}
}

/** Throws HearthError for settings that don't go together. */
function check(command: Command, settings: PubSubSettings): void {
	const { version, will, tls, topics } = settings;
	const stays = !settings.clean || (version === 5 && settings.sessionExpiry === 0xffff_ffff);
	const willProperties = settings.properties.will.length > 0;
	const propertyCount = Object.values(settings.properties).reduce((count, given) => count + given.length, 0);
	const wrong: [boolean, string][] = [
		[command === "sub" && topics.length === 0, "a topic is missing; give -t FILTER"],
		[command === "pub" && topics.length === 0, "the topic is missing; give -t TOPIC"],
		[command === "pub" && settings.source === undefined, "the message is missing; give -m, -f, -s, -l or -n"],
		[settings.clientId !== undefined && settings.idPrefix !== undefined, "-i and -I exclude each other; give one"],
		[stays && !settings.clientId, "a session that stays (-c, -x) needs a Client Identifier; give -i ID"],
		[version < 5 && propertyCount > 0, "-D needs MQTT 5.0; leave the other -V out"],
		[
			version < 5 && settings.password !== undefined && settings.username === undefined,
			"-P needs a User Name before MQTT 5.0; give -u NAME",
		],
		[
			will.topic === undefined &&
				(will.payload !== undefined || will.qos !== undefined || will.retain !== undefined || willProperties),
			"a Will needs a topic; give --will-topic TOPIC",
		],
		[(tls.cert === undefined) !== (tls.key === undefined), "--cert and --key belong together; give both"],
		[settings.noRetained && settings.retainedOnly, "-R and --retained-only exclude each other; give one"],
		[settings.source?.kind === "lines" && settings.repeat > 1, "--repeat does not go with -l; leave one out"],
		[settings.unixPath !== undefined && settings.scheme !== "mqtt", `--unix does not go with ${settings.scheme}://`],
	];
	for (const [is, what] of wrong)
		if (is) throw new HearthError("HEARTH_ERR_OPTION", `${command}: ${what}; hearth ${command} --help explains`);
}
