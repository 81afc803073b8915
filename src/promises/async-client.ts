/** The client with promises, for Node and the browser: each settles when the server has acknowledged. */

import { Client } from "../client/client.js";
import { type ClientLimits, hostClientLimits } from "../client/client-limits.js";
import { ClientListener } from "../client/client-listener.js";
import type { Connector } from "../client/client-options.js";
import type { IncomingMessage } from "../client/incoming-message.js";
import type { ClientSubscription, Done, MessageHandler } from "../client/subscriptions.js";
import type { ReasonPacket } from "../codec/connect.js";
import { PacketType, PropertyId } from "../codec/packet-types.js";
import { Cause, causeName } from "../errors.js";
import type { Platform } from "../platform.js";
import { abortable, ClientError, causeError, reasonError, reasonName } from "./client-error.js";
import { type ClientEvents, Emitter } from "./emitter.js";
import { Intake } from "./intake.js";
import type { Message } from "./message.js";
import { MessageQueue } from "./message-queue.js";
import { encodeProperties, type PropertyRecord } from "./property-record.js";
import { Publisher, type PublishOptions, type PublishResult } from "./publisher.js";
import { Requests } from "./requests.js";
import type { Settings, Signal } from "./settings.js";
import { Subscription } from "./subscription.js";

export interface SubscribeOptions {
	/** default: 0 */
	qos?: number;
	noLocal?: boolean;
	retainAsPublished?: boolean;
	retainHandling?: number;
	/** User Properties of SUBSCRIBE (5.0) */
	properties?: PropertyRecord;
	/** the handler gets the parts of a large message as they come; see `PartHandler` */
	parts?: boolean;
	signal?: Signal;
}

/** Takes a message. One of QoS 1 or 2 is acknowledged when the handler has returned, or its promise is settled. */
export type Handler = (message: Message) => unknown;

/** What comes of a payload: bytes[payloadStart..payloadEnd) until the handler returns. While its promise is pending,
 *  nothing more is read. */
export type PartHandler = (part: IncomingMessage) => unknown;

export interface EndOptions {
	/** end at once, whatever waits. Default: false: when all is sent and acknowledged */
	force?: boolean;
	/** ms that it may take. Default: 30,000 */
	timeoutMs?: number;
	/** 0x04: the Will Message is published (5.0) */
	reason?: number;
	/** properties of DISCONNECT (5.0) */
	properties?: PropertyRecord;
}

class AsyncListener extends ClientListener {
	constructor(private readonly owner: AsyncClient) {
		super();
	}
	override connectAck(packet: ReasonPacket): void {
		this.owner.connectAck(packet);
	}
	override publish(message: IncomingMessage): void {
		this.owner.intake.begin(message);
	}
	override disconnected(cause: Cause, reason: number, why: string, againMs: number): void {
		this.owner.disconnected(cause, reason, why, againMs);
	}
	override flushed(): void {
		this.owner.flushed();
	}
	override dropped(cause: Cause, topic: string): void {
		this.owner.emit("drop", causeError(`publish ${topic}`, cause));
	}
	override subscriptionLost(filter: string, reason: number): void {
		this.owner.emit("error", reasonError(`subscribe ${filter}`, reason));
	}
}

export class AsyncClient extends Emitter<ClientEvents> {
	/** the client that knows no promises: low-level calls and counters */
	readonly core: Client;
	/** @internal */
	readonly intake: Intake;
	private readonly requests: Requests;
	private readonly queues = new Set<MessageQueue>();
	private readonly publisher: Publisher;
	private isOver = false;
	private ready: { resolve: () => void; reject: (error: unknown) => void } | undefined = undefined;
	private ending: { until: number; finish: () => void } | undefined = undefined;

	/** @internal */
	constructor(
		/** @internal */
		readonly settings: Settings,
		/** @internal */
		readonly platform: Platform,
		connector: Connector,
		/** the client has ended: timers may go */
		private readonly ended: () => void = () => {},
		limits: ClientLimits = hostClientLimits,
	) {
		super();
		const client = { ...settings.client };
		client.clientId ??= client.cleanStart === false ? "" : randomId(platform);
		const method = settings.authentication;
		this.core = new Client({
			...client,
			authentication: typeof method === "function" ? method(platform) : method,
			limits: { ...limits, ...settings.limits },
			platform,
			connector,
			listener: new AsyncListener(this),
		});
		this.intake = new Intake(this);
		this.publisher = new Publisher(this);
		this.requests = new Requests(this);
	}

	get isConnected(): boolean {
		return this.core.isConnected;
	}

	get clientId(): string {
		return this.core.clientId;
	}

