/** Random schedules: from a seed, and from nothing else. */
import type { Limits } from "../../src/limits.js";
import { Random } from "./random.js";
import type { Connect, Draft, Forwarded, Qos, Schedule, Step, Subscription, WillDraft } from "./steps.js";

export const TOPICS = ["a", "a/b", "a/b/c", "b", "$x/y", "room/lamp/state"] as const;
const FILTERS = [
	...["a", "a/b", "b", "$x/y", "room/lamp/state"],
	...["#", "+", "+/+", "a/#", "a/+", "+/b", "a/+/c", "+/+/+", "room/#", "+/lamp/+", "$x/#", "+/y"],
] as const;
const SHARED = ["$share/g/#", "$share/g/a/#", "$share/h/a/b", "$share/h/+/lamp/+", "$share/g/+"] as const;
export const NEVER = 0xffffffff;
/** Subscription Identifiers of shared filters go from here, so that it is seen by which filter a message came. */
const SHARED_IDENTIFIERS = 100;
/** Topic Alias Maximum of the broker */
const ALIASES = 4;

/** What a client may do, for the whole schedule: before 5.0 a shared message cannot be told from one that is not, so
 *  who may speak 3.1.1 has either no shared filter or that one alone. */
interface Style {
	versions: readonly (4 | 5)[];
	filters: readonly string[];
}

/** @returns the schedule of a seed; its limits differ, but no table ever gets full */
export function makeSchedule(seed: number): Schedule {
	const random = new Random(seed);
	const clients = random.between(2, 6);
	const limits = limitsOf(random);
	// where messages are shared, no two may look the same, as empty ones do: it could not be told which went where
	const sharing = random.chance(0.5);
	const styles = Array.from({ length: clients }, () => styleOf(random, sharing));
	return { seed, clients, limits, ...new Maker(random, styles, !sharing).make(random.between(50, 130)) };
}

function limitsOf(random: Random): Partial<Limits> {
	return {
		...{ sessions: 40, subscriptions: 400, filterNodes: 2_000, filterBytes: 60_000, routeReceivers: 800 },
		...{ blocks: 4_000, blockBytes: random.pick([64, 128]), deliveries: 4_000, queueBytes: 1_000_000 },
		...{ queueMessages: 2_000, receiveMaximum: 1_000, received: 4_000, sessionExpirySeconds: NEVER },
		...{ topicAliases: ALIASES, topicAliasesGiven: random.pick([0, 1, 4]) },
		// these shape the broker's ways, not what it does
		...{ inFlight: random.pick([2, 5, 100]), routes: random.pick([2, 5, 40]) },
		...{ partialBytes: random.pick([16, 192]), outputBuffers: random.pick([1, 4]) },
		outputBytes: random.pick([128, 1_460]),
	};
}

function styleOf(random: Random, sharing: boolean): Style {
	const versions = random.pick([[4], [4], [5], [5], [5], [5], [4, 5]] as const);
	if (!sharing) return { versions, filters: FILTERS };
	if (!(versions as readonly number[]).includes(4)) return { versions, filters: [...FILTERS, ...SHARED, ...SHARED] };
	return { versions, filters: random.chance(0.4) ? [random.pick(SHARED)] : FILTERS };
}

class Maker {
	private readonly steps: Step[] = [];
	/** by client: the version that it is connected with, or 0; and its filters */
	private readonly connected: number[];
	private readonly held: Set<string>[];
	private payloads = 0;

	constructor(
		private readonly random: Random,
		private readonly styles: readonly Style[],
		/** messages may look the same; then none are shared */
		private readonly alike: boolean,
	) {
		this.connected = styles.map(() => 0);
		this.held = styles.map(() => new Set());
	}

	make(count: number): { steps: Step[]; ending: number } {
		for (let c = 0; c < this.styles.length; c++) {
			this.connect(c);
			this.subscribe(c);
		}
		while (this.steps.length < count) this.addStep(this.random.below(this.styles.length));
		const made = this.steps.length;
		this.finish();
		return { steps: this.steps, ending: this.steps.length - made };
	}

	private addStep(c: number): void {
		const { random } = this;
		if (random.chance(0.08)) {
			this.steps.push({ op: "advance", seconds: random.pick([1, 1, 2, 3, 5, 9, 15, 40]) });
			return;
		}
		if (this.connected[c] === 0) {
			if (random.chance(0.5)) this.connect(c);
			return;
		}
		const op = random.weighted({
			...{ publish: 40, answer: 18, subscribe: 13, unsubscribe: 5, cut: 8, disconnect: 4, connect: 3, unread: 3 },
		});
		if (op === "connect") this.connect(c);
		else if (op === "subscribe") this.subscribe(c);
		else if (op === "unsubscribe") this.unsubscribe(c);
		else if (op === "publish" || op === "unread") this.publish(c, op === "unread");
		else if (op === "disconnect") this.disconnect(c);
		else if (op === "cut") {
			this.steps.push({ op: "cut", client: c });
			this.connected[c] = 0;
		} else {
			const refuse = this.connected[c] === 5 && random.chance(0.08);
			this.steps.push({ op: "answer", client: c, count: random.pick([1, 1, 2, 3, 99]), refuse });
		}
	}

	private connect(c: number): void {
		const { random } = this;
		const version = random.pick(this.styles[c]!.versions);
		const v5 = version === 5;
		const step: Connect = { op: "connect", client: c, version, clean: random.chance(0.25), expiry: 0, eager: false };
		if (v5) {
			step.expiry = random.pick([0, 2, 10, 30, NEVER, NEVER]);
			if (random.chance(0.5)) step.receiveMaximum = random.pick([1, 1, 2, 3, 8]);
			if (random.chance(0.15)) step.packetBytesMax = random.pick([50, 70, 120]);
			if (random.chance(0.5)) step.aliasMaximum = random.pick([0, 1, 2, 10]);
		}
		if (random.chance(0.4)) step.will = this.will(v5);
		step.eager = random.chance(0.5);
		this.connected[c] = version;
		this.steps.push(step);
	}

