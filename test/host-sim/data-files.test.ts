/** `hearth data`: export of a hub that runs, import for the same and for another board, info, compact. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt from "mqtt";
import { data } from "../../host-sim/cli/data.js";
import { DATA_FILE, DataDirectory } from "../../host-sim/data/directory.js";
import { exportData, type Line, type MessageLine } from "../../host-sim/data/export.js";
import { seal } from "../../host-sim/data/sealed.js";
import { RecordKind } from "../../src/broker/persist-records.js";
import { TestHub } from "../interop/support.js";
import { assert, suite } from "../support/test.js";

const test = suite("hearth data");
const folder = mkdtempSync(join(tmpdir(), "hearth-data-files-"));
test.after(() => rmSync(folder, { recursive: true }));

/** Runs a command. @returns its exit code and what it printed */
async function run(...args: string[]): Promise<{ code: number; out: string }> {
	const { log, error } = console;
	let out = "";
	console.log = console.error = (line: string) => {
		out += `${line}\n`;
	};
	try {
		return { code: await data(args, 8), out };
	} finally {
		console.log = log;
		console.error = error;
	}
}

/** A hub with data. */
async function hubOn(directory: string): Promise<TestHub> {
	return TestHub.start({}, { data: await DataDirectory.open(directory), logLevel: -1 });
}

/** What an export says, with messages by their topic and payload, and without times. */
function said(directory: string): string[] {
	const lines: Line[] = [];
	exportData(join(directory, DATA_FILE), Date.now(), false, (line) => lines.push(line));
	return plain(lines);
}

function plain(all: readonly Line[]): string[] {
	const messages = new Map<number, string>();
	const lines: string[] = [];
	const name = (line: MessageLine) =>
		[line.topic, line.qos, line.retain, line.payload, line.payloadBase64, line.propertiesBase64].join(" ");
	for (const line of all) {
		if ("hearth" in line) continue;
		if (line.type === "message") messages.set(line.id, name(line));
		else if (line.type === "retained") lines.push(`retained ${messages.get(line.message)}`);
		else if (line.type === "record") lines.push(JSON.stringify(line));
		else {
			const { clientId, userName, expiry, received } = line;
			lines.push([clientId, userName, expiry, received, line.expiresIn !== undefined].join(" "));
			if (line.will !== undefined) lines.push(`${clientId} will ${messages.get(line.will.message)} ${line.will.delay}`);
			for (const s of line.subscriptions) lines.push(`${clientId} ${JSON.stringify(s)}`);
			for (const [i, { message, ...item }] of line.queue.entries())
				lines.push(`${clientId} ${i} ${messages.get(message ?? 0)} ${JSON.stringify(item)}`);
		}
	}
	return lines.sort();
}

const original = join(folder, "original");

test.before(async () => {
	const hub = await hubOn(original);
	const url = `mqtt://127.0.0.1:${hub.port}`;
	const options = { protocolVersion: 5, reconnectPeriod: 0 } as const;
	const keeps = { ...options, clean: false, properties: { sessionExpiryInterval: 3_600 } };
	const will = { topic: "will", payload: Buffer.from("gone"), qos: 1 as const, properties: { willDelayInterval: 600 } };
	const away = await mqtt.connectAsync(url, { ...keeps, clientId: "away", username: "ann", will });
	await away.subscribeAsync("queue/#", { qos: 2, properties: { subscriptionIdentifier: 9 } });
	await away.subscribeAsync("$share/g/shared", { qos: 1 });
	away.stream.destroy();
	await hub.gone("away");
	const sender = await mqtt.connectAsync(url, options);
	for (let i = 0; i < 80; i++) await sender.publishAsync(`value/${i}`, `${i}`, { qos: 1, retain: true });
	await sender.publishAsync("binary", Buffer.from([0, 255, 254]), { qos: 0, retain: true });
	await sender.publishAsync("queue/a", "1", {
		qos: 1,
		properties: { contentType: "text", messageExpiryInterval: 1_000 },
	});
	await sender.publishAsync("queue/b", "2", { qos: 2 });
	await sender.publishAsync("shared", "3", { qos: 1 });
	sender.end(true);
	const held = await mqtt.connectAsync(url, { ...keeps, clientId: "held" });
	held.handleMessage = () => {}; // it acknowledges nothing
	await held.subscribeAsync("busy", { qos: 2 });
	await hub.subscribed("held", "busy");
	const other = await mqtt.connectAsync(url, options);
	await other.publishAsync("busy", "4", { qos: 2 });
	// the hub runs: this is a backup
	const { code, out } = await run("export", "--data", original, "--file", join(folder, "backup"));
	assert.is(code, 0);
	assert.match(out, /backup: \d+ lines/);
	assert.match((await run("info", "--data", original)).out, new RegExp(`hub +runs, process ${process.pid}`));
	held.end(true);
	other.end(true);
	await hub.close();
});

test("what is exported and imported again is the same, by an export of it", async () => {
	const copy = join(folder, "copy");
	const { code, out } = await run("import", "--data", copy, "--file", join(folder, "backup"));
	assert.is(code, 0, out);
	assert.match(out, /2 sessions, 81 Retained Messages, 4 queued messages/);
	const backup = readFileSync(join(folder, "backup"), "utf8").trimEnd().split("\n");
	assert.equal(said(copy), plain(backup.map((line) => JSON.parse(line))));
	assert.ok(said(copy).length > 85);
	const hub = await hubOn(copy);
	assert.is(hub.broker.retained.count, 81);
	const got: string[] = [];
	const away = mqtt.connect(`mqtt://127.0.0.1:${hub.port}`, { clientId: "away", clean: false, reconnectPeriod: 0 });
	away.on("message", (topic, payload) => got.push(`${topic} ${payload}`));
	await new Promise<void>((resolve) => away.on("message", () => got.length === 3 && resolve()));
	assert.equal(got.sort(), ["queue/a 1", "queue/b 2", "shared 3"]);
	away.end(true);
	await hub.close();
});

