/** Pairing through the broker: a window, a device that joins, and everybody who should not get in. */
import type { IConnackPacket } from "mqtt-packet";
import { curve } from "../../host-sim/curve.js";
import { crypto } from "../../host-sim/platform.js";
import { text } from "../../host-sim/text.js";
import { bytesOfHex, hexOf } from "../../src/hub/p256.js";
import { ATTEMPTS_MAX } from "../../src/hub/pairing.js";
import { deviceSecret, PAIRING_METHOD, scalarsOfCode } from "../../src/hub/pairing-keys.js";
import { JoiningDevice as Device, PairingHouse as House, logIn } from "../support/pairing.js";
import { assert, suite } from "../support/test.js";

const test = suite("pairing");

test("a device that knows the code is paired, and logs in with what it got", () => {
	const house = new House();
	const { code } = house.pairing.open({ openedBy: "test", name: "Desk lamp", room: "Study", kind: "device" });
	assert.match(code, /^\d{8}$/);
	const device = new Device(house, "lamp-1", code).pair();
	assert.equal(device.steps, ["send", "send", "paired"]);
	assert.is(device.connack?.reasonCode, 0);
	assert.equal(house.log, ["window open", "window open", "window paired", "paired lamp-1"]);
	const found = house.devices.find("lamp-1")!;
	assert.is(found.name, "Desk lamp");
	assert.is(found.room, "Study");
	assert.is(found.model, "lamp");
	assert.is(found.pairings, 1);
	const scram = house.devices.credentials("lamp-1", "lamp-1")!;
	// what the hub keeps is the hash of what the device keeps
	assert.is(hexOf(crypto.sha256(device.join.keys!.clientKey)), hexOf(scram.storedKey));
	assert.is(hexOf(device.join.keys!.serverKey), hexOf(scram.serverKey));
	assert.is(house.devices.credentials("lamp-1", "other"), undefined);
	// it is a client as others are
	const client = device.client!;
	assert.equal(client.subscribe("devices/lamp-1/#", 1), [1]);
	assert.ok(logIn(house, "lamp-1", device.join.keys!));
	assert.not(logIn(house, "lamp-2", device.join.keys!)); // it is nobody else's
});

test("the derivations of SECURITY.md", () => {
	const w = scalarsOfCode(crypto, text, "48213907")!;
	assert.is(hexOf(w.w0), "683b34e6837b5c14069d7a4a1017ab40b38195fbffbf8f71ab265d5afc7fe153");
	assert.is(hexOf(w.w1), "3065b92651de4d2f49315a7b9f14af3c8319fe81d6991bb87f80dada9653e1de");
	const shared = bytesOfHex("f44d9de84062ba01ddcebabee6d50e63d439e32bf7988e9632c4ae5be49f9291");
	const { password, salt } = deviceSecret(crypto, text, shared);
	assert.is(password, "_9NleuL6C_CqHmJcvQJwgmckqAuYtWggylDmWuD3E5c");
	assert.is(Buffer.from(salt).toString("base64"), "lkv0cL7qLtakAnjdMox1iw==");
});

test("a wrong code: the device finds out, the hub counts, and after five the window is closed", () => {
	const house = new House();
	const { code } = house.pairing.open({ openedBy: "test" });
	const wrong = code === "00000000" ? "00000001" : "00000000";
	for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
		const device = new Device(house, `thief-${attempt}`, wrong).pair();
		assert.equal(device.steps, ["send", "failed"]);
		assert.is(device.join.failure, "wrong-code");
		assert.equal(device.kept, []);
		assert.is(house.pairing.window?.attempts, attempt === ATTEMPTS_MAX ? undefined : attempt);
		// too soon: nothing is counted
		if (attempt < ATTEMPTS_MAX) {
			const soon = new Device(house, "soon", code).pair();
			assert.is(soon.connack?.reasonCode, 0x89);
			house.fixture.now += 1_000 * 2 ** (attempt - 1);
		}
	}
	assert.is(house.log.filter((line) => line.startsWith("failed")).length, ATTEMPTS_MAX);
	assert.is(house.pairing.lastEnd, "attempts");
	const late = new Device(house, "lamp-1", code).pair();
	assert.is(late.connack?.reasonCode, 0x87);
	assert.is(late.connack?.properties?.reasonString, "pairing-closed");
	assert.is(house.devices.count, 0);
});

test("a connection that is cut after the hub's confirmation was a guess; before it, none", () => {
	const house = new House();
	const { code } = house.pairing.open({ openedBy: "test" });
	const early = new Device(house, "lamp-1", code);
	early.join.begin();
	house.step();
	early.client!.cut();
	house.run();
	assert.is(house.pairing.window?.attempts, 0);
	assert.is(house.pairing.exchange, undefined);
	const late = new Device(house, "lamp-1", code);
	late.join.begin();
	house.run();
	late.client!.cut();
	assert.is(house.pairing.window?.attempts, 1);
	assert.is(house.pairing.exchange, undefined);
	house.fixture.now += 1_000;
	assert.equal(new Device(house, "lamp-1", code).pair().steps, ["send", "send", "paired"]);
});

test("one device at a time, and one a window", () => {
	const house = new House();
	const { code } = house.pairing.open({ openedBy: "test" });
	const first = new Device(house, "first", code);
	first.join.begin();
	house.step();
	const second = new Device(house, "second", code);
	second.join.begin();
	house.run();
	while (second.hear());
	assert.is(second.connack?.reasonCode, 0x89);
	while (first.hear()) house.run();
	assert.is(first.connack?.reasonCode, 0);
	const third = new Device(house, "third", code).pair();
	assert.is(third.connack?.reasonCode, 0x87);
	assert.is(house.devices.count, 1);
});

