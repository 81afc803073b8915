/** The flags of `hearth pub` for what is sent. */
import type { Arguments } from "./arguments.js";
import type { FlagGroup } from "./flags.js";
import type { PubSubSettings } from "./settings.js";
import { takeTopic } from "./topic-arguments.js";

export const MESSAGE: FlagGroup = {
	title: "Message",
	flags: [
		{
			usage: "-t, --topic TOPIC",
			help: "the Topic Name",
			take: takeTopic,
		},
		{
			usage: "-m, --message TEXT",
			help: "send TEXT",
			take: (settings, args) => takeSource(settings, args, { kind: "text", payload: args.bytes("TEXT") }),
		},
		{
			usage: "-f, --file FILE",
			help: "send what is in FILE, as one message",
			take: (settings, args) => takeSource(settings, args, { kind: "file", path: args.next("FILE") }),
		},
		{
			usage: "-s, --stdin-file",
			help: "send standard input, as one message",
			take: (settings, args) => takeSource(settings, args, { kind: "input" }),
		},
		{
			usage: "-l, --stdin-line",
			help: "send each line of standard input, as it comes",
			take: (settings, args) => takeSource(settings, args, { kind: "lines" }),
		},
		{
			usage: "-n, --null-message",
			help: "send an empty message; with -r it removes the topic's Retained Message",
			take: (settings, args) => takeSource(settings, args, { kind: "text", payload: new Uint8Array(0) }),
		},
		{
			usage: "-q, --qos QOS",
			help: "0, 1 or 2 (default 0)",
			take: (settings, args) => void (settings.qos = args.integer(0, 2)),
		},
		{
			usage: "-r, --retain",
			help: "the broker keeps it for who subscribes later",
			take: (settings) => void (settings.retain = true),
		},
		{
			usage: "--repeat COUNT",
			help: "send the message COUNT times, each after the one before is delivered; not with -l",
			take: (settings, args) => void (settings.repeat = args.integer(1, 0x7fff_ffff)),
		},
		{
			usage: "--repeat-delay SECONDS",
			help: "wait so long between them, such as 0.5",
			take: (settings, args) => void (settings.repeatDelayMs = args.decimal(0, 86_400) * 1000),
		},
	],
};

function takeSource(settings: PubSubSettings, args: Arguments, source: NonNullable<PubSubSettings["source"]>): void {
	if (settings.source !== undefined) throw args.unusable(`${args.flag}: give only one of -m, -f, -s, -l and -n`);
	settings.source = source;
}
