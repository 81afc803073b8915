/** The registry of devices, their records and their rights. */
import { crypto } from "../../host-sim/platform.js";
import { text } from "../../host-sim/text.js";
import { scramCredentials } from "../../src/auth/scram.js";
import { Cause } from "../../src/errors.js";
import { decodeDevice, decodeLogin, TEXT_BYTES_MAX } from "../../src/hub/device-record.js";
import { covers, DeviceRights } from "../../src/hub/device-rights.js";
import { Devices } from "../../src/hub/registry.js";
import { StoredRecords } from "../../src/hub/stored-records.js";
import { assert, suite } from "../support/test.js";

const test = suite("the registry of devices");
const SALT = new Uint8Array(16).fill(7);
const scram = scramCredentials(crypto, text, "secret", SALT);

function registry(records = new StoredRecords(), max = 3): Devices {
	return new Devices(crypto, text, max, records);
}

function paired(devices: Devices, id: string, kind = "device"): void {
	devices.pair({ id, name: "", room: "", kind, model: "m" }, scram, (cause) => assert.is(cause, Cause.None));
}

test("what is written is read again, by another registry over the same records, texts as long as they may be", () => {
	const records = new StoredRecords();
	const devices = registry(records);
	const long = "\u00e4".repeat(TEXT_BYTES_MAX / 2);
	const id = "x".repeat(32);
	devices.pair({ id, name: long, room: long, kind: "device", model: long }, scram, () => {});
	devices.change(id, { rights: `publish ${"y".repeat(247)}`, kind: long }, (cause) => assert.is(cause, Cause.None));
	const password = "A".repeat(20);
	devices.addPassword({ id: "plug", name: "Plug", room: "", kind: "device" }, password, SALT, () => {});
	const again = registry(records);
	assert.is(again.count, 2);
	assert.equal(again.find(id), devices.find(id));
	assert.is(again.find(id)?.name, long);
	const found = again.credentials(id, id)!;
	assert.is(found.iterations, 4_096);
	for (const key of ["salt", "storedKey", "serverKey"] as const) assert.equal([...found[key]], [...scram[key]]);
	assert.is(again.isPassword("plug", Buffer.from(password)), true);
	assert.is(again.isPassword("plug", Buffer.from("B".repeat(20))), false);
	assert.is(again.isPassword("plug", Buffer.alloc(0)), false);
	assert.is(again.isPassword(id, Buffer.from("secret")), undefined);
	assert.is(again.isPassword("nobody", Buffer.from(password)), undefined);
	assert.is(again.credentials("plug", "plug"), undefined);
});

test("a record that is cut anywhere is none", () => {
	const records = new StoredRecords();
	paired(registry(records), "lamp");
	const bytes = records.read(0)!;
	assert.ok(decodeDevice(text, bytes));
	assert.ok(decodeLogin(bytes));
	for (let cut = 0; cut < bytes.length; cut++) {
		assert.is(decodeDevice(text, bytes.subarray(0, cut)), undefined);
		assert.is(decodeLogin(bytes.subarray(0, cut)), undefined);
	}
	bytes[0] = 9;
	assert.is(decodeDevice(text, bytes), undefined);
});

test("two identifiers with the same hash are two devices, and a third one is none", () => {
	// FNV-1a, 32 bits, of both is 0x5e4daa9d
	const [first, second] = ["costarring", "liquid"];
	const devices = registry();
	paired(devices, first!);
	assert.is(devices.find(second!), undefined);
	paired(devices, second!);
	assert.equal([devices.find(first!)?.id, devices.find(second!)?.id, devices.count], [first, second, 2]);
	assert.ok(devices.revoke(first!, () => {}));
	assert.equal([devices.numberOf(first!), devices.find(second!)?.id], [-1, second]);
	assert.is(devices.find("x".repeat(33)), undefined);
	assert.is(devices.find(""), undefined);
});

test("a place is free again when its device is revoked, and one too many is refused", () => {
	const devices = registry();
	for (const id of ["a", "b", "c"]) paired(devices, id);
	assert.not(devices.hasRoom("d"));
	assert.ok(devices.hasRoom("b"));
	let refused = Cause.None;
	devices.pair({ id: "d", name: "", room: "", kind: "device", model: "" }, scram, (cause) => {
		refused = cause;
	});
	assert.is(refused, Cause.FullDevices);
	assert.not(devices.revoke("d", () => {}));
	assert.ok(devices.revoke("b", (cause) => assert.is(cause, Cause.None)));
	assert.is(devices.find("b"), undefined);
	paired(devices, "d");
	const ids: string[] = [];
	devices.each((device) => ids.push(device.id));
	assert.equal(ids, ["a", "c", "d"]);
});

