/** Devices in the broker's storage: they outlive a restart, and who changes one hears whether it is durable. */
import { crypto } from "../../host-sim/platform.js";
import { text } from "../../host-sim/text.js";
import { scramCredentials } from "../../src/auth/scram.js";
import { Cause } from "../../src/errors.js";
import { Devices } from "../../src/hub/registry.js";
import { StoredRecords } from "../../src/hub/stored-records.js";
import { Fixture } from "../support/fixtures.js";
import { MemoryStorage } from "../support/memory-storage.js";
import { assert, suite } from "../support/test.js";

const test = suite("stored devices");
const SALT = new Uint8Array(16).fill(7);
const scram = scramCredentials(crypto, text, "secret", SALT);

class House {
	readonly records = new StoredRecords();
	readonly fixture: Fixture;
	readonly devices: Devices;
	readonly causes: Cause[] = [];

	constructor(readonly medium: MemoryStorage) {
		this.fixture = new Fixture({ medium, now: 5_000 });
		this.records.attach(this.fixture.broker);
		this.devices = new Devices(crypto, text, 3, this.records);
	}

	pair(id: string, name = ""): void {
		const given = { id, name, room: "", kind: "device", model: "" };
		this.devices.pair(given, scram, (cause) => this.causes.push(cause));
	}

	settle(): void {
		this.fixture.settle();
	}

	again(): House {
		return new House(this.medium.again());
	}
}

test("devices and the hub's identifier outlive a restart", () => {
	const first = new House(new MemoryStorage());
	assert.is(first.records.hubId, undefined);
	first.records.keepHubId(Buffer.from("K7Q2M9XD"), () => {});
	first.pair("a", "Lamp");
	first.pair("b");
	first.devices.change("a", { room: "Study" }, (cause) => first.causes.push(cause));
	first.settle();
	assert.equal(first.causes, [Cause.None, Cause.None]); // "a" was not there yet when it was to be changed
	first.devices.change("a", { room: "Study" }, (cause) => first.causes.push(cause));
	first.devices.change("a", { name: "Desk lamp" }, (cause) => first.causes.push(cause));
	first.devices.revoke("b", (cause) => first.causes.push(cause));
	first.settle();
	assert.equal(first.causes.slice(2), [Cause.None, Cause.None, Cause.None]);
	const second = first.again();
	assert.is(Buffer.from(second.records.hubId!).toString(), "K7Q2M9XD");
	assert.is(second.devices.count, 1);
	const found = second.devices.find("a")!;
	assert.equal([found.name, found.room, found.pairings], ["Desk lamp", "Study", 1]);
	assert.equal([...second.devices.credentials("a", "a")!.storedKey], [...scram.storedKey]);
});

test("nothing is said to be paired before it is durable", () => {
	const medium = new MemoryStorage();
	medium.isPrompt = false;
	const house = new House(medium);
	house.pair("a");
	house.settle();
	assert.equal(house.causes, []);
	assert.is(house.devices.find("a"), undefined);
	medium.finish();
	house.settle();
	assert.equal(house.causes, [Cause.None]);
	assert.is(house.devices.find("a")?.pairings, 1);
});

test("changes that come at the same time are made one after the other, none is lost", () => {
	const medium = new MemoryStorage();
	medium.isPrompt = false;
	const house = new House(medium);
	house.pair("a");
	house.pair("a");
	house.pair("b");
	for (let turn = 0; turn < 6; turn++) {
		house.settle();
		medium.finish();
	}
	house.settle();
	assert.equal(house.causes, [Cause.None, Cause.None, Cause.None]);
	assert.is(house.devices.find("a")?.pairings, 2);
	assert.is(house.devices.count, 2);
	assert.is(house.again().devices.count, 2);
});

test("a storage that fails: who changes hears so, everything is as it was, and later it works again", () => {
	const house = new House(new MemoryStorage());
	house.pair("a", "Lamp");
	house.settle();
	house.medium.failure = "no";
	house.devices.change("a", { name: "new" }, (cause) => house.causes.push(cause));
	house.settle();
	house.pair("b");
	house.settle();
	assert.equal(house.causes, [Cause.None, Cause.FullStore, Cause.FullStore]);
	assert.is(house.devices.find("a")?.name, "Lamp");
	assert.is(house.devices.count, 1);
	house.medium.failure = "";
	house.fixture.advance(3_000);
	house.pair("b");
	house.settle();
	assert.is(house.causes.at(-1), Cause.None);
	assert.is(house.again().devices.count, 2);
});

test.run();
