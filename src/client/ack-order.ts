/** Messages of QoS 1 and 2 that came and are not acknowledged yet, in their order: acknowledgements leave in the order
 *  in which the messages came, whoever is done first. A ring of fixed size; no I/O. Spec: [MQTT-4.6.0-2]
 *  [MQTT-4.6.0-3] */

const DONE = 4;

export class AckOrder {
	private readonly ids: Uint16Array;
	/** the QoS, and DONE */
	private readonly states: Uint8Array;
	/** tickets of the oldest message and of the next one: they only grow */
	private first = 0;
	private next = 0;

	constructor(private readonly max: number) {
		this.ids = new Uint16Array(max);
		this.states = new Uint8Array(max);
	}

	get isEmpty(): boolean {
		return this.first === this.next;
	}

	get isFull(): boolean {
		return this.next - this.first === this.max;
	}

	/** the ticket that the next message gets */
	get nextTicket(): number {
		return this.next;
	}

	/** Adds a message; the caller asked `isFull`. @returns its ticket */
	push(id: number, qos: number): number {
		const at = this.next % this.max;
		this.ids[at] = id;
		this.states[at] = qos;
		return this.next++;
	}

	/** The message may be acknowledged. A ticket of an earlier connection changes nothing. */
	done(ticket: number): void {
		if (ticket >= this.first && ticket < this.next) this.states[ticket % this.max]! |= DONE;
	}

	/** @returns the QoS of the oldest message when it is done: its acknowledgement is the next; 0: none is */
	get readyQos(): number {
		if (this.first === this.next) return 0;
		const state = this.states[this.first % this.max]!;
		return (state & DONE) === 0 ? 0 : state & 3;
	}

	/** Takes the oldest message out. @returns its Packet Identifier */
	shift(): number {
		return this.ids[this.first++ % this.max]!;
	}

	/** The connection is over: what was not acknowledged comes again. */
	clear(): void {
		this.first = this.next;
	}
}
