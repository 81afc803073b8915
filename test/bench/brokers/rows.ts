/** What is measured: each row a load, who is compared, and the goal. */
import { mkdirSync } from "node:fs";
import { aedes, type Contender, hearth, hearthControlled, mosquitto, newPath, USER, userFiles } from "./contenders.js";
import type { Endpoint, Link } from "./links.js";
import type { Load } from "./traffic.js";
import { crowd, type Work } from "./work.js";

/** What a goal is about: CPU a message, latency, what is acknowledged a second, an idle connection's memory. */
export type Measure = "cpu" | "latency" | "rate" | "memory";

export interface Goal {
	measure: Measure;
	/** "rivals": the best rival's CPU over ours, or our rate over the best's. "self": ours with something over ours
	 *  without. "mosquitto": ours over Mosquitto's. "none": our own figure. */
	against: "rivals" | "self" | "mosquitto" | "none";
	least?: number;
	most?: number;
}

export interface Row {
	/** a word that selects it */
	word: string;
	name: string;
	goal?: Goal;
	/** the first is Hearth; with a goal against "self" the second is, too, with something */
	contenders: () => readonly Contender[];
	work: Work;
	/** what a reader should know */
	note?: string;
	/** where it stands in a curve */
	x?: number;
}

const PAYLOAD_BYTES = 64;

/** The simplest load: one publisher, one receiver, QoS 0, 64 messages under way. */
export const ONE: Load = {
	topics: ["bench/floor/room/0"],
	filters: ["bench/floor/room/0"],
	copies: 1,
	inFlight: 64,
	qos: 0,
	payloadBytes: PAYLOAD_BYTES,
	version: 4,
};

/** @returns `count` publishers, each with a topic and receivers of its own */
export function pairs(count: number, receivers = 1): Load {
	const topics = Array.from({ length: count }, (_, i) => `bench/floor/room/${i}`);
	return { ...ONE, topics, filters: topics.flatMap((topic) => Array(receivers).fill(topic)), copies: receivers };
}

const ten = pairs(10);
const all = (): Contender[] => [hearth(), mosquitto(), aedes()];
const atLeast = (least: number): Goal => ({ measure: "cpu", against: "rivals", least });
const atMost = (most: number): Goal => ({ measure: "cpu", against: "self", most });

function withRights(): Contender[] {
	const { users, rights } = userFiles();
	const more = ["--password-file", users, "--acl-file", rights];
	return [
		hearth(),
		hearth({ name: "hearth, rights", user: USER, more }),
		mosquitto({ name: "mosquitto, rights", user: USER, more: [`password_file ${users}`, `acl_file ${rights}`] }),
	];
}

const prepare = (endpoint: Endpoint): Promise<Link[]> => crowd(endpoint, 100_000, 10_000);

function durable(): Contender[] {
	const path = newPath("mosquitto-data");
	mkdirSync(path);
	const lines = ["persistence true", `persistence_location ${path}/`, "autosave_interval 1"];
	lines.push("autosave_on_changes true", "max_queued_messages 0", "max_inflight_messages 0");
	return [
		hearth({ more: ["--data", newPath("hearth-data"), "--durability", "acknowledged"] }),
		mosquitto({ more: lines }),
	];
}

