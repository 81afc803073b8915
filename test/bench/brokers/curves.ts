/** How cost grows: the same load with more and more of one thing. */
import { hearth, mosquitto } from "./contenders.js";
import type { Endpoint } from "./links.js";
import { ONE, pairs, type Row } from "./rows.js";
import type { Load } from "./traffic.js";
import { crowd } from "./work.js";

/** A row that is a point of a curve. */
export interface Point extends Row {
	x: number;
}

/** How many messages are under way, of all publishers together, where their number grows. */
const UNDER_WAY = 1_024;

function point(word: string, x: number, text: string, load: Load, others = 0): Point {
	const prepare = (endpoint: Endpoint) => crowd(endpoint, others, 0);
	const options = others === 0 ? {} : { prepare };
	const contenders = () => [hearth(options), mosquitto(options)];
	return { word, x, name: `${x.toLocaleString("en-US")} ${text}`, contenders, work: { kind: "traffic", load } };
}

/** A topic of so many levels. */
function deep(levels: number): string {
	return Array.from({ length: levels }, (_, i) => `level${i}`).join("/");
}

export const CURVES: readonly Point[] = [
	...[1, 10, 100, 1_000].map((x) =>
		point("clients", x, "pairs", { ...pairs(x), inFlight: Math.min(64, Math.ceil(UNDER_WAY / x)) }),
	),
	...[1, 10, 100, 1_000].map((x) =>
		point("receivers", x, "receivers of a message", { ...pairs(1, x), inFlight: Math.max(4, Math.min(64, 3_200 / x)) }),
	),
	...[0, 1_000, 10_000, 100_000].map((x) =>
		point("subscriptions", x, "other subscriptions", { ...pairs(10), filters: pairs(10).topics }, x),
	),
	...[1, 4, 16, 64].map((x) => point("levels", x, "levels", { ...ONE, topics: [deep(x)], filters: [deep(x)] })),
	...[16, 256, 1_024, 4_096, 16_384, 65_536, 262_144].map((x) =>
		point("payload", x, "bytes of payload", {
			...ONE,
			payloadBytes: x,
			inFlight: Math.max(4, Math.min(64, 1_048_576 / x)),
		}),
	),
];

/** What a curve's axis counts, and where it begins. */
export const AXES: Readonly<Record<string, string>> = {
	clients: "pairs of clients",
	receivers: "receivers of a message",
	subscriptions: "other subscriptions",
	levels: "levels of the topic",
	payload: "bytes of payload",
};
