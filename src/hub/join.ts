/** The device's side of pairing: it proves that it knows the code, and keeps what it logs in with from then on. It
 *  commits first (PENDING), the hub replaces its record after, so that a loss of power at any step leaves both paired,
 *  both unpaired, or a device that finds out at its next login. The counterpart of pairing-exchange.ts. */
import { bytesOfText, sameBytes } from "../auth/bytes.js";
import { Pbkdf2 } from "../auth/key-derivation.js";
import { isPoint, POINT_BYTES, randomScalar } from "./p256.js";
import type { PairingPlatform } from "./pairing.js";
import { MODEL_BYTES_MAX, PairingMessage, SLICE } from "./pairing-exchange.js";
import { deviceSecret, isDeviceId, PAIRING_METHOD, SECRET_ITERATIONS, scalarsOfCode } from "./pairing-keys.js";
import { type Keys, Spake2Plus } from "./spake2plus.js";

/** What a device logs in with by SCRAM-SHA-256: keys made of the secret once, so that no login costs PBKDF2. */
export interface DeviceKeys {
	/** whom it is paired with */
	hubId: string;
	/** 32 bytes each. RFC 5802, section 3 */
	clientKey: Uint8Array;
	serverKey: Uint8Array;
	salt: Uint8Array;
	iterations: number;
}

/** Tells how it goes on: "send" `data` in CONNECT or AUTH; "paired"; or it has failed, as `failure` says. */
export type JoinStep = "send" | "paired" | "failed";

/** Why a device does not get in: the code is another (or a false hub guessed), the code cannot be used, what came is no
 *  answer of this protocol, or the keys could not be kept. */
export type JoinFailure = "wrong-code" | "unusable-code" | "protocol" | "not-kept";

export interface JoinOptions {
	/** the Client Identifier: 1 to 32 of A-Z a-z 0-9 - _ */
	clientId: string;
	/** 8 digits */
	code: string;
	/** what it is, for people to read; at most MODEL_BYTES_MAX bytes */
	model?: string;
	/** Keeps the keys as PENDING, beside those in use; `saved` is called when that is durable. */
	keep(keys: DeviceKeys, saved: (ok: boolean) => void): void;
	told(step: JoinStep): void;
}

const CONFIRMATION_BYTES = 32;

export class Join {
	/** Authentication Data for the hub, after "send" */
	data: Uint8Array | undefined = undefined;
	failure: JoinFailure | undefined = undefined;
	/** the keys, after the hub was found to know the code */
	keys: DeviceKeys | undefined = undefined;
	private side: Spake2Plus | undefined = undefined;
	private shareP: Uint8Array | undefined = undefined;
	private confirmed = false;
	private ended = false;

	/** Throws RangeError for an identifier or a model that cannot be. */
	constructor(
		protected readonly platform: PairingPlatform,
		protected readonly options: JoinOptions,
	) {
		if (!isDeviceId(options.clientId)) throw new RangeError("clientId: give 1 to 32 of A-Z a-z 0-9 - _");
		if (platform.text.size(options.model ?? "") > MODEL_BYTES_MAX)
			throw new RangeError(`model: give at most ${MODEL_BYTES_MAX} bytes`);
	}

	/** the method's name, which is in every derivation */
	get method(): string {
		return PAIRING_METHOD;
	}

	/** whether this side's last word is on its way: the hub may know the keys */
	get isConfirmed(): boolean {
		return this.confirmed;
	}

	/** Makes the data for CONNECT; "send" is told when it is there. */
	begin(): void {
		const { platform, options } = this;
		const { crypto, curve, text } = platform;
		const w = /^\d{8}$/.test(options.code) ? scalarsOfCode(crypto, text, options.code) : undefined;
		if (w === undefined) return this.fail("unusable-code");
		this.side = new Spake2Plus(crypto, curve, text, w.w0, w.w1, randomScalar(platform));
		this.next(() => {
			const share = this.side!.proverShare();
			if (share === undefined) return this.fail("unusable-code");
			this.shareP = share;
			const model = bytesOfText(text, options.model ?? "");
			const data = new Uint8Array(1 + POINT_BYTES + model.length);
			data[0] = PairingMessage.ProverShare;
			data.set(share, 1);
			data.set(model, 1 + POINT_BYTES);
			this.send(data);
		});
	}

