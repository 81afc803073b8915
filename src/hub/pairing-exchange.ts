/** The hub's side of one pairing, step by step, each step of point arithmetic and each slice of PBKDF2 in a turn of its
 *  own. After pairing.ts, before registry.ts. */
import type { AuthenticationExchange, Step, Told } from "../auth/authentication-method.js";
import { bytesOfText, sameBytes } from "../auth/bytes.js";
import { Pbkdf2 } from "../auth/key-derivation.js";
import { scramCredentialsOf } from "../auth/scram.js";
import { Cause } from "../errors.js";
import { isPoint, POINT_BYTES } from "./p256.js";
import type { Pairing, PairingWindow } from "./pairing.js";
import { deviceSecret, isDeviceId, PAIRING_METHOD, SECRET_ITERATIONS } from "./pairing-keys.js";
import type { Spake2Plus } from "./spake2plus.js";

/** First byte of each message. */
export const enum PairingMessage {
	ProverShare = 1,
	VerifierShare = 2,
	ProverConfirmation = 3,
	Paired = 4,
}

const CONFIRMATION_BYTES = 32;
/** the longest name of a device's model, bytes */
export const MODEL_BYTES_MAX = 32;
/** iterations of PBKDF2 a turn: some 30 ms on an ESP32 (estimated from 54,000 opcodes and 128 hashes) */
export const SLICE = 64;

const enum Stage {
	/** the Prover's share is to come */
	Share,
	/** this side computes */
	Computing,
	/** the Prover's confirmation is to come */
	Confirmation,
	/** the Prover knows the code: what follows of that */
	Confirmed,
	Ended,
}

export class PairingExchange implements AuthenticationExchange {
	data: Uint8Array | undefined = undefined;
	cause: Cause = Cause.PairingFailed;
	private stage: Stage = Stage.Share;
	private window: PairingWindow | undefined = undefined;
	/** what the Prover's confirmation must be, and what both have then; of Keys no more is needed */
	private confirmation: Uint8Array | undefined = undefined;
	private shared: Uint8Array | undefined = undefined;
	private model = "";

	constructor(
		protected readonly pairing: Pairing,
		private readonly clientId: string,
		private readonly address: string,
		private readonly told: Told,
	) {}

	/** the method's name: a proof for one is none for another */
	protected get context(): string {
		return PAIRING_METHOD;
	}

	/** @returns why nothing may begin in this window; Cause.None: it may */
	protected refusalIn(window: PairingWindow): Cause {
		if (window.options.move === true) return Cause.PairingClosed;
		return this.pairing.devices.hasRoom(this.clientId) ? Cause.None : Cause.FullDevices;
	}

	/** the device's identifier is its Client Identifier */
	get userName(): string {
		return this.clientId;
	}

	take(bytes: Uint8Array, start: number, end: number): Step {
		this.data = undefined;
		if (this.stage === Stage.Share) return this.takeShare(bytes, start, end);
		if (this.stage === Stage.Confirmation) return this.takeConfirmation(bytes, start, end);
		return this.stage === Stage.Confirmed ? this.takeMore(bytes, start, end) : "failure";
	}

	/** The connection has ended, or the exchange is done. */
	end(): void {
		const stage = this.stage;
		this.stage = Stage.Ended;
		this.confirmation = this.shared = undefined;
		if (this.pairing.exchange === this) this.pairing.exchange = undefined;
		// who hangs up may have learned that the guess was wrong
		if (stage === Stage.Confirmation && this.window !== undefined)
			this.pairing.attemptFailed(this.window, this.clientId, this.address);
	}

	private takeShare(bytes: Uint8Array, start: number, end: number): Step {
		const { pairing } = this;
		pairing.tick();
		const window = pairing.window;
		if (window === undefined) return this.fail(Cause.PairingClosed);
		if (pairing.busy) return this.fail(Cause.PairingBusy);
		const modelAt = start + 1 + POINT_BYTES;
		const fits = end >= modelAt && end <= modelAt + MODEL_BYTES_MAX && bytes[start] === PairingMessage.ProverShare;
		const model = fits ? pairing.platform.text.decode(bytes, modelAt, end) : undefined;
		if (model === undefined || !isDeviceId(this.clientId)) return this.fail(Cause.PairingFailed);
		const refusal = this.refusalIn(window);
		if (refusal !== Cause.None) return this.fail(refusal);
		const side = pairing.newSide(window);
		const share = bytes.slice(start + 1, modelAt);
		if (!isPoint(share)) return this.fail(Cause.PairingFailed);
		this.window = window;
		this.model = model;
		this.stage = Stage.Computing;
		pairing.exchange = this;
		this.compute(side, share);
		return "later";
	}

