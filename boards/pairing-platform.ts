/** What pairing needs of a device, on both sides of it: point arithmetic, random bytes, turns for what takes long. */
import Timer from "timer";
import type { PairingPlatform } from "../src/hub/pairing.js";
import { DeviceCurve } from "./curve.js";
import { DevicePlatform } from "./platform.js";
import { type Entropy, RandomBytes } from "./random.js";

/** ms until what was put off has its turn: what has come meanwhile goes first. */
const DEFER_MS = 1;

/** A device's ports, and what pairing needs beside them. */
export class DevicePairingPlatform extends DevicePlatform implements PairingPlatform {
	readonly curve = new DeviceCurve();
	/** hears ticks as the broker does */
	ticked: { tick(): void } | undefined = undefined;
	private readonly chance: RandomBytes;

	constructor(entropy: Entropy) {
		super();
		this.chance = new RandomBytes(this.crypto, entropy);
	}

	/** Throws an Error with one line where the board has no source that can be trusted. */
	randomBytes(bytes: Uint8Array): void {
		this.chance.randomBytes(bytes);
	}

	protected override ticking(): void {
		super.ticking();
		this.ticked?.tick();
	}

	/** Nonces of logins, too: those of the SDK's generator might come again after a restart. */
	override random(): number {
		return this.chance.integer();
	}

	defer(task: () => void): void {
		Timer.set(() => this.event("pairing", task), DEFER_MS);
	}
}
