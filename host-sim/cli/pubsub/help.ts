/** `hearth pub --help` and `hearth sub --help`. */
import type { Command } from "./arguments.js";
import { type Flag, flagGroups } from "./flags.js";
import { namesFor, PROPERTY_PACKETS, type PropertyPacket } from "./property-option.js";
import { configurationPaths } from "./settings.js";

const USAGE = {
	pub: `usage: hearth pub -t TOPIC (-m TEXT | -f FILE | -s | -l | -n) [options]

Publishes messages, with the options and exit codes of mosquitto_pub.

  hearth pub -t room/lamp -m on
  hearth pub -h hub.local -u ann -P secret -t room/lamp/state -r -q 1 -m on
  sensor | hearth pub -t room/temperature -l
  hearth pub -L mqtts://hub.example/firmware -f image.bin -q 1`,
	sub: `usage: hearth sub -t FILTER [-t FILTER ...] [options]

Prints the messages that come, with the options, output and exit codes of mosquitto_sub.

  hearth sub -t 'room/#' -v
  hearth sub -t room/temperature -C 1 -W 10
  hearth sub -t '#' -F '%I %t %x'
  hearth sub -t '#' -F %j | jq .payload
  hearth sub -t 'old/#' --remove-retained --retained-only`,
};

const FORMATS = `Formats (-F):
  %t  topic                          %C  Content Type
  %p  payload                        %D  Correlation Data
  %x  %X  payload in hexadecimal     %E  Message Expiry Interval
  %l  payload's length in bytes      %F  Payload Format Indicator
  %q  QoS                            %P  User Properties, as name:value
  %r  1: a Retained Message          %R  Response Topic
  %m  Packet Identifier, 0: none     %S  Subscription Identifier
  %j  all as JSON, payload a string  %A  Topic Alias
  %J  the same, payload JSON itself  %%  %
  %I  time as 2026-01-31T12:00:00+0100
  %U  seconds since 1970 with nanoseconds
  @X  strftime's %X, such as @H:@M:@S; @N nanoseconds; @@ @
  \\n \\t \\r \\0 \\e \\a \\v \\\\  as in C; \\e is ESC
  After % may stand - (to the left), 0 (zeros), a width, and . with the most bytes: %-20t, %08l, %.10t
`;

const EXIT = {
	pub: `Exit codes: 0 done; 1 it failed, or the broker refused a message; 2 unusable arguments; 130 interrupted;
  the broker refused the connection: its code (3.1.1: 1 to 5, 5.0: 128 and more)`,
	sub: `Exit codes: 0 done, or interrupted; 1 it failed; 2 unusable arguments; 27 the time of -W is over;
  the broker refused the connection: its code (3.1.1: 1 to 5, 5.0: 128 and more)`,
};

/** Columns before an option's text. */
const COLUMN = 32;
const WIDTH = 110;

/** @returns all that is to know of the command's options */
export function helpOf(command: Command, env: NodeJS.ProcessEnv = process.env): string {
	const options = flagGroups(command).map(({ title, flags }) => `${title}:\n${flags.flatMap(flagHelp).join("\n")}\n`);
	const [own, mosquittos] = configurationPaths(command, env);
	return [
		`${USAGE[command]}\n`,
		...options,
		...(command === "sub" ? [FORMATS] : []),
		propertyHelp(command),
		`Defaults: one option and its value a line, in the first of these files that exists:\n  ${own}\n  ${mosquittos}\n`,
		EXIT[command],
	].join("\n");
}

function flagHelp({ usage, help }: Flag): string[] {
	const head = `  ${usage.startsWith("--") ? "    " : ""}${usage}`;
	const lines = wrapped(help, WIDTH - COLUMN);
	const first = head.length < COLUMN ? head.padEnd(COLUMN) + lines.shift() : head;
	return [first, ...lines.map((line) => " ".repeat(COLUMN) + line)];
}

function propertyHelp(command: Command): string {
	const packets = Object.keys(PROPERTY_PACKETS) as PropertyPacket[];
	const used = packets.filter((packet) => (command === "pub" ? !/subscribe/.test(packet) : packet !== "publish"));
	const lines = used.flatMap((packet) => {
		const names = wrapped(namesFor(packet).join(" "), WIDTH - 14);
		return names.map((line, i) => `  ${(i === 0 ? packet : "").padEnd(12)}${line}`);
	});
	return `Properties (-D), such as -D connect user-property name value:\n${lines.join("\n")}\n`;
}

/** @returns the text in lines of at most `width` characters, broken at blanks */
function wrapped(text: string, width: number): string[] {
	const lines: string[] = [];
	for (const word of text.split(" ")) {
		const last = lines.at(-1);
		if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
		else lines[lines.length - 1] = `${last} ${word}`;
	}
	return lines;
}