	/** Connects. @returns itself, once CONNACK has come. Rejects with the ClientError of the first attempt, or with
	 *  `retry` of the last one */
	open(): Promise<this> {
		const signal = this.settings.signal;
		if (signal?.aborted) this.finish();
		return abortable("connect", signal, (resolve, reject) => {
			if (this.isOver) {
				reject(causeError("connect", Cause.TransportClosed));
				return undefined;
			}
			this.ready = { resolve: () => resolve(this), reject };
			this.core.connect();
			return () => {
				this.ready = undefined;
				this.core.disconnect();
			};
		});
	}

	/** Publishes a message, now or when there is a connection.
	 *  @param payload text, bytes, or chunks with `options.byteLength`
	 *  @returns QoS 0: when it was handed to the transport; QoS 1 and 2: when the server has acknowledged it. Rejects
	 *  with a ClientError when it is refused or given up */
	publish(
		topic: string,
		payload: string | Uint8Array | AsyncIterable<Uint8Array> = "",
		options: PublishOptions = {},
	): Promise<PublishResult> {
		return this.publisher.publish(topic, payload, options);
	}

	/** @returns why something was given up, or refused by the packet that is being handled; undefined: it was not
	 *  @internal */
	errorOf(what: string, cause: Cause, reason: number): ClientError | undefined {
		if (cause !== Cause.None) return causeError(what, cause);
		if (reason < 0x80) return undefined;
		return reasonError(what, reason, this.core.ackPacket.properties.string(PropertyId.ReasonString, this.core.text));
	}

	/** @internal */
	flushed(): void {
		this.publisher.flushed();
		if (this.ending !== undefined) this.checkEnding();
	}

	/** Subscribes, now and on each new session.
	 *  @returns the subscription, once SUBACK has come. Rejects with a ClientError when it is refused */
	subscribe(filter: string, handler: PartHandler, options: SubscribeOptions & { parts: true }): Promise<Subscription>;
	subscribe(filter: string, handler?: Handler, options?: SubscribeOptions): Promise<Subscription>;
	subscribe(filter: string, handler?: Handler | PartHandler, options: SubscribeOptions = {}): Promise<Subscription> {
		const take = handler === undefined ? undefined : this.intake.handlerOf(handler as Handler, options.parts === true);
		return this.subscribeTo(filter, take, options);
	}

	private subscribeTo(
		filter: string,
		take: MessageHandler | undefined,
		options: SubscribeOptions,
		begun?: (subscription: ClientSubscription) => void,
	): Promise<Subscription> {
		const core = this.core;
		const { signal } = options;
		const what = `subscribe ${filter}`;
		const properties = encodeProperties(options.properties, core.text, PacketType.Subscribe, "subscribe");
		return abortable(what, signal, (resolve, reject) => {
			const done: Done = (cause, reason) => {
				this.progress();
				const error = this.errorOf(what, cause, reason);
				if (error !== undefined) reject(error);
				else resolve(new Subscription(this, added as Exclude<typeof added, number>, reason));
			};
			const added = this.isOver
				? Cause.TransportClosed
				: core.subscribe(filter, take, { ...options, properties }, done);
			if (typeof added === "number") {
				reject(causeError(what, added));
				return undefined;
			}
			begun?.(added);
			this.progress();
			return () => core.unsubscribe(added);
		});
	}

	/** Ends all subscriptions with this filter. */
	async unsubscribe(filter: string): Promise<void> {
		for (let found = this.core.subscriptions.byFilter(filter); found !== undefined; ) {
			await new Subscription(this, found, 0).unsubscribe();
			found = this.core.subscriptions.byFilter(filter);
		}
	}

	/** Subscribes for a loop: `for await (const message of client.messages("room/#")) …`
	 *  @param options.highWater messages that wait before reading stops. Default: 16 */
	messages(filter: string, options: SubscribeOptions & { highWater?: number } = {}): MessageQueue {
		const { highWater, signal, ...others } = options;
		const queue = new MessageQueue(this, highWater);
		this.queues.add(queue);
		const take = this.intake.queued((message, done) => queue.push(message, done));
		let added: ClientSubscription | undefined;
		this.subscribeTo(filter, take, others, (subscription) => {
			added = subscription;
		}).catch((error) => queue.end(error));
		queue.close = () => {
			this.queues.delete(queue);
			return new Promise<void>((resolve) => {
				if (added === undefined) return resolve();
				this.core.unsubscribe(added, () => resolve());
				if (!this.isConnected) resolve(); // the server hears of it later
			});
		};
		signal?.addEventListener("abort", () => void queue.return(), { once: true });
		if (signal?.aborted) void queue.return();
		return queue;
	}

