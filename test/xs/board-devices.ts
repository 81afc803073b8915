/** On XS: what a hub's devices take of a board's memory beside the broker, garbage apart: all of them, each with a name
 *  and a room, all seen since the start, as many as there are places connected; and one more that is being paired, as
 *  far as the hub's last word. What lies in the store
 *  is in the same heap here, and is taken away. */
import { limits } from "hearth-mqtt/limits";
import { entropy } from "../../boards/entropy-esp.js";
import { HubOnDevice } from "../../boards/hub.js";
import { openMedium } from "../../boards/medium-key-value.js";
import { PairingOnDevice } from "../../boards/pairing.js";
import type { DevicePairingPlatform } from "../../boards/pairing-platform.js";
import type { AuthenticationExchange } from "../../src/auth/authentication-method.js";
import type { Connection } from "../../src/broker/connection.js";
import { Join } from "../../src/hub/join.js";
import type { KeyValueStorage } from "../../src/storage/key-value-storage.js";
import { Feeder, packet, text } from "./clients.js";
import { report } from "./measure.js";

globalThis.trace = () => {};

const DEVICES = 32;
const OPTIONS = { port: 0, webSocketPort: undefined, user: "ann", secret: "secret", anonymous: false, restarts: "1" };

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

/** The broker alone, with as many clients that have logged in. */
function connectAll(): HubOnDevice {
	const plain = new HubOnDevice(OPTIONS);
	for (let i = 0; i < limits.connections; i++) connect(plain, idOf(i), "ann", "secret");
	return plain;
}

const plain = connectAll();
const alone = use();
plain.close();

const before = use();
let medium!: KeyValueStorage;
const pairing = new PairingOnDevice({
	entropy,
	devicesMax: DEVICES,
	admin: "ann",
	openRecords() {
		medium = openMedium({ records: DEVICES + 1, batchBytes: 768, bytesMax: 12_000 });
		return medium;
	},
});
const hub = new HubOnDevice({ ...OPTIONS, devices: pairing });
const { devices } = pairing.devices!.hub;

/** Until all is durable. */
function settle(): void {
	for (let steps = 0; steps < 200 && medium.step() === 0; steps++);
	hub.broker.endTurn();
}

function addDevices(): void {
	for (let i = 0; i < DEVICES; i++) {
		const id = idOf(i);
		const given = { id, name: `Thermometer ${i}`, room: "Living room", kind: "device" };
		devices.addPassword(given, "password", new Uint8Array(16), () => {});
		settle();
		const connection = connect(hub, id, id, "password");
		settle();
		if (i < DEVICES - limits.connections) disconnect(hub, connection);
	}
}

/** What the platform would do by timers, at once: only the last task of each is kept. */
const tasks: (() => void)[] = [];
const platform = hub.platform as DevicePairingPlatform;
Object.defineProperty(platform, "defer", { value: (task: () => void) => tasks.push(task) });

function run(): void {
	for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) task();
}

addDevices();
const full = use();
// a device gives its place back, to be able to pair
disconnect(hub, hub.broker.connections.find((c) => c.session !== undefined)!);
devices.revoke(idOf(0), () => {});
settle();
const { pairing: window } = pairing.devices!.hub;
const keep = (_keys: unknown, saved: (ok: boolean) => void): void => saved(true);

/** @returns the hub's side, whose last word is not said yet; the device's is not counted */
function pair(code: string): AuthenticationExchange {
	const join = new Join(platform, { clientId: "new", code, keep, told: () => {} });
	join.begin();
	run();
	const exchange = window.begin("new", undefined, "10.0.0.2", () => {});
	exchange.take(join.data!, 0, join.data!.length);
	run();
	join.take(exchange.data!, 0, exchange.data!.length);
	run();
	exchange.take(join.data!, 0, join.data!.length);
	return exchange;
}

const exchange = pair(window.open({ openedBy: "button" }).code);
const paired = use();
run();
settle();
const kept = use();
(globalThis as { domains?: unknown }).domains = new Map();
const store = use();
report("devices", {
	count: devices.count,
	paired: window.lastPaired,
	connected: hub.broker.connectedCount,
	last: exchange.data?.[0],
});
const less = (a: Use, b: Use, c: Use = NOTHING): Use => ({
	slots: a.slots - b.slots - c.slots,
	chunks: a.chunks - b.chunks - c.chunks,
});
const stored = less(kept, store);
report("alone", less(alone, begun));
report("full", less(full, before, stored));
report("pairing", less(paired, before, stored));
host.exit(0);
