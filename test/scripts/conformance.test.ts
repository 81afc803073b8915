import { claims, judge, render, statements } from "../../scripts/conformance.mjs";
import { assert, suite } from "../support/test.js";

const test = suite("conformance script");

const lists = {
	"3.1.1": statements("# about\nMQTT-1.0.0-1\tB\tone\nMQTT-1.0.0-2\tS\ttwo\n"),
	"5.0": statements("MQTT-1.0.0-1\tB\tfive\n"),
};
const none = new Map<string, string>();
const outcome = (name: string, status = "passed") => ({ file: "test/a.test.ts", name, status });
const five = outcome("five [5:MQTT-1.0.0-1]");
const problems = (outcomes: object[], reasons = none, before = "", all = false) =>
	judge(lists, reasons, [...outcomes, five], before, all).problems;

test("it reads the ids of both versions from a test's name", () => {
	assert.equal(claims("a [MQTT-1.0.0-1] b [5:MQTT-1.0.0-1]"), ["3.1.1 MQTT-1.0.0-1", "5.0 MQTT-1.0.0-1"]);
});

test("a statement without a test and without a reason is a problem", () => {
	const found = problems([outcome("x [MQTT-1.0.0-1]")]);
	assert.is(found.length, 1);
	assert.match(found[0]!, "MQTT-1.0.0-2");
	assert.equal(problems([outcome("x [MQTT-1.0.0-1]")], new Map([["3.1.1 MQTT-1.0.0-2", "why"]])), []);
});

test("a failed test proves nothing", () => {
	assert.is(problems([outcome("x [MQTT-1.0.0-1] [MQTT-1.0.0-2]", "failed")]).length, 2);
	assert.is(judge(lists, none, [outcome("x [MQTT-1.0.0-1] [MQTT-1.0.0-2]")], "", false).problems.length, 1, "of 5.0");
});

test("an id that does not exist, and a reason for what has a test, are problems", () => {
	const good = outcome("x [MQTT-1.0.0-1] [MQTT-1.0.0-2]");
	assert.is(problems([good, outcome("y [MQTT-9.9.9-9]")]).length, 1);
	assert.is(problems([good], new Map([["3.1.1 MQTT-1.0.0-2", "stale"]])).length, 1);
	assert.is(problems([good], new Map([["3.1.1 MQTT-9.9.9-9", "unknown"]])).length, 1);
});

test("a test that conformance.md names must run", () => {
	const good = outcome("x [MQTT-1.0.0-1] [MQTT-1.0.0-2]");
	const page = render(lists, none, judge(lists, none, [good, five], "", false).tests);
	assert.equal(problems([good], none, page), []);
	const gone = problems([outcome("z [MQTT-1.0.0-1] [MQTT-1.0.0-2]")], none, page);
	assert.match(gone[0]!, "did not run: test/a.test.ts: x");
	const bad = problems([{ ...good, status: "failed" }], none, page);
	assert.not.ok(bad.some((problem) => problem.includes("did not run")));
	assert.equal(problems([{ ...good, status: "skipped" }], none, page), []);
	assert.ok(problems([{ ...good, status: "skipped" }], none, page, true).length > 0);
});

test.run();
