/** Measures a row: all contenders in turn, round after round, so that what disturbs the machine disturbs each. */
import { type Spread, spread } from "../rounds.js";
import type { Contender, Running } from "./contenders.js";
import type { Link } from "./links.js";
import type { Goal, Measure, Row } from "./rows.js";
import { type Figures, work } from "./work.js";

export interface Pace {
	/** rounds that count */
	rounds: number;
	/** rounds before them, at the most: they end when a broker's cost no longer falls, as compilers make it fall */
	warm: number;
	/** a round's time */
	ms: number;
	/** only who the goal is about */
	goalOnly?: boolean;
}

/** Rounds in a row in which a broker's cost no longer falls, until it is warm: one may be a disturbed one. */
const STEADY = 3;

export interface ContenderResult extends Figures {
	name: string;
	/** the load's process hardly ever waited: the broker could do more */
	loadIsTheLimit: boolean;
	/** its figure (what the goal is about; CPU by default) over that of the first contender; absent for the first */
	over?: Spread;
	/** each round's */
	rounds: Figures[];
}

export interface RowResult {
	word: string;
	name: string;
	note?: string;
	x?: number;
	contenders: ContenderResult[];
	leftOut: { name: string; reason: string }[];
	goal?: Goal & { measured: Spread; reached: boolean };
}

/** From here on the load's process is what limits. */
const BUSY = 0.95;

interface Contestant {
	contender: Contender;
	running: Running;
	links: Link[];
	rounds: Figures[];
}

/** @param tell is told of each step */
export async function measure(row: Row, pace: Pace, tell: (step: string) => void): Promise<RowResult> {
	const leftOut: RowResult["leftOut"] = [];
	const contestants: Contestant[] = [];
	try {
		tell("starts");
		const contenders = row.contenders().slice(0, pace.goalOnly ? neededFor(row.goal) : undefined);
		const started = await Promise.allSettled(contenders.map((contender) => contender.start()));
		for (const [i, contender] of contenders.entries()) {
			const one = started[i]!;
			if (one.status === "rejected") await drop(contestants, contender, leftOut, one.reason);
			else contestants.push({ contender, running: one.value, links: [], rounds: [] });
		}
		for (const one of [...contestants]) await prepare(one, row, pace, contestants, leftOut, tell);
		const rounds = await play(row, pace, contestants, leftOut, tell);
		return conclude(row, rounds, leftOut);
	} finally {
		for (const one of contestants) await end(one);
	}
}

/** Whatever comes before anything is measured. */
async function prepare(
	one: Contestant,
	row: Row,
	{ warm, ms }: Pace,
	contestants: Contestant[],
	leftOut: RowResult["leftOut"],
	tell: (step: string) => void,
): Promise<void> {
	const { contender, running } = one;
	tell(`prepares ${contender.name}`);
	try {
		one.links = (await contender.prepare?.(running.endpoint)) ?? [];
		if (row.work.kind === "idle") return;
		let least = Number.POSITIVE_INFINITY;
		const most = contender.compiled ? 1 : warm;
		for (let round = 0, steady = 0; round < most && steady < STEADY; round++) {
			tell(`warms ${contender.name}`);
			const { cpu } = await work(running, row.work, ms);
			steady = cpu < 0.95 * least ? 0 : steady + 1;
			least = Math.min(least, cpu);
		}
	} catch (error) {
		await drop(contestants, contender, leftOut, error);
	}
}

async function end({ links, running }: Contestant): Promise<void> {
	for (const link of links) link.end();
	await running.stop("SIGKILL");
}

/** A contender that fails is left out; the others go on. */
async function drop(all: Contestant[], contender: Contender, leftOut: RowResult["leftOut"], error: unknown) {
	leftOut.push({ name: contender.name, reason: error instanceof Error ? error.message : String(error) });
	const index = all.findIndex((one) => one.contender === contender);
	if (index >= 0) await end(all.splice(index, 1)[0]!);
}

