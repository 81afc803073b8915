/** The hub's records in a store of names and values: a change is there whole or not at all, a restart finds it, and
 *  what finds no room changes nothing. */
import { crypto } from "../../host-sim/platform.js";
import { text } from "../../host-sim/text.js";
import { Cause } from "../../src/errors.js";
import { RECORD_BYTES_MAX } from "../../src/hub/device-record.js";
import { KeyValueRecords, VALUE_BYTES_MAX } from "../../src/hub/key-value-records.js";
import { Devices } from "../../src/hub/registry.js";
import { assert, suite } from "../support/test.js";
import { ValueStore } from "../support/value-store.js";

const test = suite("the hub's records in a store of names and values");

const DEVICES = 32;

test("devices outlive a restart, and a revoked one does not come back", () => {
	const store = new ValueStore();
	let devices = new Devices(crypto, text, DEVICES, new KeyValueRecords(store, DEVICES, 12_000));
	const heard: Cause[] = [];
	for (const id of ["lamp", "door", "fridge"]) {
		const given = {
			id,
			name: "N".repeat(64),
			room: "R".repeat(64),
			kind: "device",
			rights: "publish a/#\n".repeat(21),
		};
		devices.addPassword(given, "secret", new Uint8Array(16), (cause) => heard.push(cause));
		assert.is(devices.find(id)?.room, "R".repeat(64));
	}
	devices.revoke("door", (cause) => heard.push(cause));
	assert.equal(heard, [Cause.None, Cause.None, Cause.None, Cause.None]);
	devices = new Devices(crypto, text, DEVICES, new KeyValueRecords(store, DEVICES, 12_000));
	const ids: string[] = [];
	devices.each(({ id }) => ids.push(id));
	assert.equal(ids, ["fridge", "lamp"]);
	assert.is(devices.isPassword("lamp", Buffer.from("secret")), true);
	assert.is(devices.isPassword("door", Buffer.from("secret")), undefined);
});

test("the hub's identifier is kept, beside the longest records that there may be", () => {
	const store = new ValueStore();
	const records = new KeyValueRecords(store, DEVICES, DEVICES * VALUE_BYTES_MAX);
	assert.is(records.hubId, undefined);
	records.keepHubId(Buffer.from("K7Q2M9XD"), (ok) => assert.ok(ok));
	for (let number = 0; number < DEVICES; number++)
		records.write(number, new Uint8Array(RECORD_BYTES_MAX).fill(number), RECORD_BYTES_MAX, (ok) => assert.ok(ok));
	const again = new KeyValueRecords(store, DEVICES, DEVICES * VALUE_BYTES_MAX);
	assert.is(`${Buffer.from(again.hubId!)}`, "K7Q2M9XD");
	for (let number = 0; number < DEVICES; number++) {
		const record = again.read(number)!;
		assert.ok(record.length === RECORD_BYTES_MAX && record.every((byte) => byte === number));
	}
});

test("what finds no room is refused, and the rest stays", () => {
	const store = new ValueStore();
	const records = new KeyValueRecords(store, DEVICES, 1_000);
	const heard: boolean[] = [];
	const write = (number: number, bytes: number): void =>
		records.write(number, new Uint8Array(bytes).fill(number), bytes, (ok) => heard.push(ok));
	write(1, 600);
	write(2, 500);
	assert.equal(heard.splice(0), [true, false]);
	assert.is(records.read(2), undefined);
	write(1, 200);
	write(2, 500);
	assert.equal(heard.splice(0), [true, true]);
	store.full = true;
	write(1, 100);
	records.delete(1, (ok) => heard.push(ok));
	assert.equal(heard.splice(0), [false, false]);
	assert.is(records.read(1)?.length, 200);
});

test("a record that is damaged anywhere is none", () => {
	const store = new ValueStore();
	const records = new KeyValueRecords(store, DEVICES, 1_000);
	records.write(1, new Uint8Array(50).fill(7), 50, () => {});
	const good = store.values.get("d1")!;
	for (let at = 0; at < good.length; at++) {
		const bytes = good.slice();
		bytes[at]! ^= 0x10;
		store.values.set("d1", bytes);
		assert.is(records.read(1), undefined, `byte ${at}`);
		store.values.set("d1", good.slice(0, at));
		assert.is(records.read(1), undefined, `cut at ${at}`);
	}
	store.values.set("d1", good);
	assert.is(records.read(1)?.length, 50);
});

test.run();
