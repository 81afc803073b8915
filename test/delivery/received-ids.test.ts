import fc from "fast-check";
import { ReceivedIds } from "../../src/delivery/received-ids.js";
import { assert, suite } from "../support/test.js";

const test = suite("received ids");

test("it is a set of pairs, whatever is added and removed in whatever order", () => {
	const step = fc.tuple(fc.constantFrom("add", "delete", "has", "clear"), fc.nat(3), fc.integer({ min: 1, max: 30 }));
	fc.assert(
		fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
			const ids = new ReceivedIds(20, 4);
			const model = new Set<string>();
			for (const [what, session, id] of steps) {
				const key = `${session}/${id}`;
				if (what === "add") {
					const expected = model.has(key) || model.size < 20;
					assert.is(ids.add(session, id), expected);
					if (expected) model.add(key);
				} else if (what === "delete") assert.is(ids.delete(session, id), model.delete(key));
				else if (what === "has") assert.is(ids.has(session, id), model.has(key));
				else {
					const mine = [...model].filter((k) => k.startsWith(`${session}/`));
					assert.is(ids.clear(session), mine.length);
					for (const k of mine) model.delete(k);
				}
				assert.is(ids.count, model.size);
			}
		}),
		{ seed: 7, numRuns: 300 },
	);
});

test("it holds as many as it was made for, and no more", () => {
	const ids = new ReceivedIds(1000, 2);
	for (let id = 1; id <= 1000; id++) assert.ok(ids.add(1, id));
	assert.not(ids.add(1, 1001));
	assert.ok(ids.add(1, 500), "one that is there already");
	assert.ok(ids.delete(1, 1));
	assert.ok(ids.add(0, 65_535));
});

test.run();
