/** Losses of power and of connections at every packet and every write of a pairing: afterwards both sides are paired,
 *  or both are as they were, and the next try works. */
import { text } from "../../host-sim/text.js";
import type { Saved } from "../../src/broker/own-records.js";
import { DeviceKeyStore, type KeySlots } from "../../src/hub/device-keys.js";
import type { Records } from "../../src/hub/registry.js";
import { JoiningDevice, logIn, PairingHouse } from "../support/pairing.js";
import { assert, suite } from "../support/test.js";

const test = suite("pairing that is cut off");

/** What loses power, or only the connection. */
type Loss = "device" | "hub" | "both" | "connection";

/** Counts what happens, and says when it is over. */
class Cut {
	count = 0;
	over = false;

	constructor(
		private readonly at: number,
		private readonly happens: () => void,
	) {}

	/** One packet or write is about to be (before), or was (after). @returns whether it goes on */
	step(): boolean {
		if (this.over) return false;
		if (++this.count === this.at) {
			this.over = true;
			this.happens();
		}
		return !this.over;
	}
}

/** Keeps records over losses of power. A write that the power goes in is there or not, as the cut says. */
class Medium<T> {
	readonly kept = new Map<number, T>();
	cut: Cut | undefined;
	/** this side has no power: nothing is written, and nobody is told */
	dead = false;

	write(at: number, value: T | undefined, saved: Saved): void {
		const before = this.cut?.step() ?? true;
		if (this.dead || !before) return this.dead ? undefined : this.end(at, value, saved);
		this.end(at, value, saved);
	}

	private end(at: number, value: T | undefined, saved: Saved): void {
		if (value === undefined) this.kept.delete(at);
		else this.kept.set(at, value);
		this.cut?.step();
		if (!this.dead) saved(true);
	}
}

class World {
	readonly hubMedium = new Medium<Uint8Array>();
	readonly deviceMedium = new Medium<Uint8Array>();
	seed = 1;
	house: PairingHouse;

	constructor() {
		this.house = this.boot();
	}

	private boot(): PairingHouse {
		const medium = this.hubMedium;
		const records: Records = {
			read: (number) => medium.kept.get(number),
			write: (number, bytes, end, saved) => medium.write(number, bytes.slice(0, end), saved),
			delete: (number, saved) => medium.write(number, undefined, saved),
		};
		return new PairingHouse(4, records, this.seed++);
	}

	keys(): DeviceKeyStore {
		const medium = this.deviceMedium;
		const slots: KeySlots = {
			read: (slot) => medium.kept.get(slot),
			write: (slot, bytes, saved) => medium.write(slot, bytes, saved),
		};
		return new DeviceKeyStore(text, slots);
	}

	/** Pairs, with a loss at the given step. @returns how many steps there were */
	pair(loss: Loss, at: number): number {
		const { house } = this;
		const keys = this.keys();
		const cut = new Cut(at, () => {
			if (loss === "device" || loss === "both") this.deviceMedium.dead = true;
			if (loss === "hub" || loss === "both") this.hubMedium.dead = true;
			device.join.end();
			device.client?.cut();
			if (loss !== "device" && loss !== "connection") house.tasks.length = 0;
		});
		this.hubMedium.cut = this.deviceMedium.cut = cut;
		const { code } = house.pairing.open({ openedBy: "test" });
		const device: JoiningDevice = new JoiningDevice(house, "lamp", code, {
			keep: (made, saved) => keys.keep(made, saved),
			told: (step) => {
				// a packet that is lost on the way, and one after which nothing comes back
				if (step === "send" && cut.step()) {
					device.sendNow();
					cut.step();
				}
				if (step === "paired") keys.confirmPending(() => {});
			},
		});
		device.join.begin();
		do house.run();
		while (!cut.over && cut.step() && device.hear());
		house.run(); // what the hub does for a device that is gone
		this.hubMedium.cut = this.deviceMedium.cut = undefined;
		return cut.count;
	}

	/** Both have power again. */
	restart(loss: Loss): void {
		this.hubMedium.dead = this.deviceMedium.dead = false;
		if (loss === "hub" || loss === "both") this.house = this.boot();
		else this.house.pairing.close();
		this.house.fixture.now += 60_000;
	}

	/** The device logs in as SECURITY.md says. @returns whether it is in */
	boots(): boolean {
		const keys = this.keys();
		const { pending, current } = keys;
		if (pending !== undefined && logIn(this.house, "lamp", pending)) {
			keys.confirmPending(() => {});
			return true;
		}
		if (current === undefined || !logIn(this.house, "lamp", current)) return false;
		keys.dropPending(() => {});
		return true;
	}
}

for (const loss of ["device", "hub", "both", "connection"] as const) {
	test(`a first pairing, ${loss} lost at every step: paired on both sides, or on none, and then it works`, () => {
		let paired = 0;
		const steps = new World().pair(loss, 0);
		assert.ok(steps >= 12, `${steps} steps`);
		for (let at = 1; at <= steps; at++) {
			const world = new World();
			world.pair(loss, at);
			world.restart(loss);
			const known = world.house.devices.find("lamp") !== undefined;
			assert.is(world.boots(), known, `cut at step ${at}`);
			if (known) paired++;
			world.pair(loss, 0);
			assert.ok(world.boots(), `the next try, after a cut at step ${at}`);
		}
		assert.ok(paired > 0, "some cut comes late enough");
		assert.ok(paired < steps, "some cut comes early enough");
	});

	test(`a second pairing, ${loss} lost at every step: the old keys or the new ones, always some`, () => {
		const steps = new World().pair(loss, 0);
		for (let at = 1; at <= steps; at++) {
			const world = new World();
			world.pair(loss, 0);
			assert.ok(world.boots());
			world.pair(loss, at);
			world.restart(loss);
			assert.ok(world.boots(), `cut at step ${at}`);
			assert.ok(world.boots(), `again, after a cut at step ${at}`);
			assert.is(world.keys().pending, undefined);
		}
	});
}

test.run();