export const ROWS: readonly Row[] = [
	{
		word: "one",
		name: "1 → 1, QoS 0",
		goal: atLeast(6),
		contenders: all,
		work: { kind: "traffic", load: ONE },
	},
	{
		word: "pairs",
		name: "10 → 10, QoS 0",
		goal: atLeast(8),
		contenders: all,
		work: { kind: "traffic", load: ten },
	},
	{
		word: "fan-out",
		name: "1 → 50, QoS 0",
		goal: atLeast(5),
		contenders: all,
		work: { kind: "traffic", load: pairs(1, 50) },
	},
	{
		word: "fan-in",
		name: "20 → 1, QoS 0",
		goal: atLeast(6),
		contenders: all,
		work: { kind: "traffic", load: { ...pairs(20), filters: ["bench/floor/room/+"] } },
	},
	{
		word: "qos1",
		name: "10 → 10, QoS 1",
		goal: atLeast(5),
		contenders: all,
		work: { kind: "traffic", load: { ...ten, qos: 1 } },
	},
	{
		word: "qos2",
		name: "10 → 10, QoS 2, 20 under way",
		goal: atLeast(5),
		contenders: all,
		work: { kind: "traffic", load: { ...ten, qos: 2, inFlight: 20 } },
		note: "Mosquitto answers no more than 20 of a publisher's at once.",
	},
	{
		word: "latency",
		name: "1 → 1, one under way: p50",
		goal: { measure: "latency", against: "mosquitto", most: 1.05 },
		contenders: () => [hearth(), mosquitto({ more: ["set_tcp_nodelay true"] }), aedes()],
		work: { kind: "traffic", load: { ...ONE, inFlight: 1 } },
		note: "Mosquitto with set_tcp_nodelay, which it is faster with here.",
	},
	{
		word: "v5",
		name: "10 → 10, 5.0, alias and properties",
		goal: atLeast(6),
		contenders: () => [hearth(), mosquitto()],
		work: { kind: "traffic", load: { ...ten, version: 5 } },
		note: "Aedes has no 5.0.",
	},
	{
		word: "crowd",
		name: "10 → 10 in a crowd",
		goal: atMost(1.2),
		contenders: () => [
			hearth(),
			hearth({ name: "hearth, crowd", prepare }),
			mosquitto({ name: "mosquitto, crowd", prepare }),
			aedes({ name: "aedes, crowd", prepare }),
		],
		work: { kind: "traffic", load: { ...ten, filters: ten.topics.map((_, i) => `bench/+/+/${i}`) } },
		note: "10,000 Retained Messages and 100,000 other subscriptions, two thirds with wildcards, at each of 4 levels.",
	},
	{
		word: "shared",
		name: "10 → a group of 10",
		goal: atLeast(5),
		contenders: () => [hearth(), mosquitto()],
		work: {
			kind: "traffic",
			load: { ...ten, filters: Array(10).fill("$share/group/bench/floor/room/+"), shared: true },
		},
		note: "Aedes has no Shared Subscriptions.",
	},
	{
		word: "tls",
		name: "10 → 10, TLS",
		goal: atLeast(1.5),
		contenders: () => [hearth({ carrier: "tls" }), mosquitto({ carrier: "tls" }), aedes({ carrier: "tls" })],
		work: { kind: "traffic", load: ten },
	},
	{
		word: "websocket",
		name: "10 → 10, WebSocket",
		goal: atLeast(2),
		contenders: () => [hearth({ carrier: "ws" }), mosquitto({ carrier: "ws" }), aedes({ carrier: "ws" })],
		work: { kind: "traffic", load: ten },
	},
	{
		word: "1k",
		name: "10 → 10, 1 KB",
		goal: atLeast(3),
		contenders: all,
		work: { kind: "traffic", load: { ...ten, payloadBytes: 1_024 } },
	},
	{
		word: "64k",
		name: "10 → 10, 64 KB, 8 under way",
		goal: atLeast(1),
		contenders: all,
		work: { kind: "traffic", load: { ...ten, payloadBytes: 65_536, inFlight: 8 } },
	},
	{
		word: "churn",
		name: "connect, subscribe, disconnect",
		goal: atLeast(1),
		contenders: all,
		work: { kind: "churn", clients: 10 },
		note: "10 at a time; a message is a connection.",
	},
	{
		word: "idle",
		name: "an idle connection's memory",
		goal: { measure: "memory", against: "none", most: 4.4 * 1_024 },
		contenders: () => [hearth({ collects: true }), mosquitto(), aedes({ collects: true })],
		work: { kind: "idle", connections: 5_000 },
		note: "What the process grows by, with its garbage collected before and after.",
	},
	{
		word: "durable",
		name: "10 publishers, QoS 1, durable",
		goal: { measure: "rate", against: "rivals", least: 3 },
		contenders: durable,
		work: { kind: "durable" },
		note: "Acknowledged, each retained and queued for a session that is away. Mosquitto saves at each change.",
	},
	{
		word: "rights",
		name: "10 → 10, rights on",
		goal: atMost(1.1),
		contenders: withRights,
		work: { kind: "traffic", load: ten },
		note: "A user with 20 rules.",
	},
	{
		word: "controller",
		name: "10 → 10, a controller on",
		goal: atMost(1.1),
		contenders: () => [
			hearth(),
			hearthControlled("hearth, controller", ["connect", "subscribe", "disconnect"]),
			hearthControlled("… of each PUBLISH", ["publish"]),
		],
		work: { kind: "traffic", load: ten },
		note: "The second one looks at CONNECT, SUBSCRIBE and DISCONNECT, the third at each PUBLISH.",
	},
];
