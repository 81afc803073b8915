/** Retained Messages: the last one of each Topic Name, held in the message store. Spec: 3.1.1 3.3.1.3, 5.0 3.3.1.3 */
import type { MessageStore } from "../memory/message-store.js";
import { type UintArray, uintArray } from "../memory/typed-array.js";

export class Retained {
	/** topics with a Retained Message, and their bytes */
	count = 0;
	topicBytes = 0;
	private readonly places: Map<string, number>;
	private readonly topicOf: string[];
	private readonly messageOf: UintArray;
	/** places above this one were never used */
	private used = 0;
	/** freed places, as a stack */
	private readonly free: UintArray;
	private freeCount = 0;

	constructor(
		private readonly store: MessageStore,
		readonly max: number,
		readonly topicBytesMax: number,
	) {
		this.places = new Map();
		this.topicOf = [];
		this.messageOf = uintArray(store.pool.blockCount, max + 1);
		this.free = uintArray(max, max + 1);
	}

	/** @returns whether a message for the topic could be kept. Spec: 5.0, 3.3.4 (0x97) */
	hasRoom(topic: string, bytes: number): boolean {
		if (this.places.has(topic)) return true;
		return this.count < this.max && this.topicBytes + bytes <= this.topicBytesMax;
	}

	/** Keeps a message in place of the topic's last one, and holds it. The caller asked `hasRoom`.
	 *  Spec: [MQTT-3.3.1-5] */
	set(topic: string, message: number): void {
		let place = this.places.get(topic);
		this.store.hold(message);
		if (place === undefined) {
			place = this.freeCount > 0 ? this.free[--this.freeCount]! : ++this.used;
			this.places.set(topic, place);
			this.topicOf[place] = topic;
			this.count++;
			this.topicBytes += this.store.topicBytes(message);
		} else this.store.release(this.messageOf[place]!);
		this.messageOf[place] = message;
	}

	/** Deletes the topic's message. @returns whether there was one. Spec: [MQTT-3.3.1-10] (3.1.1), [MQTT-3.3.1-6]
	 *  (5.0) */
	delete(topic: string): boolean {
		const place = this.places.get(topic);
		if (place === undefined) return false;
		const message = this.messageOf[place]!;
		this.topicBytes -= this.store.topicBytes(message);
		this.store.release(message);
		this.places.delete(topic);
		this.topicOf[place] = "";
		this.messageOf[place] = 0;
		this.free[this.freeCount++] = place;
		this.count--;
		return true;
	}

	/** The next topic that is new gets this place. At start only; `closeGaps` follows. */
	claim(place: number): void {
		this.free[this.freeCount++] = place;
		if (place > this.used) this.used = place;
	}

	/** The empty places below the last that was claimed are free. */
	closeGaps(): void {
		this.freeCount = 0;
		for (let place = this.used; place > 0; place--) if (this.topicAt(place) === "") this.free[this.freeCount++] = place;
	}

	/** @returns the topic's place; 0: it has none */
	placeOf(topic: string): number {
		return this.places.get(topic) ?? 0;
	}

	/** @returns the topic's message; 0: none */
	get(topic: string): number {
		const place = this.places.get(topic);
		return place === undefined ? 0 : this.messageOf[place]!;
	}

	/** places are 1 ≤ n ≤ places; some are empty */
	get placeCount(): number {
		return this.used;
	}

	/** @returns the topic at a place; "" when it is empty */
	topicAt(place: number): string {
		return this.topicOf[place] ?? "";
	}

	messageAt(place: number): number {
		return this.messageOf[place]!;
	}
}
