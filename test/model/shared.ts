/** A message of a Shared Subscription: one member gets it, the broker chooses which. As long as it is not seen, all who
 *  may have it are kept. Spec: 5.0, 4.8.2 */
import { type Delivery, fail, type Message } from "./receiver.js";

export class Token {
	/** those who may have it: where it waits, or where it was sent at QoS 1 and not acknowledged */
	private places: Delivery[] = [];
	/** it is allowed that nobody gets it */
	mayBeLost = false;

	/** @param group the Shared Subscription's filter */
	constructor(
		readonly message: Message,
		readonly group: string,
	) {}

	/** One more who may have it, if it does not already. @returns the delivery that it would be */
	add(delivery: Delivery): Delivery {
		const { receiver } = delivery;
		const waiting = this.places.filter((place) => place.receiver === receiver && receiver.queue.includes(place));
		// it may have left the group, or subscribed anew with other options, and have it from then
		const same = waiting.find((place) => alike(place, delivery));
		if (same !== undefined) return same;
		this.places.push(delivery);
		receiver.push(delivery);
		return delivery;
	}

	/** It is seen where it went: nobody else may get it. */
	choose(chosen: Delivery): void {
		const others = this.places.filter((place) => place !== chosen);
		this.places = [chosen];
		for (const other of others) other.receiver.drop(other);
	}

	/** One does not have it. Throws when nobody is left who may have it. */
	leave(delivery: Delivery): void {
		const had = this.places.length;
		this.places = this.places.filter((place) => place !== delivery);
		if (had === this.places.length || this.places.length > 0 || this.mayBeLost) return;
		fail(`no member of ${this.group} got ${this.message.topic} "${this.message.payload.slice(0, 8)}" [5:MQTT-4.8.2-3]`);
	}
}

function alike(a: Delivery, b: Delivery): boolean {
	return a.qos === b.qos && a.kept === b.kept && `${a.retain} ${a.identifiers}` === `${b.retain} ${b.identifiers}`;
}
