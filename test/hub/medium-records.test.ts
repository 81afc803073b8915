/** The hub's records on a medium of their own: a journal on flash, and a store of names and values. Each change is
 *  read when it is durable, a restart finds it, and what finds no room changes nothing. */
import { crypto } from "../../host-sim/platform.js";
import { VirtualFlash } from "../../host-sim/sim/flash.js";
import { text } from "../../host-sim/text.js";
import { Cause } from "../../src/errors.js";
import { MediumRecords, type ReadableStorage } from "../../src/hub/medium-records.js";
import { Devices } from "../../src/hub/registry.js";
import type { KeyValue } from "../../src/platform.js";
import { Journal } from "../../src/storage/journal.js";
import { journalLimits } from "../../src/storage/journal-limits.js";
import { KeyValueStorage } from "../../src/storage/key-value-storage.js";
import { assert, suite } from "../support/test.js";

const test = suite("the hub's records on a medium");

class Store implements KeyValue {
	readonly valueBytesMax = 4_000;
	readonly values = new Map<string, Uint8Array>();

	read(name: string, bytes: Uint8Array, start: number): number {
		const value = this.values.get(name);
		if (value !== undefined && value.length <= bytes.length - start) bytes.set(value, start);
		return value?.length ?? -1;
	}

	write(name: string, bytes: Uint8Array, start: number, end: number): void {
		this.values.set(name, bytes.slice(start, end));
	}

	delete(name: string): void {
		this.values.delete(name);
	}

	each(visit: (name: string) => void): void {
		for (const name of this.values.keys()) visit(name);
	}
}

type Medium = ReadableStorage & { step(): number };

/** What opens a medium on the same flash or store again. */
function media(): [name: string, open: () => Medium][] {
	const flash = new VirtualFlash({ sectors: 12, sectorBytes: 2_048 });
	const store = new Store();
	const limits = { ...journalLimits, recordBytes: 256, pendingBytes: 512, valueBytes: 768, intervalMs: 0, records: 97 };
	let now = 0;
	return [
		["a journal", () => new Journal({ flash, limits, now: () => now++, random: () => 1 })],
		["names and values", () => new KeyValueStorage(store, { records: 33, batchBytes: 768, bytesMax: 2_800 })],
	];
}

function settle(medium: Medium): void {
	for (let i = 0; i < 200; i++) medium.step();
}

for (const [name, open] of media()) {
	test(`${name}: devices outlive a restart, and a revoked one does not come back`, () => {
		let medium = open();
		settle(medium);
		let devices = new Devices(crypto, text, 32, new MediumRecords(medium));
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
			assert.is(devices.find(id), undefined, "not before it is durable");
			settle(medium);
			assert.is(devices.find(id)?.room, "R".repeat(64));
		}
		devices.revoke("door", (cause) => heard.push(cause));
		settle(medium);
		assert.equal(heard, [Cause.None, Cause.None, Cause.None, Cause.None]);
		medium.close();
		medium = open();
		devices = new Devices(crypto, text, 32, new MediumRecords(medium));
		const ids: string[] = [];
		devices.each(({ id }) => ids.push(id));
		assert.equal(ids, ["fridge", "lamp"]);
		assert.is(devices.isPassword("lamp", Buffer.from("secret")), true);
		assert.is(devices.isPassword("door", Buffer.from("secret")), undefined);
		medium.close();
	});

	test(`${name}: the hub's identifier is kept; what finds no room is refused, and the rest stays`, () => {
		let medium = open();
		settle(medium);
		const records = new MediumRecords(medium);
		assert.is(records.hubId, undefined);
		let kept = false;
		records.keepHubId(Buffer.from("K7Q2M9XD"), (ok) => {
			kept = ok;
		});
		settle(medium);
		assert.ok(kept);
		const heard: boolean[] = [];
		for (let number = 10; number < 60; number++) {
			records.write(number, new Uint8Array(648).fill(number), 648, (ok) => heard.push(ok));
			settle(medium);
		}
		assert.is(heard[0], true);
		assert.ok(heard.includes(false), "it is full at some time");
		medium.close();
		medium = open();
		const again = new MediumRecords(medium);
		assert.is(`${Buffer.from(again.hubId!)}`, "K7Q2M9XD");
		const target = new Uint8Array(648);
		for (let number = 10; number < 60; number++) {
			const there = again.read(number, target) === 648 && target.every((byte) => byte === number);
			assert.is(there, heard[number - 10]);
		}
		assert.is(again.read(10, new Uint8Array(100)), -1, "a shorter target gets nothing");
		medium.close();
	});
}

test.run();
