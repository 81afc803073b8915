/** A hub's identity and devices move to another one: a person opens a window for that, whoever knows its code brings
 *  them, or takes a copy. The hub's side, as a method of Enhanced Authentication that ends without a session. The
 *  beginning is that of a pairing; then come sealed pieces, each answered by one. After pairing.ts, before move-seal.ts
 *  and registry.ts; the counterpart of mover.ts. SECURITY.md, "Moving to another hub"
 *
 *  CONNECT(01 shareP) → AUTH(02 hub shareV confirmV) → AUTH(03 confirmP) → AUTH(05 hello) → AUTH(05 …) → … */
import type { AuthenticationExchange, AuthenticationMethod, Step, Told } from "../auth/authentication-method.js";
import { bytesOfText } from "../auth/bytes.js";
import { Cause } from "../errors.js";
import { RECORD_BYTES_MAX } from "./device-record.js";
import { MoveSeal } from "./move-seal.js";
import type { Pairing, PairingWindow } from "./pairing.js";
import { PairingExchange } from "./pairing-exchange.js";
import { isDeviceId } from "./pairing-keys.js";
import type { Records, TakenRecords } from "./registry.js";

/** The method's name, and the protocol's in every derivation. */
export const MOVE_METHOD = "HEARTH-MOVE-1";

/** The label of the stream's keys. */
export const MOVE_INFO = "hearth move 1";

/** For the points, and some hundred messages. */
const TIMEOUT_MS = 120_000;

/** Bytes of the stream in a piece, at most: with head and proof they fit into 256 bytes of Authentication Data. */
export const PIECE_BYTES_MAX = 200;

/** What the mover wants, in its first piece. */
export const enum MoveWish {
	/** its stream follows */
	Bring = 1,
	/** the hub's stream is to follow */
	Fetch = 2,
}

/** First byte of what the hub says in a piece. */
export const enum MoveAnswer {
	/** at first: then devices that there are and may be, 2 bytes each */
	Hello = 0,
	/** go on */
	More = 1,
	/** a part of the stream follows */
	Part = 2,
	/** what came counts now */
	Done = 3,
	/** nothing has changed: 1 byte, a MoveRefusal */
	Refused = 4,
}

export const enum MoveRefusal {
	/** what came is none of this */
	Malformed = 0,
	/** the hub has devices of its own */
	HasDevices = 1,
	/** more devices than there may be */
	TooMany = 2,
	/** the records find no room, or could not be written */
	NoRoom = 3,
}

/** The stream: devices, 2 bytes; the hub's identifier behind its length, 1 byte; records behind theirs, 2 bytes. */
const COUNT_BYTES = 2;
const HUB_ID_BYTES_MAX = 32;

/** Takes hold of a stream, whole or not at all. */
class Incoming {
	/** what has come of the head or of a record */
	private readonly bytes = new Uint8Array(2 + RECORD_BYTES_MAX);
	private used = 0;
	private left = -1;
	private next = 0;
	private hubId: Uint8Array | undefined = undefined;

	constructor(
		private readonly move: MoveMethod,
		private readonly taken: TakenRecords,
	) {}

	/** @returns More, Done, or a MoveRefusal below 0 as −1 − refusal */
	take(part: Uint8Array, from: number): MoveAnswer | number {
		for (let i = from; i < part.length; i++) {
			if (this.used === this.bytes.length || this.left === 0) return refusal(MoveRefusal.Malformed);
			this.bytes[this.used++] = part[i]!;
			const answer = this.hubId === undefined ? this.takeHead() : this.takeRecord(this.hubId);
			if (answer !== MoveAnswer.More) return answer;
		}
		return MoveAnswer.More;
	}

	private takeHead(): MoveAnswer | number {
		const { bytes, used, move } = this;
		if (used <= COUNT_BYTES) return MoveAnswer.More;
		const length = bytes[COUNT_BYTES]!;
		if (length === 0 || length > HUB_ID_BYTES_MAX) return refusal(MoveRefusal.Malformed);
		if (used < COUNT_BYTES + 1 + length) return MoveAnswer.More;
		this.left = (bytes[0]! << 8) | bytes[1]!;
		if (this.left > move.pairing.devices.max) return refusal(MoveRefusal.TooMany);
		this.hubId = bytes.slice(COUNT_BYTES + 1, used);
		this.used = 0;
		return this.left === 0 ? this.commit(this.hubId) : MoveAnswer.More;
	}

	private takeRecord(hubId: Uint8Array): MoveAnswer | number {
		const { bytes, used } = this;
		const length = (bytes[0]! << 8) | bytes[1]!;
		if (used < 2 || used < 2 + length)
			return length > RECORD_BYTES_MAX && used >= 2 ? refusal(MoveRefusal.Malformed) : MoveAnswer.More;
		const record = bytes.slice(2, used);
		if (!this.move.pairing.devices.isRecord(record)) return refusal(MoveRefusal.Malformed);
		if (!this.taken.put(this.next++, record)) return refusal(MoveRefusal.NoRoom);
		this.used = 0;
		return --this.left === 0 ? this.commit(hubId) : MoveAnswer.More;
	}

