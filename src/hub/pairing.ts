/** Pairing: a person opens a window for one device, the device proves that it knows the code, and gets a secret of its
 *  own. The window and the hub's side of the exchange, as a method of Enhanced Authentication.
 *  CONNECT(01 shareP model) → AUTH(02 hub shareV confirmV) → AUTH(03 confirmP) → CONNACK(04). SECURITY.md, "Pairing" */
import type { AuthenticationExchange, AuthenticationMethod, Told } from "../auth/authentication-method.js";
import type { Crypto, Curve, Text } from "../platform.js";
import { randomScalar } from "./p256.js";
import { PairingExchange } from "./pairing-exchange.js";
import { CODE_DIGITS, PAIRING_METHOD, scalarsOfCode } from "./pairing-keys.js";
import type { Devices } from "./registry.js";
import { Spake2Plus } from "./spake2plus.js";

/** Guesses a window is good for. */
export const ATTEMPTS_MAX = 5;

/** How long a window is open, and may be at most, ms. */
export const WINDOW_MS = 120_000;
export const WINDOW_MS_MAX = 900_000;

/** How long one exchange may take, ms: seconds on a device, of which most go into PBKDF2. */
const EXCHANGE_MS = 60_000;

/** What pairing needs of the world. */
export interface PairingPlatform {
	readonly text: Text;
	readonly crypto: Crypto;
	readonly curve: Curve;
	now(): number;
	/** Fills the bytes with random ones that nobody can foretell. Throws where the platform has none: then there is no
	 *  pairing. */
	randomBytes(bytes: Uint8Array): void;
	/** Calls the task in a turn of its own, when what has come meanwhile was handled: a step of point arithmetic takes a
	 *  device up to a third of a second. */
	defer(task: () => void): void;
}

/** What the device that comes is to be. */
export interface WindowOptions {
	/** who opened it, for everybody to see: "page", "button", "command", "topic" */
	openedBy: string;
	/** the device's name and room, if they are known already */
	name?: string;
	room?: string;
	/** what it may do: a kind of src/hub/device-rights.ts. Default: "device" */
	kind?: string;
	/** 1 to WINDOW_MS_MAX; default WINDOW_MS */
	forMs?: number;
	/** for another hub, whose devices come here or which gets this one's (move.ts); no device is paired.
	 *  Default: false */
	move?: boolean;
}

/** Why a window closed. */
export type WindowEnd = "paired" | "moved" | "time" | "attempts" | "closed";

export interface PairingEvents {
	/** the window opened, closed, or has fewer attempts left */
	changed?(): void;
	/** somebody did not know the code, or was cut off after it could know whether its guess was right */
	failed?(clientId: string, address: string): void;
	/** a device is paired, and that is durable */
	paired?(deviceId: string, replaced: boolean): void;
}

/** An open window. */
export class PairingWindow {
	attempts = 0;

	constructor(
		readonly code: string,
		readonly options: WindowOptions,
		/** when it closes; ms on the platform's clock */
		readonly until: number,
	) {}
}

export class Pairing implements AuthenticationMethod {
	window: PairingWindow | undefined = undefined;
	lastEnd: WindowEnd | undefined = undefined;
	/** the device that the last window was for, once it is paired */
	lastPaired = "";
	/** the one that is going on */
	exchange: PairingExchange | undefined = undefined;
	/** nobody may begin before that; ms on the platform's clock */
	private notBefore = 0;

	constructor(
		readonly platform: PairingPlatform,
		/** 8 characters, made once and kept: whom a device is paired with */
		public hubId: string,
		readonly devices: Devices,
		readonly events: PairingEvents = {},
	) {}

	get name(): string {
		return PAIRING_METHOD;
	}

	get timeoutMs(): number {
		return EXCHANGE_MS;
	}

	/** Opens a window for one device; one that is open closes. @returns it, with its code
	 *  Throws RangeError when forMs is out of range. */
	open(options: WindowOptions): PairingWindow {
		const forMs = options.forMs ?? WINDOW_MS;
		if (!(forMs >= 1 && forMs <= WINDOW_MS_MAX)) throw new RangeError(`forMs: give 1 to ${WINDOW_MS_MAX}`);
		this.close("closed");
		const { platform } = this;
		for (;;) {
			const code = this.newCode();
			if (scalarsOfCode(platform.crypto, platform.text, code) === undefined) continue;
			this.window = new PairingWindow(code, options, platform.now() + forMs);
			break;
		}
		this.lastEnd = undefined;
		this.lastPaired = "";
		this.events.changed?.();
		return this.window;
	}

	/** Closes the window that is open, if one is; the code is void. An exchange at its last step may end. */
	close(end: WindowEnd = "closed"): void {
		if (this.window === undefined) return;
		this.window = undefined;
		this.lastEnd = end;
		this.notBefore = 0;
		this.events.changed?.();
	}

	/** Once a second or more often: the time is over. */
	tick(): void {
		if (this.window !== undefined && this.platform.now() >= this.window.until) this.close("time");
	}

	begin(clientId: string, _userName: string | undefined, address: string, told: Told): AuthenticationExchange {
		return new PairingExchange(this, clientId, address, told);
	}

	/** @returns whether somebody who begins now has to come again later */
	get busy(): boolean {
		return this.exchange !== undefined || this.platform.now() < this.notBefore;
	}

	/** The answer that tells whether a guess was right is on its way: that was an attempt, even if nothing comes back. */
	countAttempt(window: PairingWindow): void {
		window.attempts++;
		this.notBefore = this.platform.now() + 1_000 * 2 ** (window.attempts - 1);
		this.events.changed?.();
	}

	/** The guess was right. */
	takeBackAttempt(window: PairingWindow): void {
		window.attempts--;
		this.notBefore = 0;
	}

	/** The guess was wrong, or nobody knows. */
	attemptFailed(window: PairingWindow, clientId: string, address: string): void {
		this.events.failed?.(clientId, address);
		if (window === this.window && window.attempts >= ATTEMPTS_MAX) this.close("attempts");
	}

	/** @returns this side of a new exchange; its secret is used once */
	newSide(window: PairingWindow): Spake2Plus {
		const { crypto, curve, text } = this.platform;
		const { w0, w1 } = scalarsOfCode(crypto, text, window.code)!; // made each time: memory is dearer
		return new Spake2Plus(crypto, curve, text, w0, w1, randomScalar(this.platform));
	}

	/** @returns digits of which each is as likely as any other */
	private newCode(): string {
		const bytes = new Uint8Array(1);
		let code = "";
		while (code.length < CODE_DIGITS) {
			this.platform.randomBytes(bytes);
			if (bytes[0]! < 250) code += bytes[0]! % 10;
		}
		return code;
	}
}
