/** Topic Aliases that clients gave: by connection and alias, the Topic Name's bytes in a chain of the store's blocks.
 *  Spec: 5.0, 3.3.2.3.4 */
import { Cause } from "../errors.js";
import { type UintArray, uintArray } from "../memory/typed-array.js";
import type { Broker } from "./broker.js";
import type { Connection } from "./connection.js";
import type { Publication } from "./deliver.js";
import type { RouteCache } from "./route-cache.js";

export class AliasesTaken {
	/** by connection × alias: first block; 0: not given */
	private readonly blocks: UintArray;
	private readonly lengths: UintArray;
	/** the topic's route, as far as it is in the cache still; its number there says so, 0: it is not known */
	private readonly routes: UintArray;
	private readonly serials: Uint32Array;

	constructor(
		private readonly broker: Broker,
		/** Topic Alias Maximum, as CONNACK tells it; 0: none */
		readonly max: number,
		connections: number,
	) {
		this.blocks = uintArray(broker.pool.blockCount, max * connections);
		this.lengths = uintArray(0xffff, max * connections);
		this.routes = uintArray(broker.limits.routes, max * connections);
		this.serials = new Uint32Array(max * connections);
	}

	/** A PUBLISH carries an alias: with a Topic Name it is given, without one it stands for the name.
	 *  Spec: [5:MQTT-3.3.2-8] [5:MQTT-3.3.2-12] */
	use(connection: Connection, alias: number, p: Publication): Cause {
		if (alias === 0 || alias > this.max) return Cause.TopicAliasInvalid;
		const place = connection.index * this.max + alias - 1;
		const pool = this.broker.pool;
		const length = p.topicEnd - p.topicStart;
		p.aliasPlace = place;
		if (length > 0) {
			this.serials[place] = 0;
			if (this.blocks[place] !== 0) pool.giveBack(this.blocks[place]!);
			const block = pool.take(Math.ceil(length / pool.blockBytes));
			this.blocks[place] = block;
			this.lengths[place] = length;
			if (block === 0) return Cause.FullStore;
			pool.write(block, 0, p.topic, p.topicStart, p.topicEnd);
			return Cause.None;
		}
		const block = this.blocks[place]!;
		if (block === 0) return Cause.TopicAliasInvalid;
		const at = this.broker.layout.topic;
		p.topic = this.broker.memory;
		p.topicStart = at;
		p.topicEnd = pool.read(block, 0, this.lengths[place]!, p.topic, at);
		return Cause.None;
	}

	/** The route of the topic that `use` met at this place was found. */
	know(place: number, route: number): void {
		this.routes[place] = route;
		this.serials[place] = this.broker.routes.serial[route]!;
	}

	/** @returns the route of an alias's topic; 0: it is not known */
	routeOf(connection: Connection, alias: number, cache: RouteCache): number {
		if (alias === 0 || alias > this.max) return 0;
		const place = connection.index * this.max + alias - 1;
		const route = this.routes[place]!;
		return cache.serial[route] === this.serials[place] ? route : 0;
	}

	/** The connection ended, and its aliases with it. Spec: [5:MQTT-3.3.2-7] */
	clear(connection: Connection): void {
		const from = connection.index * this.max;
		this.serials.fill(0, from, from + this.max);
		for (let place = from; place < from + this.max; place++) {
			if (this.blocks[place] === 0) continue;
			this.broker.pool.giveBack(this.blocks[place]!);
			this.blocks[place] = 0;
		}
	}
}
