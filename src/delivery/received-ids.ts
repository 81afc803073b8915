/** Packet Identifiers of QoS 2 messages that came in and are not yet released, for all sessions: the memory of
 *  "exactly once". An open-addressed set of (session, identifier); no I/O. Spec: [MQTT-4.3.3-2], 5.0 [MQTT-4.3.3-10] */
import { type UintArray, uintArray } from "../memory/typed-array.js";

export class ReceivedIds {
	count = 0;
	private readonly sessionOf: UintArray;
	private readonly idOf: Uint16Array;
	private readonly mask: number;

	/** @param max identifiers at once @param sessions sessions are numbered 0 ≤ n < sessions */
	constructor(
		readonly max: number,
		sessions: number,
	) {
		const size = tableSize(max);
		this.mask = size - 1;
		this.sessionOf = uintArray(sessions, size);
		this.idOf = new Uint16Array(size); // 0: empty, as no Packet Identifier is
	}

	/** @returns whether the session has received the identifier and not released it */
	has(session: number, id: number): boolean {
		return this.idOf[this.find(session, id)] !== 0;
	}

	/** Notes an identifier. @returns false: full */
	add(session: number, id: number): boolean {
		const at = this.find(session, id);
		if (this.idOf[at] !== 0) return true;
		if (this.count >= this.max) return false;
		this.sessionOf[at] = session;
		this.idOf[at] = id;
		this.count++;
		return true;
	}

	/** Releases an identifier. @returns whether it was there */
	delete(session: number, id: number): boolean {
		const at = this.find(session, id);
		if (this.idOf[at] === 0) return false;
		this.remove(at);
		return true;
	}

	/** Releases all identifiers of a session. @returns how many there were */
	clear(session: number): number {
		let removed = 0;
		for (let at = 0; at <= this.mask; ) {
			if (this.idOf[at] !== 0 && this.sessionOf[at] === session) {
				this.remove(at); // another may have moved here: look again
				removed++;
			} else at++;
		}
		return removed;
	}

	/** @returns where the pair is, or the empty place where it would be */
	private find(session: number, id: number): number {
		const mask = this.mask;
		let at = this.home(session, id);
		while (this.idOf[at] !== 0 && (this.idOf[at] !== id || this.sessionOf[at] !== session)) at = (at + 1) & mask;
		return at;
	}

	private home(session: number, id: number): number {
		return (session * 40_503 + id) & this.mask;
	}

	/** Empties a place and moves later ones of its run up, so that no search ends too early. */
	private remove(at: number): void {
		const mask = this.mask;
		let gap = at;
		let next = (at + 1) & mask;
		while (this.idOf[next] !== 0) {
			const home = this.home(this.sessionOf[next]!, this.idOf[next]!);
			if (((next - home) & mask) >= ((next - gap) & mask)) {
				this.sessionOf[gap] = this.sessionOf[next]!;
				this.idOf[gap] = this.idOf[next]!;
				gap = next;
			}
			next = (next + 1) & mask;
		}
		this.idOf[gap] = 0;
		this.count--;
	}
}

/** @returns places of the table for so many identifiers: a power of two, at most two thirds full */
export function tableSize(max: number): number {
	let size = 8;
	while (size * 2 < max * 3) size *= 2;
	return size;
}
