/** How `hearth sub` prints a message: its payload, with -v its topic too, or as -F says. Widths and what they cut are
 *  those of mosquitto_sub 2.0.11, byte for byte. */
import { getUint16, getVariable } from "../../../src/codec/data-types.js";
import { PropertyId } from "../../../src/codec/packet-types.js";
import { endOfProperty, type Properties } from "../../../src/codec/properties.js";
import { type JsonNode, parseJson, printJson, quoted, quotedText } from "./json-text.js";
import { PROPERTY_NAMES } from "./property-option.js";
import { strftime } from "./strftime.js";

export interface PrintedMessage {
	topic: string;
	payload: Uint8Array;
	qos: number;
	retain: boolean;
	/** 0 with QoS 0 */
	packetId: number;
	/** of 5.0, as they came; undefined: there are none */
	properties: Properties | undefined;
}

/** Takes what is printed. */
export interface Print {
	bytes(bytes: Uint8Array): void;
	text(text: string): void;
	/** a binary string: one character a byte */
	binary(text: string): void;
}

export interface FormatOptions {
	format?: string;
	verbose: boolean;
	endOfLine: boolean;
	pretty: boolean;
}

/** What one message's pieces are made of. */
interface Context {
	message: PrintedMessage;
	print: Print;
	date: Date;
	/** nanoseconds of the second */
	nanoseconds: number;
	pretty: boolean;
	warn: (what: string) => void;
}

type Piece = (context: Context) => void;

/** How wide a value is printed, in bytes. */
interface Width {
	left: boolean;
	zeros: boolean;
	/** 0: as wide as it is */
	least: number;
	/** -1: no bound */
	most: number;
}

const SPECIFIER = /^%(-?)(0?)(\d*)(?:\.(\d*))?([%ACDEFIjJlmPpqRrStUxX])/;
const ESCAPES: Readonly<Record<string, string>> = {
	"\\": "\\",
	0: "\0",
	a: "\x07",
	e: "\x1b",
	n: "\n",
	r: "\r",
	t: "\t",
	v: "\v",
};

/** @returns what is wrong with the format and what to do; undefined: nothing */
export function checkFormat(format: string): string | undefined {
	for (let rest = format; rest !== ""; ) {
		const piece = /^[^%@\\]+/.exec(rest)?.[0] ?? SPECIFIER.exec(rest)?.[0] ?? /^(@.|\\[\\0aenrtv])/su.exec(rest)?.[0];
		if (piece === undefined)
			return `${JSON.stringify(/^.[-0-9.]*.?/su.exec(rest)![0])} is no sequence; hearth sub --help lists them`;
		rest = rest.slice(piece.length);
	}
	return undefined;
}

/** Prints messages one way. */
export class MessageFormat {
	private readonly pieces: Piece[] | undefined;
	private readonly needsTime: boolean;

	/** @param options with a format that `checkFormat` finds good */
	constructor(private readonly options: FormatOptions) {
		const { format } = options;
		this.pieces = format === undefined ? undefined : piecesOf(format);
		this.needsTime = /[@IjJU]/.test(format ?? "");
	}

	/** Prints a message. @param time takes the time, in ms since 1970 with a fraction, when the format has it
	 *  @param warn hears of a payload that isn't what the format says */
	print(message: PrintedMessage, print: Print, time: () => number, warn: (what: string) => void): void {
		const { verbose, endOfLine, pretty } = this.options;
		const { payload } = message;
		if (this.pieces !== undefined) {
			const now = this.needsTime ? time() : 0;
			const date = new Date(Math.floor(now));
			const nanoseconds = Math.floor((now % 1000) * 1e6);
			const context: Context = { message, print, date, nanoseconds, pretty, warn };
			for (const piece of this.pieces) piece(context);
		} else if (verbose) {
			// without an end of line there is nothing that says (null)
			if (payload.length > 0) {
				print.text(`${message.topic} `);
				print.bytes(payload);
			} else if (endOfLine) print.text(`${message.topic} (null)`);
		} else if (payload.length === 0) return;
		else print.bytes(payload);
		if (endOfLine) print.text("\n");
	}
}