test("the window closes by itself, and by hand also for who is on the way", () => {
	const house = new House();
	const window = house.pairing.open({ openedBy: "test", forMs: 120_000 });
	house.fixture.now += 119_999;
	house.pairing.tick();
	assert.is(house.pairing.window, window);
	const device = new Device(house, "lamp-1", window.code);
	device.join.begin();
	house.step();
	house.pairing.close();
	house.run();
	while (device.hear());
	assert.is(device.connack?.reasonCode, 0x87);
	const again = house.pairing.open({ openedBy: "test" });
	house.fixture.now = again.until;
	assert.is(new Device(house, "lamp-1", again.code).pair().connack?.reasonCode, 0x87);
	assert.is(house.pairing.lastEnd, "time");
});

test("who is connected under the same name stays until the new record is durable", () => {
	const house = new House();
	const old = house.fixture.connect("lamp-1", { protocolVersion: 5 });
	const { code } = house.pairing.open({ openedBy: "test" });
	const wrong = code === "00000000" ? "00000001" : "00000000";
	new Device(house, "lamp-1", wrong).pair();
	assert.not(old.closed);
	house.fixture.now += 1_000;
	let saved: ((ok: boolean) => void) | undefined;
	house.records.write = (_number, _bytes, _end, done) => {
		saved = done;
	};
	const device = new Device(house, "lamp-1", code).pair();
	assert.equal(device.steps, ["send", "send"]);
	assert.not(old.closed);
	saved!(true);
	house.fixture.settle();
	while (device.hear());
	assert.equal(device.steps, ["send", "send", "paired"]);
	assert.ok(old.closed);
});

test("a record that cannot be written: the device is told, and nothing has changed", () => {
	const house = new House();
	house.records.write = (_number, _bytes, _end, done) => done(false);
	const { code } = house.pairing.open({ openedBy: "test" });
	const device = new Device(house, "lamp-1", code).pair();
	assert.is(device.connack?.reasonCode, 0x97);
	assert.is(house.devices.count, 0);
	assert.is(house.devices.find("lamp-1"), undefined);
});

test("a device that cannot keep its keys does not pair", () => {
	const house = new House();
	const { code } = house.pairing.open({ openedBy: "test" });
	const device = new Device(house, "lamp-1", code, { keep: (_keys, saved) => saved(false) }).pair();
	assert.is(device.join.failure, "not-kept");
	assert.is(house.devices.count, 0);
});

test("a full registry refuses before anything is computed, but not who is known", () => {
	const house = new House(1);
	const first = house.pairing.open({ openedBy: "test" });
	assert.is(new Device(house, "one", first.code).pair().connack?.reasonCode, 0);
	const second = house.pairing.open({ openedBy: "test" });
	assert.is(new Device(house, "two", second.code).pair().connack?.reasonCode, 0x97);
	assert.is(house.pairing.window?.attempts, 0);
	assert.is(new Device(house, "one", second.code).pair().connack?.reasonCode, 0);
	assert.is(house.devices.find("one")?.pairings, 2);
	assert.ok(house.log.includes("paired one again"));
});

test("what is no message of the protocol is refused", () => {
	const house = new House();
	house.pairing.open({ openedBy: "test" });
	const share = Buffer.from(new Device(house, "x", "12345678").join.method);
	const point = Buffer.concat([Buffer.of(1), Buffer.from(curve.multiply(new Uint8Array(32).fill(1), G)!)]);
	const asks = (clientId: string, data: Buffer | undefined) => {
		const client = house.fixture.open(5);
		const properties = {
			authenticationMethod: PAIRING_METHOD,
			...(data === undefined ? {} : { authenticationData: data }),
		};
		const head = { cmd: "connect", clientId, protocolId: "MQTT", protocolVersion: 5 } as const;
		client.send({ ...head, clean: true, keepalive: 0, properties });
		house.run();
		return client.packets.map((packet) => (packet as IConnackPacket).reasonCode ?? packet.cmd);
	};
	for (const data of [
		undefined,
		Buffer.alloc(0),
		share,
		point.subarray(0, 65),
		Buffer.concat([point, Buffer.alloc(33)]),
	])
		assert.equal(asks("lamp", data), [0x87]);
	const off = Buffer.from(point);
	off[65]! ^= 1;
	assert.equal(asks("lamp", off), [0x87]);
	for (const id of ["", "a b", "x".repeat(33), "a/b", "\u00e4"]) assert.equal(asks(id, point), [0x87]);
	assert.is(house.pairing.exchange, undefined);
	assert.is(house.pairing.window?.attempts, 0);
});

const G = bytesOfHex(
	"046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296" +
		"4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
);

test("nobody is let in who is silent in the middle, or speaks when it is not his turn", () => {
	const house = new House();
	const { code } = house.pairing.open({ openedBy: "test" });
	const silent = new Device(house, "lamp-1", code);
	silent.join.begin();
	house.run();
	house.fixture.advance(62_000);
	assert.ok(silent.client!.closed);
	assert.is(house.pairing.exchange, undefined);
	const eager = new Device(house, "lamp-1", code);
	eager.join.begin();
	house.step();
	const properties = { authenticationMethod: PAIRING_METHOD, authenticationData: Buffer.alloc(33, 3) };
	eager.client!.send({ cmd: "auth", reasonCode: 0x18, properties });
	assert.ok(eager.client!.closed);
	house.run();
	assert.is(house.pairing.exchange, undefined);
	assert.is(house.devices.count, 0);
});

test.run();
