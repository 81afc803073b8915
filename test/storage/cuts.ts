/** Cuts the power at every byte of every write of a day, and again at every byte of what a recovery writes. */
import { ERASE_STEPS, PowerCut, type Tear, type VirtualFlash } from "../../host-sim/sim/flash.js";
import type { JournalLimits } from "../../src/storage/journal-limits.js";
import { Harness, same, type Table, tableOf } from "./harness.js";
import type { Script } from "./script.js";

const TEARS: readonly Tear[] = ["clean", "smeared"];

/** Calls before each write of a harness's flash, with what does the same to another flash, and how many cuts it has. */
function watch(flash: VirtualFlash, cut: (redo: (other: VirtualFlash) => void, cuts: number) => void): Failure {
	const failure: Failure = { error: undefined };
	const found: typeof cut = (redo, cuts) => {
		try {
			cut(redo, cuts);
		} catch (error) {
			failure.error ??= error; // the journal would take it for the flash's
		}
	};
	flash.beforeProgram = (at, bytes, start, end) => {
		const copy = bytes.slice(start, end);
		found((other) => other.program(at, copy, 0, copy.length), end - start);
	};
	flash.beforeErase = (sector) => found((other) => other.erase(sector), ERASE_STEPS);
	return failure;
}

/** What a watcher threw. */
interface Failure {
	error: unknown;
}

function rethrow(failure: Failure): void {
	if (failure.error !== undefined) throw failure.error;
}

/** @returns the flash after its power went within a write */
function torn(flash: VirtualFlash, redo: (other: VirtualFlash) => void, cut: number, tear: Tear): VirtualFlash {
	const other = flash.clone();
	other.cutAfter(cut, tear);
	try {
		redo(other);
		throw new Error("the power did not go");
	} catch (error) {
		if (!(error instanceof PowerCut)) throw error;
	}
	other.restore();
	return other;
}

/** @returns whether the table is one of those between two batches */
function isOneOf(table: Table, states: readonly Table[], first: number, last: number): boolean {
	for (let i = first; i <= last; i++) if (same(table, states[i]!)) return true;
	return false;
}

function holds(condition: boolean, where: string): void {
	if (!condition) throw new Error(where);
}

/** Plays a day, and cuts it everywhere.
 *  @param recover which cuts' recoveries are cut, too: one of each write, or all
 *  @returns how many cuts there were, and how many during recoveries */
export function cutEverywhere(
	make: () => VirtualFlash,
	limits: JournalLimits,
	script: Script,
	batches: number,
	recover: "none" | "one" | "all",
): { cuts: number; again: number; writes: number } {
	const day = new Harness(make(), limits);
	const counts = { cuts: 0, again: 0, writes: 0 };
	const failure = watch(day.flash, (redo, cuts) => {
		counts.writes++;
		for (let cut = 0; cut < cuts; cut++)
			for (const tear of TEARS) {
				counts.cuts++;
				const flash = torn(day.flash, redo, cut, tear);
				// one of each write, each time elsewhere
				const chosen = cut === counts.writes % cuts && tear === TEARS[counts.writes % 2];
				const again = recover === "all" || (recover === "one" && chosen);
				const after = new Harness(again ? flash.clone() : flash, limits);
				const where = `write ${counts.writes}, cut ${cut} of ${cuts}, ${tear}`;
				const table = tableOf(after.journal);
				holds(isOneOf(table, day.states, day.durable, day.committed), where);
				if (again) counts.again += cutRecovery(flash, limits, table, where);
			}
	});
	day.settle();
	for (let i = 0; i < batches; i++) script.play(day);
	day.settle();
	rethrow(failure);
	holds(same(tableOf(day.journal), day.state), "the day's end");
	return counts;
}

/** Starts again after a cut, adds a batch, and cuts all that everywhere. @returns how often */
function cutRecovery(flash: VirtualFlash, limits: JournalLimits, before: Table, where: string): number {
	let count = 0;
	let harness: Harness | undefined;
	const states = [before];
	const failure = watch(flash, (redo, cuts) => {
		for (let cut = 0; cut < cuts; cut++) {
			const tear = TEARS[count++ % 2]!;
			const again = new Harness(torn(flash, redo, cut, tear), limits);
			const first = harness?.durable ?? 0;
			const known = harness?.states ?? states;
			const found = isOneOf(tableOf(again.journal), known, first, known.length - 1);
			holds(found, `${where}, then cut ${cut} of ${cuts}, ${tear}`);
		}
	});
	harness = new Harness(flash, limits, before);
	harness.settle();
	const changes = [
		[3, "after the cut"],
		[4, undefined],
	] as const;
	holds(harness.change(changes), `${where}: there is room`);
	harness.settle();
	holds(same(tableOf(harness.journal), harness.state), where);
	flash.beforeProgram = flash.beforeErase = undefined;
	rethrow(failure);
	const end = harness.state;
	harness.remount();
	holds(same(harness.state, end), where);
	return count;
}
