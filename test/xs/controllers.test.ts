/** Controllers on the real XS engine: what they cost, and that who has none pays nothing. */
import { runOnXs } from "../../scripts/xs.mjs";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "./support.js";

const test = suite("controllers on XS");
const missing = await whyNoXs();

test.if(missing === undefined, missing ?? "")(
	"connections without a controller cost the same opcodes to the last one; with one, each packet is answered",
	async () => {
		const { results, errors, status, statistics } = await runOnXs("test/xs/controllers.ts");
		assert.is(errors, "");
		assert.is(status, 0);
		assert.is(statistics!.aliasesTouched, 0, "nothing that is in ROM was written to");
		assert.is(statistics!.keys, 0, "no property name was made at run time");
		assert.ok(statistics!.stackPeak <= 0.9 * statistics!.stackSlots, `${statistics!.stackPeak} slots of stack`);
		// biome-ignore lint/suspicious/noExplicitAny: what the program prints
		const named = (name: string): any => results.find((r) => r.name === name);
		const packets = ["QoS 0, 1 receiver", "QoS 1, 1 receiver, with both PUBACKs", "PINGREQ"];
		for (const packet of packets) {
			const { name: _name, ...plain } = named(`no controller: ${packet}`);
			for (const who of ["without methods", "at another listener", "that asks at CONNECT only"]) {
				const { name, ...same } = named(`a controller ${who}: ${packet}`);
				assert.equal(same, plain, name);
			}
			const answers = named(`a controller that answers: ${packet}`);
			assert.ok(answers.opcodes < 4_800 && answers.slots <= 60, `${packet}: ${answers.opcodes} opcodes`);
		}
		const { name: _full, ...full } = named("full");
		const left = { slots: 0, chunks: 0 };
		assert.equal(full, { clients: 16, subscriptions: 128, sent: 2_000, answered: 0x30, errors: 0, left });
		const puback = [0x40, 11, 0, 9, 0x10, 7, 0x1f, 0, 4, ...Buffer.from("told")];
		assert.equal(named("answered").bytes, puback);
		assert.match(named("late").late, /read after the call/);
		assert.equal(named("late").bytes, [0x40, 3, 0, 9, 0x80]);
		assert.equal(named("later"), { name: "later", bytes: [0x40, 3, 0, 9, 0x10], waiting: 0 });
	},
);

test.run();
