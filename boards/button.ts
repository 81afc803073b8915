/** A button between a pin and ground, such as the BOOT button that most boards have. */
import Digital from "embedded:io/digital";
import Timer from "timer";
import { type Contacts, Debounce } from "./debounce.js";
import type { DevicePlatform } from "./platform.js";

/** A timer that is only ever scheduled, never due by itself, ms. */
const NEVER_MS = 0x7fff_ffff;

/** ms after which a press is a long one, and a very long one */
export const HELD_MS = 10_000;
export const HELD_LONG_MS = 30_000;

export class Button implements Contacts {
	private readonly digital: Digital;
	private readonly timer: Timer;
	private readonly debounce: Debounce;

	/** @param pin the chip's number of it @param pressed called once for each press
	 *  @param held called when a press is over that took HELD_MS or longer, with how long it took
	 *  Throws the SDK's error when the pin can't be had */
	constructor(platform: DevicePlatform, pin: number, pressed: () => void, held: (ms: number) => void = () => {}) {
		const button = this;
		let since = 0;
		this.digital = new Digital({
			pin,
			mode: Digital.InputPullUp,
			edge: Digital.Rising | Digital.Falling,
			onReadable() {
				platform.event("button", () => button.debounce.changed());
			},
		});
		this.timer = Timer.set(() => platform.event("button", () => this.debounce.still()), NEVER_MS, NEVER_MS);
		const begun = (): void => {
			since = platform.now();
			pressed();
		};
		this.debounce = new Debounce(this, begun, () => {
			const ms = platform.now() - since;
			if (ms >= HELD_MS) held(ms);
		});
	}

	isDown(): boolean {
		return this.digital.read() === 0;
	}

	later(ms: number): void {
		Timer.schedule(this.timer, ms, NEVER_MS);
	}

	close(): void {
		Timer.clear(this.timer);
		this.digital.close();
	}
}
