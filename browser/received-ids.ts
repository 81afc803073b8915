/** Packet Identifiers of QoS 2 messages that came in and are not yet released: stands for src/delivery/received-ids.ts
 *  where memory need not be fixed, for one session. Spec: [MQTT-4.3.3-2], 5.0 [MQTT-4.3.3-10] */

export class ReceivedIds {
	private readonly ids: Set<number> = new Set();

	constructor(private readonly max: number) {}

	get count(): number {
		return this.ids.size;
	}

	has(_session: number, id: number): boolean {
		return this.ids.has(id);
	}

	/** @returns false: full */
	add(_session: number, id: number): boolean {
		return this.ids.size < this.max && this.ids.add(id).size > 0;
	}

	delete(_session: number, id: number): boolean {
		return this.ids.delete(id);
	}

	clear(): void {
		this.ids.clear();
	}
}
