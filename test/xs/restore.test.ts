/** A storage as full as an ESP32's limits allow is taken up within its heap, and a quarter of that stays free. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { boardHeaps } from "../../host-sim/boards.js";
import { runOnXs } from "../../scripts/xs.mjs";
import { Fixture } from "../support/fixtures.js";
import { MemoryStorage } from "../support/memory-storage.js";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "./support.js";

const test = suite("a restart on XS");
const missing = await whyNoXs();
const heaps = boardHeaps("esp32")!;

/** Fills a broker's tables. @returns its records */
function fill(): ReadonlyMap<number, Uint8Array> {
	const f = new Fixture({ medium: new MemoryStorage() });
	const { limits } = f.broker;
	for (let i = 0; i < limits.sessions; i++) {
		const client = f.connect(`c${i}`, { clean: false });
		const each = Math.floor(limits.subscriptions / limits.sessions);
		client.subscribe(
			Array.from({ length: each }, (_, k) => `house/room${i}/device${k}/set`),
			1,
		);
		client.cut();
	}
	for (let i = 0; i < limits.retained; i++) f.broker.publish(`r/${i}`, "x".repeat(40), { qos: 1, retain: true });
	f.settle();
	for (let i = 0; f.broker.pool.freeCount > 4 && f.broker.deliveries.freeCount > 24; i++)
		f.broker.publish(`house/room${i % limits.sessions}/device0/set`, "y".repeat(60), { qos: 1 });
	f.settle();
	f.advance(1_000);
	return f.medium!.table;
}

test.if(missing === undefined, missing ?? "")(
	"full tables are taken up, the broker goes on, and a quarter of both heaps is free",
	async () => {
		const records = [...fill()];
		const folder = join("build", "xs");
		mkdirSync(folder, { recursive: true });
		const program = join(folder, `restore-${process.pid}.ts`);
		const cases = records.map(
			([key, value], i) => `case ${i}: return { key: ${key}, hex: "${Buffer.from(value).toString("hex")}" };`,
		);
		writeFileSync(
			program,
			`import { main } from "../../test/xs/restore.js";
main(${records.length}, (index: number) => {
	switch (index) {
		${cases.join("\n\t\t")}
		default: return { key: 0, hex: "" };
	}
});
`,
		);
		try {
			const result = await runOnXs(program);
			assert.is(result.errors, "");
			assert.is(result.status, 0);
			const named = (name: string) => result.results.find((r) => r.name === name);
			const restored = named("restored");
			assert.is(restored.sessions, 20);
			assert.is(restored.retained, 64);
			assert.ok(restored.subscriptions >= 120 && restored.deliveries > 30, JSON.stringify(restored));
			assert.is(restored.lost, 0);
			const late = named("went on");
			assert.ok(late.batches > 0);
			for (const what of [restored, late])
				for (const heap of ["slots", "chunks"] as const)
					assert.ok(what[heap] <= 0.75 * heaps[heap], `${what.name}: ${what[heap]} bytes of ${heap} of ${heaps[heap]}`);
		} finally {
			rmSync(program);
		}
	},
);

test.run();
