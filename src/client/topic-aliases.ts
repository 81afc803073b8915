/** Topic Aliases that the client gives to the server: to any topic while there are free ones. Spec: 5.0, 3.3.2.3.4 */

export class TopicAliases {
	private readonly given: Map<string, number>;
	/** how many may be given on this connection */
	private max = 0;
	/** after `find`: the alias is given with this packet, which carries the Topic Name too */
	isNew = false;

	constructor() {
		this.given = new Map();
	}

	/** A new connection: nothing is given. @param max what both sides allow */
	begin(max: number): void {
		this.max = max;
		if (this.given.size > 0) this.given.clear();
	}

	/** @returns the topic's alias, a new one while there are free ones; 0: none */
	find(topic: string): number {
		if (this.max === 0) return 0;
		const known = this.given.get(topic);
		this.isNew = known === undefined;
		if (known !== undefined) return known;
		const size = this.given.size;
		if (size >= this.max) return 0;
		this.given.set(topic, size + 1);
		return size + 1;
	}
}
