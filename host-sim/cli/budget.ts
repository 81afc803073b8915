/** `hearth budget`: what each part of a board's memory is for. */

import { HearthError } from "../../src/errors.js";
import type { Limits } from "../../src/limits.js";
import { capacityBytes } from "../../src/storage/journal-limits.js";
import { boardHeaps, boardLimits, boardNames } from "../boards.js";
import {
	budgetOf,
	bytesPerClient,
	devicesPart,
	type FlashBudget,
	JOURNAL_BOARDS,
	journalFor,
	type Part,
	pagePart,
} from "../budget.js";
import { parseOptions } from "./options.js";

const HELP = `usage: hearth budget [--board NAME] [--flash KB] [--pairing] [--page] [--json]

  --board NAME   ${boardNames().join(", ")} or host (default esp32)
  --flash KB     with a journal on so much flash, 32 to 4096
  --pairing      with devices that are paired, two for each connection
  --page         with the page from the board's flash
  --json         for programs

Bytes of the broker's parts on the XS engine (16-byte slots), all tables full: in the slot heap and in the chunk heap.`;

const SECTOR_BYTES = 4_096;

const OPTIONS = {
	board: { type: "string", default: "esp32" },
	flash: { type: "string" },
	pairing: { type: "boolean", default: false },
	page: { type: "boolean", default: false },
	json: { type: "boolean", default: false },
	verbose: { type: "boolean", default: false },
	help: { type: "boolean", short: "h", default: false },
} as const;

/** @returns the exit code */
export function budget(args: string[]): number {
	const values = parseOptions("budget", args, OPTIONS);
	if (values.help) {
		console.log(HELP);
		return 0;
	}
	const limits = boardLimits(values.board);
	const flash = values.flash === undefined ? undefined : flashBudget(values.flash, limits);
	const parts = budgetOf(limits, flash);
	if (values.pairing) parts.push(devicesPart(2 * limits.connections, JOURNAL_BOARDS.includes(values.board)));
	if (values.page) parts.push(pagePart());
	const slots = parts.reduce((sum, part) => sum + part.slots, 0);
	const chunks = parts.reduce((sum, part) => sum + part.chunks, 0);
	const heaps = boardHeaps(values.board);
	const client = bytesPerClient(limits);
	if (values.json) {
		console.log(JSON.stringify({ board: values.board, parts, slots, chunks, bytes: slots + chunks, client, heaps }));
		return 0;
	}
	console.log(`hearth budget: ${values.board}, bytes with all tables full\n`);
	console.log(line("part", "slots", "chunks", "bytes", "what"));
	for (const part of parts) console.log(row(part));
	console.log(line("sum", text(slots), text(chunks), text(slots + chunks), ""));
	if (heaps !== undefined) {
		console.log(line("heap", text(heaps.slots), text(heaps.chunks), text(heaps.slots + heaps.chunks), "the engine's"));
		const free = (used: number, all: number) => `${Math.floor((100 * (all - used)) / all)} %`;
		console.log(line("free", free(slots, heaps.slots), free(chunks, heaps.chunks), "", ""));
	}
	console.log(
		`\na connected client: ${text(client)} bytes (connection, session, buffers; without the transport's own)`,
	);
	if (flash !== undefined) console.log(flashLine(flash));
	return 0;
}

/** Throws HearthError when it is no size that a journal can have. */
function flashBudget(text: string, limits: Limits): FlashBudget {
	const sectors = Number(text) / (SECTOR_BYTES / 1_024);
	if (!Number.isInteger(sectors) || sectors < 8 || sectors > 1_024)
		throw new HearthError("HEARTH_ERR_OPTION", `budget: --flash ${text}: give kilobytes, 32 to 4096, a multiple of 4`);
	return { sectors, journal: journalFor(limits) };
}

function flashLine({ sectors, journal }: FlashBudget): string {
	const bytes = sectors * SECTOR_BYTES;
	const kept = capacityBytes({ sectors, sectorBytes: SECTOR_BYTES, programBytes: 1 }, journal);
	const years = (bytes * journal.endurance) / journal.bytesPerDay / 365.25;
	return (
		`flash: ${text(bytes)} bytes, of which ${text(kept)} for records; ${text(journal.bytesPerDay)} bytes a day` +
		` wear it out in ${years.toFixed(0)} years (${text(journal.endurance)} erases)`
	);
}

function row(part: Part): string {
	return line(part.name, text(part.slots), text(part.chunks), text(part.slots + part.chunks), part.what);
}

function line(name: string, slots: string, chunks: string, bytes: string, what: string): string {
	return `${name.padEnd(14)}${slots.padStart(12)}${chunks.padStart(14)}${bytes.padStart(14)}  ${what}`.trimEnd();
}

function text(bytes: number): string {
	return bytes.toLocaleString("en-US");
}
