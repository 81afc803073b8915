/** Each board's limits in each board's heaps, on XS: what `hearth budget` says is what the engine keeps, enough stays
 *  free, and traffic leaves nothing behind. The ESP32's are in broker.test.ts. */
import { boardHeaps, boardLimits } from "../../host-sim/boards.js";
import { budgetOf, bytesPerClient, devicesPart, JOURNAL_BOARDS } from "../../host-sim/budget.js";
import { runOnXs, type XsBoard, type XsResult } from "../../scripts/xs.mjs";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "./support.js";

const test = suite("boards on XS");
const missing = await whyNoXs();
const onXs = test.if(missing === undefined, missing ?? "");

/** What each board promises (boards/README.md). */
interface Promised {
	clients: number;
	subscriptions: number;
	retained: number;
	/** bytes */
	store: number;
	packet: number;
	/** of both heaps, when all tables are full */
	free: number;
}

const PROMISES: Readonly<Record<string, Promised>> = {
	esp32: { clients: 16, subscriptions: 128, retained: 64, store: 16_384, packet: 4_096, free: 0.25 },
	esp32s3: { clients: 24, subscriptions: 256, retained: 128, store: 24_576, packet: 8_192, free: 0.25 },
	esp32c3: { clients: 12, subscriptions: 96, retained: 48, store: 8_192, packet: 4_096, free: 0.25 },
	pico_w: { clients: 12, subscriptions: 96, retained: 48, store: 16_384, packet: 4_096, free: 0.25 },
	esp8266: { clients: 4, subscriptions: 24, retained: 8, store: 2_048, packet: 1_024, free: 0.15 },
};

// biome-ignore lint/suspicious/noExplicitAny: what the programs print
const named = (result: XsResult, name: string): any => result.results.find((r) => r.name === name);

function ok(result: XsResult): void {
	assert.is(result.errors, "");
	assert.is(result.status, 0);
	assert.is(result.statistics!.aliasesTouched, 0, "nothing that is in ROM was written to");
}

/** The program that plays clients has its own garbage, for which the smallest board has no room. */
function optionsOf(board: XsBoard): string[] {
	return board === "esp8266" ? ["-S", "131072", "-k", "512"] : [];
}

for (const [name, promised] of Object.entries(PROMISES)) {
	const board = name as XsBoard;
	const { free } = promised;
	const limits = boardLimits(board);
	const heaps = boardHeaps(board)!;

	onXs(`${board}: its limits are what is promised, and its full tables leave ${free * 100} % free`, async () => {
		assert.equal(
			{
				clients: limits.connections,
				subscriptions: limits.subscriptions,
				retained: limits.retained,
				store: limits.blocks * limits.blockBytes,
				packet: limits.packetBytes,
				free,
			},
			{ ...promised, free },
		);
		const result = await runOnXs("test/xs/full.ts", { board, options: optionsOf(board) });
		ok(result);
		const parts = budgetOf(limits);
		const full = named(result, "full");
		for (const heap of ["slots", "chunks"] as const) {
			const planned = parts.reduce((sum, part) => sum + part[heap], 0);
			assert.ok(Math.abs(planned / full[heap] - 1) < 0.1, `${heap}: ${planned} planned, ${full[heap]} kept`);
			assert.ok(full[heap] <= (1 - free) * heaps[heap], `${full[heap]} of ${heaps[heap]} bytes of ${heap}`);
		}
		assert.ok(bytesPerClient(limits) < 2_500, "a connected client takes less than 2.5 KB");
		const tables = named(result, "tables");
		assert.is(tables.sessions, limits.sessions + limits.localSubscriptions);
		assert.is(tables.retained, limits.retained);
		assert.is(tables.routes, limits.routes);
	});

	if (board !== "esp32")
		onXs(`${board}: messages between all its clients leave not one byte`, async () => {
			const result = await runOnXs("test/xs/load-boards.ts", { board, options: optionsOf(board) });
			ok(result);
			const { subscriptions, retained, clients } = named(result, "tables");
			assert.ok(subscriptions >= 0.9 * limits.subscriptions, `${subscriptions} subscriptions`);
			assert.equal({ retained, clients }, { retained: limits.retained, clients: limits.connections });
			const [early, late] = result.results.filter((r) => r.name.startsWith("after"));
			assert.ok(late.delivered > early.delivered);
			assert.equal([late.slots, late.chunks], [early.slots, early.chunks]);
		});
}

/** Devices that are paired, and what stays free of both heaps when they and all tables are full and one more pairs. */
const PAIRED: Readonly<Record<string, { devices: number; free: number }>> = {
	esp32: { devices: 32, free: 0.25 },
	esp32s3: { devices: 48, free: 0.25 },
	esp32c3: { devices: 24, free: 0.2 },
	pico_w: { devices: 24, free: 0.25 },
};

for (const [name, { devices, free }] of Object.entries(PAIRED)) {
	const board = name as XsBoard;
	onXs(`${board}: its ${devices} devices and a pairing leave ${free * 100} % free, with all tables full`, async () => {
		const options = ["-c", "300000", "-s", "14000"]; // two hubs, and what lies in the store
		if (board === "esp32c3" || board === "pico_w") options.unshift("-S", "600000", "-k", "576");
		const keepsJournal = JOURNAL_BOARDS.includes(board);
		const config = keepsJournal ? { store: "journal" } : {};
		const result = await runOnXs("test/xs/board-devices.ts", { board, options, config, timeoutMs: 25_000 });
		ok(result);
		const { count, paired, last } = named(result, "devices");
		assert.equal({ count, paired, last }, { count: devices, paired: "new", last: 4 });
		const planned = devicesPart(devices, keepsJournal);
		const heaps = boardHeaps(board)!;
		const broker = budgetOf(boardLimits(board));
		for (const heap of ["slots", "chunks"] as const) {
			const taken = named(result, "pairing")[heap] - named(result, "alone")[heap];
			assert.ok(Math.abs(planned[heap] / taken - 1) < 0.1, `${heap}: ${planned[heap]} planned, ${taken} taken`);
			const all = broker.reduce((sum, part) => sum + part[heap], Math.max(taken, planned[heap]));
			assert.ok(all <= (1 - free) * heaps[heap], `${all} of ${heaps[heap]} bytes of ${heap}`);
		}
	});
}

test.run();
