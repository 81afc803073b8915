/** Topic Aliases that the broker gives to clients that take them: to any topic while there are free ones, then to those
 *  that were published before. A topic is known by its number in route-cache.ts, which no other has.
 *  Spec: 5.0, 3.3.2.3.4, 3.1.2.11.5 */
import { PropertyId } from "../codec/packet-types.js";
import { putNumber } from "../codec/properties.js";
import { type UintArray, uintArray } from "../memory/typed-array.js";
import type { Broker } from "./broker.js";
import type { Connection } from "./connection.js";

/** A connection's places in `state`, before one for each alias that is 1 when it was used since the hand came by. */
const enum State {
	/** how many aliases the client takes */
	Takes,
	/** where the next search for a place begins */
	Hand,
	Recent,
}

export class AliasesGiven {
	/** the alias that `find` returned is not given yet */
	isNew = false;
	private era = 0;
	/** by connection × alias: the topic's number; 0: not given */
	private readonly serials: Uint32Array;
	/** by connection × State */
	private readonly state: UintArray;

	constructor(
		/** most aliases for one connection; 0: none */
		private readonly max: number,
		connections: number,
	) {
		this.serials = new Uint32Array(max * connections);
		this.state = uintArray(max, (max + State.Recent) * connections);
	}

	/** A client came. @param maximum its Topic Alias Maximum @returns whether it gets any.
	 *  Spec: [5:MQTT-3.1.2-26] [5:MQTT-3.1.2-27] */
	open(connection: number, maximum: number): boolean {
		const takes = Math.min(maximum, this.max);
		const from = connection * this.max;
		this.serials.fill(0, from, from + this.max);
		const at = connection * (this.max + State.Recent);
		this.state[at + State.Takes] = takes;
		this.state[at + State.Hand] = 0;
		return takes > 0;
	}

	/** @param serial the topic's number, > 0 @param era see RouteCache.serialEra @param repeats it was published before
	 *  @returns the topic's alias; or one that it may have, with `isNew` (see `give`); 0: none now */
	find(connection: number, serial: number, era: number, repeats: boolean): number {
		if (era !== this.era) this.serials.fill(0); // the numbers began anew: what was given is given again
		this.era = era;
		const from = connection * this.max;
		const at = connection * (this.max + State.Recent);
		const state = this.state;
		const takes = state[at + State.Takes]!;
		for (let i = 0; i < takes; i++) {
			if (this.serials[from + i] !== serial) continue;
			state[at + State.Recent + i] = 1;
			this.isNew = false;
			return i + 1;
		}
		const hand = state[at + State.Hand]!;
		const taken = this.serials[from + hand] !== 0;
		if (taken && !repeats) return 0; // one that comes once would cost another its alias
		// second chance, one step a message: topics that repeat more often than the hand comes by keep their alias
		state[at + State.Hand] = hand + 1 >= takes ? 0 : hand + 1;
		if (taken && state[at + State.Recent + hand] !== 0) {
			state[at + State.Recent + hand] = 0;
			return 0;
		}
		this.isNew = true;
		return hand + 1;
	}

	/** @returns the alias that the topic has already; 0: none */
	aliasOf(connection: number, serial: number, era: number): number {
		if (era !== this.era) return 0;
		const from = connection * this.max;
		const serials = this.serials;
		let i = 0;
		while (serials[from + i] !== serial) if (++i >= this.max) return 0;
		this.state[connection * (this.max + State.Recent) + State.Recent + i] = 1;
		return i + 1;
	}

	/** The alias goes out with its Topic Name. */
	give(connection: number, alias: number, serial: number): void {
		this.serials[connection * this.max + alias - 1] = serial;
		this.state[connection * (this.max + State.Recent) + State.Recent + alias - 1] = 1;
	}
}

/** Bytes of the property Topic Alias. */
export const ALIAS_BYTES = 3;

/** @param otherBytes of the packet, without its topic
 *  @returns the Topic Alias of what is being published; 0: none is used. Where `aliasesGiven.isNew` says so, its Topic
 *  Name goes along. Spec: [5:MQTT-3.1.2-26] [5:MQTT-3.1.2-27] */
export function findAlias(broker: Broker, connection: Connection, otherBytes: number): number {
	const p = broker.publication;
	const topicBytes = p.topicEnd - p.topicStart;
	if (p.route === 0 || topicBytes <= ALIAS_BYTES) return 0;
	// one that is new makes the packet larger: not where that could make it too large
	const properties = p.propertyEnd - p.propertyStart;
	const largest = Math.min(connection.packetBytesMax, broker.limits.outputBytes);
	if (topicBytes + otherBytes + properties + 64 > largest) return 0;
	const routes = broker.routes;
	const serial = routes.serial[Math.abs(p.route)]!;
	return broker.aliasesGiven.find(connection.index, serial, routes.serialEra, p.route > 0);
}

/** Writes the property; from now on a new alias is given. @returns index after it */
export function putAlias(
	broker: Broker,
	connection: Connection,
	alias: number,
	target: Uint8Array,
	at: number,
): number {
	const given = broker.aliasesGiven;
	if (given.isNew) given.give(connection.index, alias, broker.routes.serial[Math.abs(broker.publication.route)]!);
	return putNumber(target, at, PropertyId.TopicAlias, alias);
}
