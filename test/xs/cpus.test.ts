/** The device's own processors, emulated: what a program prints, and what it takes of slots, chunks and stack, is the
 *  same to the byte as on x86, where the other tests judge it. Xtensa traps on every unaligned access.
 *  `npm run xs:cpus` plays all of test/xs on each. */
import { CPU, runOnXs, type XsCpu } from "../../scripts/xs.mjs";
import { assert, suite } from "../support/test.js";
import { playInterop, whyNoMosquitto } from "./interop.js";
import { whyNoXs } from "./support.js";

const test = suite("XS on the device's processors");
const PROGRAMS = ["codec", "full", "overflow", "depth"];
const reference = await whyNoXs("x86");
const noMosquitto = whyNoMosquitto();

for (const cpu of ["xtensa", "arm"] as XsCpu[]) {
	if (CPU !== "x86" && CPU !== cpu) continue; // it has a run of its own
	const missing = reference ?? (await whyNoXs(cpu));
	for (const program of PROGRAMS)
		test.if(missing === undefined, missing ?? "")(`test/xs/${program}.ts on ${cpu} as on x86`, async () => {
			const [expected, result] = [
				await runOnXs(`test/xs/${program}.ts`, { cpu: "x86" }),
				await runOnXs(`test/xs/${program}.ts`, { cpu }),
			];
			assert.is(result.errors, "");
			assert.is(result.status, 0);
			assert.equal(result.lines, expected.lines);
			assert.equal(result.statistics, expected.statistics);
		});
	const why = missing ?? noMosquitto;
	test.if(why === undefined, why ?? "")(`Mosquitto's clients and MQTT.js talk through a broker on ${cpu}`, async () => {
		const result = await playInterop({ cpu });
		assert.is(result.errors, "");
		assert.is(result.status, 0);
		assert.is(result.statistics?.aliasesTouched, 0);
	});
}

test.run();
