/** The client on the real XS engine with an ESP32's heaps: its memory, its costs, 100,000 messages, and a cut in every
 *  state. */
import { boardHeaps } from "../../host-sim/boards.js";
import { runOnXs, type XsResult } from "../../scripts/xs.mjs";
import { deviceClientLimits } from "../../src/client/client-limits.js";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "./support.js";

const test = suite("the client on XS");
const missing = await whyNoXs();
const onXs = test.if(missing === undefined, missing ?? "");
const heaps = boardHeaps("esp32")!;

// biome-ignore lint/suspicious/noExplicitAny: what the programs print
const named = (result: XsResult, name: string): any => result.results.find((r) => r.name === name);

function ok(result: XsResult): void {
	assert.is(result.errors, "");
	assert.is(result.status, 0);
	assert.is(result.statistics!.aliasesTouched, 0, "nothing that is in ROM was written to");
}

onXs("a client takes less than a third of each heap, a message leaves only its topic as garbage", async () => {
	const result = await runOnXs("test/xs/client-costs.ts");
	ok(result);
	const kept = named(result, "a client keeps");
	assert.ok(kept.slots * 16 <= heaps.slots / 3, `${kept.slots} slots`);
	assert.ok(kept.chunkBytes <= heaps.chunks / 3, `${kept.chunkBytes} bytes of chunks`);
	const most: [string, number, number][] = [
		["QoS 0 out", 1_500, 0],
		["QoS 1 out, with PUBACK and a callback", 6_500, 0],
		["QoS 2 out, with all acknowledgements", 8_500, 0],
		["QoS 0 in", 1_300, 92],
		["QoS 1 in, with PUBACK", 2_100, 92],
		["QoS 2 in, with all acknowledgements", 4_000, 92],
		["5.0, QoS 0 out by a Topic Alias", 1_600, 0],
	];
	for (const [name, opcodes, bytes] of most) {
		const cost = named(result, name);
		assert.ok(cost.opcodes <= opcodes, `${name}: ${cost.opcodes} opcodes`);
		assert.ok(cost.slots * 16 + cost.chunkBytes <= bytes, `${name}: ${cost.slots} slots, ${cost.chunkBytes} bytes`);
	}
	const early = named(result, "after 1000");
	const late = named(result, "after 100000");
	assert.ok(late.heard > 1_000_000);
	assert.is(late.slots, early.slots);
	assert.is(late.chunks, early.chunks);
	assert.is(late.blocks, deviceClientLimits.blocks);
});

onXs(
	"a connection that breaks in any state costs nothing: the client comes back and finishes what was begun",
	async () => {
		const result = await runOnXs("test/xs/client-cuts.ts");
		ok(result);
		const settled: Record<string, number> = {
			"QoS 1 waits for PUBACK": 1,
			"QoS 2 waits for PUBREC": 1,
			"QoS 2 waits for PUBCOMP": 1,
			"a large QoS 1 message is sent in parts": 1,
			"a payload that comes as it is sent is in the middle": 1,
			"a SUBSCRIBE waits for SUBACK": 1,
			"an UNSUBSCRIBE waits for UNSUBACK": 1,
			"the store is full": 13,
		};
		const heard: Record<string, number> = { "QoS 2 has come, and not PUBREL": 1, "reading is paused": 1 };
		assert.is(result.results.length, 20);
		for (const r of result.results) {
			const left = { connected: r.connected, waiting: r.waiting, free: r.free, errors: r.errors };
			assert.equal(left, { connected: true, waiting: 0, free: deviceClientLimits.blocks, errors: 0 }, r.name);
			assert.is(r.settled, settled[r.name] ?? 0, `${r.name}: settled`);
			assert.is(r.heard, heard[r.name] ?? 0, `${r.name}: heard`);
		}
	},
);

test.run();
