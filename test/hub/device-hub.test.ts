/** The hub around a broker: who comes in, what is told of it, and what admins may do. */
import { createHmac } from "node:crypto";
import { curve } from "../../host-sim/curve.js";
import { crypto } from "../../host-sim/platform.js";
import { text } from "../../host-sim/text.js";
import { scramCredentials } from "../../src/auth/scram.js";
import type { AccessRules } from "../../src/broker/access.js";
import { Cause } from "../../src/errors.js";
import { AdminTopics } from "../../src/hub/admin-topics.js";
import { DeviceHub } from "../../src/hub/device-hub.js";
import type { PairingPlatform } from "../../src/hub/pairing.js";
import { StoredRecords } from "../../src/hub/stored-records.js";
import type { Platform } from "../../src/platform.js";
import { Fixture, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("the hub");
const SALT = Buffer.alloc(16, 7);
const verifierOf = (password: string) => createHmac("sha256", SALT).update(password).digest();

class House {
	readonly hub: DeviceHub;
	readonly fixture: Fixture;
	readonly topics: AdminTopics;
	private seed = 1;

	constructor(rules: AccessRules = {}) {
		const platform: PairingPlatform & Platform = {
			text,
			crypto,
			curve,
			now: () => this.fixture.now,
			random: () => (this.seed = (this.seed * 1_664_525 + 1_013_904_223) >>> 0),
			randomBytes: (bytes) => {
				for (let i = 0; i < bytes.length; i++) bytes[i] = platform.random() >>> 24;
			},
			defer: (task) => task(),
			wake: () => {},
		};
		this.hub = new DeviceHub({
			platform,
			hubId: "K7Q2M9XD",
			records: new StoredRecords(),
			devicesMax: 4,
			rules: { allowAnonymous: false, ...rules },
			isAdmin: (client) => client.userName === "boss",
			knocksMax: 2,
			events: {
				changed: () => this.topics.tellWindow(),
				device: (id) => this.topics.tellDevice(id),
				knocked: () => this.topics.tellKnocks(),
			},
		});
		this.fixture = new Fixture({
			access: this.hub.access,
			authentication: this.hub.authentication,
			events: this.hub.events({
				subscribed: (_clientId, filter) => this.topics.subscribed(filter),
				connected: (clientId) => this.topics.connected(clientId),
				disconnected: () => this.topics.disconnected(),
			}),
			limits: { authentications: 4, localSubscriptions: 4, guesses: 0 },
		});
		this.hub.attach(this.fixture.broker);
		this.topics = new AdminTopics(this.hub, this.fixture.broker, { now: () => this.fixture.now });
	}

	addDevice(id: string, password = "p", kind = "device"): void {
		this.hub.devices.addPassword({ id, name: id.toUpperCase(), room: "", kind }, password, SALT, () => {});
	}

	login(clientId: string, username: string, password: string, options = {}): TestClient {
		const connect = { protocolVersion: 5 as const, username, password: Buffer.from(password), ...options };
		return this.fixture.connect(clientId, connect);
	}

	refused(clientId: string, username: string, password: string): number {
		const client = this.fixture.open(5);
		const { reasonCode } = client.connect(clientId, { protocolVersion: 5, username, password: Buffer.from(password) });
		return reasonCode!;
	}

	admin(): TestClient {
		this.addDevice("boss-panel", "b", "admin");
		return this.login("panel", "boss-panel", "b");
	}
}

/** Sends a command. @returns the answer */
function ask(client: TestClient, command: string, request: object = {}): { ok: boolean; error?: string } {
	client.packets = [];
	const properties = { responseTopic: "answers", correlationData: Buffer.of(1) };
	client.subscribe("answers");
	client.publish(`$HEARTH/do/${command}`, JSON.stringify(request), 0, { properties });
	for (const packet of client.packets)
		if (packet.cmd === "publish" && packet.topic === "answers") return JSON.parse(`${packet.payload}`);
	throw new Error("no answer");
}

/** @returns what was told under $HEARTH/, the last of each */
function told(client: TestClient): Record<string, unknown> {
	const found: Record<string, unknown> = {};
	for (const packet of client.packets.splice(0))
		if (packet.cmd === "publish" && packet.topic.startsWith("$HEARTH/"))
			found[packet.topic.slice(8)] = packet.payload.length === 0 ? "gone" : JSON.parse(`${packet.payload}`);
	return found;
}

test("a device with a password comes in by its user name, and has its corner", () => {
	const house = new House();
	house.addDevice("plug");
	const plug = house.login("DVES_1234", "plug", "p");
	assert.equal(plug.subscribe(["devices/plug/#", "devices/other/#", "$HEARTH/#"], 1), [1, 0x87, 0x87]);
	plug.publish("devices/plug/state", "on", 1, { messageId: 5 });
	assert.equal(plug.messages(), ["devices/plug/state on 1", "puback"]);
	plug.publish("devices/other/state", "on", 1, { messageId: 6 });
	assert.is(plug.take("puback").reasonCode, 0x87);
	assert.is(house.refused("x", "plug", "wrong"), 0x86);
	assert.is(house.refused("x", "nobody", "p"), 0x86);
});

test("a device that was paired cannot be talked down to a password", () => {
	const house = new House();
	const scram = scramCredentials(crypto, text, "secret", SALT);
	house.hub.devices.pair({ id: "lamp", name: "", room: "", kind: "device", model: "" }, scram, () => {});
	assert.is(house.refused("lamp", "lamp", "secret"), 0x86);
	// nor by rules that would have let it in
	const open = new House({ authenticate: () => Cause.None });
	open.hub.devices.pair({ id: "lamp", name: "", room: "", kind: "device", model: "" }, scram, () => {});
	assert.is(open.refused("lamp", "lamp", "secret"), 0x86);
	assert.is(open.refused("any", "any", "x"), 0);
});

test("an admin sees the window, the devices and who knocked, when it subscribes and when they change", () => {
	const house = new House();
	house.addDevice("plug");
	const admin = house.admin();
	assert.equal(admin.subscribe("$HEARTH/#"), [0]);
	const first = told(admin);
	assert.equal(first["window"], { open: false, end: "" });
	assert.equal(first["knocks"], []);
	const device = first["devices/plug"] as Record<string, unknown>;
	assert.is(device["name"], "PLUG");
	assert.is(device["online"], false);
	assert.not(JSON.stringify(first).includes("verifier"));
	const { code } = house.hub.pairing.open({ openedBy: "test", name: "Lamp" });
	house.fixture.advance(0);
	house.fixture.settle();
	const window = told(admin);
	assert.equal(window["window"], {
		open: true,
		secondsLeft: 120,
		attemptsLeft: 5,
		openedBy: "test",
		name: "Lamp",
	});
	assert.not(JSON.stringify(window).includes(code));
	const plug = house.login("c", "plug", "p");
	assert.is((told(admin)["devices/plug"] as Record<string, unknown>)["online"], true);
	plug.cut();
	house.fixture.settle();
	assert.is((told(admin)["devices/plug"] as Record<string, unknown>)["online"], false);
	house.refused("tasmota", "stranger", "pw");
	const knocks = told(admin)["knocks"] as Record<string, unknown>[];
	assert.equal([knocks[0]!["userName"], knocks[0]!["clientId"], knocks[0]!["count"]], ["stranger", "tasmota", 1]);
});

test("nothing is told, or made to be told, before somebody listens", () => {
	const house = new House({ allowAnonymous: true });
	const known = (topic: string) => house.fixture.broker.routes.find(topic, topic.length) !== 0;
	const first = house.fixture.connect("first");
	first.subscribe("a/b");
	first.send({ cmd: "disconnect" } as never);
	house.topics.log("a line");
	assert.equal([known("$HEARTH/clients/0"), known("$HEARTH/log")], [false, false]);
	house.admin().subscribe("$HEARTH/#");
	house.fixture.connect("second");
	assert.ok(known("$HEARTH/log"));
	assert.ok(known(`$HEARTH/clients/${house.fixture.broker.sessions.find("second")!.connection!.index}`));
});

test("an admin sees the clients and the log, and may end a connection", () => {
	const house = new House({ allowAnonymous: true });
	house.fixture.connect("early").subscribe(["a", "b"]);
	const admin = house.admin();
	admin.subscribe("$HEARTH/#");
	house.topics.log("something happened");
	house.fixture.settle();
	const first = told(admin);
	const clients = Object.values(first).filter((value) => (value as { clientId?: string }).clientId !== undefined);
	assert.equal(
		clients.map((client) => {
			const { clientId, userName, subscriptions } = client as Record<string, unknown>;
			return [clientId, userName, subscriptions];
		}),
		[
			["early", "", 2],
			["panel", "boss-panel", 1],
		],
	);
	assert.equal(first["log"], ["something happened"]);
	assert.equal(ask(admin, "disconnect", { clientId: "early" }), { ok: true });
	house.fixture.settle();
	assert.is(house.fixture.broker.sessions.find("early"), undefined);
});

test("who knocked is let in with the password that it brought, and no other", () => {
	const house = new House();
	const admin = house.admin();
	house.refused("tasmota", "stranger", "pw");
	assert.equal(ask(admin, "adopt", { userName: "other" }).ok, false);
	assert.equal(ask(admin, "adopt", { userName: "stranger", name: "Heater", kind: "device" }), { ok: true });
	assert.is(house.refused("tasmota", "stranger", "px"), 0x86);
	const heater = house.login("tasmota", "stranger", "pw");
	assert.equal(heater.subscribe("devices/stranger/#"), [0]);
	assert.is(house.hub.devices.find("stranger")?.name, "Heater");
	assert.is(house.hub.knocks.list.length, 0);
});

test("knocks are bounded, and forgotten after a while", () => {
	const house = new House();
	for (const name of ["a", "b", "c"]) house.refused(name, name, "pw");
	assert.equal(
		house.hub.knocks.list.map((knock) => knock.userName),
		["b", "c"],
	);
	house.refused("x", "no device's name", "pw");
	assert.is(house.hub.knocks.list.length, 2);
	house.fixture.advance(600_001);
	house.hub.tick();
	assert.is(house.hub.knocks.list.length, 0);
});

test("commands add, change and revoke; what cannot be is said in a line", () => {
	const house = new House();
	const admin = house.admin();
	const hex = (bytes: Buffer) => bytes.toString("hex");
	const add = { id: "meter", name: "Meter", room: "Cellar", salt: hex(SALT), verifier: hex(verifierOf("pw")) };
	assert.equal(ask(admin, "add", add), { ok: true });
	assert.match(ask(admin, "add", add).error!, /there is such a device/);
	assert.equal(ask(admin, "change", { id: "meter", name: "Main meter", rights: "publish grid/#" }), { ok: true });
	const meter = house.login("m", "meter", "pw");
	meter.publish("grid/power", "1", 1, { messageId: 3 });
	assert.is(meter.take("puback").reasonCode! < 0x80, true);
	meter.subscribe("devices/meter/#");
	// a right that is taken away is gone at once
	assert.equal(ask(admin, "change", { id: "meter", kind: "viewer" }), { ok: true });
	assert.equal(ask(admin, "change", { id: "meter", rights: "" }), { ok: true });
	meter.publish("grid/power", "2", 1, { messageId: 4 });
	assert.is(meter.take("puback").reasonCode, 0x87);
	const cases: [string, object, RegExp][] = [
		["nonsense", {}, /^nonsense: no such command; there are open-window/],
		["toString", {}, /no such command/],
		["change", { id: "nobody" }, /^nobody: no such device/],
		["change", { id: "a/b" }, /^change: id: give 1 to 32/],
		["change", { id: "meter", kind: "king" }, /kind: give one of device/],
		["change", { id: "meter", name: 5 }, /name: give a text/],
		["change", { id: "meter", name: "x".repeat(65) }, /name: give at most 64 bytes/],
		["add", { id: "n", salt: "00", verifier: "" }, /salt: give 16 bytes/],
		["open-window", { seconds: 901 }, /seconds: give 1 to 900/],
		["revoke", { id: "nobody" }, /^nobody: no such device/],
		["disconnect", { clientId: "nobody" }, /^nobody: is not connected/],
		["adopt", {}, /userName: give 1 to 32/],
	];
	for (const [command, request, error] of cases) assert.match(ask(admin, command, request).error ?? "none", error);
	admin.packets = [];
	const properties = { responseTopic: "answers" };
	admin.publish("$HEARTH/do/change", "[1]", 0, { properties });
	const answer = admin.packets.find((packet) => packet.cmd === "publish");
	assert.match(`${answer?.cmd === "publish" && answer.payload}`, /give a JSON object/);
});

test("a revoked device is out at once, with its session and, if wanted, its Retained Messages", () => {
	const house = new House();
	house.addDevice("plug");
	const admin = house.admin();
	const plug = house.login("c", "plug", "p", { clean: false, properties: { sessionExpiryInterval: 3_600 } });
	plug.subscribe("devices/plug/#");
	plug.publish("devices/plug/state", "on", 0, { retain: true });
	plug.publish("homeassistant/switch/plug/config", "{}", 0, { retain: true });
	admin.publish("devices/other/state", "on", 0, { retain: true });
	plug.packets = [];
	assert.equal(ask(admin, "revoke", { id: "plug", clearRetained: true }), { ok: true });
	assert.ok(plug.closed);
	assert.is(plug.packets.find((packet) => packet.cmd === "disconnect")?.reasonCode, 0x98);
	assert.is(house.fixture.broker.sessions.find("c"), undefined);
	assert.is(house.fixture.broker.retained.get("devices/plug/state"), 0);
	assert.is(house.fixture.broker.retained.get("homeassistant/switch/plug/config"), 0);
	assert.is.not(house.fixture.broker.retained.get("devices/other/state"), 0);
	assert.is(house.refused("c", "plug", "p"), 0x86);
});

test("an announced device is in discovery, its presence is told, and revoking takes it out", () => {
	const house = new House();
	house.addDevice("plug");
	const admin = house.admin();
	admin.subscribe(["homeassistant/#", "devices/#"], 0);
	assert.is(house.hub.announce({ id: "plug" }, [{ id: "relay", platform: "switch" }]), Cause.None);
	house.fixture.settle();
	const config = JSON.parse(`${admin.take("publish").payload}`);
	assert.equal([config.dev.name, config.dev.via_device], ["PLUG", "K7Q2M9XD"]);
	assert.equal(admin.messages(), ["devices/plug/availability offline 0"]);
	const plug = house.login("c", "plug", "p");
	assert.equal(admin.messages(), ["devices/plug/availability online 0"]);
	plug.cut();
	house.fixture.settle();
	assert.equal(admin.messages(), ["devices/plug/availability offline 0"]);
	assert.is.not(house.fixture.broker.retained.get("homeassistant/device/plug/config"), 0);
	assert.equal(ask(admin, "revoke", { id: "plug" }), { ok: true });
	assert.is(house.fixture.broker.retained.get("homeassistant/device/plug/config"), 0);
	assert.is(house.fixture.broker.retained.get("devices/plug/availability"), 0);
	assert.not(house.hub.unannounce("plug"));
});

test("nobody but admins gets at the hub's topics, not even as a Will Message", () => {
	const house = new House({ allowAnonymous: true });
	const guest = house.fixture.connect("guest", { protocolVersion: 5 });
	assert.equal(guest.subscribe(["$HEARTH/#", "$share/g/$HEARTH/#", "#"]), [0x87, 0x87, 0]);
	guest.publish("$HEARTH/do/open-window", "{}", 1, { messageId: 2 });
	assert.is(guest.take("puback").reasonCode, 0x87);
	assert.is(house.hub.pairing.window, undefined);
	const will = { topic: "$HEARTH/do/open-window", payload: Buffer.from("{}"), qos: 0 as const, retain: false };
	const client = house.fixture.open(5);
	assert.is(client.connect("w", { protocolVersion: 5, will }).reasonCode, 0x87);
	// not by an admin's name either, unless somebody has judged its password
	assert.is(house.refused("b", "boss", "x"), 0x86);
	const judged = new House({ authenticate: () => Cause.None });
	assert.equal(judged.login("b", "boss", "x").subscribe("$HEARTH/#"), [0]);
});

test.run();
