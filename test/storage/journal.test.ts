/** The journal, from outside: what is put is there after a restart; full, wear, limits, versions, a failing part. */
import { VirtualFlash } from "../../host-sim/sim/flash.js";
import { crc32 } from "../../src/storage/crc.js";
import { Journal } from "../../src/storage/journal.js";
import { assert, suite } from "../support/test.js";
import { Harness, SMALL, same, tableOf } from "./harness.js";

const test = suite("journal on flash");

function small(sectors = 8, programBytes = 4): VirtualFlash {
	return new VirtualFlash({ sectors, sectorBytes: 512, programBytes });
}

/** @returns a journal that is ready to write */
function ready(flash = small()): Harness {
	const harness = new Harness(flash);
	harness.settle();
	return harness;
}

test("the CRC is that of IEEE 802.3", () => {
	const bytes = Uint8Array.from(Buffer.from("12345678"));
	assert.is(~crc32(-1, new DataView(bytes.buffer), 0, 8) >>> 0, 0x9ae0daaf);
});

test("what was put is there after a restart, and what was deleted is not", () => {
	const h = ready();
	assert.ok(
		h.change([
			[7, "seven"],
			[0, ""],
			[0xffffffff, "last"],
		]),
	);
	assert.is(h.durable, 0, "not within the call");
	h.settle();
	assert.is(h.durable, 1);
	assert.ok(
		h.change([
			[7, undefined],
			[0, "zero"],
			[9, undefined],
		]),
	);
	h.settle();
	const expected = h.state;
	assert.ok(same(tableOf(h.journal), expected));
	h.remount();
	assert.ok(same(h.state, expected));
	assert.is(h.journal.counters.damaged, 0);
});

test("a range of keys is visited, and no other", () => {
	const h = ready();
	h.change([1, 2, 3, 4].map((key) => [key, `value ${key}`] as const));
	h.settle();
	const keys: number[] = [];
	h.journal.each(2, 3, { visit: (key) => keys.push(key) });
	assert.equal(keys, [2, 3]);
});

test("a value longer than a record or a sector comes back whole, and a shorter one in its place", () => {
	const flash = new VirtualFlash({ sectors: 16, sectorBytes: 512 });
	const h = new Harness(flash, { ...SMALL, valueBytes: 1_200 });
	h.settle();
	for (const length of [64, 65, 128, 1_200, 63, 200, 0, 1_199]) {
		assert.ok(
			h.change([
				[5, "x".repeat(length)],
				[6, `${length}`],
			]),
			`${length}`,
		);
		h.settle();
		assert.ok(same(tableOf(h.journal), h.state));
		h.remount();
		assert.is(h.state.get(5)?.length, length);
		h.settle();
	}
	assert.not(h.change([[5, "x".repeat(1_201)]]));
});

test("changes are written together when the time is over, and the later one counts", () => {
	const flash = small();
	const h = new Harness(flash, { ...SMALL, intervalMs: 1_000, intervalMaxMs: 1_000 });
	h.settle();
	const before = flash.bytesProgrammed;
	for (let i = 0; i < 50; i++) {
		assert.ok(h.change([[1, `value ${i}`]]));
		assert.ok(h.step() > 0);
		h.now += 10;
	}
	assert.is(h.durable, 0);
	h.settle();
	assert.is(h.durable, 50);
	assert.is(h.state.get(1), "value 49");
	assert.ok(flash.bytesProgrammed - before < 250, `${flash.bytesProgrammed - before} bytes`);
});