	/** Takes the hub's Authentication Data: of AUTH, or of CONNACK with success. */
	take(bytes: Uint8Array, start: number, end: number): void {
		if (this.ended) return;
		if (this.confirmed) this.takeMore(bytes, start, end);
		else this.takeShare(bytes, start, end);
	}

	/** What the hub says after this side's confirmation. */
	protected takeMore(bytes: Uint8Array, start: number, end: number): void {
		if (end - start !== 1 || bytes[start] !== PairingMessage.Paired) return this.fail("protocol");
		this.done();
	}

	/** It is concluded. */
	protected done(): void {
		this.ended = true;
		this.options.told("paired");
	}

	/** Nothing more is told. */
	end(): void {
		this.ended = true;
	}

	private takeShare(bytes: Uint8Array, start: number, end: number): void {
		const { text } = this.platform;
		const side = this.side;
		const shareAt = start + 2 + (bytes[start + 1] ?? 0);
		const confirmAt = shareAt + POINT_BYTES;
		const right = bytes[start] === PairingMessage.VerifierShare && end === confirmAt + CONFIRMATION_BYTES;
		const hubId = right ? text.decode(bytes, start + 2, shareAt) : undefined;
		const shareV = bytes.slice(shareAt, confirmAt);
		if (hubId === undefined || side === undefined || !isPoint(shareV)) return this.fail("protocol");
		const confirmV = bytes.slice(confirmAt, end);
		let z: Uint8Array | undefined;
		this.next(() => {
			z = side.proverZ(shareV);
			this.next(() => {
				const v = side.proverV(shareV);
				if (z === undefined || v === undefined) return this.fail("protocol");
				const parties = { context: this.method, prover: this.options.clientId, verifier: hubId };
				const keys = side.keys(parties, this.shareP!, shareV, z, v);
				if (!sameBytes(keys.confirmVerifier, confirmV)) return this.fail("wrong-code");
				this.agreed(keys, hubId);
			});
		});
	}

	/** The hub knows the code: the secret is made, and kept before the hub hears the last word. */
	protected agreed(keys: Keys, hubId: string): void {
		const { crypto, text } = this.platform;
		const { password, salt } = deviceSecret(crypto, text, keys.shared);
		const derivation = new Pbkdf2(crypto, bytesOfText(text, password), salt, SECRET_ITERATIONS);
		const slice = (): void => {
			if (!derivation.step(SLICE)) return this.next(slice);
			const clientKey = crypto.hmacSha256(derivation.key, bytesOfText(text, "Client Key"));
			const serverKey = crypto.hmacSha256(derivation.key, bytesOfText(text, "Server Key"));
			this.keys = { hubId, clientKey, serverKey, salt, iterations: SECRET_ITERATIONS };
			this.options.keep(this.keys, (ok) => {
				if (this.ended) return;
				if (ok) this.confirm(keys);
				else this.fail("not-kept");
			});
		};
		this.next(slice);
	}

	/** Says that this side knows the code, too. */
	protected confirm(keys: Keys): void {
		const data = new Uint8Array(1 + CONFIRMATION_BYTES);
		data[0] = PairingMessage.ProverConfirmation;
		data.set(keys.confirmProver, 1);
		this.confirmed = true;
		this.send(data);
	}

	protected send(data: Uint8Array): void {
		this.data = data;
		this.options.told("send");
	}

	protected fail(failure: JoinFailure): void {
		this.failure = failure;
		this.ended = true;
		this.options.told("failed");
	}

	private next(task: () => void): void {
		this.platform.defer(() => {
			if (!this.ended) task();
		});
	}
}
