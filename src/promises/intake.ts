/** Messages as they come in: put together of their parts, handed to handlers, acknowledged when those are done. */
import type { IncomingMessage } from "../client/incoming-message.js";
import type { MessageHandler } from "../client/subscriptions.js";
import type { AsyncClient, Handler, PartHandler } from "./async-client.js";
import { joined } from "./joined.js";
import { Message } from "./message.js";
import { decodeProperties } from "./property-record.js";

/** How many handlers still have a message. */
interface Hold {
	count: number;
}

export class Intake {
	/** the message that is being handed out, once it is whole */
	private message: Message | undefined = undefined;
	private parts: Uint8Array[] = [];
	/** payload bytes that lie in `parts` */
	private gathered = 0;
	private hold: Hold | undefined = undefined;
	/** part handlers that are not done: nothing is read */
	private busy = 0;
	private epoch = 0;

	constructor(private readonly client: AsyncClient) {}

	get isBusy(): boolean {
		return this.busy > 0;
	}

	/** The connection is over: a message that was not whole comes again, or never. */
	reset(): void {
		this.parts = [];
		this.gathered = 0;
		this.message = this.hold = undefined;
		this.busy = 0;
		this.epoch++;
	}

	/** A message, or the next part of one, comes. */
	begin(incoming: IncomingMessage): void {
		this.message = undefined;
		if (incoming.offset === 0) {
			this.hold = undefined;
			this.gathered = 0;
			if (this.parts.length > 0) this.parts = [];
		}
		if (!this.client.hears("message")) return;
		const message = this.take(incoming);
		if (message !== undefined) this.client.emit("message", message);
	}

	/** @returns the message; undefined: more of it is to come */
	private take(incoming: IncomingMessage): Message | undefined {
		if (this.message !== undefined) return this.message;
		let payload: Uint8Array;
		if (incoming.left === 0 && incoming.offset === 0) payload = incoming.copyOfPart();
		else {
			if (incoming.offset === this.gathered) {
				this.parts.push(incoming.copyOfPart());
				this.gathered += incoming.payloadEnd - incoming.payloadStart;
			}
			if (incoming.left > 0) return undefined;
			payload = joined(this.parts.splice(0));
		}
		const text = incoming.text;
		const v5 = this.client.core.version === 5;
		const properties = v5 ? decodeProperties(incoming.properties, text) : undefined;
		const { topic, qos, retain, dup } = incoming;
		this.message = new Message(topic, payload, qos, retain, dup, properties, text);
		return this.message;
	}

	/** @returns the core's handler that calls a program's */
	handlerOf(handler: Handler | PartHandler, inParts: boolean): MessageHandler {
		if (inParts) return (incoming) => this.callPart(handler as PartHandler, incoming);
		return (incoming) => {
			const message = this.take(incoming);
			if (message === undefined) return;
			const result = this.call(handler as Handler, message, incoming.topic);
			if (isPromise(result)) this.wait(result, incoming);
		};
	}

	/** @returns the core's handler that hands a queue whole messages, with what acknowledges them */
	queued(push: (message: Message, done: (() => void) | undefined) => void): MessageHandler {
		return (incoming) => {
			const message = this.take(incoming);
			if (message !== undefined) push(message, incoming.qos === 0 ? undefined : this.keep(incoming));
		};
	}

	/** The message is acknowledged when all that have it are done. @returns what is called once by one of them */
	private keep(incoming: IncomingMessage): () => void {
		const ticket = incoming.ticket;
		const hold = this.holdOf(incoming);
		const epoch = this.epoch;
		hold.count++;
		return () => {
			if (--hold.count === 0 && epoch === this.epoch) this.client.core.acknowledge(ticket);
		};
	}

	private holdOf(incoming: IncomingMessage): Hold {
		incoming.deferred = true;
		this.hold ??= { count: 0 };
		return this.hold;
	}

	private wait(result: Promise<unknown>, incoming: IncomingMessage): void {
		const topic = incoming.topic;
		const done = incoming.qos > 0 ? this.keep(incoming) : undefined;
		result.then(done, (error) => {
			this.failed(topic, error);
			done?.();
		});
	}

	private callPart(handler: PartHandler, incoming: IncomingMessage): void {
		const result = this.call(handler, incoming, incoming.topic);
		if (!isPromise(result)) return;
		const topic = incoming.topic;
		const epoch = this.epoch;
		this.busy++;
		this.client.core.pause();
		const done = () => {
			if (epoch !== this.epoch) return;
			if (--this.busy === 0) this.client.progress();
		};
		result.then(done, (error) => {
			this.failed(topic, error);
			done();
		});
	}

	private call<T>(handler: (given: T) => unknown, given: T, topic: string): unknown {
		try {
			return handler(given);
		} catch (error) {
			this.failed(topic, error);
			return undefined;
		}
	}

	private failed(topic: string, error: unknown): void {
		this.client.core.handlerFailed(error);
		this.client.emit("error", new Error(`handler of ${topic}: ${error}`, { cause: error }));
	}
}

function isPromise(value: unknown): value is Promise<unknown> {
	return typeof (value as Promise<unknown> | undefined)?.then === "function";
}
