/** A button's contacts bounce for some milliseconds: a press counts when they have been closed for a while. Plain code;
 *  the pin and the timer are the caller's. */

/** ms that the contacts have to be still */
export const STILL_MS = 30;

/** What a pin and a timer are to it. */
export interface Contacts {
	/** @returns whether the contacts are closed now */
	isDown(): boolean;
	/** Calls `Debounce.still` once after so many ms, and forgets what was asked for before. */
	later(ms: number): void;
}

export class Debounce {
	/** as it was when the contacts were still */
	private down: boolean;

	/** A button that is held at the start is not pressed then.
	 *  @param pressed called once for each press @param released and when that is over */
	constructor(
		private readonly contacts: Contacts,
		private readonly pressed: () => void,
		private readonly released: () => void = () => {},
	) {
		this.down = contacts.isDown();
	}

	/** The contacts opened or closed. */
	changed(): void {
		this.contacts.later(STILL_MS);
	}

	/** Nothing has changed for STILL_MS. */
	still(): void {
		const down = this.contacts.isDown();
		if (down === this.down) return;
		this.down = down;
		if (down) this.pressed();
		else this.released();
	}
}
