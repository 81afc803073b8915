/** Pairing as a method of the client's Enhanced Authentication. Between join.ts and src/client. Spec: 5.0, 4.12 */
import type { ClientAuthentication } from "../auth/authentication-method.js";
import { Join, type JoinOptions } from "./join.js";
import type { PairingPlatform } from "./pairing.js";

export class JoinAuthentication implements ClientAuthentication {
	readonly name: string;
	readonly join: Join;
	private answer: ((data: Uint8Array | undefined) => void) | undefined = undefined;
	private paired = false;

	/** @param ready the share for CONNECT is made, which takes a device a part of a second: the client may connect.
	 *  @param make a Join that does another thing with the key. Throws RangeError as Join does. */
	constructor(
		platform: PairingPlatform,
		options: Omit<JoinOptions, "told">,
		private readonly ready: () => void,
		make: (platform: PairingPlatform, options: JoinOptions) => Join = (p, o) => new Join(p, o),
	) {
		this.join = make(platform, {
			...options,
			told: (step) => {
				const { answer } = this;
				this.answer = undefined;
				if (step === "paired") {
					this.paired = true;
					answer?.(undefined); // there is nothing more to say
				} else if (answer !== undefined) answer(step === "send" ? this.join.data : undefined);
				else this.ready(); // the first share, or it failed before
			},
		});
		this.name = this.join.method;
	}

	/** Makes the share for CONNECT. */
	prepare(): void {
		this.join.begin();
	}

	/** The connection is over: nothing more is computed. */
	end(): void {
		this.answer = undefined;
		this.join.end();
	}

	begin(): Uint8Array | undefined {
		return this.join.data;
	}

	take(bytes: Uint8Array, start: number, end: number, answer: (data: Uint8Array | undefined) => void): "later" {
		this.answer = answer;
		this.join.take(bytes, start, end);
		return "later";
	}

	finish(bytes: Uint8Array, start: number, end: number): boolean {
		this.join.take(bytes, start, end);
		return this.paired;
	}
}
