/** JSON as cJSON prints it (Mosquitto's -F %j and %J use it): the keys in their order, numbers as C's %.15g, and bytes
 *  that are no UTF-8 as they are. Texts are "binary strings" here: one character a byte. */

/** A value to print: its text, or what holds others. */
export type JsonNode = string | { keys: string[]; values: JsonNode[] } | JsonNode[];

/** The deepest nesting that is read. */
const DEPTH_MAX = 1000;

/** @returns the bytes as a binary string in quotes, escaped */
export function quoted(bytes: Uint8Array): string {
	return JSON.stringify(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1"));
}

/** @returns the text as a binary string in quotes, escaped */
export function quotedText(text: string): string {
	return quoted(Buffer.from(text));
}

/** @returns the JSON as a binary string; `pretty`: on lines, with tabs */
export function printJson(node: JsonNode, pretty: boolean, depth = 0): string {
	if (typeof node === "string") return node;
	const inner = depth + 1;
	if (Array.isArray(node)) {
		const items = node.map((item) => printJson(item, pretty, inner));
		return `[${items.join(pretty ? ", " : ",")}]`;
	}
	const colon = pretty ? ":\t" : ":";
	const indent = pretty ? "\t".repeat(inner) : "";
	const lines = node.keys.map((key, i) => `${indent}${key}${colon}${printJson(node.values[i]!, pretty, inner)}`);
	if (!pretty) return `{${lines.join(",")}}`;
	return `{\n${lines.join(",\n")}${lines.length > 0 ? "\n" : ""}${"\t".repeat(depth)}}`;
}

/** @returns the JSON text in UTF-8 as nodes, with all keys in their order; undefined: it is no JSON (RFC 8259) */
export function parseJson(bytes: Uint8Array): JsonNode | undefined {
	const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
	try {
		JSON.parse(text); // from here on the text is known to be good
	} catch {
		return undefined;
	}
	const tokens = text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]|[^\s,:[\]{}"]+/g);
	const open: Exclude<JsonNode, string>[] = [];
	let result: JsonNode | undefined;
	let key: string | undefined;
	for (const [token] of tokens) {
		if (token === "]" || token === "}") {
			open.pop();
			continue;
		}
		const parent = open.at(-1);
		if (parent !== undefined && !Array.isArray(parent) && key === undefined) {
			key = printed(token);
			continue;
		}
		const node: JsonNode = token === "[" ? [] : token === "{" ? { keys: [], values: [] } : printed(token);
		if (parent === undefined) result = node;
		else if (Array.isArray(parent)) parent.push(node);
		else {
			parent.keys.push(key!);
			parent.values.push(node);
			key = undefined;
		}
		if (typeof node !== "string" && open.push(node) > DEPTH_MAX) return undefined;
	}
	return result;
}

function printed(token: string): string {
	if (token.startsWith('"')) return quotedText(JSON.parse(token) as string);
	return /^[-\d]/.test(token) ? printNumber(Number(token)) : token;
}

/** @returns the number with 15 digits where these are enough, otherwise with 17 */
function printNumber(value: number): string {
	if (!Number.isFinite(value)) return "null";
	const short = general(value, 15);
	const distance = Math.abs(Number(short) - value);
	const close = distance <= Math.max(Math.abs(Number(short)), Math.abs(value)) * Number.EPSILON;
	return close ? short : general(value, 17);
}

/** @returns the number as C's %.*g prints it */
function general(value: number, digits: number): string {
	if (value === 0) return Object.is(value, -0) ? "-0" : "0";
	const [mantissa = "", power = "0"] = value.toExponential(digits - 1).split("e");
	const exponent = Number(power);
	const strip = (text: string) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
	if (exponent >= -4 && exponent < digits) return strip(value.toPrecision(digits));
	return `${strip(mantissa)}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}
