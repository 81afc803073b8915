/** A client that belongs to a hub: it joins with the code that a person carries to it, keeps what it logs in with, and
 *  from then on is known by its Client Identifier. A Client (src/client) in everything else. SECURITY.md, "Pairing" */
import { Client } from "../client/client.js";
import type { ClientOptions } from "../client/client-options.js";
import { ClientState } from "../client/client-state.js";
import { ReasonCode, Version } from "../codec/packet-types.js";
import { Cause, HearthError } from "../errors.js";
import type { Platform } from "../platform.js";
import { DeviceKeyStore, type KeySlots } from "./device-keys.js";
import { type Invitation, parseInvitation } from "./invitation.js";
import { JoinAuthentication } from "./join-authentication.js";
import { PairedLogin } from "./paired-login.js";
import type { PairingPlatform } from "./pairing.js";
import { isDeviceId } from "./pairing-keys.js";

export interface PairedClientOptions
	extends Omit<ClientOptions, "authentication" | "version" | "userName" | "password"> {
	platform: Platform & PairingPlatform;
	/** 1 to 32 of A-Z a-z 0-9 - _: what the hub knows the device by, for good */
	clientId: string;
	/** what it is, for people to read; at most 32 bytes. Default: "" */
	model?: string;
	/** where its keys are kept */
	keys: KeySlots;
}

/** Hears how joining ended. @param why "": paired, and connected; otherwise one line for a person */
export type Joined = (why: string) => void;

/** Tries at a code: each lets a false hub guess once. SECURITY.md, "Guessing" */
const TRIES_MAX = 3;

/** ms until the next one: what a hub has that heard a wrong code, or has another device before this one */
const AGAIN_MS = 2_000;

/** ms that a share may take until then */
const SHARE_MS = 60_000;

const WHY: Readonly<Record<string, string>> = Object.freeze({
	"wrong-code": "the hub has another code; look at it again",
	"unusable-code": "this code cannot be used; open another window",
	protocol: "that is no hub of this kind",
	"not-kept": "the keys cannot be kept, or the hub is not the one that the QR code names",
});

/** A pairing that is going on. */
interface Joining {
	readonly invitation: Invitation;
	readonly done: Joined;
	tries: number;
	/** the try that is on; undefined: it is found out whether the one before was the hub's last word */
	authentication: JoinAuthentication | undefined;
}

export class PairedClient extends Client {
	private readonly login: PairedLogin;
	private readonly model: string;
	private joining: Joining | undefined = undefined;
	/** when the next try may begin; ms on the platform's clock */
	private notBefore = 0;

	/** Throws HearthError for options that cannot be. */
	constructor(options: PairedClientOptions) {
		const { keys, model = "", ...rest } = options;
		if (!isDeviceId(options.clientId))
			throw new HearthError("HEARTH_ERR_OPTION", `clientId ${options.clientId}: give 1 to 32 of A-Z a-z 0-9 - _`);
		const { platform } = options;
		const login = new PairedLogin(platform, options.clientId, new DeviceKeyStore(platform.text, keys));
		super({ ...rest, version: Version.V5, authentication: login });
		this.login = login;
		this.model = model;
	}

	/** whom it belongs to; undefined: to nobody yet. After a pairing that was cut off it may not know */
	get hubId(): string | undefined {
		const { pending, current } = this.login.keys;
		return (current ?? pending)?.hubId;
	}

	/** Connects with the keys that it keeps. Throws HearthError when it has none: `join` first. */
	override connect(): void {
		if (this.joining === undefined && this.hubId === undefined)
			throw new HearthError("HEARTH_ERR_NOT_PAIRED", "client: it belongs to no hub: join one first");
		super.connect();
	}