test("the bytes a day are kept to, and what waits no longer is written all the same and counted", () => {
	const flash = new VirtualFlash({ sectors: 16 });
	const limits = { ...SMALL, intervalMs: 1_000, intervalMaxMs: 3_600_000, bytesPerDay: 20_000 };
	const h = new Harness(flash, limits);
	h.settle();
	const start = h.now;
	let sent = 0;
	// persist's way: the next batch when the one before is durable
	while (h.now - start < 5 * 86_400_000) {
		if (h.durable === h.committed)
			assert.ok(
				h.change([
					[1, `value ${sent++}`],
					[2, `value ${sent}`],
				]),
			);
		h.now += Math.max(1, Math.min(h.step(), 60_000));
	}
	const perDay = h.journal.counters.bytesWritten / 5;
	assert.ok(perDay < 21_000, `${perDay}, with the eighth of a day at the beginning`);
	assert.ok(perDay > 15_000, `${perDay}`);
	assert.is(h.journal.counters.overBudget, 0);
	const tight = new Harness(flash.clone(), { ...limits, bytesPerDay: 100 });
	for (let i = 0; i < 48; i++) {
		tight.change([[1, `value ${i}`]]);
		tight.settle();
	}
	assert.is(tight.durable, 48);
	assert.ok(tight.journal.counters.overBudget > 40);
});

test("a batch is rolled back as if it had never begun, also when part of it was written", () => {
	const h = ready();
	h.change([
		[1, "one"],
		[2, "two"],
	]);
	h.settle();
	const { journal } = h;
	for (let i = 0; i < 6; i++) assert.ok(journal.put(i, new Uint8Array(64), 0, 64));
	assert.ok(journal.delete(1));
	journal.rollback();
	journal.rollback();
	assert.ok(same(tableOf(journal), h.state));
	h.change([[3, "three"]]);
	h.settle();
	assert.ok(same(tableOf(journal), h.state));
	h.remount();
	assert.is(h.state.size, 3);
});

test("full is an answer, and deletes make room", () => {
	const h = ready();
	let key = 0;
	while (h.change([[key, "x".repeat(60)]])) {
		key++;
		h.settle();
	}
	assert.ok(key > 8, `${key} values`);
	assert.ok(h.journal.bytesUsed <= h.journal.bytesMax);
	assert.ok(h.change([[0, undefined]]));
	h.settle();
	assert.ok(h.change([[key, "x".repeat(60)]]));
	h.settle();
	const expected = h.state;
	h.remount();
	assert.ok(same(h.state, expected));
});

test("records are bounded, too", () => {
	const h = new Harness(new VirtualFlash({ sectors: 64, sectorBytes: 512 }));
	h.settle();
	for (let key = 0; key < SMALL.records; key++) {
		assert.ok(h.change([[key, "x"]]));
		h.settle();
	}
	assert.not(h.change([[SMALL.records, "x"]]));
	assert.ok(
		h.change([
			[0, undefined],
			[SMALL.records, "x"],
		]),
		"a deleted one makes room within the batch",
	);
	assert.ok(h.change([[5, "y"]]));
	h.settle();
	assert.ok(same(tableOf(h.journal), h.state));
});

test("a batch that finds no room now finds it when the sectors are erased", () => {
	const h = new Harness(new VirtualFlash({ sectors: 16, sectorBytes: 512 }), { ...SMALL, records: 64 });
	const batch = Array.from({ length: 20 }, (_, key) => [key, "x".repeat(60)] as const);
	for (let round = 0; round < 20; round++) {
		let tries = 0;
		while (!h.change(batch)) {
			assert.ok(++tries < 3, "it is tried again when the journal came to rest");
			h.settle();
		}
		h.settle();
		assert.ok(same(tableOf(h.journal), h.state));
	}
	assert.is(h.durable, 20);
});

for (const programBytes of [1, 4, 16, 256])
	test(`sectors wear alike with ${programBytes} bytes programmed at once`, () => {
		const flash = new VirtualFlash({ sectors: 16, programBytes });
		const h = new Harness(flash, { ...SMALL, recordBytes: 256, pendingBytes: 1_024 });
		for (let i = 0; i < 3_000; i++) {
			while (
				!h.change([
					[i % 7, "v".repeat(i % 150)],
					[100 + (i % 40), `${i}`],
				])
			)
				h.settle();
			h.settle();
		}
		const { erases } = h.journal.wear;
		const max = Math.max(...erases);
		assert.ok(max > 2);
		assert.ok(max - Math.min(...erases) <= 1, `${erases}`);
		assert.equal([...erases], [...flash.erases], "the journal's counts are the truth");
		const expected = h.state;
		h.remount();
		assert.ok(same(h.state, expected));
		assert.equal([...h.journal.wear.erases], [...flash.erases], "and outlive a restart");
		assert.ok(h.worstMs < 20, `${h.worstMs} ms without an erase`);
		assert.ok(h.worstEraseMs < 50, `${h.worstEraseMs} ms with one`);
	});

