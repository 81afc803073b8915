/** A client that joins a hub, on a virtual clock: by a code and by a QR code's text, with each packet lost and at each
 *  write without power; and which keys it logs in with afterwards. */
import { curve } from "../../host-sim/curve.js";
import { crypto } from "../../host-sim/platform.js";
import { text } from "../../host-sim/text.js";
import { ScramSha256 } from "../../src/auth/scram.js";
import { deviceClientLimits } from "../../src/client/client-limits.js";
import type { KeySlots } from "../../src/hub/device-keys.js";
import { PairedClient } from "../../src/hub/paired-client.js";
import { Pairing, type PairingPlatform } from "../../src/hub/pairing.js";
import { Devices } from "../../src/hub/registry.js";
import { StoredRecords } from "../../src/hub/stored-records.js";
import { World } from "../client/world.js";
import { HUB } from "../support/pairing.js";
import { assert, suite } from "../support/test.js";

const test = suite("paired client");

/** A hub, and a device whose keys outlive it. */
class House {
	readonly world: World;
	readonly pairing: Pairing;
	readonly devices: Devices;
	readonly slots: (Uint8Array | undefined)[] = [];
	/** hears of each write of the device; false: the power goes before it */
	beforeWrite: (() => boolean) | undefined;
	client!: PairedClient;
	outcome: string | undefined;
	private dead = false;

	constructor() {
		const scram = { credentials: (user: string, id: string) => this.devices.credentials(user, id) };
		const platform: PairingPlatform & { random(): number; wake(): void } = {
			text,
			crypto,
			curve,
			now: () => this.world?.now ?? 0,
			random: () => this.world?.fixture.random() ?? 1,
			wake: () => {},
			randomBytes: (bytes) => this.randomBytes(bytes),
			defer: (task) => this.world.after(1, task),
		};
		this.devices = new Devices(crypto, text, 4, new StoredRecords());
		this.pairing = new Pairing(platform, HUB, this.devices);
		this.world = new World({
			authentication: [this.pairing, new ScramSha256(platform, scram)],
			access: { allowAnonymous: false },
			limits: { authentications: 4, guesses: 0 },
		});
		this.powerOn();
	}

	private randomBytes(bytes: Uint8Array): void {
		for (let i = 0; i < bytes.length; i++) bytes[i] = this.world.fixture.random() >>> 24;
	}

	/** The device starts, with what it has kept. */
	powerOn(): void {
		this.dead = false;
		this.outcome = undefined;
		const store: KeySlots = {
			read: (slot) => this.slots[slot],
			write: (slot, bytes, saved) => {
				if (this.dead || this.beforeWrite?.() === false) return;
				this.slots[slot] = bytes;
				saved(true);
			},
		};
		this.client = this.world.add(({ platform, connector }) => {
			const ports = {
				...platform,
				crypto,
				curve,
				randomBytes: (bytes: Uint8Array) => this.randomBytes(bytes),
				defer: (task: () => void) => this.world.after(1, () => this.dead || task()),
			};
			const keys = { keys: store, clientId: "lamp", model: "test" };
			return new PairedClient({ limits: deviceClientLimits, platform: ports, connector, ...keys });
		});
	}

	powerOff(): void {
		this.dead = true;
		this.world.remove(this.client);
	}

	join(given?: string): void {
		const code = given ?? this.pairing.open({ openedBy: "test" }).code;
		this.client.join(code, (why) => {
			this.outcome = why;
		});
	}

	/** @returns how joining ended; "": paired */
	joined(given?: string): string {
		this.join(given);
		this.world.until(() => this.outcome !== undefined, "joining ends");
		return this.outcome!;
	}

	/** The device logs in with what it keeps. */
	logIn(): void {
		this.client.connect();
		this.world.until(() => this.client.isConnected, "the device is there");
	}
}

test("a client joins by a code, stays connected, and logs in by itself after a start", () => {
	const house = new House();
	assert.throws(() => house.client.connect(), /it belongs to no hub: join one first/);
	assert.is(house.joined(), "");
	assert.ok(house.client.isConnected);
	assert.is(house.client.hubId, HUB);
	assert.is(house.devices.find("lamp")?.model, "test");
	house.powerOff();
	house.powerOn();
	assert.is(house.client.hubId, HUB);
	house.logIn();
	for (const wire of house.world.wires) wire.break();
	house.world.until(() => !house.client.isConnected, "it is cut");
	house.world.until(() => house.client.isConnected, "it is there again");
});