async function play(
	row: Row,
	{ rounds, ms }: Pace,
	contestants: Contestant[],
	leftOut: RowResult["leftOut"],
	tell: (step: string) => void,
): Promise<Contestant[]> {
	// each in a process of its own, which takes its time, and differs little
	const fresh = row.work.kind === "idle";
	const count = fresh ? Math.ceil(rounds / 3) : rounds;
	for (let round = 0; round < count; round++) {
		// each begins a round as often as the others
		const turn = round % Math.max(1, contestants.length);
		for (const one of [...contestants.slice(turn), ...contestants.slice(0, turn)]) {
			tell(`round ${round + 1} of ${count}, ${one.contender.name}`);
			try {
				one.rounds.push(await work(one.running, row.work, ms));
				if (!fresh || round + 1 === count) continue;
				await one.running.stop("SIGKILL");
				one.running = await one.contender.start();
			} catch (error) {
				await drop(contestants, one.contender, leftOut, error);
			}
		}
	}
	return contestants;
}

const FIELDS: Readonly<Record<Measure, keyof Figures>> = {
	cpu: "cpu",
	latency: "p50",
	rate: "rate",
	memory: "memory",
};

/** @returns each round's quotient of two contenders' figures */
export function quotients(over: readonly Figures[], under: readonly Figures[], field: keyof Figures): number[] {
	const both = Math.min(over.length, under.length);
	return Array.from({ length: both }, (_, i) => over[i]![field] / under[i]![field]);
}

function conclude(row: Row, all: readonly Contestant[], leftOut: RowResult["leftOut"]): RowResult {
	const field = FIELDS[row.goal?.measure ?? "cpu"];
	const contenders = all.map(({ contender, rounds }, i): ContenderResult => {
		const middle = (name: keyof Figures) => spread(rounds.map((figures) => figures[name])).median;
		const sum = (name: keyof Figures) => rounds.reduce((all, figures) => all + figures[name], 0);
		return {
			name: contender.name,
			rate: middle("rate"),
			cpu: middle("cpu"),
			p50: middle("p50"),
			p99: middle("p99"),
			memory: middle("memory"),
			lost: sum("lost"),
			repeated: sum("repeated"),
			busy: middle("busy"),
			loadIsTheLimit: middle("busy") > BUSY,
			...(i === 0 ? {} : { over: spread(quotients(rounds, all[0]!.rounds, field)) }),
			rounds,
		};
	});
	const { word, name, note, x, goal } = row;
	const measured = goal === undefined ? undefined : judge(goal, contenders);
	return {
		word,
		name,
		...(note === undefined ? {} : { note }),
		...(x === undefined ? {} : { x }),
		contenders,
		leftOut,
		...(goal === undefined || measured === undefined
			? {}
			: { goal: { ...goal, measured, reached: reaches(goal, measured.median) } }),
	};
}

/** @returns how many of a row's contenders its goal is about, the first ones */
function neededFor(goal: Goal | undefined): number | undefined {
	switch (goal?.against) {
		case "none":
			return 1;
		case "self":
		case "mosquitto":
			return 2;
		default:
			return undefined;
	}
}

export function reaches({ least, most }: Goal, value: number): boolean {
	return (least === undefined || value >= least) && (most === undefined || value <= most);
}

/** @returns what the goal is held against; undefined: who it needs is not there */
export function judge(goal: Goal, contenders: readonly ContenderResult[]): Spread | undefined {
	const field = FIELDS[goal.measure];
	const [ours, second, ...others] = contenders;
	if (ours?.name.startsWith("hearth") !== true) return undefined;
	if (goal.against === "none") return spread(ours.rounds.map((figures) => figures[field]));
	if (second === undefined) return undefined;
	if (goal.against === "self") return second.name.startsWith("hearth") ? second.over : undefined;
	if (goal.against === "mosquitto")
		return second.name.startsWith("mosquitto") ? spread(quotients(ours.rounds, second.rounds, field)) : undefined;
	// the best rival of each round
	const rivals = [second, ...others].filter(({ name }) => !name.startsWith("hearth"));
	const rounds = ours.rounds.map((figures, i) => {
		const values = rivals.flatMap((rival) => rival.rounds[i]?.[field] ?? []);
		return goal.measure === "rate" ? figures[field] / Math.max(...values) : Math.min(...values) / figures[field];
	});
	return rivals.length === 0 ? undefined : spread(rounds);
}
