/** What the broker tells the program; called at the end of the turn, so each may do anything with the broker. Each is
 *  called as a method: it may be an object's of a class, which takes a device less memory than functions of its own. */
import type { Broker } from "./broker.js";

export interface BrokerEvents {
	connected?: (clientId: string) => void;
	disconnected?: (clientId: string, reason: string) => void;
	/** of a client's subscription, not of the program's own */
	subscribed?: (clientId: string, filter: string) => void;
	published?: (clientId: string, topic: string) => void;
}

type Told = (a: string, b: string) => void;

/** Calls that wait for the end of the turn. */
export class Teller {
	/** function and its two arguments, one after the other */
	readonly waiting: (Told | string)[];

	constructor(private readonly broker: Broker) {
		this.waiting = [];
	}

	/** Calls a function of the program at the end of the turn. */
	tell(event: Told, a: string, b: string): void {
		this.waiting.push(event, a, b);
	}

	/** Makes the calls; an exception of one costs a log line. */
	run(): void {
		const told = this.waiting.splice(0, this.waiting.length);
		for (let i = 0; i < told.length; i += 3) {
			try {
				(told[i] as Told).call(this.broker.events, told[i + 1] as string, told[i + 2] as string);
			} catch (error) {
				this.broker.counters.handlerErrors++;
				this.broker.log(0, `event handler: ${error}`);
			}
		}
	}
}