test("for a smaller board: what does not fit is listed, and nothing or whole things are imported", async () => {
	const small = join(folder, "small");
	const args = ["import", "--data", small, "--file", join(folder, "backup"), "--board", "esp32"];
	const refused = await run(...args);
	assert.is(refused.code, 1);
	assert.is(refused.out.match(/does not fit: Retained Message \S+: of 64/g)!.length, 17);
	assert.match(refused.out, /nothing is imported; --what-fits imports the rest/);
	assert.not.ok(existsSync(small));
	assert.is((await run(...args, "--what-fits")).code, 0);
	assert.is(said(small).filter((line) => line.startsWith("retained")).length, 64);
	assert.is(
		said(small).filter((line) => line.startsWith("away ")).length,
		said(original).filter((l) => l.startsWith("away ")).length,
	);
});

test("compact gives room back", async () => {
	const before = said(original);
	const bytes = statSync(join(original, DATA_FILE)).size;
	const { code, out } = await run("compact", "--data", original);
	assert.is(code, 0, out);
	assert.ok(statSync(join(original, DATA_FILE)).size <= bytes);
	assert.equal(said(original), before);
	assert.match((await run("info", "--data", original)).out, /Retained Messages +81\n(.*\n)*hub +does not run/);
});

test("who the hub is moves in a file that only its passphrase opens", async () => {
	const directory = join(folder, "identity");
	const hub = await hubOn(directory);
	const { own } = hub.broker.persist!;
	const put = (kind: RecordKind.HubDevice | RecordKind.HubKey, number: number, bytes: string) =>
		new Promise<boolean>((saved) => own.put(kind, number, Buffer.from(bytes), saved));
	assert.ok(await put(RecordKind.HubKey, 0, "the hub"));
	assert.ok(await put(RecordKind.HubDevice, 3, "a device"));
	const sender = await mqtt.connectAsync(`mqtt://127.0.0.1:${hub.port}`, { reconnectPeriod: 0 });
	await sender.publishAsync("value", "1", { qos: 1, retain: true });
	sender.end(true);
	const file = join(folder, "sealed");
	const right = passphrase("apple tree in autumn");
	const made = await run("export", "--data", directory, "--identity", "--file", file, ...right);
	assert.match(made.out, /sealed: 3 lines, encrypted/);
	assert.is(statSync(file).mode & 0o777, 0o600);
	await hub.close();
	assert.not.ok(readFileSync(file, "latin1").includes(Buffer.from("a device").toString("base64")));
	const { code, out } = await run("import", "--data", join(folder, "moved"), "--file", file, ...right);
	assert.is(code, 0, out);
	assert.match(out, /0 sessions, 0 Retained Messages, 0 queued messages, 2 of the hub's records/);
	const moved = await hubOn(join(folder, "moved"));
	const found: string[] = [];
	for (const kind of [RecordKind.HubKey, RecordKind.HubDevice] as const)
		moved.broker.persist!.own.each(kind, (_number, bytes) => found.push(Buffer.from(bytes).toString()));
	assert.equal(found, ["the hub", "a device"]);
	await moved.close();
});

test("an encrypted file opens by its passphrase only, whole", async () => {
	const file = join(folder, "quick");
	const lines = `${JSON.stringify({ hearth: "data", version: 1, time: "" })}\n{"type":"record","kind":9999,"number":0}`;
	const sealed = await seal(Buffer.from(lines), "apple tree in autumn", 8);
	writeFileSync(file, sealed);
	const args = ["import", "--data", join(folder, "y"), "--file", file];
	await refuses(args, /quick: is encrypted; give --passphrase-file/);
	await refuses([...args, ...passphrase("apple tree in spring")], /quick: another passphrase, or damaged/);
	await refuses([...args, ...passphrase("short")], /words: give at least 12 characters/);
	await refuses([...args, ...passphrase("apple tree in autumn")], /line 2: is no record of the hub's own/);
	writeFileSync(file, sealed.subarray(0, sealed.length - 1));
	await refuses([...args, ...passphrase("apple tree in autumn")], /quick: another passphrase, or damaged/);
	assert.not.ok(existsSync(join(folder, "y")));
});

function passphrase(words: string): string[] {
	writeFileSync(join(folder, "words"), `${words}\n`);
	return ["--passphrase-file", join(folder, "words")];
}

/** It ends with this one line. */
async function refuses(args: string[], pattern: RegExp): Promise<void> {
	let message = "";
	await run(...args).catch((error) => {
		message = error.message;
	});
	assert.match(message, pattern);
}

test("what cannot be used is one line", async () => {
	await refuses(["info"], /data info: give --data DIR/);
	await refuses(["tidy", "--data", original], /data tidy: give info, export, import or compact/);
	await refuses(["info", "--data", join(folder, "none")], /none\/hearth\.mdb: there is none/);
	await refuses(["import", "--data", original, "--file", join(folder, "backup")], /has data already; give another/);
	writeFileSync(join(folder, "wrong"), `${readFileSync(join(folder, "backup"), "utf8").split("\n")[0]}\n{"a":1}\n`);
	await refuses(
		["import", "--data", join(folder, "x"), "--file", join(folder, "wrong")],
		/line 2: is no line of an export/,
	);
	await refuses(["import", "--data", join(folder, "x"), "--file", join(folder, "no")], /no: cannot be read \(ENOENT\)/);
	assert.not.ok(existsSync(join(folder, "x")));
});

test.run();
