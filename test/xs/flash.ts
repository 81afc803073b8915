/** On XS: the power goes within a short day, and within what follows when it is back; with the engine's memory. Then
 *  what a journal keeps, and what its work costs. */
import config from "mc/config";
import { VirtualFlash } from "../../host-sim/sim/flash.js";
import { Journal } from "../../src/storage/journal.js";
import { journalLimits, journalMemory } from "../../src/storage/journal-limits.js";
import { Harness, SMALL, same, type Table } from "../storage/harness.js";
import { Script } from "../storage/script.js";
import { costOf, keptBy, report } from "./measure.js";

const limits = { ...SMALL, records: 24 };
const DAY_BATCHES = 12;

/** Plays until the power goes, or to the end. */
function play(harness: Harness, script: Script, batches: number): void {
	for (let i = 0; i < batches && !harness.flash.dark; i++) script.play(harness);
}

/** Brings the power back. @param cut bytes after which it goes again @returns whether it went at once */
function restart(harness: Harness, cut: number): boolean {
	const states = harness.states.slice(harness.durable);
	harness.errors.length = 0;
	harness.flash.restore();
	harness.flash.cutAfter(cut, cut % 2 === 0 ? "clean" : "smeared");
	try {
		harness.remount();
	} catch {
		harness.states.length = 0;
		for (let i = 0; i < states.length; i++) harness.states.push(states[i]!);
		harness.durable = 0;
		return true;
	}
	if (!isOneOf(harness.state, states)) throw new Error("neither before a batch nor after it");
	return false;
}

function isOneOf(table: Table, states: readonly Table[]): boolean {
	for (let i = 0; i < states.length; i++) if (same(table, states[i]!)) return true;
	return false;
}

function day(cut: number): Harness {
	const flash = new VirtualFlash({ sectors: 8, sectorBytes: 512, seed: cut + 1 });
	flash.cutAfter(cut, cut % 2 === 0 ? "smeared" : "clean");
	const harness = new Harness(flash, limits);
	harness.settle();
	play(harness, new Script(1, 8, 150), DAY_BATCHES);
	if (!harness.flash.dark) harness.settle();
	return harness;
}

const bytes = day(1_000_000).flash.bytesProgrammed;
let cuts = 0;
for (let cut = 130; cut < bytes; cut += Number(config.every ?? 5)) {
	const harness = day(cut);
	restart(harness, 5 + ((cut * 7) % 500));
	play(harness, new Script(cut, 8, 100), 3);
	restart(harness, 1_000_000);
	if (!harness.change([[1, "at the end"]])) throw new Error("there is room");
	harness.settle();
	const end = harness.state;
	harness.remount();
	if (!same(harness.state, end)) throw new Error("the last batch");
	cuts++;
}
report("cuts", { cuts, bytes });
host.gc();

const flash = new VirtualFlash({ sectors: 8, sectorBytes: 4_096 });
const board = { ...journalLimits, intervalMs: 0, bytesPerDay: 0, valueBytes: 4_096 };
let now = 0;
const make = (): Journal => new Journal({ flash, limits: board, now: () => now, random: () => 1 });
const kept = keptBy(make);
report("kept", { slots: kept.slots, chunkBytes: kept.chunkBytes, planned: journalMemory(flash, board) });
const journal = kept.value;
function settle(): void {
	for (let i = 0; i < 20; i++) now += Math.min(journal.step(), 500);
}
settle();
const value = new Uint8Array(100).fill(65);
let key = 0;
function write(): void {
	journal.put(key++ & 63, value, 0, 100);
	journal.commit();
	journal.step();
	journal.step();
}
for (let i = 0; i < 100; i++) {
	write();
	settle();
}
report("100 bytes", costOf(write, 10));
report("start", { used: journal.bytesUsed, ...costOf(make, 1) });
host.exit(0);
