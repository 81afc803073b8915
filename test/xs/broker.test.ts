/** The broker on the real XS engine with an ESP32's limits and heaps: full tables, 100,000 messages, overflows, the
 *  budget, and real clients over TCP. */
import { boardHeaps, boardLimits } from "../../host-sim/boards.js";
import { budgetOf, bytesPerClient } from "../../host-sim/budget.js";
import { runOnXs, type XsResult } from "../../scripts/xs.mjs";
import { assert, suite } from "../support/test.js";
import { playInterop, whyNoMosquitto } from "./interop.js";
import { whyNoXs } from "./support.js";

const test = suite("broker on XS, full");
const missing = await whyNoXs();
const onXs = test.if(missing === undefined, missing ?? "");
const limits = boardLimits("esp32");
const heaps = boardHeaps("esp32")!;

// biome-ignore lint/suspicious/noExplicitAny: what the programs print
const named = (result: XsResult, name: string): any => result.results.find((r) => r.name === name);

function ok(result: XsResult): void {
	assert.is(result.errors, "");
	assert.is(result.status, 0);
	assert.is(result.statistics!.aliasesTouched, 0, "nothing that is in ROM was written to");
	assert.is(result.statistics!.keys, 0, "no property name was made at run time");
}

onXs("100,000 messages between 16 clients leave not one byte, and a quarter of both heaps is free", async () => {
	const result = await runOnXs("test/xs/load.ts");
	ok(result);
	assert.equal(named(result, "tables"), { name: "tables", subscriptions: 128, retained: 64, clients: 16 });
	const early = named(result, "after 1000");
	const late = named(result, "after 100000");
	assert.ok(late.delivered > 100_000);
	assert.is(late.slots, early.slots);
	assert.is(late.chunks, early.chunks);
	assert.ok(late.slots * 16 <= 0.75 * heaps.slots, `${late.slots} slots`);
	assert.ok(late.chunks <= 0.75 * heaps.chunks, `${late.chunks} bytes of chunks`);
});

onXs(
	"the budget agrees with what a full broker keeps within 10 %, and leaves a quarter of both heaps free",
	async () => {
		const result = await runOnXs("test/xs/full.ts");
		ok(result);
		const parts = budgetOf(limits);
		const full = named(result, "full");
		for (const heap of ["slots", "chunks"] as const) {
			const planned = parts.reduce((sum, part) => sum + part[heap], 0);
			assert.ok(Math.abs(planned / full[heap] - 1) < 0.1, `${heap}: ${planned} planned, ${full[heap]} kept`);
			assert.ok(full[heap] <= 0.75 * heaps[heap], `${full[heap]} bytes of ${heap}`);
		}
		assert.ok(bytesPerClient(limits) < 2_500, "a connected client takes less than 2.5 KB");
		const tables = named(result, "tables");
		assert.is(tables.sessions, limits.sessions + limits.localSubscriptions);
		assert.is(tables.nodes, limits.filterNodes);
		assert.is(tables.retained, limits.retained);
		assert.is(tables.routes, limits.routes);
	},
);

onXs("each limit's overflow is answered and counted, and the broker lives", async () => {
	const result = await runOnXs("test/xs/overflow.ts");
	assert.is(result.errors, "");
	assert.is(result.status, 0);
	const expected: [string, object][] = [
		["connected", { count: 16 }],
		["one too many clients", { code: 3, count: 16 }],
		["strangers", { taken: 5 }],
		["strangers are gone", { count: 16 }],
		["a long filter", { code: 0x80 }],
		["a deep filter", { code: 0x80 }],
		["a filter of 2,000 levels", { code: 0x80 }],
		["unsubscribed", { count: 0, nodes: 0 }],
		["retained", { count: 64, dropped: 136 }],
		["retained deleted", { count: 0, blocks: limits.blocks }],
		["a packet of 256 MB", { open: false }],
		["the largest packet", { open: true }],
		["one byte more", { open: false }],
		["a long topic", { open: false }],
		["a long Client Identifier", { code: 2 }],
		["QoS 2 without PUBREL", { open: false }],
		["garbage", { internalErrors: 0 }],
	];
	for (const [name, values] of expected) assert.equal(named(result, name), { name, ...values }, name);
	assert.ok(named(result, "subscriptions").refused > 0);
	assert.ok(named(result, "subscriptions").nodes <= limits.filterNodes);
	assert.ok(named(result, "many long paths").bytes <= limits.filterBytes);
	assert.is(named(result, "queue").count, limits.queueMessages);
	assert.ok(named(result, "queue").bytes <= limits.queueBytes);
	assert.ok(named(result, "unfinished packets").back, "their blocks came back");
	assert.is(named(result, "alive").delivered, 1);
	assert.ok(named(result, "alive").causes > 10);
});

onXs("the deepest calls that a peer can cause leave a tenth of the stack free", async () => {
	const result = await runOnXs("test/xs/depth.ts");
	ok(result);
	assert.is(named(result, "published").received, 3);
	assert.is(result.results.filter((r) => r.name === "connected").at(-1).wills, 2);
	assert.equal(named(result, "authenticated"), { name: "authenticated", clients: 7, exchanges: 0 });
	assert.is(named(result, "shared").again, 4 + 6, "what the first had, then what the second had with its part of that");
	const { stackPeak, stackSlots } = result.statistics!;
	assert.ok(stackPeak <= 0.9 * stackSlots, `${stackPeak} of ${stackSlots} slots`);
});

const noMosquitto = whyNoMosquitto();

test.if(missing === undefined && noMosquitto === undefined, missing ?? noMosquitto ?? "")(
	"mosquitto_pub, mosquitto_sub and 14 clients of MQTT.js talk through it",
	async () => ok(await playInterop()),
);

test.run();
