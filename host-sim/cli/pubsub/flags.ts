/** The flags of `hearth pub` and `hearth sub`: what each is called, takes, and says in --help. They are those of
 *  Debian's mosquitto_pub and mosquitto_sub 2.0.11. */
import type { Arguments, Command } from "./arguments.js";
import { SESSION, WHERE, WILL } from "./connection-flags.js";
import { MESSAGE } from "./pub-flags.js";
import type { PubSubSettings } from "./settings.js";
import { END, MESSAGES, OUTPUT } from "./sub-flags.js";
import { TLS } from "./tls-flags.js";

export interface Flag {
	/** its names and what follows them, as --help shows it: `-q, --qos QOS` */
	usage: string;
	help: string;
	/** Takes the flag's values from the arguments into the settings. Throws HearthError for unusable ones. */
	take(settings: PubSubSettings, args: Arguments): void;
}

/** Flags that --help shows together. */
export interface FlagGroup {
	title: string;
	flags: readonly Flag[];
}

const OTHER: FlagGroup = {
	title: "Other",
	flags: [
		{
			usage: "-d, --debug",
			help: "print on standard error what is sent and received",
			take: (settings) => void (settings.debug = true),
		},
		{
			usage: "--quiet",
			help: "print no errors but of unusable arguments",
			take: (settings) => void (settings.quiet = true),
		},
		{
			usage: "--help",
			help: "print this",
			take: (settings) => void (settings.asks ??= "help"),
		},
		{
			usage: "--version",
			help: "print the version",
			take: (settings) => void (settings.asks ??= "version"),
		},
	],
};

const GROUPS: Readonly<Record<Command, readonly FlagGroup[]>> = {
	pub: [WHERE, MESSAGE, SESSION, WILL, TLS, OTHER],
	sub: [WHERE, MESSAGES, END, OUTPUT, SESSION, WILL, TLS, OTHER],
};

/** What Mosquitto's commands have and these don't: the flag, and the reason. */
const UNSUPPORTED: readonly (readonly [flag: string, reason: string])[] = [
	["-S", "looking for brokers in the DNS is not supported; give -h and -p"],
	["--proxy", "proxies are not supported; a tunnel such as ssh -L leads through"],
	["--psk", "TLS without certificates is not supported; give --cafile"],
	["--psk-identity", "TLS without certificates is not supported; give --cafile"],
	["--tls-engine", "OpenSSL engines are not supported; give --cert and --key as PEM files"],
	["--tls-engine-kpass-sha1", "OpenSSL engines are not supported; give --cert and --key as PEM files"],
];

/** @returns the flags of a command, in the order of --help */
export function flagGroups(command: Command): readonly FlagGroup[] {
	return GROUPS[command];
}

/** @returns such as `-q` and `--qos` */
export function namesOf({ usage }: Flag): string[] {
	return usage.match(/(?<=^|, )--?[\w-]+/g) ?? [];
}

function flagNamed(command: Command, name: string): Flag | undefined {
	for (const { flags } of GROUPS[command]) for (const flag of flags) if (namesOf(flag).includes(name)) return flag;
	return undefined;
}

/** @returns the flag of that name. Throws HearthError with the reason when the command has none. */
export function findFlag(name: string, args: Arguments): Flag {
	const { command } = args;
	const flag = flagNamed(command, name);
	if (flag !== undefined) return flag;
	const reason = UNSUPPORTED.find(([known]) => known === name)?.[1];
	if (reason !== undefined) throw args.unusable(`${name}: ${reason}`);
	const other = command === "pub" ? "sub" : "pub";
	const why = flagNamed(other, name) === undefined ? "no such option" : `is an option of hearth ${other}`;
	throw args.unusable(`${name}: ${why}; hearth ${command} --help lists them`);
}
