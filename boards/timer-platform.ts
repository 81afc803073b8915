/** A client's ports on a device: its clock, turns and ticks by the SDK's timers. */
import RNG from "rng";
import Time from "time";
import Timer from "timer";
import type { FacePlatform } from "../src/ecma419/mqtt-client.js";
import type { Text } from "../src/platform.js";
import { DeviceText } from "./text.js";

/** How often the client looks at what is due, ms. */
const TICK_MS = 250;

/** A timer that is only ever scheduled, never due by itself, ms. */
const NEVER_MS = 0x7fff_ffff;

export class TimerPlatform implements FacePlatform {
	readonly text: Text = new DeviceText();
	private client: { tick(): void; endTurn(): void } | undefined = undefined;
	private ticks: number = Time.ticks;
	private elapsed = 1;
	private turns: Timer | undefined = undefined;
	private tickTimer: Timer | undefined = undefined;

	now(): number {
		const ticks = Time.ticks;
		this.elapsed += Time.delta(this.ticks, ticks);
		this.ticks = ticks;
		return this.elapsed;
	}

	random(): number {
		return new Uint32Array(RNG.get(4))[0]!;
	}

	wake(): void {
		if (this.turns !== undefined) Timer.schedule(this.turns, 0, NEVER_MS);
	}

	log(level: number, line: string): void {
		trace(level === 0 ? `error: ${line}\n` : `${line}\n`);
	}

	attach(client: { tick(): void; endTurn(): void }): void {
		this.client = client;
		this.turns = Timer.set(() => this.client?.endTurn(), NEVER_MS, NEVER_MS);
		this.tickTimer = Timer.repeat(() => this.client?.tick(), TICK_MS);
	}

	detach(): void {
		this.client = undefined;
		Timer.clear(this.turns);
		Timer.clear(this.tickTimer);
		this.turns = this.tickTimer = undefined;
	}
}