test("what is missing of a torn record is never completed by what is written after it", () => {
	const flash = small();
	const h = ready(flash);
	let torn = 0;
	flash.beforeProgram = (at, _bytes, start, end) => {
		torn = at + end - start;
	};
	h.change([[1, "one"]]);
	h.settle();
	h.change([[7, "12345"]]);
	flash.cutAfter(19, "clean");
	h.settle();
	assert.ok(flash.dark);
	flash.restore();
	let first = 0;
	flash.beforeProgram = (at) => {
		if (first === 0) first = at;
	};
	h.remount();
	assert.is(h.state.size, 1);
	h.change([[8, "x"]]);
	h.settle();
	assert.ok(first >= torn, `${first}: the torn record ends at ${torn}`);
});

test("a later format is refused with a clear line", () => {
	const h = ready();
	h.change([[1, "one"]]);
	h.settle();
	const bytes = h.flash.bytes;
	// the mark of a sector in use, as a later version writes it
	const view = new DataView(bytes.buffer);
	let marks = 0;
	for (let at = 0; at < bytes.length; at += 16)
		if (view.getUint16(at, true) === 0x5548) {
			view.setUint16(at + 2, 2, true);
			view.setInt32(at + 12, crc32(-1, view, at, at + 12), true);
			marks++;
		}
	assert.ok(marks > 0);
	assert.throws(() => h.remount(), /HEARTH_ERR_DATA_VERSION|format 2/);
});

test("limits that do not hold are refused with a clear line", () => {
	const make = (limits: object) => () =>
		new Journal({ flash: small(), limits: { ...SMALL, ...limits }, now: () => 0, random: () => 0 });
	assert.throws(make({ pendingBytes: 64 }), /pendingBytes ≥ recordBytes/);
	assert.throws(make({ valueBytes: 4_000 }), /valueBytes/);
	assert.throws(make({ intervalMs: 5 }), /intervalMaxMs/);
	assert.throws(() => new Harness(small(4)), /5 to 4,096 sectors/);
});

test("a part that fails loses what was not durable, says so, and is used again when it works", () => {
	const h = ready();
	h.change([[1, "one"]]);
	h.settle();
	h.change([[1, "lost"]]);
	const good = h.flash.program.bind(h.flash);
	h.flash.program = () => {
		throw new Error("write failed");
	};
	h.step();
	h.step();
	assert.equal(h.errors, [2]);
	h.flash.program = good;
	h.states.pop();
	h.committed = 2;
	h.now += 2_000;
	h.settle();
	assert.ok(same(tableOf(h.journal), h.state));
	assert.ok(h.change([[2, "two"]]));
	h.settle();
	assert.is(h.durable, 3);
	h.remount();
	assert.equal(
		[...h.state],
		[
			[1, "one"],
			[2, "two"],
		],
	);
});

test("cells that no longer take what is written are found at once, and the group is written elsewhere", () => {
	const h = ready();
	h.change([[1, "one"]]);
	h.settle();
	const good = h.flash.program.bind(h.flash);
	let stuck = 1;
	h.flash.program = (at, bytes, start, end) => {
		const copy = bytes.slice();
		if (stuck-- > 0) copy[start + 20]! |= 0xf0;
		good(at, copy, start, end);
	};
	h.change([
		[1, "ONE"],
		[2, "two"],
	]);
	h.settle();
	assert.is(h.durable, 2);
	const expected = h.state;
	assert.ok(same(tableOf(h.journal), expected));
	h.remount();
	assert.ok(same(h.state, expected));
	assert.is(h.journal.counters.damaged, 1);
});

test.run();
