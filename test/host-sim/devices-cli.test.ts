/** `hearth pair`, `hearth join` and `hearth devices` as processes, against a hub with a page. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../../host-sim/client/index.js";
import { Hub } from "../../host-sim/hub.js";
import { Assets } from "../../host-sim/web/assets.js";
import { Cause } from "../../src/errors.js";
import { Running, testLimits } from "../interop/support.js";
import { assert, suite } from "../support/test.js";

const test = suite("hearth pair, join and devices");
const folder = mkdtempSync(join(tmpdir(), "hearth-devices-"));
const hub = new Hub({
	limits: { ...testLimits, authentications: 10, localSubscriptions: 4 },
	logLevel: -1,
	log: () => {},
	allowAnonymous: false,
	access: {
		authenticate: ({ userName }) => (userName === undefined ? Cause.NotAuthorized : Cause.BadUserNameOrPassword),
	},
	devices: { hubId: "K7Q2M9XD", assets: new Assets(folder) },
});
const mqtt = new URL(await hub.add({ mqtt: { port: 0 } }));
const page = await hub.add({ http: { port: 0 } });
test.after(async () => {
	await hub.close();
	rmSync(folder, { recursive: true });
});

function hearth(...args: string[]): Running {
	return new Running("node", ["bin/hearth.mjs", ...args]);
}

function devices(...args: string[]): Running {
	return hearth("devices", ...args, "--hub", page);
}

const HOST = ["--host", "127.0.0.1", "--port", mqtt.port];

test("a device joins with the code that the hub shows, and logs in with its keys afterwards", async () => {
	const pair = hearth("pair", "--hub", page, "--name", "Lamp", "--room", "Study");
	const [, code] = await pair.says(/hearth join (\d{8}) --host 127\.0\.0\.1 --port \d+/);
	assert.match(pair.stdout, /[█▀▄]{20}/);
	const keys = join(folder, "lamp.keys");
	const joined = await hearth("join", code!, ...HOST, "--id", "lamp-1", "--keys", keys).finished;
	assert.is(joined.stdout.toString(), `paired: lamp-1 with hub K7Q2M9XD; its keys are in ${keys}\n`);
	assert.is(joined.code, 0);
	assert.is(statSync(keys).mode & 0o777, 0o600);
	const paired = await pair.finished;
	assert.match(paired.stdout.toString(), /paired: lamp-1\n$/);
	assert.is(paired.code, 0);
	const checked = await hearth("join", "--check", ...HOST, "--id", "lamp-1", "--keys", keys).finished;
	assert.is(checked.stdout.toString(), "lamp-1: hub K7Q2M9XD knows these keys\n");
	const listed = await devices("list", "--json").finished;
	const [lamp] = JSON.parse(listed.stdout.toString()).devices;
	assert.equal(
		[lamp.id, lamp.name, lamp.room, lamp.kind, lamp.login, lamp.seen],
		["lamp-1", "Lamp", "Study", "device", "scram", true],
	);
	assert.is((await devices("revoke", "lamp-1").finished).stdout.toString(), "lamp-1: revoked\n");
	const refused = await hearth("join", "--check", ...HOST, "--id", "lamp-1", "--keys", keys).finished;
	assert.is(refused.code, 1);
	assert.match(refused.stderr, /^hearth: join: lamp-1: .*authentication-failed|Not authorized/i);
});

test("the text of the QR code says where the hub is, and which one it must be", async () => {
	const open = async () => JSON.parse((await hearth("pair", "--hub", page, "--json").finished).stdout.toString());
	const first = await open();
	const keys = join(folder, "qr.keys");
	const other = first.qr.replace("K7Q2M9XD", "AAAAAAAA");
	const false1 = await hearth("join", other, "--id", "qr", "--keys", keys).finished;
	assert.is(false1.code, 1);
	assert.match(false1.stderr, /or the hub is not the one that the QR code names/);
	const second = await open();
	assert.is((await hearth("join", second.qr, "--id", "qr", "--keys", keys).finished).code, 0);
	assert.is((await devices("revoke", "qr").finished).code, 0);
});

test("a wrong code, a closed window and no hub are said in a line", async () => {
	const window = JSON.parse((await hearth("pair", "--hub", page, "--json").finished).stdout.toString());
	const wrong = window.code === "00000000" ? "00000001" : "00000000";
	const keys = join(folder, "wrong.keys");
	const refused = await hearth("join", wrong, ...HOST, "--id", "x", "--keys", keys).finished;
	assert.is(refused.stderr, "hearth: join: not paired: the hub has another code; look at it again\n");
	assert.is(refused.code, 1);
	assert.is((await hearth("pair", "--hub", page, "--close").finished).code, 0);
	const closed = await hearth("join", window.code, ...HOST, "--id", "x", "--keys", keys).finished;
	assert.match(closed.stderr, /^hearth: join: not paired: .*(pairing-closed|Not authorized)/i);
	const cases: [string[], number, RegExp][] = [
		[["join", "1234"], 2, /^hearth: join: 1234: give the 8 digits that the hub shows/],
		[["join", "12345678", "--id", "a b"], 2, /--id a b: give 1 to 32/],
		[["join", "12345678", "23456789"], 2, /give one code/],
		[["join", "--check", "--id", "nobody", "--keys", join(folder, "none.keys")], 1, /there are no keys; join first/],
		[["pair", "--for", "1h"], 2, /^hearth: pair: --for 1h: give 1s to 15m/],
		[["pair", "--hub", "nowhere"], 2, /--hub nowhere: give a URL such as/],
		[["pair", "--hub", "http://127.0.0.1:65534"], 1, /ECONNREFUSED; is the hub running/],
		[["devices", "paint"], 2, /paint: there is no such action; give one of list, show/],
		[["devices", "rename", "x"], 2, /rename: wrong number of arguments/],
		[["devices", "revoke", "nobody", "--hub", page], 1, /^hearth: devices: nobody: no such device/],
		[["devices", "show", "nobody", "--hub", page], 1, /nobody: no such device/],
		[["devices", "rights", "x", "eat cake", "--hub", page], 2, /rights: eat cake: give "publish FILTER"/],
	];
	for (const [args, code, error] of cases) {
		const finished = await hearth(...args).finished;
		assert.match(finished.stderr, error);
		assert.is(finished.stderr.trim().split("\n").length, 1, finished.stderr);
		assert.is(finished.code, code, args.join(" "));
	}
	writeFileSync(keys, "not keys");
	assert.match((await hearth("join", "--check", "--keys", keys).finished).stderr, /holds no keys; give another file/);
});

test("a device that cannot pair is added, used, changed and let in when it knocked", async () => {
	const added = await devices("add", "plug", "--name", "Plug", "--json").finished;
	const { password } = JSON.parse(added.stdout.toString());
	assert.match(password, /^[a-z2-9]{20}$/);
	const url = `mqtt://127.0.0.1:${mqtt.port}`;
	const plug = await connect(url, { version: 4, userName: "plug", password, clientId: "DVES_1", reconnect: false });
	await plug.publish("devices/plug/state", "on", { qos: 1 });
	assert.match((await devices().finished).stdout.toString(), /plug\s+Plug\s+device\s+password\s+online, 127\.0\.0\.1:/);
	assert.is((await devices("rights", "plug", "publish garden/#", "subscribe %u/x").finished).code, 0);
	assert.is((await devices("rename", "plug", "Garden plug").finished).code, 0);
	assert.match((await devices("show", "plug").finished).stdout.toString(), /name +Garden plug\n.*publish garden\/#/s);
	await plug.end();
	const shown = (await devices("add", "plug").finished).stderr;
	assert.match(shown, /plug: there is such a device; revoke it first/);
	await connect(url, { version: 4, userName: "heater", password: "pw", clientId: "t", reconnect: false }).catch(
		() => {},
	);
	assert.match((await devices().finished).stdout.toString(), /who came and is not known.*\nheater\s+t\s+127/);
	assert.is((await devices("adopt", "heater", "--name", "Heater").finished).stdout.toString(), "heater: let in\n");
	const heater = await connect(url, { version: 4, userName: "heater", password: "pw", reconnect: false });
	await heater.end();
	const text = (await devices("add", "other").finished).stdout.toString();
	assert.match(text, /Backlog MqttUser other; MqttPassword [a-z2-9]{20}/);
});

test("nothing of the keys can be read by others", () => {
	assert.not.ok(/clientKey|password/i.test(readFileSync(join(folder, "lamp.keys"), "utf8")));
});

test.run();