test("a QR code's text names the hub and its address; another hub than that is not joined", () => {
	const house = new House();
	const { code } = house.pairing.open({ openedBy: "test" });
	assert.is(house.joined(`hearth:1:${code}:${HUB}:10.0.0.7:1884`), "");
	assert.is(house.client.reference, "10.0.0.7:1884");
	const other = new House();
	const { code: second } = other.pairing.open({ openedBy: "test" });
	assert.match(other.joined(`HEARTH:1:${second}:ABCDEFGH:10.0.0.7:1884`), /not the one that the QR code names/);
	assert.is(other.client.hubId, undefined);
	assert.is(other.devices.count, 0);
});

test("a wrong code ends at once, and so does a window that is closed; the next try with the right one works", () => {
	const house = new House();
	const { code } = house.pairing.open({ openedBy: "test" });
	assert.match(house.joined(code === "00000000" ? "00000001" : "00000000"), /another code/);
	assert.is(house.pairing.window?.attempts, 1, "one try, not three");
	house.outcome = undefined;
	house.world.advance(2_000);
	assert.is(house.joined(code), "");
	const closed = new House();
	assert.match(closed.joined("12345678"), /pairing-closed/);
});

test("what is neither, and joining while it is connected, are refused; giving up tells who waits", () => {
	const house = new House();
	assert.throws(() => house.client.join("1234567", () => {}), /give the 8 digits/);
	house.join();
	assert.throws(() => house.join(), /disconnect it first/);
	house.client.disconnect();
	assert.is(house.outcome, "given up");
	house.outcome = undefined;
	assert.is(house.joined(), "");
	assert.throws(() => house.join(), /disconnect it first/);
	house.client.forget(() => {});
	assert.is(house.client.hubId, undefined);
	assert.not(house.client.isConnected);
});

/** Goes through a pairing, and does something at a step of it.
 *  @returns how many steps there were, and what came of it */
function withLoss(at: number, kind: "packet" | "packet after" | "power"): { steps: number; house: House } {
	const house = new House();
	let steps = 0;
	house.world.beforeSend = (wire) => {
		if (++steps !== at) return true;
		if (kind === "power") house.powerOff();
		else if (kind === "packet") house.world.after(0, () => wire.break());
		else house.world.after(5, () => wire.break());
		return kind === "packet after";
	};
	house.beforeWrite = () => {
		if (++steps !== at || kind !== "power") return true;
		house.powerOff();
		return false;
	};
	house.join();
	house.world.until(
		() => house.outcome !== undefined || (at === steps && kind === "power"),
		"joining ends, or the power",
	);
	house.world.beforeSend = house.beforeWrite = undefined;
	if (kind === "power") {
		house.world.advance(1_000);
		house.powerOn();
	}
	return { steps, house };
}

for (const [kind, how] of [
	["packet", "in place of"],
	["packet after", "after"],
] as const)
	test(`a connection that breaks ${how} any packet: the device is paired all the same`, () => {
		const { steps } = withLoss(0, kind);
		assert.ok(steps >= 5, `${steps} steps`);
		for (let at = 1; at <= steps; at++) {
			const { house } = withLoss(at, kind);
			assert.is(house.outcome, "", `step ${at}`);
			house.powerOff();
			house.powerOn();
			house.logIn();
		}
	});

test("a device that loses power at any packet or write: its keys work, or it joins again with a code", () => {
	const { steps } = withLoss(0, "power");
	for (let at = 1; at <= steps; at++) {
		const { house } = withLoss(at, "power");
		if (house.client.hubId !== undefined) {
			house.client.connect();
			house.world.advance(10_000);
		}
		if (!house.client.isConnected) {
			assert.is(house.devices.count, 0, `step ${at}: the hub knows nothing of it either`);
			house.client.disconnect();
			assert.is(house.joined(), "", `step ${at}`);
		}
		house.powerOff();
		house.powerOn();
		house.logIn();
	}
});

test("a device that pairs again and loses power keeps to the keys that the hub has", () => {
	const first = withLoss(0, "power").steps;
	for (let at = 1; at <= first; at++) {
		const house = new House();
		assert.is(house.joined(), "");
		house.client.disconnect();
		let steps = 0;
		const cut = (): boolean => {
			if (++steps !== at) return true;
			house.powerOff();
			return false;
		};
		house.world.beforeSend = house.beforeWrite = cut;
		house.outcome = undefined;
		house.join();
		house.world.until(() => house.outcome !== undefined || steps >= at, "joining ends, or the power");
		house.world.beforeSend = house.beforeWrite = undefined;
		house.powerOff();
		house.world.advance(1_000);
		house.powerOn();
		house.logIn();
	}
});

test.run();