	private commit(hubId: Uint8Array): MoveAnswer | number {
		const text = this.move.pairing.platform.text.decode(hubId, 0, hubId.length);
		if (text === undefined || !isDeviceId(text)) return refusal(MoveRefusal.Malformed);
		// an admin may have added one meanwhile
		if (this.move.pairing.devices.count > 0) return refusal(MoveRefusal.HasDevices);
		if (!this.taken.commit(hubId)) return refusal(MoveRefusal.NoRoom);
		this.move.taken(text);
		return MoveAnswer.Done;
	}
}

function refusal(why: MoveRefusal): number {
	return -1 - why;
}

/** Gives out a stream of the hub's records, a part at a time; they are read when they leave. */
class Outgoing {
	private rest: Uint8Array;
	private next = 0;

	constructor(private readonly pairing: Pairing) {
		const { devices, hubId, platform } = pairing;
		const id = bytesOfText(platform.text, hubId);
		this.rest = new Uint8Array(COUNT_BYTES + 1 + id.length);
		this.rest[0] = devices.count >> 8;
		this.rest[1] = devices.count & 255;
		this.rest[2] = id.length;
		this.rest.set(id, COUNT_BYTES + 1);
	}

	/** @returns the answer with the next part; without one when all has left */
	part(): Uint8Array {
		const { devices } = this.pairing;
		while (this.rest.length < PIECE_BYTES_MAX && this.next < devices.max) {
			const record = devices.record(this.next++);
			if (record === undefined) continue;
			const longer = new Uint8Array(this.rest.length + 2 + record.length);
			longer.set(this.rest);
			longer[this.rest.length] = record.length >> 8;
			longer[this.rest.length + 1] = record.length & 255;
			longer.set(record, this.rest.length + 2);
			this.rest = longer;
		}
		const bytes = this.rest.slice(0, PIECE_BYTES_MAX);
		this.rest = this.rest.slice(bytes.length);
		const part = new Uint8Array(1 + bytes.length);
		part[0] = bytes.length === 0 ? MoveAnswer.Done : MoveAnswer.Part;
		part.set(bytes, 1);
		return part;
	}
}

export interface MoveEvents {
	/** this hub has another one's identity and devices from now on; undefined: somebody has a copy of its own */
	moved?(hubId: string | undefined): void;
}

/** What a broker is made with, beside Pairing, whose window it uses. */
export class MoveMethod implements AuthenticationMethod {
	constructor(
		readonly pairing: Pairing,
		readonly records: Records,
		private readonly events: MoveEvents,
	) {}

	get name(): string {
		return MOVE_METHOD;
	}

	get timeoutMs(): number {
		return TIMEOUT_MS;
	}

	begin(clientId: string, _userName: string | undefined, address: string, told: Told): AuthenticationExchange {
		return new MoveExchange(this, clientId, address, told);
	}

	taken(hubId: string): void {
		this.pairing.hubId = hubId;
		this.pairing.devices.load();
		this.pairing.close("moved");
		this.events.moved?.(hubId);
	}

	given(): void {
		this.pairing.close("moved");
		this.events.moved?.(undefined);
	}
}

/** One mover's exchange with the hub. */
class MoveExchange extends PairingExchange {
	private seal: MoveSeal | undefined = undefined;
	private incoming: Incoming | undefined = undefined;
	private outgoing: Outgoing | undefined = undefined;
	private over = false;

	constructor(
		private readonly move: MoveMethod,
		clientId: string,
		address: string,
		told: Told,
	) {
		super(move.pairing, clientId, address, told);
	}

	protected override get context(): string {
		return MOVE_METHOD;
	}

	protected override refusalIn(window: PairingWindow): Cause {
		return window.options.move === true && this.move.records.take !== undefined ? Cause.None : Cause.PairingClosed;
	}

	protected override confirmed(shared: Uint8Array): Step {
		const { crypto, text } = this.pairing.platform;
		this.seal = new MoveSeal(crypto, shared, bytesOfText(text, MOVE_INFO), true);
		const { count, max } = this.pairing.devices;
		return this.say(new Uint8Array([MoveAnswer.Hello, count >> 8, count & 255, max >> 8, max & 255]));
	}

	protected override takeMore(bytes: Uint8Array, start: number, end: number): Step {
		const piece = this.over ? undefined : this.seal!.open(bytes, start, end);
		if (piece === undefined) return this.fail(Cause.PairingFailed);
		if (this.outgoing !== undefined) return this.give(this.outgoing);
		if (this.incoming !== undefined) return this.conclude(this.incoming.take(piece, 0));
		if (piece[0] === MoveWish.Fetch) return this.give((this.outgoing = new Outgoing(this.pairing)));
		if (piece[0] !== MoveWish.Bring) return this.conclude(refusal(MoveRefusal.Malformed));
		if (this.pairing.devices.count > 0) return this.conclude(refusal(MoveRefusal.HasDevices));
		this.incoming = new Incoming(this.move, this.move.records.take!());
		return this.conclude(this.incoming.take(piece, 1));
	}

	private give(outgoing: Outgoing): Step {
		const part = outgoing.part();
		this.over = part[0] === MoveAnswer.Done;
		if (this.over) this.move.given();
		return this.say(part);
	}

	private conclude(answer: MoveAnswer | number): Step {
		this.over = answer !== MoveAnswer.More;
		return this.say(answer < 0 ? new Uint8Array([MoveAnswer.Refused, -1 - answer]) : new Uint8Array([answer]));
	}

	private say(bytes: Uint8Array): Step {
		this.data = this.seal!.seal(bytes);
		return "continue";
	}
}
