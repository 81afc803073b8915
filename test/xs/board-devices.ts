/** On XS: what a hub's devices take of a board's memory beside the broker, garbage apart: all of them, each with a name
 *  and a room, all seen since the start, as many as there are places connected; strangers that knocked and log lines as
 *  many as are remembered, an admin that watches; and the most that one more takes while it is paired. What lies in the
 *  store, and the device that pairs, are in the same heap here and are taken away. */
import { limits } from "hearth-mqtt/limits";
import config from "mc/config";
import { entropy } from "../../boards/entropy-esp.js";
import { HubOnDevice } from "../../boards/hub.js";
import { openRecords as openStore } from "../../boards/hub-store.js";
import { openRecords as openJournal } from "../../boards/hub-store-pico.js";
import { PairingOnDevice } from "../../boards/pairing.js";
import type { DevicePairingPlatform } from "../../boards/pairing-platform.js";
import type { Connection } from "../../src/broker/connection.js";
import { Join } from "../../src/hub/join.js";
import { Feeder, packet, text } from "./clients.js";
import { report } from "./measure.js";

globalThis.trace = () => {};

const DEVICES = 2 * limits.connections;
const KNOCKS = 4;
const LINES = 6;
/** As long as the devices' names, for which the broker's budget has room. */
const USER = "ann-of-the-same-house";
const OPTIONS = { port: 0, webSocketPort: undefined, user: USER, secret: "secret", anonymous: false, restarts: "1" };

/** bytes */
interface Use {
	slots: number;
	chunks: number;
}

const NOTHING: Use = { slots: 0, chunks: 0 };

function use(): Use {
	host.gc();
	return { slots: host.slots() * host.slotSize(), chunks: host.chunks() };
}

const begun = use();
function idOf(i: number): string {
	return `device-${i < 10 ? "0" : ""}${i}-of-a-house`;
}

function connect(hub: HubOnDevice, id: string, userName: string, password: string): Connection {
	const feeder = new Feeder(hub.broker);
	const connection = hub.broker.accept(feeder.sink, 5_744)!;
	const head = [0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 0xc2, 0, 0];
	feeder.feed(connection, packet(0x10, head.concat(text(id), text(userName), text(password))));
	return connection;
}

function disconnect(hub: HubOnDevice, connection: Connection): void {
	new Feeder(hub.broker).feed(connection, [0xe0, 0]);
}

/** The broker alone, with as many clients that have logged in, and one that listens to all. */
function connectAll(): HubOnDevice {
	const plain = new HubOnDevice(OPTIONS);
	for (let i = 1; i < limits.connections; i++) connect(plain, `client-${idOf(i)}`, USER, "secret");
	fillRoutes(plain, watch(plain, "page"));
	return plain;
}

/** The user connects, and sees what the hub tells of itself. */
function watch(hub: HubOnDevice, id: string): Connection {
	const admin = connect(hub, id, USER, "secret");
	new Feeder(hub.broker).feed(admin, packet(0x82, [0, 1].concat(text("$HEARTH/#"), [0])));
	return admin;
}

/** Topics enough for the route cache, whose memory is the broker's. */
function fillRoutes(hub: HubOnDevice, publisher: Connection): void {
	const feeder = new Feeder(hub.broker);
	for (let i = 0; i < limits.routes; i++)
		feeder.feed(publisher, packet(0x30, text(`house/${idOf(i)}/temperature`).concat([0x31])));
}

const plain = connectAll();
const alone = use();
plain.close();

const before = use();
const pairing = new PairingOnDevice({
	entropy,
	devicesMax: DEVICES,
	admin: USER,
	openRecords: config.store === "journal" ? openJournal : openStore,
});
const hub = new HubOnDevice({ ...OPTIONS, devices: pairing });
const { devices } = pairing.devices!.hub;

function addDevices(): void {
	for (let i = 0; i < DEVICES; i++) {
		const id = idOf(i);
		const given = { id, name: `Thermometer ${i}`, room: "Living room", kind: "device" };
		devices.addPassword(given, "password", new Uint8Array(16), () => {});
		const connection = connect(hub, `client-${id}`, id, "password");
		if (i < DEVICES - limits.connections) disconnect(hub, connection);
	}
}

/** An admin sees everything in place of a device; strangers come with passwords; the log has been long. */
function fillTables(): void {
	disconnect(hub, connectedOne());
	const admin = watch(hub, "page");
	disconnect(hub, connectedOne());
	for (let i = 0; i < KNOCKS; i++) connect(hub, idOf(90 + i), `stranger-${idOf(i)}`, "password");
	for (let i = 0; i < LINES; i++) pairing.devices!.log(`pairing: ${idOf(i)} from 192.168.100.${100 + i}: wrong code`);
	run();
	fillRoutes(hub, admin);
}

function connectedOne(): Connection {
	return hub.broker.connections.find((c) => c.session?.userName?.startsWith("device"))!;
}

/** What the platform would do by timers, at once: only the last task of each is kept. */
const tasks: (() => void)[] = [];
const platform = hub.platform as DevicePairingPlatform;
Object.defineProperty(platform, "defer", { value: (task: () => void) => tasks.push(task) });

function run(): void {
	for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) task();
}

addDevices();
fillTables();
const full = use();
devices.revoke(idOf(0), () => {});
const { pairing: window } = pairing.devices!.hub;
const keep = (_keys: unknown, saved: (ok: boolean) => void): void => saved(true);

/** The most that was in use, without what the device itself has. */
let most: Use = NOTHING;
let join: Use = NOTHING;

function look(): void {
	const now = less(use(), join);
	most = { slots: Math.max(most.slots, now.slots), chunks: Math.max(most.chunks, now.chunks) };
}

function runAndLook(): void {
	for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
		task();
		look();
	}
}

/** Does what the device does, which is not counted. */
function asDevice(step: () => void): void {
	const earlier = use();
	step();
	run();
	join = more(join, less(use(), earlier));
}

/** @returns the hub's last word */
function pair(code: string): number | undefined {
	let device!: Join;
	asDevice(() => {
		device = new Join(platform, { clientId: "new", code, keep, told: () => {} });
		device.begin();
	});
	const exchange = window.begin("new", undefined, "10.0.0.2", () => {});
	exchange.take(device.data!, 0, device.data!.length);
	look();
	runAndLook();
	asDevice(() => device.take(exchange.data!, 0, exchange.data!.length));
	exchange.take(device.data!, 0, device.data!.length);
	look();
	runAndLook();
	return exchange.data?.[0];
}

function less(a: Use, b: Use): Use {
	return { slots: a.slots - b.slots, chunks: a.chunks - b.chunks };
}

function more(a: Use, b: Use): Use {
	return { slots: a.slots + b.slots, chunks: a.chunks + b.chunks };
}

const last = pair(window.open({ openedBy: "button" }).code);
const kept = use();
(globalThis as { domains?: unknown }).domains = new Map();
(globalThis as { flash?: unknown }).flash = undefined;
const stored = less(kept, use());
report("devices", { count: devices.count, paired: window.lastPaired, connected: hub.broker.connectedCount, last });
report("alone", less(alone, begun));
report("full", less(less(full, before), stored));
report("pairing", less(less(most, before), stored));
host.exit(0);
