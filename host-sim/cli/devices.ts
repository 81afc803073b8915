/** `hearth devices`: the hub's devices, by its own topics. */
import { createHmac, randomBytes } from "node:crypto";
import { HearthError } from "../../src/errors.js";
import { COMMAND_ROOT } from "../../src/hub/admin-topics.js";
import type { AsyncClient } from "../client/index.js";
import { fetchInto, send } from "./devices-move.js";
import { parseArguments } from "./options.js";
import { HUB_HELP, HUB_OPTIONS, HubRefused, PageClient } from "./page-client.js";

const HELP = `usage: hearth devices [list] [--json]
       hearth devices show ID
       hearth devices add ID [--name NAME] [--room ROOM] [--kind KIND]
       hearth devices adopt USER [--name NAME] [--room ROOM] [--kind KIND]
       hearth devices rename ID NAME
       hearth devices room ID ROOM
       hearth devices kind ID KIND
       hearth devices rights ID [RIGHT ...]
       hearth devices revoke ID [--clear-retained]
       hearth devices send FILE --board URL [--code CODE]
       hearth devices fetch FILE --board URL [--code CODE]

add makes a user name and password for a device that cannot pair (MQTT 3.1.1: Tasmota, Shelly, ESPHome); the password is
shown once. adopt lets in who came with an unknown user name in the last ten minutes; list shows them, too. A RIGHT is
"publish FILTER" or "subscribe FILTER", with %u for the device; without any, its kind's alone are left.

send gives a new board who the hub is and its devices, from an export (hearth data export --identity); fetch writes a
board's into such a file. The board's window has to be open for that: with --user and --pw it is opened by the board's
admin, and the code is on its console.

      --board URL        the board, such as mqtt://192.168.1.20
      --code CODE        the 8 digits on its console; without them they are asked for
      --passphrase-file F  what FILE is encrypted with
      --json             for programs
${HUB_HELP}

Exit codes: 0 done, 1 refused, 2 unusable arguments`;

const OPTIONS = {
	...HUB_OPTIONS,
	name: { type: "string" },
	room: { type: "string" },
	kind: { type: "string" },
	"clear-retained": { type: "boolean", default: false },
	json: { type: "boolean", default: false },
	board: { type: "string" },
	code: { type: "string" },
	"passphrase-file": { type: "string" },
} as const;

/** The arguments of each: how many at least, how many at most. */
const ACTIONS: Readonly<Record<string, readonly [least: number, most: number]>> = {
	list: [0, 0],
	show: [1, 1],
	add: [1, 1],
	adopt: [1, 1],
	rename: [2, 2],
	room: [2, 2],
	kind: [2, 2],
	rights: [1, 64],
	revoke: [1, 1],
	send: [1, 1],
	fetch: [1, 1],
};

/** How long what the hub tells of its own may take to come, ms. */
const TELL_MS = 300;

/** RFC 4648, section 6, in lower case and without what is easily misread */
const LETTERS = "abcdefghijkmnpqrstuvwxyz23456789";
const PASSWORD_LETTERS = 20;

interface Told {
	devices: Record<string, unknown>[];
	knocks: Record<string, unknown>[];
}

/** @returns the exit code */
export async function devices(args: string[]): Promise<number> {
	const { values, positionals } = parseArguments("devices", args, OPTIONS);
	if (values.help) {
		console.log(HELP);
		return 0;
	}
	const [action = "list", ...rest] = positionals;
	const counts = Object.hasOwn(ACTIONS, action) ? ACTIONS[action]! : undefined;
	if (counts === undefined)
		throw unusable(`${action}: there is no such action; give one of ${Object.keys(ACTIONS).join(", ")}`);
	if (rest.length < counts[0] || rest.length > counts[1])
		throw unusable(`${action}: wrong number of arguments; hearth devices --help shows how`);
	if (action === "send") return send(rest[0]!, values);
	if (action === "fetch") return fetchInto(rest[0]!, values);
	const page = await PageClient.open("devices", values);
	const client = await page.mqtt();
	try {
		const given = { name: values.name, room: values.room, kind: values.kind };
		return await act(client, action, rest, given, values["clear-retained"], values.json);
	} finally {
		await client.end({ force: true });
	}
}

function unusable(what: string): HearthError {
	return new HearthError("HEARTH_ERR_OPTION", `devices: ${what}`);
}

async function act(
	client: AsyncClient,
	action: string,
	rest: string[],
	given: { name: string | undefined; room: string | undefined; kind: string | undefined },
	clearRetained: boolean,
	json: boolean,
): Promise<number> {
	const [id = "", value = ""] = rest;
	switch (action) {
		case "list":
			return list(await told(client), json);
		case "show":
			return show(await told(client), id);
		case "add":
			return add(client, id, given, json);
		case "adopt":
			await command(client, "adopt", { userName: id, ...given });
			break;
		case "rename":
			await command(client, "change", { id, name: value });
			break;
		case "room":
		case "kind":
			await command(client, "change", { id, [action]: value });
			break;
		case "rights":
			await command(client, "change", { id, rights: rest.slice(1).map(checkRight).join("\n") });
			break;
		default:
			await command(client, "revoke", { id, clearRetained });
	}
	console.log(`${id}: ${action === "revoke" ? "revoked" : action === "adopt" ? "let in" : "changed"}`);
	return 0;
}

