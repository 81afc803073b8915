/** Every option of a connection: the names that it is understood by, and what its value may be. */
import { hostClientLimits } from "../client/client-limits.js";
import { fits } from "../codec/packet-properties.js";
import { HearthError } from "../errors.js";
import { frozen } from "../frozen.js";
import type { Text } from "../platform.js";
import type { ConnectOptions, Scheme, WillOptions } from "./settings.js";

/** What a value may be: for the error's line, and as a check. */
type Kind = readonly [expected: string, holds: (value: unknown, text: Text) => boolean];
export type Rule = readonly [kind: Kind, ...names: (keyof ConnectOptions | keyof WillOptions)[]];

const STRING_BYTES_MAX = 65_535;

function within(from: number, to: number): Kind {
	const [least, most] = [from, to]; // a function in ROM that keeps a parameter would take RAM for it
	return [
		`a whole number, ${least} to ${most}`,
		(v) => Number.isInteger(v) && (v as number) >= least && (v as number) <= most,
	];
}

export const FLAG: Kind = ["true or false", (v) => typeof v === "boolean"];
export const STRING: Kind = ["a text", (v) => typeof v === "string"];
const NAME: Kind = ["a text of at most 65535 bytes without U+0000", fits];
/** Spec: 5.0, 1.5.4 and 1.5.6 */
const DATA: Kind = [
	"a text or a Uint8Array of at most 65535 bytes",
	(v, text) =>
		(typeof v === "string" ? text.size(v) : v instanceof Uint8Array ? v.length : Infinity) <= STRING_BYTES_MAX,
];
/** so much as a timer takes */
const TIME: Kind = ["a number, 0 to 2147483647", (v) => typeof v === "number" && v >= 0 && v <= 0x7fff_ffff];
const QOS: Kind = within(0, 2);
const OBJECT: Kind = ["an object", (v) => typeof v === "object" && v !== null];
/** checked where it is read */
const ANY: Kind = ["", () => true];

/** Schemes, and versions by what is left without "mqttv" and dots. */
const PROTOCOLS: Readonly<Record<string, Scheme | number>> = frozen({
	mqtt: "mqtt",
	tcp: "mqtt",
	mqtts: "mqtts",
	ssl: "mqtts",
	tls: "mqtts",
	ws: "ws",
	wss: "wss",
	3: 3,
	31: 3,
	4: 4,
	311: 4,
	5: 5,
	50: 5,
});

/** @returns the scheme or the Protocol Level of that name; undefined: there is none */
export function protocolOf(name: unknown): Scheme | number | undefined {
	return PROTOCOLS[
		String(name)
			.toLowerCase()
			.replace(/^mqttv|\./g, "")
	];
}

/** The first name of a line is Hearth's own; the others mean the same. */
const OPTIONS: readonly Rule[] = frozen([
	[STRING, "url"],
	[["mqtt, mqtts, ws, wss, 3.1, 3.1.1 or 5", (v) => protocolOf(v) !== undefined], "protocol"],
	[STRING, "host", "hostname"],
	[ANY, "port"],
	[STRING, "path"],
	[["3.1, 3.1.1 or 5", (v) => typeof protocolOf(v) === "number"], "version", "protocolVersion"],
	[NAME, "clientId", "id"],
	[FLAG, "clean", "cleanStart", "cleanSession"],
	[within(0, 65_535), "keepAlive", "keepalive", "pingTimespan"],
	[NAME, "userName", "username", "user"],
	[DATA, "password"],
	[OBJECT, "will"],
	[within(0, 0xffff_ffff), "sessionExpirySeconds"],
	[OBJECT, "properties"],
	[TIME, "timeout"],
	[TIME, "connectTimeoutMs", "connectTimeout"],
	[TIME, "pingTimeoutMs"],
	[FLAG, "reconnect"],
	[TIME, "reconnectMinMs", "reconnectPeriod"],
	[TIME, "reconnectMaxMs"],
	[FLAG, "retry"],
	[FLAG, "resubscribe"],
	[FLAG, "queueQos0", "queueQoSZero"],
	[['"refuse" or "drop-oldest"', (v) => v === "refuse" || v === "drop-oldest"], "whenQueueFull"],
	[within(1, 1_000_000), "queueMessages"],
	[within(1, 0x3fff_ffff), "queueBytes"],
	[within(128, hostClientLimits.packetBytes), "packetBytes"],
	[FLAG, "followRedirects"],
	[
		["a method of authentication", (v) => typeof v === "function" || OBJECT[1](v, undefined as never)],
		"authentication",
	],
	[OBJECT, "limits"],
	[FLAG, "ssl"],
	[OBJECT, "signal"],
]);

const WILL_OPTIONS: readonly Rule[] = frozen([
	[NAME, "topic"],
	[DATA, "payload", "message"],
	[QOS, "qos", "QoS", "qosLevel"],
	[FLAG, "retain"],
	[OBJECT, "properties"],
	[FLAG, "duplicate"],
]);

export function bad(message: string): HearthError {
	return new HearthError("HEARTH_ERR_OPTION", `connect: ${message}`);
}

/** @returns what was given, by the first of each option's names, which counts where several are given. Throws
 *  HearthError for a name that is none, and for a value that the option cannot have */
function read<T extends object>(rules: readonly Rule[], given: T, before: string, text: Text): T {
	const result: Record<string, unknown> = {};
	for (const [name, value] of Object.entries(given)) {
		if (value === undefined) continue;
		const rule = rules.find((one) => (one as readonly unknown[]).indexOf(name) > 0);
		if (rule === undefined) throw bad(`${before}${name}: there is no such option`);
		const [[expected, holds], own] = rule;
		if (!holds(value, text)) throw bad(`${before}${name}: give ${expected}`);
		if (name === own || result[own!] === undefined) result[own!] = value;
	}
	return result as T;
}

/** @param more options that only some platforms have
 *  @returns the options by Hearth's own names. Throws HearthError, one line, for what cannot be */
export function readOptions(given: ConnectOptions, text: Text, more: readonly Rule[]): ConnectOptions {
	const options = read([...OPTIONS, ...more], given, "", text);
	for (const name of Object.keys(options.limits ?? {}))
		if (!Object.hasOwn(hostClientLimits, name)) throw bad(`limits.${name}: there is no such limit`);
	if (options.will === undefined) return options;
	options.will = read(WILL_OPTIONS, options.will, "will.", text);
	if (options.will.topic === undefined) throw bad("will.topic: give a Topic Name");
	return options;
}
