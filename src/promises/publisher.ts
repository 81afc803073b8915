/** Publishing with promises: one a turn for QoS 0, one a message for QoS 1 and 2. */
import type { ClientPublishOptions, PayloadSource } from "../client/client-options.js";
import { publish, publishAtOnce } from "../client/publish.js";
import type { Done } from "../client/subscriptions.js";
import { PacketType } from "../codec/packet-types.js";
import { Cause } from "../errors.js";
import { frozen } from "../frozen.js";
import type { AsyncClient } from "./async-client.js";
import { abortError } from "./client-error.js";
import { ChunkSource } from "./payload-sources.js";
import { encodeProperties, type PropertyRecord } from "./property-record.js";
import type { Signal } from "./settings.js";

export interface PublishOptions {
	/** 0, 1 or 2. Default: 0 */
	qos?: number;
	retain?: boolean;
	/** of 5.0 */
	properties?: PropertyRecord;
	/** bytes of a payload that comes in chunks */
	byteLength?: number;
	/** gives the message up, as long as it was not sent */
	signal?: Signal;
}

export interface PublishResult {
	/** the server's Reason Code: 0, or 0x10 when nobody has subscribed (5.0). Spec: 5.0, 3.4.2.1 */
	reason: number;
}

/** The client writes these itself: what is left of a message's time, and aliases of its own. */
const OWN: readonly (keyof PropertyRecord)[] = frozen(["messageExpiryInterval", "topicAlias"]);

export class Publisher {
	/** QoS 0 messages of this turn: one promise for all */
	private flushing: Promise<PublishResult> | undefined = undefined;
	private settle: ((result: PublishResult) => void) | undefined = undefined;

	constructor(private readonly client: AsyncClient) {}

	/** See `AsyncClient.publish`. */
	publish(
		topic: string,
		payload: string | Uint8Array | AsyncIterable<Uint8Array> = "",
		options: PublishOptions = {},
	): Promise<PublishResult> {
		const signal = options.signal;
		if (signal?.aborted) return Promise.reject(abortError(`publish ${topic}`, signal));
		const core = this.client.core;
		const given = this.coreOptions(options);
		const source = this.sourceOf(payload, options);
		if (source instanceof Error) return Promise.reject(source);
		const plain = source === undefined ? (payload as string | Uint8Array) : "";
		const result = publishAtOnce(core, topic, plain, given, source);
		if (result === 0) return this.nextFlush();
		return result < 0 ? this.refuse(topic, -result) : this.publishKept(topic, plain, given, source, signal);
	}

	/** @returns what brings a payload that comes in chunks */
	private sourceOf(
		payload: string | Uint8Array | AsyncIterable<Uint8Array>,
		options: PublishOptions,
	): PayloadSource | undefined | TypeError {
		if (typeof payload === "string" || payload instanceof Uint8Array) return undefined;
		if (options.byteLength === undefined) return new TypeError("publish: chunks need byteLength");
		return new ChunkSource(payload, options.byteLength, () => this.client.core.serve());
	}

	private publishKept(
		topic: string,
		payload: string | Uint8Array,
		options: ClientPublishOptions,
		source: PayloadSource | undefined,
		signal: Signal | undefined,
	): Promise<PublishResult> {
		const core = this.client.core;
		const chunks = source instanceof ChunkSource ? source : undefined;
		const promise: Promise<PublishResult> = new Promise((resolve, reject) => {
			let abort: (() => void) | undefined;
			let settled = false;
			const fail = (error: unknown) => {
				// who does not wait hears of it by the event `drop`
				Promise.resolve().then(() => promise.catch(() => {}));
				reject(error);
			};
			const done: Done = (cause, reason) => {
				settled = true;
				if (abort !== undefined) signal?.removeEventListener("abort", abort);
				chunks?.close();
				if (cause === Cause.None && reason < 0x80) resolve({ reason });
				else fail(this.dropped(topic, cause, reason, chunks?.failure));
				if (this.client.hasFullQueue) this.client.progress();
			};
			const entry = publish(core, topic, payload, options, done, source);
			if (entry < 0) {
				chunks?.close();
				return fail(this.dropped(topic, -entry, 0));
			}
			if (this.client.hasFullQueue) this.client.progress();
			if (signal === undefined || settled) return;
			abort = () => {
				// what is on its way stays so
				core.cancel(entry);
				chunks?.close();
				fail(abortError(`publish ${topic}`, signal));
				this.client.progress();
			};
			signal.addEventListener("abort", abort, { once: true });
		});
		return promise;
	}

	private refuse(topic: string, cause: Cause): Promise<never> {
		const promise = Promise.reject(this.dropped(topic, cause, 0));
		promise.catch(() => {});
		return promise;
	}

	/** Tells of a message that is given up. @returns the error */
	private dropped(topic: string, cause: Cause, reason: number, failure?: unknown): unknown {
		const error = this.client.errorOf(`publish ${topic}`, cause, reason)!;
		this.client.emit("drop", error);
		return failure ?? error;
	}

	private coreOptions(options: PublishOptions): ClientPublishOptions {
		const record = options.properties;
		if (record === undefined) return options as ClientPublishOptions;
		return {
			...(options as ClientPublishOptions),
			properties: encodeProperties(record, this.client.core.text, PacketType.Publish, "publish", OWN),
			expirySeconds: record.messageExpiryInterval,
		};
	}

	private nextFlush(): Promise<PublishResult> {
		this.flushing ??= new Promise((resolve) => {
			this.settle = resolve;
		});
		return this.flushing;
	}

	/** The turn is over. */
	flushed(): void {
		if (this.flushing === undefined) return;
		const settle = this.settle!;
		this.flushing = this.settle = undefined;
		settle({ reason: 0 });
	}
}
