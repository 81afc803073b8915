/** Events of a client by name. */
import type { ClientError } from "./client-error.js";
import type { Message } from "./message.js";

export interface ClientEvents {
	/** CONNACK has come, the first one or another */
	connect: { sessionPresent: boolean; clientId: string };
	/** the connection is lost; `againMs` to the next attempt, -1: there is none */
	disconnect: { error: ClientError; againMs: number };
	/** every message, before the handlers of its subscriptions */
	message: Message;
	/** a message was given up or refused */
	drop: ClientError;
	/** what nobody waits for: a handler failed, a subscription was refused when it was asked for again */
	error: unknown;
}

type Listener<T> = (event: T) => void;

export class Emitter<Events extends object> {
	private readonly listeners: { [name in keyof Events]?: Listener<never>[] } = {};

	/** Calls for each event from now on. @returns what ends that */
	on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
		const all = (this.listeners[name] ??= []);
		all.push(listener as Listener<never>);
		return () => {
			const at = all.indexOf(listener as Listener<never>);
			if (at >= 0) all.splice(at, 1);
		};
	}

	/** @returns whether anybody hears of the event @internal */
	hears(name: keyof Events): boolean {
		return (this.listeners[name]?.length ?? 0) > 0;
	}

	/** Tells of an event. @internal */
	emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
		const all = this.listeners[name];
		if (all !== undefined) for (const listener of [...all]) listener(event as never);
	}
}
