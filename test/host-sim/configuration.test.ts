/** The configuration: what a file may say, what is said of it when it is wrong, and how options go over it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { boardNames } from "../../host-sim/boards.js";
import { wantedListeners } from "../../host-sim/configuration/configured-hub.js";
import { configurationSchema, helpLines, markdownTables } from "../../host-sim/configuration/describe.js";
import { HUB } from "../../host-sim/configuration/hub-configuration.js";
import { commandLineOptions, overlay, parseConfiguration } from "../../host-sim/configuration/load.js";
import { flagOf, nearest } from "../../host-sim/configuration/table.js";
import { parseAclFile } from "../../host-sim/users/acl-file.js";
import { hostLimits } from "../../src/limits.js";
import { Running } from "../interop/support.js";
import { assert, suite } from "../support/test.js";

const test = suite("configuration");
const folder = mkdtempSync(join(tmpdir(), "hearth-config-"));
const bin = join(process.cwd(), "bin", "hearth.mjs");

function refused(run: () => unknown, pattern: RegExp): void {
	try {
		run();
	} catch (error) {
		assert.is((error as Error).name, "HearthError");
		assert.match((error as Error).message, pattern);
		assert.not.match((error as Error).message, /\n/);
		return;
	}
	assert.unreachable(`${pattern}`);
}

const parse = (value: unknown) => parseConfiguration(JSON.stringify(value), "f.json", "/etc/hearth");

test("a whole configuration is taken as it stands; paths are relative to the file", () => {
	const configuration = {
		$schema: "./hearth.config.schema.json",
		board: "esp32",
		limits: { connections: 8, whenQueueFull: "refuse", wildcardSubscriptions: false },
		spaces: { garden: { connections: 2 } },
		passwordFile: "users",
		aclFile: "/abs/rights",
		allowAnonymous: false,
		sysInterval: 0,
		listeners: [
			{ mqtt: { host: "::", port: 0, space: "garden", limits: { qosMax: 1 } } },
			{ mqtts: { cert: "c.pem", key: "env:KEY", sni: { "a.example": { cert: "a.pem", key: "a.key" } } } },
			{ ws: { paths: ["/x"], allowedOrigins: ["https://home.example"], aclFile: "../other" } },
		],
	};
	const taken = parse(configuration);
	assert.equal(taken, {
		...configuration,
		passwordFile: "/etc/hearth/users",
		listeners: [
			configuration.listeners[0],
			{
				mqtts: {
					cert: "/etc/hearth/c.pem",
					key: "env:KEY",
					sni: { "a.example": { cert: "/etc/hearth/a.pem", key: "/etc/hearth/a.key" } },
				},
			},
			{ ws: { paths: ["/x"], allowedOrigins: ["https://home.example"], aclFile: "/etc/other" } },
		],
	} as unknown as typeof taken);
});

test("what is wrong: the file, the key, what was expected, the nearest known name", () => {
	refused(() => parse({ prot: 1 }), /^f\.json: prot: there is no such option; the nearest there is: port$/);
	refused(() => parse({ allowanonymus: true }), /^f\.json: allowanonymus: .*nearest there is: allowAnonymous$/);
	refused(() => parse({ "ws-port": 1 }), /nearest there is: wsPort$/);
	refused(() => parse({ constructor: 1 }), /^f\.json: constructor: there is no such option/);
	refused(() => parseConfiguration('{"__proto__": 1}', "f.json", "/"), /^f\.json: __proto__: there is no such option/);
	refused(() => parse({ port: "1883" }), /^f\.json: port: expected a whole number from 0 to 65535, not "1883"$/);
	refused(() => parse({ port: 70_000 }), /^f\.json: port: expected .*, not 70000$/);
	refused(() => parse({ port: 1.5 }), /^f\.json: port: expected a whole number/);
	refused(() => parse({ port: null }), /^f\.json: port: expected .*, not null$/);
	refused(() => parse({ strict: "yes" }), /^f\.json: strict: expected true or false, not "yes"$/);
	refused(() => parse({ board: "esp33" }), /^f\.json: board: expected "host", "esp32".* or "\w+", not "esp33"$/);
	refused(() => parse({ aclFile: "" }), /^f\.json: aclFile: expected a file's path/);
	refused(() => parse({ allowedOrigins: "x" }), /^f\.json: allowedOrigins: expected a list of texts, not "x"$/);
	refused(() => parse({ limits: [] }), /^f\.json: limits: expected an object, not \[\]$/);
	refused(() => parse({ limits: { topicbytes: 1 } }), /^f\.json: limits\.topicbytes: .*nearest there is: topicBytes$/);
	refused(() => parse({ limits: { qosMax: 3 } }), /^f\.json: limits\.qosMax: expected a whole number from 0 to 2/);
	refused(() => parse({ spaces: { a: { qosMax: -1 } } }), /^f\.json: spaces\.a\.qosMax: expected/);
	refused(
		() => parse({ listeners: {} }),
		/^f\.json: listeners: expected a list of objects, each with one of mqtt, mqtts/,
	);
	refused(
		() => parse({ listeners: [{ mqtt: {}, ws: {} }] }),
		/^f\.json: listeners\[0\]: expected an object with one of/,
	);
	refused(() => parse({ listeners: [{ mqt: {} }] }), /^f\.json: listeners\[0\]\.mqt: .*nearest there is: mqtt$/);
	refused(
		() => parse({ listeners: [{ mqtt: { cert: "x" } }] }),
		/^f\.json: listeners\[0\]\.mqtt\.cert: there is no such/,
	);
	refused(() => parse([]), /^f\.json: expected an object/);
	refused(() => parseConfiguration('{\n"port": 1,\n}', "f.json", "/"), /^f\.json:3: is not JSON: /);
	refused(() => parseConfiguration("", "f.json", "/"), /^f\.json.*: is not JSON: /);
});

test("the command line goes over the file; where the file has listeners it can't say others", () => {
	const file = parse({ port: 1, strict: true, aclFile: "a" });
	assert.equal(overlay(file, { port: "2", strict: false, "acl-file": "b", "allowed-origin": ["x", "y"] }, "hub"), {
		port: 2,
		strict: false,
		aclFile: resolve("b"),
		allowedOrigins: ["x", "y"],
	});
	assert.equal(overlay(file, { help: true, config: "x" }, "hub"), file);
	refused(() => overlay({}, { port: "0x10" }, "hub"), /^hub: --port 0x10: expected a whole number from 0 to 65535$/);
	const listeners = parse({ listeners: [{ mqtt: {} }] });
	refused(
		() => overlay(listeners, { port: "1" }, "hub"),
		/^hub: --port: the configuration has listeners; change it there/,
	);
	assert.is(overlay(listeners, { "acl-file": "b" }, "hub").aclFile, resolve("b"));
});

test("which listeners there are", () => {
	const of = (configuration: object) =>
		wantedListeners(parse({ http: false, ...configuration })).map(({ listener, optional }) => {
			const [[protocol, options] = []] = Object.entries(listener);
			return `${protocol} ${options.host} ${options.port}${optional ? " optional" : ""}`;
		});
	const pair = { cert: "c", key: "k" };
	assert.equal(of({}), ["mqtt 127.0.0.1 1883", "ws 127.0.0.1 9001 optional"]);
	assert.equal(of({ port: 0 }), ["mqtt 127.0.0.1 0", "ws 127.0.0.1 0 optional"]);
	assert.equal(of({ host: "::1", wsPort: 1 }), ["mqtt ::1 1883", "ws ::1 1"]);
	assert.equal(of({ ws: false }), ["mqtt 127.0.0.1 1883"]);
	assert.equal(of({ mqtt: false, ws: false, ...pair }), ["mqtts 127.0.0.1 8883"]);
	assert.equal(of({ mqtt: false, ws: false, ...pair, wssPort: 1 }), ["wss 127.0.0.1 1"]);
	assert.equal(of({ mqtt: false, ws: false, ...pair, wssPort: 1, tlsPort: 2 }), [
		"mqtts 127.0.0.1 2",
		"wss 127.0.0.1 1",
	]);
	assert.equal(of({ ws: false, http: true }), ["mqtt 127.0.0.1 1883", "http 127.0.0.1 8080"]);
	assert.equal(of({ port: 0, ws: false, http: true, httpPort: 5 }), ["mqtt 127.0.0.1 0", "http 127.0.0.1 5"]);
	assert.equal(of({ mqtt: false, ws: false, ...pair, httpsPort: 1 }), ["https 127.0.0.1 1"]);
	assert.ok(wantedListeners({}).find(({ listener }) => listener.http?.port === 8080)?.optional);
	refused(() => of({ httpsPort: 1 }), /https: needs a certificate and its key/);
	refused(() => of({ mqtt: false, ws: false }), /there is no listener/);
	refused(() => of({ tlsPort: 0 }), /mqtts: needs a certificate and its key/);
	for (const asks of [{ certificateUserName: true }, { requireCertificate: true }])
		refused(() => of({ ...pair, ...asks }), /^hub: mqtts: asks for client certificates, .*; give --ca$/);
	refused(() => of({ cert: "c" }), /mqtts: needs a certificate and its key/);
	refused(() => of({ listeners: [{ wss: { cert: "c" } }] }), /wss: needs a certificate and its key/);
	refused(() => of({ listeners: [] }), /there is no listener/);
});

test("the nearest name", () => {
	const names = Object.keys(HUB);
	for (const [given, wanted] of [
		["prot", "port"],
		["hots", "host"],
		["password_file", "passwordFile"],
		["acl", "aclFile"],
		["tlsport", "tlsPort"],
		["requireCertficate", "requireCertificate"],
	] as const)
		assert.is(nearest(given, names), wanted, given);
	assert.is(nearest("something-else", ["a", "b"]), undefined);
});

test("schema, command line, help and documents have each option", () => {
	const schema = configurationSchema(HUB) as { properties: Record<string, { properties?: object }> };
	assert.equal(Object.keys(schema.properties), Object.keys(HUB));
	assert.equal(Object.keys(schema.properties.limits!.properties!).sort(), Object.keys(hostLimits).sort());
	const flags = Object.entries(HUB).map(([key, option]) => flagOf(key, option));
	assert.equal(
		Object.keys(commandLineOptions(HUB)),
		flags.filter((flag) => flag !== undefined),
	);
	assert.is(helpLines(HUB).length, flags.filter((flag) => flag !== undefined).length);
	assert.ok(JSON.stringify(schema.properties.board).includes(`"${boardNames()[0]}"`));
});

test("docs/configuration.md has the tables that the options make; npm run docs writes them", () => {
	const document = readFileSync(join(process.cwd(), "docs", "configuration.md"), "utf8");
	assert.is(document.slice(document.indexOf("## The hub")).trim(), markdownTables(HUB).trim());
});

test("the examples of the documents are right", () => {
	const blocks = (name: string, kind: string) => {
		const text = readFileSync(join(process.cwd(), "docs", name), "utf8");
		return [...text.matchAll(new RegExp(`\`\`\`${kind}\\n([\\s\\S]*?)\`\`\``, "g"))].map(([, block]) => block!);
	};
	const configurations = blocks("configuration.md", "json");
	assert.ok(configurations.length >= 2);
	for (const text of configurations) wantedListeners(parseConfiguration(text, "docs", "/"));
	const [rights] = blocks("rights.md", "");
	const ann = { clientId: "c", userName: "ann" };
	assert.ok(parseAclFile(rights!, "docs").authorizePublish(ann, "a/b"));
	assert.not(parseAclFile(rights!, "docs").authorizePublish(ann, "secret/b"));
});

/** It could not be used: one line on stderr that matches, exit code 2. */
async function refuses(args: string[], pattern: RegExp): Promise<void> {
	const finished = await new Running(process.execPath, [bin, ...args]).finished;
	assert.is(finished.code, 2, finished.stderr);
	assert.is(finished.stderr.trimEnd().split("\n").length, 1, finished.stderr);
	assert.match(finished.stderr, pattern);
}

