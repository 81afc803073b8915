/** The hub's records on a board whose SDK has no store for them: a journal on a virtual flash, whose power goes at any
 *  byte. */
import { hubJournalLimits, MediumValues } from "../../boards/medium-values.js";
import { crypto } from "../../host-sim/platform.js";
import { VirtualFlash } from "../../host-sim/sim/flash.js";
import { text } from "../../host-sim/text.js";
import { Cause } from "../../src/errors.js";
import { RECORD_BYTES_MAX } from "../../src/hub/device-record.js";
import { KeyValueRecords } from "../../src/hub/key-value-records.js";
import { Devices } from "../../src/hub/registry.js";
import { Journal } from "../../src/storage/journal.js";
import { assert, suite } from "../support/test.js";

const test = suite("boards: the hub's records in a journal");

const DEVICES = 24;
const SALT = new Uint8Array(16);
/** as the SDK has it on a Pico: 64 KB */
const newFlash = (): VirtualFlash => new VirtualFlash({ sectors: 16 });

let clock = 0;

function open(flash: VirtualFlash): { records: KeyValueRecords; devices: Devices } {
	const journal = new Journal({ flash, limits: hubJournalLimits(DEVICES), now: () => clock++, random: () => 1 });
	const records = new KeyValueRecords(new MediumValues(journal), DEVICES, 12_000);
	return { records, devices: new Devices(crypto, text, DEVICES, records) };
}

function add(devices: Devices, id: string, name: string): Cause {
	let heard = Cause.InternalError;
	devices.addPassword({ id, name, room: "", kind: "device" }, "secret", SALT, (cause) => {
		heard = cause;
	});
	return heard;
}

function idsOf(devices: Devices): string[] {
	const ids: string[] = [];
	devices.each(({ id }) => ids.push(id));
	return ids;
}

test("all devices outlive a restart, each with the last of a thousand changes", () => {
	const flash = newFlash();
	let { devices } = open(flash);
	for (let change = 0; change < 1_000; change++)
		assert.is(add(devices, `device-${change % DEVICES}`, `Name ${change}`), Cause.None, `change ${change}`);
	assert.is(add(devices, "one-more", ""), Cause.FullDevices);
	({ devices } = open(flash));
	assert.is(devices.count, DEVICES);
	for (let i = 0; i < DEVICES; i++) {
		const last = 1_000 - 1 - ((1_000 - 1 - i) % DEVICES);
		assert.is(devices.find(`device-${i}`)?.name, `Name ${last}`);
	}
	assert.ok(Math.max(...flash.erases) <= 30, "all sectors wear alike");
});

test("the power goes at any byte of a change: the record is the old one or the new one", () => {
	const before = newFlash();
	const first = open(before);
	first.records.keepHubId(Buffer.from("K7Q2M9XD"), () => {});
	add(first.devices, "lamp", "old");
	add(first.devices, "door", "there");
	const names = new Set<string | undefined>();
	for (const tear of ["clean", "smeared"] as const)
		for (let cut = 0, done = false; !done; cut += 3) {
			const flash = before.clone();
			const { devices } = open(flash);
			flash.cutAfter(cut, tear);
			try {
				done = add(devices, "lamp", "new") === Cause.None;
			} catch {
				// as it is when the power is off
			}
			flash.restore();
			const after = open(flash.clone());
			names.add(after.devices.find("lamp")?.name);
			assert.equal(idsOf(after.devices), ["door", "lamp"]);
			assert.is(`${Buffer.from(after.records.hubId!)}`, "K7Q2M9XD");
		}
	assert.equal([...names].sort(), ["new", "old"]);
});

test("another hub's devices come whole or not at all, wherever the power goes", () => {
	const before = newFlash();
	const first = open(before);
	first.records.keepHubId(Buffer.from("OLDBOARD"), () => {});
	const source = open(newFlash()).devices;
	for (let i = 0; i < 6; i++) add(source, `device-${i}`, "n".repeat(60));
	const outcomes = new Set<string>();
	for (let cut = 0, done = false; !done; cut += 41) {
		const flash = before.clone();
		const { records } = open(flash);
		flash.cutAfter(cut, "smeared");
		try {
			const taken = records.take();
			for (let i = 0; i < 6; i++) assert.ok(taken.put(i, source.record(i)!) || flash.dark);
			done = taken.commit(Buffer.from("HUBTHEOLD"));
		} catch {
			// as it is when the power is off
		}
		flash.restore();
		const after = open(flash.clone());
		outcomes.add(`${Buffer.from(after.records.hubId!)} ${after.devices.count}`);
	}
	assert.equal([...outcomes].sort(), ["HUBTHEOLD 6", "OLDBOARD 0"]);
});

test("the longest records fit, as many as the board has room for, and what does not is refused", () => {
	const { records } = open(newFlash());
	const heard: boolean[] = [];
	for (let number = 0; number < DEVICES; number++)
		records.write(number, new Uint8Array(RECORD_BYTES_MAX).fill(number), RECORD_BYTES_MAX, (ok) => heard.push(ok));
	const kept = heard.filter((ok) => ok).length;
	assert.ok(kept >= 17, `${kept}`);
	assert.is(heard.includes(false), true, "12,000 bytes are the most");
	for (let number = 0; number < DEVICES; number++)
		assert.is(records.read(number)?.every((byte) => byte === number) ?? false, heard[number]);
});

test.run();
