/** Ten years of a house on a virtual flash of 64 KB: 40 devices, each with a discovery config and a value every 30 s,
 *  as the broker stores them; and one without a bound on bytes a day. `--cuts`, or `--cuts=BATCHES`:
 *  the power cut at each byte of a day, and at each byte of every recovery; some ten seconds a batch. */
import { TYPICAL, VirtualFlash, WORST } from "../../host-sim/sim/flash.js";
import { Journal } from "../../src/storage/journal.js";
import { type JournalLimits, journalLimits, journalMemory } from "../../src/storage/journal-limits.js";
import { cutEverywhere } from "../storage/cuts.js";
import { SMALL } from "../storage/harness.js";
import { Script } from "../storage/script.js";

const DAY_MS = 86_400_000;
const DEVICES = 40;
const CONFIG_BYTES = 350;
const EVERY_MS = 30_000;

interface House {
	name: string;
	limits: JournalLimits;
	/** ms in which the broker merges changes before it gives them to the journal */
	mergeMs: number;
	days: number;
}

/** Keys as the broker numbers them: a message, and the Retained Message that leads to it. */
const MESSAGE = 0x40000000;
const RETAINED = 0x60000000;
const CLOCK = 1;

const record = new Uint8Array(512).fill(0x41);

/** A house whose values change all the time. */
class Simulation {
	readonly flash = new VirtualFlash({ sectors: 16 });
	now = 0;
	batch = 0;
	durable = 0;
	/** the greatest busy time of the flash in one call, ms, and the same without erases */
	worst = 0;
	worstWithout = 0;
	refused = 0;
	puts = 0;
	private readonly journal: Journal;
	private turn = 0;

	constructor(private readonly house: House) {
		this.journal = new Journal({ flash: this.flash, limits: house.limits, now: () => this.now, random: () => 7 });
		this.journal.open({ onDurable: (batch) => (this.durable = batch), onStorageError: () => {} });
		this.rest(1_000);
		for (let i = 0; i < DEVICES; i++) this.store(2 * DEVICES + i, 2 * DEVICES + i, CONFIG_BYTES);
	}

	/** Lets the journal work for a time. */
	private rest(ms: number): void {
		const end = this.now + ms;
		while (this.now < end) {
			const wait = this.timed(() => this.journal.step());
			this.now += Math.min(Math.max(wait, 1), end - this.now);
		}
	}

	private timed<T>(action: () => T): T {
		const { ms } = this.flash;
		const { erases } = this.journal.counters;
		const result = action();
		const took = this.flash.ms - ms;
		if (took > this.worst) this.worst = took;
		if (this.journal.counters.erases === erases && took > this.worstWithout) this.worstWithout = took;
		return result;
	}

	/** A batch of its own. */
	private store(message: number, retained: number, bytes: number): void {
		this.put(MESSAGE + message, 14 + 30 + bytes);
		this.put(RETAINED + retained, 4);
		this.commit();
		this.rest(1_000);
	}

	private put(key: number, bytes: number): void {
		this.puts++;
		record[0] = this.puts;
		record[1] = this.puts >> 8;
		if (!this.timed(() => this.journal.put(key, record, 0, bytes))) this.refused++;
	}

	private commit(): void {
		this.batch = this.journal.commit();
	}

	/** All values changed since the last batch: each is a new message, whose number the one before the last had. */
	private changeAll(): void {
		const { refused } = this;
		this.turn = 1 - this.turn;
		for (let i = 0; i < DEVICES; i++) {
			const old = DEVICES * (1 - this.turn) + i;
			this.timed(() => this.journal.delete(MESSAGE + old));
		}
		for (let i = 0; i < DEVICES; i++) {
			this.put(MESSAGE + DEVICES * this.turn + i, 14 + 30 + 8);
			this.put(RETAINED + i, 4);
		}
		this.put(CLOCK, 16);
		if (this.refused === refused) return this.commit();
		// the same again when there is room
		this.journal.rollback();
		this.turn = 1 - this.turn;
	}

	run(): void {
		const { house } = this;
		const end = house.days * DAY_MS;
		let sampled = 0;
		while (this.now < end) {
			// between two batches a value that changes only marks its entry: it costs the flash nothing
			const { batch } = this;
			if (this.durable === batch) this.changeAll();
			if (this.batch > batch) sampled++;
			this.rest(house.mergeMs);
		}
		this.report(sampled);
	}

	private report(batches: number): void {
		const { flash, house, journal } = this;
		const { counters } = journal;
		const sum = flash.erases.reduce((a, b) => a + b, 0);
		const max = Math.max(...flash.erases);
		const mean = sum / flash.sectors;
		const years = house.days / 365.25;
		const perDay = counters.bytesWritten / house.days;
		const say = (line: string): void => console.log(`  ${line}`);
		const moved = (100 * counters.bytesMoved) / counters.bytesWritten;
		const between = (house.days * DAY_MS) / batches / 1_000;
		const { endurance } = house.limits;
		console.log(`\n${house.name}: ${years.toFixed(1)} years, ${(house.days * DEVICES * DAY_MS) / EVERY_MS} values`);
		say(`kept: ${journal.bytesUsed} of ${journal.bytesMax} bytes`);
		say(`batches: ${batches}, one each ${between.toFixed(0)} s; ${this.refused} refused`);
		say(`written: ${perDay.toFixed(0)} bytes a day, ${moved.toFixed(0)} % of it to make room`);
		say(`erases of a sector: mean ${mean.toFixed(0)}, max ${max}, max/mean ${(max / mean).toFixed(3)}`);
		say(`worn out after ${((endurance / max) * years).toFixed(0)} years (${endurance} erases)`);
		say(`the journal's own estimate: ${journal.wear.lifeYears.toFixed(0)} years more`);
		say(`longest call: ${this.worstWithout.toFixed(1)} ms of flash time; with an erase ${this.worst.toFixed(1)}`);
	}
}

/** @returns ms that the longest piece of work may take by the part's data sheet */
function longest(times: typeof TYPICAL, limits: JournalLimits): string {
	const pages = limits.pendingBytes / 256 + 1;
	const writeMs = (pages * times.programMs).toFixed(1);
	return `${writeMs} ms to write ${limits.pendingBytes} bytes, ${times.eraseMs} ms to erase`;
}

const quick = process.argv.includes("--quick");
const days = quick ? 60 : 3_653;
const minute: House = { name: "board's limits, merged for 60 s", limits: journalLimits, mergeMs: 60_000, days };
const houses: House[] = [
	minute,
	{
		...minute,
		name: "300,000 bytes a day",
		limits: { ...journalLimits, bytesPerDay: 300_000, intervalMaxMs: 3_600_000 },
	},
	{
		...minute,
		name: "no bound, merged for 30 s",
		limits: { ...journalLimits, bytesPerDay: 0 },
		mergeMs: 30_000,
		days: days / 100,
	},
];
const cuts = process.argv.find((word) => word.startsWith("--cuts"));
if (cuts !== undefined) {
	const batches = Number(cuts.split("=")[1] ?? 60);
	Error.stackTraceLimit = 0;
	const make = () => new VirtualFlash({ sectors: 8, sectorBytes: 512 });
	console.log(cutEverywhere(make, SMALL, new Script(1, 24, 150), batches, "all"));
} else {
	const memory = journalMemory(new VirtualFlash({ sectors: 16 }), journalLimits);
	console.log(`memory: ${memory} bytes`);
	console.log(`a typical part: ${longest(TYPICAL, journalLimits)}`);
	console.log(`at most, by its data sheet: ${longest(WORST, journalLimits)}`);
	for (const house of houses) new Simulation(house).run();
}
