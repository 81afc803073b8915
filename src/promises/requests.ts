/** Request and response: answers by their Correlation Data. Spec: 5.0, 4.10 */
import { Version } from "../codec/packet-types.js";
import type { AsyncClient, SubscribeOptions } from "./async-client.js";
import { abortable, ClientError, reasonName } from "./client-error.js";
import type { Message } from "./message.js";
import type { PropertyRecord } from "./property-record.js";
import type { PublishOptions } from "./publisher.js";
import { bytesOf } from "./settings.js";
import type { Subscription } from "./subscription.js";

interface Request {
	resolve(answer: Message): void;
	reject(error: unknown): void;
	/** ms on the platform's clock */
	until: number;
	/** for an error's line */
	what: string;
}

const TIMEOUT_MS = 30_000;

export class Requests {
	private readonly waiting = new Map<string, Request>();
	private asked = 0;
	private responseTopic = "";
	private subscribed: Promise<Subscription> | undefined = undefined;

	constructor(private readonly client: AsyncClient) {}

	/** See `AsyncClient.request`. The time counts from now, whatever there is to wait for. */
	request(
		topic: string,
		payload: string | Uint8Array,
		options: PublishOptions & { timeoutMs?: number; timeout?: number },
	): Promise<Message> {
		const what = `request ${topic}`;
		const { timeoutMs, timeout, signal, ...others } = options;
		const until = this.client.platform.now() + (timeoutMs ?? timeout ?? TIMEOUT_MS);
		const key = `${++this.asked}`;
		return abortable(what, signal, (resolve, reject) => {
			this.waiting.set(key, { resolve, reject, until, what });
			this.send(key, what, topic, payload, others).catch((error) => this.settle(key)?.reject(error));
			return () => this.settle(key);
		});
	}

	private async send(
		key: string,
		what: string,
		topic: string,
		payload: string | Uint8Array,
		options: PublishOptions,
	): Promise<void> {
		const client = this.client;
		this.subscribed ??= this.subscribe();
		try {
			await this.subscribed;
		} catch (error) {
			this.subscribed = undefined;
			throw error;
		}
		if (!this.waiting.has(key)) return; // too late
		if (client.core.version !== Version.V5)
			throw new ClientError("unsupported-protocol-version", `${what}: needs 5.0, the server has none`, 0x84);
		const { reason } = await client.publish(topic, payload, {
			qos: 1, // so that the server may say that nobody has subscribed
			...options,
			properties: {
				...options.properties,
				responseTopic: this.responseTopic,
				correlationData: bytesOf(key, client.core.text),
			},
		});
		if (reason === 0x10) throw new ClientError(reasonName(reason), `${what}: nobody has subscribed`, reason);
	}

	private subscribe(): Promise<Subscription> {
		const { core } = this.client;
		const base = core.server.responseInformation || `response/${core.clientId}`;
		this.responseTopic = `${base}/${this.client.platform.random().toString(36)}`;
		return this.client.subscribe(
			this.responseTopic,
			(message: Message) => {
				const data = message.properties?.correlationData;
				if (data !== undefined) this.settle(String.fromCharCode(...data.subarray(0, 16)))?.resolve(message);
			},
			{ qos: 1 },
		);
	}

	private settle(key: string): Request | undefined {
		const request = this.waiting.get(key);
		this.waiting.delete(key);
		return request;
	}

	/** Gives up what has waited for too long. */
	tick(): void {
		if (this.waiting.size === 0) return;
		const now = this.client.platform.now();
		for (const [key, { until, what, reject }] of this.waiting) {
			if (until > now) continue;
			this.waiting.delete(key);
			reject(new ClientError("request-timeout", `${what}: no answer in time`, 0));
		}
	}

	/** There will be no answers. */
	fail(error: unknown): void {
		for (const { reject } of this.waiting.values()) reject(error);
		this.waiting.clear();
		this.subscribed = undefined;
	}

	respond(
		filter: string,
		handler: (request: Message) => string | Uint8Array | undefined | Promise<string | Uint8Array | undefined>,
		options: SubscribeOptions,
	): Promise<Subscription> {
		const respond = async (request: Message) => {
			const answer = await handler(request);
			const { responseTopic, correlationData } = request.properties ?? {};
			if (answer === undefined || responseTopic === undefined) return;
			await this.client.publish(responseTopic, answer, {
				qos: request.qos,
				properties: { correlationData } as PropertyRecord,
			});
		};
		return this.client.subscribe(filter, respond, { qos: 1, ...options });
	}
}
