/** What a schedule consists of, and how it is told: one line a step. */
import type { Limits } from "../../src/limits.js";

export type Qos = 0 | 1 | 2;

/** Properties that go on to receivers. */
export interface Forwarded {
	payloadFormatIndicator?: boolean;
	contentType?: string;
	responseTopic?: string;
	correlationData?: string;
	userProperties?: Record<string, string | string[]>;
}

/** An Application Message before it is published. */
export interface Draft {
	topic: string;
	/** unique, but for "" */
	payload: string;
	qos: Qos;
	retain: boolean;
	/** Message Expiry Interval, seconds */
	expiry?: number;
	properties: Forwarded;
	/** Topic Alias that is given with it, or used in place of the topic where it was given before */
	alias?: number;
	/** the topic is left out where the alias stands for it */
	short?: boolean;
}

export interface WillDraft extends Draft {
	/** Will Delay Interval, seconds */
	delay: number;
}

export interface Connect {
	op: "connect";
	client: number;
	version: 4 | 5;
	clean: boolean;
	/** Session Expiry Interval, seconds; 5.0 only, as the next three */
	expiry: number;
	receiveMaximum?: number;
	packetBytesMax?: number;
	aliasMaximum?: number;
	will?: WillDraft;
	/** answers at once; otherwise when a step says so */
	eager: boolean;
}

export interface Subscription {
	filter: string;
	qos: Qos;
	noLocal: boolean;
	retainAsPublished: boolean;
	retainHandling: 0 | 1 | 2;
}

export type Step =
	| Connect
	| { op: "cut"; client: number }
	| { op: "disconnect"; client: number; reason: number; expiry?: number }
	| { op: "subscribe"; client: number; subscriptions: Subscription[]; identifier?: number }
	| { op: "unsubscribe"; client: number; filters: string[] }
	/** all in one piece; `unread`: the connection breaks before the client reads what comes */
	| { op: "publish"; client: number; messages: Draft[]; unread: boolean }
	/** the next `count` acknowledgements that are due; `refuse`: PUBACK and PUBREC with an error, once */
	| { op: "answer"; client: number; count: number; refuse: boolean }
	| { op: "advance"; seconds: number };

export interface Schedule {
	seed: number;
	clients: number;
	limits: Partial<Limits>;
	steps: Step[];
	/** how many of them, the last, clear all */
	ending: number;
}

function flags(list: Record<string, unknown>): string {
	return Object.entries(list)
		.filter(([, value]) => value !== false && value !== undefined)
		.map(([name, value]) => (value === true ? ` ${name}` : ` ${name} ${value}`))
		.join("");
}

function describeDraft(draft: Draft): string {
	const { topic, payload, qos, retain, expiry, alias, short } = draft;
	const said = Object.keys(draft.properties);
	const text = payload.length > 12 ? `${payload.slice(0, 8)}…(${payload.length})` : JSON.stringify(payload);
	return `${topic} ${text} QoS ${qos}${flags({ retain, expiry, alias, short, with: said.length > 0 && said })}`;
}

/** @returns the step in one line */
export function describe(step: Step): string {
	if (step.op === "advance") return `${step.seconds} s pass`;
	const who = `c${step.client} ${step.op}`;
	switch (step.op) {
		case "connect": {
			const { clean, expiry, receiveMaximum, packetBytesMax, aliasMaximum, will, eager } = step;
			const v5 = step.version === 5;
			const told = flags({ clean, expiry: v5 && expiry, receiveMaximum, packetBytesMax, aliasMaximum, eager });
			const last = will === undefined ? "" : `, will ${describeDraft(will)} delay ${will.delay}`;
			return `${who} ${v5 ? "5.0" : "3.1.1"}${told}${last}`;
		}
		case "disconnect":
			return `${who} 0x${step.reason.toString(16)}${flags({ expiry: step.expiry })}`;
		case "subscribe":
			return `${who}${flags({ identifier: step.identifier })} ${step.subscriptions
				.map(
					({ filter, qos, noLocal, retainAsPublished, retainHandling }) =>
						`${filter} QoS ${qos}${flags({ noLocal, retainAsPublished, retainHandling })}`,
				)
				.join(", ")}`;
		case "unsubscribe":
			return `${who} ${step.filters.join(", ")}`;
		case "publish":
			return `${who}${flags({ unread: step.unread })} ${step.messages.map(describeDraft).join(", ")}`;
		case "answer":
			return `${who} ${step.count}${flags({ refuse: step.refuse })}`;
		default:
			return who;
	}
}