function piecesOf(format: string): Piece[] {
	const pieces: Piece[] = [];
	const literal = (text: string) => pieces.push(({ print }) => print.text(text));
	for (let rest = format; rest !== ""; ) {
		const plain = /^[^%@\\]+/.exec(rest)?.[0];
		const specifier = SPECIFIER.exec(rest);
		let taken = 2;
		if (plain !== undefined) {
			literal(plain);
			taken = plain.length;
		} else if (specifier !== null) {
			const [all, left, zeros, least, most, letter] = specifier;
			const width = { left: left !== "", zeros: zeros !== "", least: Number(least), most: bound(most) };
			pieces.push(SPECIFIERS[letter!]!(width));
			taken = all.length;
		} else if (rest.startsWith("\\")) literal(ESCAPES[rest[1]!]!);
		else {
			const letter = /^@(.)/su.exec(rest)![1]!;
			if (letter === "@") literal("@");
			else if (letter === "N") pieces.push(({ print, nanoseconds }) => print.text(nineDigits(nanoseconds)));
			else pieces.push(({ print, date }) => print.text(strftime(letter, date)));
			taken = 1 + letter.length;
		}
		rest = rest.slice(taken);
	}
	return pieces;
}

function bound(most: string | undefined): number {
	return most === undefined ? -1 : Number(most);
}

function nineDigits(nanoseconds: number): string {
	return String(nanoseconds).padStart(9, "0");
}

function padded(bytes: Uint8Array, { left, least, most }: Width): Piece {
	const shown = most < 0 ? bytes : bytes.subarray(0, most);
	const blanks = " ".repeat(Math.max(0, least - shown.length));
	return ({ print }) => {
		if (!left) print.text(blanks);
		print.bytes(shown);
		if (left) print.text(blanks);
	};
}

function number(value: number, { left, zeros, least }: Width): string {
	const digits = String(value);
	if (left) return digits.padEnd(least);
	return digits.padStart(least, zeros ? "0" : " ");
}

/** A number that may be absent: then the place it would take is filled. */
function numberProperty(id: PropertyId): (width: Width) => Piece {
	return (width) =>
		({ message, print }) => {
			const { properties } = message;
			if (properties?.has(id)) print.text(number(properties.number(id, 0), width));
			else print.text((width.zeros ? "0" : " ").repeat(width.least));
		};
}

/** Text that may be absent. @param filled then the place it would take is filled */
function textProperty(id: PropertyId, filled: boolean): (width: Width) => Piece {
	return (width) => (context) => {
		const { properties } = context.message;
		if (properties?.has(id)) padded(dataOf(properties, id), width)(context);
		else if (filled) context.print.text(" ".repeat(width.least));
	};
}

function dataOf(properties: Properties, id: PropertyId): Uint8Array {
	return properties.bytes.subarray(properties.dataStart(id), properties.dataEnd(id));
}

/** The payload, raw or in hexadecimal. A width cuts it, and of hexadecimal digits shows half of what came. */
function payload(digits: "" | "x" | "X"): (width: Width) => Piece {
	return ({ left, zeros, least }) =>
		({ message, print }) => {
			let bytes = message.payload;
			if (least > 0) bytes = bytes.subarray(0, Math.min(bytes.length, least));
			if (least > 0 && digits !== "") bytes = bytes.subarray(0, bytes.length >> 1);
			const fill = Math.max(0, least - bytes.length * (digits === "" ? 1 : 2));
			if (!left) print.text((zeros ? "0" : " ").repeat(fill));
			if (digits === "") print.bytes(bytes);
			else {
				const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
				print.text(digits === "X" ? hex.toUpperCase() : hex);
			}
			if (left) print.text(" ".repeat(fill));
		};
}

function json(escaped: boolean): (width: Width) => Piece {
	return () =>
		({ message, print, date, nanoseconds, pretty, warn }) => {
			const { payload } = message;
			const node = payload.length === 0 ? "null" : escaped ? quoted(payload) : parseJson(payload);
			if (node === undefined) warn(`${message.topic}: the payload is not valid JSON; -F %j prints any`);
			else print.binary(printJson(jsonOf(message, date, nanoseconds, node), pretty));
		};
}

function jsonOf(message: PrintedMessage, date: Date, nanoseconds: number, payload: JsonNode): JsonNode {
	const microseconds = String(Math.floor(nanoseconds / 1000)).padStart(6, "0");
	const time = `${strftime("F", date)}T${strftime("T", date)}.${microseconds}Z${strftime("z", date)}`;
	const all: [string, JsonNode][] = [
		['"tst"', `"${time}"`],
		['"topic"', quotedText(message.topic)],
		['"qos"', String(message.qos)],
		['"retain"', message.retain ? "1" : "0"],
		['"payloadlen"', String(message.payload.length)],
	];
	if (message.qos > 0) all.push(['"mid"', String(message.packetId)]);
	if (message.properties !== undefined) all.push(['"properties"', propertiesOf(message.properties)]);
	all.push(['"payload"', payload]);
	return { keys: all.map(([key]) => key), values: all.map(([, value]) => value) };
}