	private will(v5: boolean): WillDraft {
		return { ...this.draft(v5), delay: v5 ? this.random.pick([0, 0, 2, 5, 20]) : 0 };
	}

	private draft(v5: boolean): Draft {
		const { random } = this;
		const retain = random.chance(0.3);
		const name = `m${++this.payloads}`;
		const length = random.pick([0, 0, 0, 0, 40, 90, 200]);
		const draft: Draft = {
			topic: random.pick(TOPICS),
			payload: this.alike && random.chance(retain ? 0.25 : 0.03) ? "" : name.padEnd(length, "."),
			qos: random.pick([0, 1, 1, 2, 2]),
			retain,
			properties: v5 && random.chance(0.35) ? this.properties() : {},
		};
		if (v5 && random.chance(0.25)) draft.expiry = random.pick([1, 3, 8, 30]);
		return draft;
	}

	private properties(): Forwarded {
		const { random } = this;
		const result: Forwarded = {};
		if (random.chance(0.5)) result.payloadFormatIndicator = random.chance(0.5);
		if (random.chance(0.4)) result.contentType = random.pick(["text", "text/plain"]);
		if (random.chance(0.4)) result.responseTopic = random.pick(["answer", "answer/1"]);
		if (random.chance(0.4)) result.correlationData = random.pick(["1", "\u0001\u0002"]);
		if (random.chance(0.5))
			result.userProperties = random.pick([{ z: "1", a: "2" }, { a: ["2", "1"], b: "1" }, { b: "x".repeat(30) }]);
		return result;
	}

	private publish(c: number, unread: boolean): void {
		const { random } = this;
		const v5 = this.connected[c] === 5;
		const messages = Array.from({ length: random.pick([1, 1, 1, 1, 2, 5]) }, () => {
			const draft = this.draft(v5);
			if (unread && !this.alike && draft.qos === 1) draft.qos = 2; // it comes again, and looks the same
			if (v5 && random.chance(0.3)) {
				draft.alias = random.between(1, ALIASES);
				draft.short = random.chance(0.6);
			}
			return draft;
		});
		this.steps.push({ op: "publish", client: c, messages, unread });
		if (unread) this.connected[c] = 0;
	}

	private subscribe(c: number): void {
		const { random } = this;
		const v5 = this.connected[c] === 5;
		const { filters } = this.styles[c]!;
		const subscription = (filter: string): Subscription => {
			this.held[c]!.add(filter);
			const shared = filter.startsWith("$share/");
			return {
				filter,
				qos: random.pick([0, 1, 1, 2, 2] as Qos[]),
				noLocal: v5 && !shared && random.chance(0.25),
				retainAsPublished: v5 && random.chance(0.35),
				retainHandling: v5 ? random.pick([0, 0, 1, 2]) : 0,
			};
		};
		const first = random.pick(filters);
		const shared = SHARED.indexOf(first as (typeof SHARED)[number]);
		const step: Step = { op: "subscribe", client: c, subscriptions: [subscription(first)] };
		if (v5 && shared >= 0) step.identifier = SHARED_IDENTIFIERS + shared;
		else if (shared < 0) {
			const plain = filters.filter((filter) => !filter.startsWith("$share/"));
			while (random.chance(0.3)) step.subscriptions.push(subscription(random.pick(plain)));
			if (v5 && random.chance(0.6)) step.identifier = random.between(1, 3);
		}
		this.steps.push(step);
	}

	private unsubscribe(c: number): void {
		const { random } = this;
		const held = [...this.held[c]!];
		const one = () => (held.length > 0 && random.chance(0.85) ? random.pick(held) : random.pick(FILTERS));
		const filters = random.chance(0.3) ? [one(), one()] : [one()];
		for (const filter of filters) this.held[c]!.delete(filter);
		this.steps.push({ op: "unsubscribe", client: c, filters });
	}

	private disconnect(c: number): void {
		const { random } = this;
		const v5 = this.connected[c] === 5;
		const reason = v5 ? random.pick([0, 0, 4, 4, 0x80]) : 0;
		const step: Step = { op: "disconnect", client: c, reason };
		if (v5 && random.chance(0.3)) step.expiry = random.pick([0, 2, 10, NEVER]);
		this.connected[c] = 0;
		this.steps.push(step);
	}

	/** All come back and take what waits for them; then all is cleared. */
	private finish(): void {
		const { steps } = this;
		const every = (make: (client: number, version: 4 | 5) => Step[]) => {
			for (let c = 0; c < this.styles.length; c++) steps.push(...make(c, this.styles[c]!.versions[0]!));
		};
		const plain = { op: "connect", expiry: 100, eager: true } as const;
		every((client, version) => [{ ...plain, client, version, clean: false }]);
		steps.push({ op: "advance", seconds: 20 });
		every((client, version) => [
			{ ...plain, client, version, clean: true, expiry: 0 },
			{ op: "disconnect", client, reason: 0 },
		]);
		const clear = (topic: string): Draft => ({ topic, payload: "", qos: 0, retain: true, properties: {} });
		steps.push(
			{ ...plain, client: 0, version: 4, clean: true, expiry: 0 },
			{ op: "publish", client: 0, messages: TOPICS.map(clear), unread: false },
			{ op: "disconnect", client: 0, reason: 0 },
		);
	}
}