function checkRight(right: string): string {
	if (/^(publish|subscribe) \S+$/.test(right)) return right;
	throw unusable(`rights: ${right}: give "publish FILTER" or "subscribe FILTER"`);
}

/** Sends a command. Throws HubRefused with what the hub says */
async function command(client: AsyncClient, name: string, request: object): Promise<void> {
	const answer = await client.request(COMMAND_ROOT + name, JSON.stringify(request), { timeoutMs: 10_000 });
	const { ok, error } = JSON.parse(Buffer.from(answer.payload).toString()) as { ok: boolean; error?: string };
	if (!ok) throw new HubRefused(`devices: ${error}`);
}

/** @returns what the hub tells to who subscribes */
async function told(client: AsyncClient): Promise<Told> {
	const found = new Map<string, Record<string, unknown>>();
	let knocks: Record<string, unknown>[] = [];
	let last = performance.now();
	const topics = ["$HEARTH/devices/+", "$HEARTH/knocks"];
	const take = (topic: string, payload: Uint8Array) => {
		last = performance.now();
		const json = Buffer.from(payload).toString();
		if (topic === "$HEARTH/knocks") knocks = JSON.parse(json);
		else if (json === "") found.delete(topic);
		else found.set(topic, JSON.parse(json));
	};
	for (const topic of topics) await client.subscribe(topic, (message) => take(message.topic, message.payload));
	// all that there is comes at once, behind the SUBACK
	while (performance.now() - last < TELL_MS) await new Promise((resolve) => setTimeout(resolve, 20));
	return { devices: [...found.values()].sort((a, b) => (`${a["id"]}` < `${b["id"]}` ? -1 : 1)), knocks };
}

function list({ devices, knocks }: Told, json: boolean): number {
	if (json) {
		console.log(JSON.stringify({ devices, knocks }));
		return 0;
	}
	if (devices.length === 0) console.log("no devices; hearth pair lets one in");
	const rows = devices.map((d) => [d["id"], d["name"], d["room"], d["kind"], d["login"], presence(d)].map(String));
	if (rows.length > 0) table([["ID", "NAME", "ROOM", "KIND", "LOGIN", "PRESENCE"], ...rows]);
	if (knocks.length > 0) {
		console.log("\nwho came and is not known (hearth devices adopt USER):");
		table(knocks.map((k) => [`${k["userName"]}`, `${k["clientId"]}`, `${k["address"]}`, ago(k["secondsAgo"])]));
	}
	return 0;
}

function table(rows: string[][]): void {
	const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
	for (const row of rows)
		console.log(
			row
				.map((cell, column) => cell.padEnd(widths[column]!))
				.join("  ")
				.trimEnd(),
		);
}

function presence(device: Record<string, unknown>): string {
	if (device["online"] === true) return `online, ${device["address"]}`;
	return device["secondsAgo"] === undefined ? "not seen since the hub began" : `gone for ${ago(device["secondsAgo"])}`;
}

function ago(seconds: unknown): string {
	const s = Number(seconds);
	if (s < 120) return `${s} s`;
	return s < 7_200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3_600)} h`;
}

function show({ devices }: Told, id: string): number {
	const device = devices.find((found) => found["id"] === id);
	if (device === undefined) throw new HubRefused(`devices: ${id}: no such device`);
	for (const [name, value] of Object.entries(device)) console.log(`${name.padEnd(12)}${value}`);
	return 0;
}

/** The password is made here, and only what the hub keeps of it is sent. */
async function add(client: AsyncClient, id: string, given: object, json: boolean): Promise<number> {
	const password = Array.from(randomBytes(PASSWORD_LETTERS), (byte) => LETTERS[byte & 31]).join("");
	const salt = randomBytes(16);
	const verifier = createHmac("sha256", salt).update(password).digest("hex");
	await command(client, "add", { id, ...given, salt: salt.toString("hex"), verifier });
	if (json) {
		console.log(JSON.stringify({ id, userName: id, password }));
		return 0;
	}
	console.log(`${id}: added; this is shown once:\n`);
	console.log(`  user name  ${id}\n  password   ${password}\n`);
	console.log("Tasmota, on its console:");
	console.log(`  Backlog MqttUser ${id}; MqttPassword ${password}; FullTopic devices/${id}/%prefix%/`);
	console.log("ESPHome, in its file:");
	console.log(`  mqtt: {username: ${id}, password: ${password}, topic_prefix: devices/${id}}`);
	console.log("Shelly, on its page: MQTT, user name and password as above, prefix:");
	console.log(`  devices/${id}`);
	return 0;
}