/** The properties in the order in which they came; User Properties are together where the first is. */
function propertiesOf(properties: Properties): JsonNode {
	const { bytes, start, end } = properties;
	const keys: string[] = [];
	const values: JsonNode[] = [];
	const user = { keys: [] as string[], values: [] as JsonNode[] };
	for (let at = start; at < end; at = endOfProperty(bytes, at, end)) {
		const id = bytes[at]! as PropertyId;
		let value: JsonNode;
		if (id === PropertyId.UserProperty) {
			const [name, text] = pairAt(bytes, at);
			user.keys.push(quoted(name));
			user.values.push(quoted(text));
			if (user.keys.length > 1) continue;
			keys.push('"user-properties"');
			values.push(user);
			continue;
		}
		if (id === PropertyId.SubscriptionIdentifier) value = String(getVariable(bytes, at + 1, end));
		else if (TEXTS.includes(id)) value = quoted(dataOf(properties, id));
		else value = String(properties.number(id, 0));
		keys.push(`"${PROPERTY_NAMES.find(([, known]) => known === id)?.[0]}"`);
		values.push(value);
	}
	return { keys, values };
}

const TEXTS: readonly PropertyId[] = [PropertyId.ContentType, PropertyId.ResponseTopic, PropertyId.CorrelationData];

/** @returns a User Property's name and value */
function pairAt(bytes: Uint8Array, at: number): [name: Uint8Array, value: Uint8Array] {
	const nameEnd = at + 3 + getUint16(bytes, at + 1);
	const valueEnd = nameEnd + 2 + getUint16(bytes, nameEnd);
	return [bytes.subarray(at + 3, nameEnd), bytes.subarray(nameEnd + 2, valueEnd)];
}

/** @returns the first Subscription Identifier; 0: there is none */
function firstIdentifier({ bytes, start, end }: Properties): number {
	let at = start;
	while (at < end && bytes[at] !== PropertyId.SubscriptionIdentifier) at = endOfProperty(bytes, at, end);
	return at < end ? getVariable(bytes, at + 1, end) : 0;
}

function userProperties({ message, print }: Context): void {
	const { properties } = message;
	if (properties === undefined) return;
	const { bytes, start, end } = properties;
	let first = true;
	for (let at = start; at < end; at = endOfProperty(bytes, at, end)) {
		if (bytes[at] !== PropertyId.UserProperty) continue;
		const [name, value] = pairAt(bytes, at);
		if (!first) print.text(" ");
		first = false;
		print.bytes(name);
		print.text(":");
		print.bytes(value);
	}
}

const SPECIFIERS: Readonly<Record<string, (width: Width) => Piece>> = {
	"%":
		() =>
		({ print }) =>
			print.text("%"),
	A: numberProperty(PropertyId.TopicAlias),
	C: textProperty(PropertyId.ContentType, true),
	D: () => textProperty(PropertyId.CorrelationData, false)({ left: false, zeros: false, least: 0, most: -1 }),
	E: numberProperty(PropertyId.MessageExpiryInterval),
	F: numberProperty(PropertyId.PayloadFormatIndicator),
	I: (width) => (context) => {
		const { date } = context;
		padded(Buffer.from(`${strftime("F", date)}T${strftime("T", date)}${strftime("z", date)}`), width)(context);
	},
	j: json(true),
	J: json(false),
	l:
		(width) =>
		({ message, print }) =>
			print.text(number(message.payload.length, width)),
	m:
		(width) =>
		({ message, print }) =>
			print.text(number(message.packetId, width)),
	P: () => userProperties,
	p: payload(""),
	q:
		() =>
		({ message, print }) =>
			print.text(String(message.qos)),
	R: textProperty(PropertyId.ResponseTopic, false),
	r:
		() =>
		({ message, print }) =>
			print.text(message.retain ? "1" : "0"),
	S: (width) => (context) => {
		const { properties } = context.message;
		const first = properties === undefined ? 0 : firstIdentifier(properties);
		context.print.text(first > 0 ? number(first, width) : (width.zeros ? "0" : " ").repeat(width.least));
	},
	t: (width) => (context) => padded(Buffer.from(context.message.topic), width)(context),
	U:
		() =>
		({ print, date, nanoseconds }) =>
			print.text(`${strftime("s", date)}.${nineDigits(nanoseconds)}`),
	x: payload("x"),
	X: payload("X"),
};
