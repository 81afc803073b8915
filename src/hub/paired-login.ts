/** How a paired device logs in: by SCRAM-SHA-256 with the keys that it keeps, those of an unfinished pairing first, or
 *  by a pairing that is going on. Between device-keys.ts and paired-client.ts. SECURITY.md, "Pairing" */
import type { ClientAuthentication } from "../auth/authentication-method.js";
import { ScramSha256Client } from "../auth/scram-client.js";
import type { Platform } from "../platform.js";
import type { DeviceKeyStore } from "./device-keys.js";
import type { JoinAuthentication } from "./join-authentication.js";
import type { PairingPlatform } from "./pairing.js";

export class PairedLogin implements ClientAuthentication {
	/** the pairing that is going on; undefined: logins are by what is kept */
	joining: JoinAuthentication | undefined = undefined;
	/** the hub does not know the keys of the unfinished pairing */
	private pendingRefused = false;
	private scram: ScramSha256Client | undefined = undefined;

	constructor(
		private readonly platform: Platform & PairingPlatform,
		private readonly clientId: string,
		readonly keys: DeviceKeyStore,
	) {}

	get name(): string {
		return this.joining?.name ?? "SCRAM-SHA-256";
	}

	/** whether the keys of an unfinished pairing are tried */
	private get triesPending(): boolean {
		const { keys } = this;
		return keys.pending !== undefined && (!this.pendingRefused || keys.current === undefined);
	}

	begin(): Uint8Array | undefined {
		if (this.joining !== undefined) return this.joining.begin();
		const { keys } = this;
		const candidate = this.triesPending ? keys.pending : keys.current;
		if (candidate === undefined) return undefined;
		this.scram = new ScramSha256Client(this.platform, this.clientId, candidate);
		return this.scram.begin();
	}

	take(bytes: Uint8Array, start: number, end: number, answer: (data: Uint8Array | undefined) => void) {
		if (this.joining !== undefined) return this.joining.take(bytes, start, end, answer);
		return this.scram?.take(bytes, start, end);
	}

	/** The hub has proved that it knows the keys: those count from now on, and the others no more. */
	finish(bytes: Uint8Array, start: number, end: number): boolean {
		const method = this.joining ?? this.scram;
		if (method === undefined || !method.finish(bytes, start, end)) return false;
		if (this.joining !== undefined || this.triesPending) this.keys.confirmPending(() => {});
		else if (this.keys.pending !== undefined) this.keys.dropPending(() => {});
		this.pendingRefused = false;
		return true;
	}

	/** The hub does not know the keys that were tried. @returns whether there are others to be tried */
	refused(): boolean {
		if (this.joining !== undefined || !this.triesPending || this.pendingRefused) {
			this.pendingRefused = false;
			return false;
		}
		this.pendingRefused = true;
		return this.keys.current !== undefined;
	}
}
