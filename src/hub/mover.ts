/** Who brings a hub another one's identity and devices, or takes a copy of its own: the other side of move.ts, and a
 *  join that does not keep a secret but says what is to be said. On a PC, for the file between two hubs. */
import { bytesOfText } from "../auth/bytes.js";
import { frozen } from "../frozen.js";
import { Join, type JoinOptions } from "./join.js";
import { MOVE_INFO, MOVE_METHOD, MoveAnswer, MoveWish, PIECE_BYTES_MAX } from "./move.js";
import { MoveSeal } from "./move-seal.js";
import type { PairingPlatform } from "./pairing.js";
import type { Keys } from "./spake2plus.js";

/** What a hub is: its identifier, and records of its devices (device-record.ts). */
export interface HubIdentity {
	hubId: string;
	records: readonly Uint8Array[];
}

/** Why a hub did not take what was brought: by MoveRefusal. */
const REFUSALS: readonly string[] = frozen([
	"that is no identity of a hub",
	"it has devices of its own: revoke them first",
	"it has no room for so many devices",
	"its store has no room for them",
]);

export class Mover extends Join {
	/** what came, after a fetch */
	fetched: HubIdentity | undefined = undefined;
	/** the hub has said that it took everything, or everything has come */
	isConcluded = false;
	/** why the hub refused */
	refusal = "";
	private seal: MoveSeal | undefined = undefined;
	private readonly stream: Uint8Array;
	private at = 0;
	private readonly parts: Uint8Array[] = [];

	/** @param brought what the hub is to be; undefined: what it is is fetched */
	constructor(
		platform: PairingPlatform,
		options: Omit<JoinOptions, "keep" | "model">,
		private readonly brought: HubIdentity | undefined,
	) {
		super(platform, { ...options, keep: (_keys, saved) => saved(true) });
		this.stream = brought === undefined ? new Uint8Array(0) : this.streamOf(brought);
	}

	override get method(): string {
		return MOVE_METHOD;
	}

	protected override agreed(keys: Keys): void {
		const { crypto, text } = this.platform;
		this.seal = new MoveSeal(crypto, keys.shared, bytesOfText(text, MOVE_INFO), false);
		this.confirm(keys);
	}

	protected override takeMore(bytes: Uint8Array, start: number, end: number): void {
		const said = this.seal!.open(bytes, start, end);
		switch (said?.[0]) {
			case MoveAnswer.Hello:
				return this.brought === undefined ? this.say(new Uint8Array([MoveWish.Fetch])) : this.bring(MoveWish.Bring);
			case MoveAnswer.More:
				return this.bring();
			case MoveAnswer.Part:
				this.parts.push(said!.slice(1));
				return this.say(new Uint8Array(0));
			case MoveAnswer.Done:
				if (this.brought === undefined) this.fetched = this.identityOf(this.parts);
				this.isConcluded = this.brought !== undefined || this.fetched !== undefined;
				return this.isConcluded ? this.done() : this.fail("protocol");
			case MoveAnswer.Refused:
				this.refusal = REFUSALS[said![1] ?? 0] ?? "it does not say why";
				return this.fail("protocol");
			default:
				this.fail("protocol");
		}
	}

	/** @param first what stands before the first part */
	private bring(...first: number[]): void {
		const part = this.stream.subarray(this.at, this.at + PIECE_BYTES_MAX - first.length);
		if (part.length === 0) return this.fail("protocol"); // it wants more than there is
		this.at += part.length;
		const bytes = new Uint8Array(first.length + part.length);
		bytes.set(first);
		bytes.set(part, first.length);
		this.say(bytes);
	}

	private say(bytes: Uint8Array): void {
		this.send(this.seal!.seal(bytes));
	}

	/** @returns the stream that move.ts takes */
	private streamOf({ hubId, records }: HubIdentity): Uint8Array {
		const id = bytesOfText(this.platform.text, hubId);
		const stream = [records.length >> 8, records.length & 255, id.length, ...id];
		for (const record of records) stream.push(record.length >> 8, record.length & 255, ...record);
		return Uint8Array.from(stream);
	}

	/** @returns undefined: the parts are no whole stream */
	private identityOf(parts: readonly Uint8Array[]): HubIdentity | undefined {
		const bytes = Uint8Array.from(parts.flatMap((part) => [...part]));
		const hubId = this.platform.text.decode(bytes, 3, Math.min(bytes.length, 3 + (bytes[2] ?? 0)));
		const records: Uint8Array[] = [];
		let at = 3 + (bytes[2] ?? 0);
		while (at + 2 <= bytes.length) {
			const end = at + 2 + ((bytes[at]! << 8) | bytes[at + 1]!);
			records.push(bytes.slice(at + 2, end));
			at = end;
		}
		const whole = at === bytes.length && records.length === ((bytes[0]! << 8) | bytes[1]!);
		return hubId === undefined || !whole ? undefined : { hubId, records };
	}
}