test("hearth config check reads what a configuration names", async () => {
	const path = (name: string, value: string | object) => {
		writeFileSync(join(folder, name), typeof value === "string" ? value : JSON.stringify(value));
		return join(folder, name);
	};
	path("rights", "everyone\nallow all #\n");
	const good = path("good.json", { aclFile: "rights", listeners: [{ mqtt: { host: "192.0.2.1" } }, { ws: {} }] });
	const right = await new Running(process.execPath, [bin, "config", "check", good]).finished;
	assert.is(right.code, 0, right.stderr);
	assert.equal(right.lines, [`${good}: right; listeners: mqtt, ws`]);
	path("bad-rights", "everyone\nallow everything #\n");
	await refuses(["config", "check", join(folder, "none.json")], /none\.json: there is no such file/);
	await refuses(["config", "check", path("1.json", { aclFile: "bad-rights" })], /bad-rights:2: expected rights out of/);
	await refuses(["config", "check", path("2.json", { passwordFile: "none" })], /none: no such file/);
	await refuses(["config", "check", path("3.json", { limits: { sessions: 1 } })], /limits: sessions ≥ connections/);
	const tls = { cert: "none.pem", key: "none.pem" };
	await refuses(
		["config", "check", path("4.json", { listeners: [{ mqtts: tls }] })],
		/none\.pem: there is no such file/,
	);
	await refuses(
		["config", "check", path("5.json", { passwordFile: "env:NOT_SET_HERE" })],
		/NOT_SET_HERE: the environment/,
	);
	await refuses(["config", "chek"], /chek: give check, print or schema/);
	await refuses(["hub", "--config", join(folder, "1.json")], /bad-rights:2/);
});

test("hearth config print says what the hub would run with, and what it prints is a configuration", async () => {
	const file = join(folder, "print.json");
	writeFileSync(file, JSON.stringify({ port: 7, board: "esp32", limits: { connections: 3 }, aclFile: "x" }));
	const print = async (...args: string[]) => {
		const finished = await new Running(process.execPath, [bin, "config", "print", ...args]).finished;
		assert.is(finished.code, 0, finished.stderr);
		return finished.stdout.toString();
	};
	const text = await print(file, "--no-ws", "--no-http", "--sys-interval", "3");
	const printed = JSON.parse(text);
	assert.equal(printed.listeners, [{ mqtt: { host: "127.0.0.1", port: 7 } }]);
	assert.is(printed.limits.connections, 3);
	assert.is(printed.limits.packetBytes, 4096);
	assert.is(printed.sysInterval, 3);
	assert.is(printed.strict, false);
	assert.is(printed.aclFile, join(folder, "x"));
	assert.equal(parseConfiguration(text, "printed", "/"), printed);
	const again = join(folder, "again.json");
	writeFileSync(again, text);
	assert.is(await print(again), text);
});

test.after(() => rmSync(folder, { recursive: true }));
test.run();
