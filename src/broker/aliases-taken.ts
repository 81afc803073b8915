/** Topic Aliases that clients gave: by connection and alias, the Topic Name's bytes in a chain of the store's blocks.
 *  Spec: 5.0, 3.3.2.3.4 */
import { checkUtf8 } from "../codec/properties.js";
import { Cause } from "../errors.js";
import { type UintArray, uintArray } from "../memory/typed-array.js";
import type { Broker } from "./broker.js";
import type { Connection } from "./connection.js";
import type { Publication } from "./deliver.js";

export class AliasesTaken {
	/** Topic Alias Maximum, as CONNACK tells it; 0: none */
	readonly max: number;
	/** the topic's route, as far as it is in the cache still: its number there says so, 0: it is not known */
	readonly routes: UintArray;
	readonly serials: Uint32Array;
	/** the last Content Type that was found well-formed, as `Text.key` has it: clients send the same again and again */
	text = "";
	textBytes = 0;
	private readonly broker: Broker;
	/** by connection × alias: first block; 0: not given */
	private readonly blocks: UintArray;
	private readonly lengths: UintArray;

	constructor(broker: Broker, max: number, connections: number) {
		this.broker = broker;
		this.max = max;
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

	/** @returns whether a Content Type that is not `text` is well-formed. It is `text` from now on.
	 *  Spec: [5:MQTT-3.3.2-19] */
	isText(bytes: Uint8Array, start: number, end: number): boolean {
		if (checkUtf8(bytes, start, end, this.broker.text) !== Cause.None) return false;
		const key = this.broker.text.key(bytes, start, end);
		if (key.indexOf("\ufffd") >= 0) return true; // on Node that is the key of what is ill-formed, too
		this.text = key;
		this.textBytes = end - start;
		return true;
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
