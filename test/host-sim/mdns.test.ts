/** What is announced of a hub, and what is made of what others announce; without a network. */
import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DiscoveringConnector } from "../../host-sim/client/discovering-connector.js";
import { createClient } from "../../host-sim/client/index.js";
import { KeyFile } from "../../host-sim/key-file.js";
import { Announcement, type Found, findHubs, type Mdns, servicesOf } from "../../host-sim/mdns.js";
import { text } from "../../host-sim/text.js";
import type { Connector } from "../../src/client/client-options.js";
import { DeviceKeyStore } from "../../src/hub/device-keys.js";
import { assert, suite } from "../support/test.js";

const test = suite("mDNS");

const ADDRESSES = [
	"mqtt://0.0.0.0:1883",
	"mqtts://192.168.1.5:8883",
	"ws://0.0.0.0:9001",
	"http://[::]:8080",
	"mqtt://127.0.0.1:1884",
	"http://[::1]:8081",
];

test("listeners that others reach are announced, with the hub's identifier and what it speaks", () => {
	const services = servicesOf({ hubId: "K7Q2M5XD", pairing: false, addresses: ADDRESSES });
	assert.equal(
		services.map(({ type, port }) => [type, port]),
		[
			["mqtt", 1883],
			["secure-mqtt", 8883],
			["http", 8080],
		],
	);
	assert.equal(services[0]!.txt, {
		txtvers: "1",
		id: "K7Q2M5XD",
		v: "3.1.1,5",
		auth: "SCRAM-SHA-256,HEARTH-SPAKE2PLUS-1",
		pair: "0",
		ws: "9001",
	});
	assert.is(services[0]!.host, "hearth-k7q2m5xd.local");
	assert.equal(servicesOf({ hubId: "A", pairing: false, addresses: ADDRESSES.slice(4) }), []);
});

/** A network that remembers. */
class Network {
	readonly published: string[] = [];
	readonly looking: { type: string; found: (service: never) => void }[] = [];
	readonly mdns = {
		publish: (service: { type: string; txt?: { pair?: string } }) => {
			this.published.push(`${service.type} ${service.txt?.pair}`);
		},
		unpublishAll: (done?: () => void) => {
			this.published.length = 0;
			done?.();
		},
		destroy: (done?: () => void) => done?.(),
		find: ({ type }: { type: string }, found: (service: never) => void) => {
			this.looking.push({ type, found });
			return Object.assign(new EventEmitter(), { stop: () => {} });
		},
	} as unknown as Mdns;
}

test("a pairing window is announced when it opens and when it closes, and the end takes all back", async () => {
	const network = new Network();
	const announcement = new Announcement(network.mdns);
	const hub = { hubId: "A", addresses: ADDRESSES.slice(0, 1) };
	announcement.tell({ ...hub, pairing: false });
	assert.equal(network.published, ["mqtt 0"]);
	announcement.tell({ ...hub, pairing: true });
	announcement.tell({ ...hub, pairing: true });
	assert.equal(network.published, ["mqtt 1"]);
	await announcement.close();
	assert.equal(network.published, []);
});

test("hubs are found with the addresses that reach them; other brokers are none", () => {
	const network = new Network();
	const hubs: Found[] = [];
	const stop = findHubs(network.mdns, (hub) => hubs.push(hub));
	const [mqtt, secure] = network.looking;
	assert.equal([mqtt!.type, secure!.type], ["mqtt", "secure-mqtt"]);
	const service = {
		port: 1883,
		host: "hearth-a.local",
		addresses: ["fe80::1", "10.0.0.2"],
		txt: { id: "A", pair: "1" },
	};
	mqtt!.found({ ...service, referer: { address: "10.0.0.2" } } as never);
	secure!.found({ ...service, port: 8883, txt: { id: "A", pair: "0" } } as never);
	mqtt!.found({ ...service, txt: {} } as never);
	mqtt!.found({ port: 1, host: "x" } as never);
	assert.equal(hubs, [
		{
			hubId: "A",
			addresses: ["10.0.0.2", "fe80::1"],
			port: 1883,
			secure: false,
			pairing: true,
			host: "hearth-a.local",
		},
		{
			hubId: "A",
			addresses: ["10.0.0.2", "fe80::1"],
			port: 8883,
			secure: true,
			pairing: false,
			host: "hearth-a.local",
		},
	]);
	stop();
});

test("a client looks for its hub before each connection, and takes no other one's answer", () => {
	const network = new Network();
	const opened: string[] = [];
	let failed = "";
	const inner = { open: (_target: unknown, reference: string) => opened.push(reference), cancel: () => {} };
	const target = {
		opened: () => {},
		failed: (why: string) => {
			failed = why;
		},
	};
	const connector = new DiscoveringConnector("K7Q2M5XD", false, inner as unknown as Connector, () => network.mdns);
	const answer = (type: string, id: string, port: number, address: string) => {
		for (const looking of network.looking)
			if (looking.type === type) looking.found({ port, host: "h.local", addresses: [address], txt: { id } } as never);
	};
	connector.open(target as never, "");
	answer("mqtt", "OTHERHUB", 1, "192.168.1.2");
	answer("secure-mqtt", "K7Q2M5XD", 2, "192.168.1.3");
	assert.equal(opened, []);
	answer("mqtt", "K7Q2M5XD", 3, "192.168.1.4");
	answer("mqtt", "K7Q2M5XD", 4, "192.168.1.5");
	assert.equal(opened, ["192.168.1.4:3"]);
	network.looking.length = 0;
	connector.open(target as never, "");
	answer("mqtt", "K7Q2M5XD", 3, "fd00::1");
	assert.equal(opened, ["192.168.1.4:3", "[fd00::1]:3"]);
	connector.open(target as never, "elsewhere:9");
	assert.is(opened[2], "elsewhere:9");
	network.looking.length = 0;
	connector.open(target as never, "");
	connector.cancel();
	answer("mqtt", "K7Q2M5XD", 3, "192.168.1.4");
	assert.is(opened.length, 3);
	assert.is(failed, "");
});

test("discover: true needs the record of a pairing, and says what is missing", async () => {
	const folder = mkdtempSync(join(tmpdir(), "hearth-keys-"));
	const path = join(folder, "lamp.keys");
	assert.throws(() => createClient({ discover: true }), /give the clientId that is paired with a hub/);
	const given = { discover: true, clientId: "lamp", keys: path } as const;
	assert.throws(() => createClient(given), /lamp\.keys: has no keys: pair with `hearth join`/);
	const keys = new DeviceKeyStore(text, new KeyFile(path));
	const bytes = new Uint8Array(32);
	const made = { hubId: "K7Q2M5XD", clientKey: bytes, serverKey: bytes, salt: bytes.slice(16), iterations: 4_096 };
	keys.keep(made, () => {});
	await createClient(given).end({ force: true });
	assert.throws(() => createClient({ ...given, protocol: "ws" }), /discover finds mqtt and mqtts, not ws/);
	rmSync(folder, { recursive: true });
});

test.run();