	/** Pairs with a hub whose window is open, and stays connected. Not while it is connected: throws HearthError, as for
	 *  what is neither a code nor the text of a QR code. Point arithmetic is done before CONNECT and between packets, a
	 *  call in a turn of its own.
	 *  @param given 8 digits, or the text of the hub's QR code: then it connects to the address of that */
	join(given: string, done: Joined): void {
		if (this.state !== ClientState.Idle || this.joining !== undefined)
			throw new HearthError(
				"HEARTH_ERR_CONNECTED",
				"join: the client is connected, or about to be: disconnect it first",
			);
		const invitation = parseInvitation(given);
		if (invitation === undefined)
			throw new HearthError(
				"HEARTH_ERR_CODE",
				"join: give the 8 digits that the hub shows, or the text of its QR code",
			);
		if (invitation.host !== undefined) {
			this.reference = `${invitation.host}:${invitation.port}`;
			this.referenceLasts = true;
		}
		this.joining = { invitation, done, tries: 0, authentication: undefined };
		this.tryNext();
	}

	/** Forgets whom it belongs to: the device is as new. Ends the connection. @param done hears whether that is kept */
	forget(done: (ok: boolean) => void): void {
		this.disconnect();
		this.login.keys.reset(done);
	}

	/** Makes a share, and connects when it is made. */
	private tryNext(): void {
		const joining = this.joining!;
		const { code, hubId } = joining.invitation;
		joining.tries++;
		const authentication = new JoinAuthentication(
			this.platform as PairedClientOptions["platform"],
			{
				clientId: this.options.clientId,
				code,
				model: this.model,
				// another hub than the code said: a false one that guessed right, or the text is of another day
				keep: (keys, saved) =>
					hubId !== undefined && keys.hubId !== hubId ? saved(false) : this.login.keys.keep(keys, saved),
			},
			() => this.shareMade(authentication),
		);
		joining.authentication = authentication;
		authentication.prepare();
	}

	private shareMade(authentication: JoinAuthentication): void {
		if (this.joining?.authentication !== authentication) return; // given up
		if (authentication.join.failure !== undefined) return this.joined(WHY[authentication.join.failure]!);
		this.login.joining = authentication;
		if (this.state === ClientState.Idle) return super.connect();
		this.dueAt = this.notBefore;
		this.touch();
	}

	/** Joining is over. */
	private joined(why: string): void {
		const joining = this.joining;
		this.joining = this.login.joining = undefined;
		joining?.authentication?.end();
		joining?.done(why);
	}

	override connected(sessionPresent: boolean): void {
		super.connected(sessionPresent);
		this.joined("");
	}

	override disconnect(reason = 0, properties?: Uint8Array): void {
		super.disconnect(reason, properties);
		this.joined("given up"); // while a share was made
	}

	override lost(cause: Cause, reason: number, why: string, againMs?: number): void {
		if (this.state === ClientState.Idle) return;
		if (this.joining !== undefined) return this.joinLost(this.joining, cause, reason, why);
		const others = cause === Cause.NotAuthorized && isRefusal(reason) && this.login.refused();
		super.lost(cause, reason, why, others ? 0 : againMs);
	}

	/** A try has ended before the hub said yes. */
	private joinLost(joining: Joining, cause: Cause, reason: number, why: string): void {
		const { authentication } = joining;
		const failure = authentication?.join.failure;
		const refused = cause === Cause.NotAuthorized && isRefusal(reason);
		// the hub may have heard the last word: then it knows the keys that are kept, and this client logs in with them
		const unknown =
			failure === undefined && (authentication === undefined ? !refused : authentication.join.isConfirmed);
		const over = unknown ? false : failure !== undefined || joining.tries >= TRIES_MAX || (refused && authentication);
		authentication?.end();
		this.login.joining = joining.authentication = undefined;
		if (cause === Cause.None || over) {
			super.lost(cause, reason, why, -1);
			return this.joined(failure === undefined ? why : WHY[failure]!);
		}
		super.lost(cause, reason, why, unknown ? AGAIN_MS : SHARE_MS);
		this.notBefore = this.now + AGAIN_MS;
		if (!unknown) this.tryNext();
	}
}

/** @returns whether the server does not know who is there, by its Reason Code */
function isRefusal(reason: number): boolean {
	return reason === ReasonCode.NotAuthorized || reason === ReasonCode.BadUserNameOrPassword;
}