test("what could not be written is as it was", () => {
	const records = new StoredRecords();
	const devices = registry(records);
	paired(devices, "a");
	records.write = (_number, _bytes, _end, saved) => saved(false);
	records.delete = (_number, saved) => saved(false);
	const causes: Cause[] = [];
	devices.change("a", { name: "new" }, (cause) => causes.push(cause));
	devices.pair({ id: "b", name: "", room: "", kind: "device", model: "" }, scram, (cause) => causes.push(cause));
	devices.revoke("a", (cause) => causes.push(cause));
	assert.equal(causes, [Cause.FullStore, Cause.FullStore, Cause.FullStore]);
	assert.is(devices.find("a")?.name, "");
	assert.is(devices.find("b"), undefined);
	assert.is(devices.count, 1);
});

test("that a device was seen is written once after each pairing", () => {
	const records = new StoredRecords();
	const devices = registry(records);
	paired(devices, "a");
	let writes = 0;
	const write = records.write.bind(records);
	records.write = (number, bytes, end, saved) => {
		writes++;
		write(number, bytes, end, saved);
	};
	for (let i = 0; i < 5; i++) devices.saw("a");
	assert.is(writes, 1);
	assert.ok(devices.find("a")?.seen);
	paired(devices, "a");
	assert.not(devices.find("a")?.seen);
	assert.is(devices.find("a")?.pairings, 2);
});

test("texts that are too long are refused", () => {
	const devices = registry();
	paired(devices, "a");
	assert.throws(() => devices.change("a", { name: "x".repeat(TEXT_BYTES_MAX + 1) }, () => {}), /name: give at most/);
	assert.throws(() => devices.change("a", { rights: "x".repeat(256) }, () => {}), /rights: give at most/);
	assert.throws(() => paired(devices, "a b"), /give 1 to 32/);
});

test("a filter covers another when it matches all that the other matches", () => {
	const cases: [string, string, boolean][] = [
		["#", "a/b", true],
		["#", "#", true],
		["#", "+/a/#", true],
		["#", "$SYS/x", false],
		["$SYS/#", "$SYS/broker/x", true],
		["a/#", "a", true],
		["a/#", "a/#", true],
		["a/#", "a/+/b", true],
		["a/#", "+/b", false],
		["a/#", "ab/c", false],
		["a/+", "a/b", true],
		["a/+", "a/+", true],
		["a/+", "a/#", false],
		["a/+", "a", false],
		["a/+", "a/b/c", false],
		["+", "#", false],
		["+/+", "/", true],
		["a/b", "a/b", true],
		["a/b", "a/+", false],
		["a/b", "a/b/", false],
		["a/+/c", "a/b/c", true],
		["a/+/c", "a/b/+", false],
	];
	for (const [filter, wanted, expected] of cases) assert.is(covers(filter, wanted), expected, `${filter} ${wanted}`);
});

test("a device has its own corner, a controller all corners, a viewer only looks, an admin has the hub", () => {
	const devices = registry(new StoredRecords(), 9);
	for (const kind of ["device", "controller", "viewer", "admin", "unknown"]) paired(devices, kind, kind);
	devices.change("device", { rights: "publish garden/%u/#\nsubscribe weather/+\nnonsense" }, () => {});
	const rights = new DeviceRights(devices);
	const may = (id: string, what: "publish" | "subscribe", topic: string) => {
		const client = { clientId: id, userName: id };
		return what === "publish" ? rights.mayPublish(client, topic) : rights.maySubscribe(client, topic);
	};
	const cases: [string, "publish" | "subscribe", string, boolean | undefined][] = [
		["device", "publish", "devices/device/state", true],
		["device", "publish", "devices/other/state", false],
		["device", "publish", "devices", false],
		["device", "publish", "homeassistant/device/device/config", true],
		["device", "publish", "homeassistant/device/other/config", false],
		["device", "publish", "homeassistant/sensor/device/temperature/config", true],
		["device", "publish", "homeassistant/status", false],
		["device", "publish", "garden/device/pump", true],
		["device", "publish", "garden/other/pump", false],
		["device", "publish", "$HEARTH/x", false],
		["device", "subscribe", "devices/device/#", true],
		["device", "subscribe", "devices/+/state", false],
		["device", "subscribe", "#", false],
		["device", "subscribe", "homeassistant/status", true],
		["device", "subscribe", "weather/today", true],
		["device", "subscribe", "weather/#", false],
		["controller", "publish", "devices/device/set", true],
		["controller", "subscribe", "#", true],
		["controller", "subscribe", "$HEARTH/#", false],
		["viewer", "publish", "x", false],
		["viewer", "subscribe", "devices/#", true],
		["admin", "publish", "$HEARTH/pair", true],
		["admin", "subscribe", "$SYS/#", true],
		["unknown", "publish", "x", false],
		["unknown", "subscribe", "x", false],
		["nobody", "publish", "x", undefined],
	];
	for (const [id, what, topic, expected] of cases) assert.is(may(id, what, topic), expected, `${id} ${what} ${topic}`);
	assert.is(rights.mayPublish({ clientId: "a", userName: undefined }, "x"), undefined);
});

test.run();
