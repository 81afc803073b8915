/** The flags of `hearth sub` for what is received and printed. */
import type { FlagGroup } from "./flags.js";
import { checkFormat } from "./message-format.js";
import { takeFilter, takeTopic } from "./topic-arguments.js";

export const MESSAGES: FlagGroup = {
	title: "Messages",
	flags: [
		{
			usage: "-t, --topic FILTER",
			help: "a Topic Filter to subscribe to; may be repeated",
			take: takeTopic,
		},
		{
			usage: "-q, --qos QOS",
			help: "0, 1 or 2: the most that messages come with (default 0)",
			take: (settings, args) => void (settings.qos = args.integer(0, 2)),
		},
		{
			usage: "-T, --filter-out FILTER",
			help: "don't print messages of such topics; may be repeated",
			take: (settings, args) => void settings.filtersOut.push(takeFilter(args)),
		},
		{
			usage: "-R",
			help: "don't print what the broker had kept (messages with RETAIN)",
			take: (settings) => void (settings.noRetained = true),
		},
		{
			usage: "--retained-only",
			help: "print only those, and end with the first other message",
			take: (settings) => void (settings.retainedOnly = true),
		},
		{
			usage: "--remove-retained",
			help: "remove each Retained Message that comes (and no -T leaves out) from the broker",
			take: (settings) => void (settings.removeRetained = true),
		},
		{
			usage: "--retain-as-published",
			help: "with -V 5: messages come with the RETAIN that they were published with",
			take: (settings) => void (settings.retainAsPublished = true),
		},
		{
			usage: "-U, --unsubscribe FILTER",
			help: "unsubscribe, after subscribing; for sessions that stay (-c); may be repeated",
			take: (settings, args) => void settings.unsubscribe.push(takeFilter(args)),
		},
	],
};

export const END: FlagGroup = {
	title: "End",
	flags: [
		{
			usage: "-C COUNT",
			help: "end after COUNT messages",
			take: (settings, args) => void (settings.count = args.integer(1, 0x7fff_ffff)),
		},
		{
			usage: "-W SECONDS",
			help: "end after so long, with exit code 27",
			take: (settings, args) => void (settings.timeoutMs = args.integer(1, 2_000_000) * 1000),
		},
		{
			usage: "-E",
			help: "end when the subscriptions are acknowledged; with -c the session stays",
			take: (settings) => void (settings.exitAfterSubscribe = true),
		},
	],
};

export const OUTPUT: FlagGroup = {
	title: "Output",
	flags: [
		{
			usage: "-v, --verbose",
			help: "print topic and payload, not the payload alone",
			take: (settings) => void (settings.verbose = true),
		},
		{
			usage: "-F FORMAT",
			help: "print messages so; below is how",
			take: (settings, args) => {
				const format = args.next("FORMAT");
				const wrong = checkFormat(format);
				if (wrong !== undefined) throw args.unusable(`-F ${format}: ${wrong}`);
				settings.format = format;
			},
		},
		{
			usage: "-N",
			help: "no end of line after a message",
			take: (settings) => void (settings.endOfLine = false),
		},
		{
			usage: "--pretty",
			help: "JSON of -F %j and %J on lines of its own",
			take: (settings) => void (settings.pretty = true),
		},
		{
			usage: "--random-filter PERCENT",
			help: "print only so many of the messages, chosen at random: 0.1 to 100",
			take: (settings, args) => void (settings.randomPercent = args.decimal(0.1, 100)),
		},
	],
};