	/** a queue is long: see `progress` @internal */
	get hasFullQueue(): boolean {
		for (const { isFull } of this.queues) if (isFull) return true;
		return false;
	}

	/** Reading stops while a queue is long, unless an acknowledgement is waited for: whoever fills the queue may be who
	 *  waits for it. @internal */
	progress(): void {
		const core = this.core;
		const waits = core.unacknowledged > 0 || core.subscriptions.waiting > 0;
		let stop = this.hasFullQueue && !waits;
		for (const { isOverfull } of this.queues) if (isOverfull) stop = true;
		if (stop) core.pause();
		else if (!this.intake.isBusy) core.resume();
	}

	/** Asks and waits for the answer (5.0). @param options.timeoutMs default: 30,000. Rejects with a ClientError */
	request(
		topic: string,
		payload: string | Uint8Array,
		options: PublishOptions & { timeoutMs?: number; timeout?: number } = {},
	): Promise<Message> {
		return this.requests.request(topic, payload, options);
	}

	/** Answers requests (5.0): what the handler returns, or its promise, goes back. */
	respond(
		filter: string,
		handler: (request: Message) => string | Uint8Array | undefined | Promise<string | Uint8Array | undefined>,
		options: SubscribeOptions = {},
	): Promise<Subscription> {
		return this.requests.respond(filter, handler, options);
	}

	/** Proves again who this client is, by the method that it connected with (5.0). Spec: 5.0, 4.12.1 */
	reauthenticate(): Promise<void> {
		return new Promise((resolve, reject) => {
			const started = this.core.authenticate((cause) =>
				cause === Cause.None ? resolve() : reject(causeError("reauthenticate", cause)),
			);
			if (!started) reject(causeError("reauthenticate", Cause.AuthenticationMethodMissing));
		});
	}

	/** Ends the client: when all messages are acknowledged, and then without a Will Message. */
	end(options: EndOptions = {}): Promise<void> {
		const core = this.core;
		return new Promise((resolve) => {
			const properties = encodeProperties(options.properties, core.text, PacketType.Disconnect, "disconnect");
			const finish = () => {
				this.ending = undefined;
				core.disconnect(options.reason ?? 0, properties);
				for (const queue of this.queues) queue.end();
				this.finish();
				resolve();
			};
			if (options.force === true || !core.isConnected) return finish();
			this.ending = { until: this.platform.now() + (options.timeoutMs ?? 30_000), finish };
			core.touch();
		});
	}

	/** Nothing can be asked of this client any more. */
	private finish(): void {
		this.isOver = true;
		this.ended();
	}

	private checkEnding(): void {
		const core = this.core;
		const output = core.link.output;
		const drained = core.unacknowledged === 0 && output.free && !output.stalled;
		if (drained || !core.isConnected || this.platform.now() > this.ending!.until) this.ending!.finish();
	}

	/** Looks at what is due. Called by the platform every 250 ms or so. */
	tick(): void {
		this.core.tick();
		this.requests.tick();
		if (this.ending !== undefined) this.checkEnding();
	}

	/** Called by the platform, once for each `Platform.wake`. */
	endTurn(): void {
		this.core.endTurn();
	}

	/** @internal */
	connectAck(packet: ReasonPacket): void {
		if (packet.reason !== 0) return;
		const ready = this.ready;
		this.ready = undefined;
		ready?.resolve();
		this.emit("connect", { sessionPresent: packet.sessionPresent, clientId: this.core.clientId });
	}

	/** @internal */
	disconnected(cause: Cause, reason: number, why: string, againMs: number): void {
		const { scheme, host, port } = this.settings.address;
		const code = reason >= 0x80 ? reasonName(reason) : causeName(cause);
		const error = new ClientError(code, `${scheme}://${host}:${port}: ${why}`, reason);
		this.intake.reset();
		const ready = this.ready;
		if (ready !== undefined && againMs !== 0 && (againMs < 0 || !this.settings.retry)) {
			this.ready = undefined;
			if (againMs > 0) this.core.disconnect();
			this.finish();
			return ready.reject(error);
		}
		if (cause !== Cause.None) this.emit("disconnect", { error, againMs });
		if (againMs >= 0) return;
		for (const queue of this.queues) queue.end(cause === Cause.None ? undefined : error);
		this.requests.fail(error);
		this.finish();
	}
}

/** @returns a Client Identifier that nobody else has. Spec: [MQTT-3.1.3-5] */
function randomId(platform: Platform): string {
	const part = () => platform.random().toString(36).padStart(7, "0");
	return `hearth-${part()}${part()}`;
}
