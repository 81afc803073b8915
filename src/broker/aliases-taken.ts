/** Topic Aliases that clients gave: by connection and alias, the Topic Name's bytes in a chain of the store's blocks.
 *  Spec: 5.0, 3.3.2.3.4 */
import { Cause } from "../errors.js";
import { type UintArray, uintArray } from "../memory/typed-array.js";
import type { Broker } from "./broker.js";
import type { Connection } from "./connection.js";
import type { Publication } from "./deliver.js";

export class AliasesTaken {
	/** by connection × alias: first block; 0: not given */
	private readonly blocks: UintArray;
	private readonly lengths: UintArray;

	constructor(
		private readonly broker: Broker,
		/** Topic Alias Maximum, as CONNACK tells it; 0: none */
		readonly max: number,
		connections: number,
	) {
		this.blocks = uintArray(broker.pool.blockCount, max * connections);
		this.lengths = uintArray(0xffff, max * connections);
	}

	/** A PUBLISH carries an alias: with a Topic Name it is given, without one it stands for the name.
	 *  Spec: [5:MQTT-3.3.2-8] [5:MQTT-3.3.2-12] */
	use(connection: Connection, alias: number, p: Publication): Cause {
		if (alias === 0 || alias > this.max) return Cause.TopicAliasInvalid;
		const place = connection.index * this.max + alias - 1;
		const pool = this.broker.pool;
		const length = p.topicEnd - p.topicStart;
		if (length > 0) {
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

	/** The connection ended, and its aliases with it. Spec: [5:MQTT-3.3.2-7] */
	clear(connection: Connection): void {
		const from = connection.index * this.max;
		for (let place = from; place < from + this.max; place++) {
			if (this.blocks[place] === 0) continue;
			this.broker.pool.giveBack(this.blocks[place]!);
			this.blocks[place] = 0;
		}
	}
}
