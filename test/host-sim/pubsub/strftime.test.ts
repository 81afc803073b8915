/** strftime(3) against what C's prints. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { strftime } from "../../../host-sim/cli/pubsub/strftime.js";
import { assert, suite } from "../../support/test.js";

const test = suite("strftime");

test("each conversion is what C makes of it, in zones with and without daylight saving time", () => {
	const lines = readFileSync(join(process.cwd(), "test/host-sim/pubsub/strftime.tsv"), "utf8").trim().split("\n");
	const letters = lines[0]!.split(": ")[1]!.split(" ");
	const zone = process.env.TZ;
	for (const line of lines.slice(1)) {
		const [seconds, name, expected] = line.split("\t");
		process.env.TZ = name;
		const date = new Date(Number(seconds) * 1000);
		assert.is(letters.map((letter) => strftime(letter, date)).join("|"), expected, line);
	}
	if (zone === undefined) delete process.env.TZ;
	else process.env.TZ = zone;
	assert.is(lines.length, 13);
});

test("white space, the percent sign, and letters that C does not know", () => {
	const date = new Date(0);
	assert.is(
		["n", "t", "%", "Q", "é", "toString"].map((letter) => strftime(letter, date)).join("|"),
		"\n|\t|%|%Q|%é|%toString",
	);
});

test.run();
