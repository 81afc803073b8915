/** Rights by topic on the real XS engine: they cost a message nothing whose route is known. */
import { runOnXs } from "../../scripts/xs.mjs";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "./support.js";

const test = suite("rights on XS");
const missing = await whyNoXs();

test.if(missing === undefined, missing ?? "")(
	"where the route and its publisher are known, rules make no garbage and cost less than 5 %",
	async () => {
		const result = await runOnXs("test/xs/rights.ts");
		assert.is(result.errors, "");
		assert.is(result.status, 0);
		// biome-ignore lint/suspicious/noExplicitAny: what the program prints
		const cost = (name: string): any => result.results.find((r) => r.name === name);
		const [without, ruled] = [cost("no rules, route known"), cost("22 rules, route known")];
		for (const r of result.results) console.log(`    ${r.name}: ${r.opcodes} opcodes, ${r.chunkBytes} bytes`);
		assert.is(ruled.slots, without.slots);
		assert.is(ruled.chunkBytes, without.chunkBytes);
		assert.ok(ruled.opcodes >= without.opcodes && ruled.opcodes < 1.05 * without.opcodes);
		const [one, two] = ["no rules", "22 rules"].map((name) => cost(`${name}, another publisher each time`));
		assert.is(two.chunkBytes, one.chunkBytes);
		assert.ok(two.opcodes < 1.25 * one.opcodes, "several publishers of a topic are known, too");
		assert.ok(cost("22 rules, rules changed").opcodes > 2 * ruled.opcodes, "rules are asked when a route is built");
	},
);

test.run();