	/** Three steps of point arithmetic, a turn each, and the answer. */
	private compute(side: Spake2Plus, shareP: Uint8Array): void {
		let shareV: Uint8Array | undefined;
		let z: Uint8Array | undefined;
		this.next(() => {
			shareV = side.verifierShare();
			this.next(() => {
				z = side.verifierZ(shareP);
				this.next(() => this.answer(side, shareP, shareV, z, side.verifierV()));
			});
		});
	}

	private answer(
		side: Spake2Plus,
		shareP: Uint8Array,
		shareV: Uint8Array | undefined,
		z: Uint8Array | undefined,
		v: Uint8Array | undefined,
	): void {
		const { pairing, window } = this;
		if (pairing.window !== window) return this.refuse(Cause.PairingClosed); // it closed meanwhile
		if (shareV === undefined || z === undefined || v === undefined) return this.refuse(Cause.PairingFailed);
		const parties = { context: this.context, prover: this.clientId, verifier: pairing.hubId };
		const keys = side.keys(parties, shareP, shareV, z, v);
		this.confirmation = keys.confirmProver;
		this.shared = keys.shared;
		const hub = bytesOfText(pairing.platform.text, pairing.hubId);
		const data = new Uint8Array(2 + hub.length + POINT_BYTES + CONFIRMATION_BYTES);
		data[0] = PairingMessage.VerifierShare;
		data[1] = hub.length;
		data.set(hub, 2);
		data.set(shareV, 2 + hub.length);
		data.set(keys.confirmVerifier, 2 + hub.length + POINT_BYTES);
		this.data = data;
		this.stage = Stage.Confirmation;
		pairing.countAttempt(window!);
		this.told("continue");
	}

	private takeConfirmation(bytes: Uint8Array, start: number, end: number): Step {
		const { pairing, window } = this;
		const right =
			end - start === 1 + CONFIRMATION_BYTES &&
			bytes[start] === PairingMessage.ProverConfirmation &&
			sameBytes(this.confirmation!, bytes.subarray(start + 1, end));
		if (!right) return this.fail(Cause.PairingFailed); // `end` counts it
		pairing.takeBackAttempt(window!);
		this.stage = Stage.Confirmed;
		const shared = this.shared!;
		this.confirmation = this.shared = undefined;
		return this.confirmed(shared);
	}

	/** The Prover knows the code. @param shared 32 bytes that only these two have */
	protected confirmed(shared: Uint8Array): Step {
		const { crypto, text } = this.pairing.platform;
		const { password, salt } = deviceSecret(crypto, text, shared);
		const derivation = new Pbkdf2(crypto, bytesOfText(text, password), salt, SECRET_ITERATIONS);
		this.derive(derivation, salt);
		return "later";
	}

	/** What the Prover says after its confirmation. */
	protected takeMore(_bytes: Uint8Array, _start: number, _end: number): Step {
		return "failure"; // a device has nothing to say
	}

	private derive(derivation: Pbkdf2, salt: Uint8Array): void {
		this.next(() => {
			if (!derivation.step(SLICE)) return this.derive(derivation, salt);
			const { crypto, text } = this.pairing.platform;
			const credentials = scramCredentialsOf(crypto, text, derivation.key, salt, SECRET_ITERATIONS);
			const { name = "", room = "", kind = "device" } = this.window!.options;
			const device = { id: this.clientId, name, room, kind, model: this.model };
			this.pairing.devices.pair(device, credentials, (cause, replaced) => this.saved(cause, replaced));
		});
	}

	/** The record is durable, or it could not be written. */
	private saved(cause: Cause, replaced: boolean): void {
		const { pairing } = this;
		// even if the device is gone: it has the secret already, and comes with it
		if (cause === Cause.None) {
			pairing.lastPaired = this.clientId;
			if (pairing.window === this.window) pairing.close("paired");
			pairing.events.paired?.(this.clientId, replaced);
		}
		if (this.stage !== Stage.Confirmed) return;
		if (cause !== Cause.None) return this.refuse(cause);
		this.data = new Uint8Array([PairingMessage.Paired]);
		this.told("success");
	}

	/** Goes on in another turn, as long as somebody waits for it. */
	private next(task: () => void): void {
		this.pairing.platform.defer(() => {
			if (this.stage !== Stage.Ended) task();
		});
	}

	protected fail(cause: Cause): "failure" {
		this.cause = cause;
		return "failure";
	}

	private refuse(cause: Cause): void {
		this.told(this.fail(cause));
	}
}
