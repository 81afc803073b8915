/** As much of Node's `events` as mqtt-packet uses. */

type Listener = (...values: unknown[]) => void;

export class EventEmitter {
	private readonly listeners = new Map<string, Listener[]>();

	on(event: string, listener: Listener): this {
		const all = this.listeners.get(event) ?? [];
		this.listeners.set(event, [...all, listener]);
		return this;
	}

	emit(event: string, ...values: unknown[]): boolean {
		const all = this.listeners.get(event) ?? [];
		for (const listener of all) listener(...values);
		return all.length > 0;
	}
}
