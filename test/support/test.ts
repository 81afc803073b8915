/** How tests are written: uvu, with reasons for what is skipped and a record of what ran (see scripts/test.mjs). */
import { appendFileSync } from "node:fs";
import { suite as uvuSuite } from "uvu";

export * as assert from "uvu/assert";

// any value, so that an arrow with an expression for its body is a test too
type Body = () => unknown;

/** What a test's record says; `ms` is how long it took, `reason` why it was skipped. */
interface Outcome {
	suite: string;
	name: string;
	status: "passed" | "failed" | "skipped";
	ms?: number;
	reason?: string;
}

/** No test takes longer, except where a processor is emulated or other things run (scripts/test.mjs); most take
 *  milliseconds. */
export const TIME_LIMIT_MS = 30_000 * Number(process.env.HEARTH_TEST_SLOWNESS ?? 1);

/** Tests that were added and have no outcome yet. */
const awaited = new Map<object, { suite: string; name: string }>();

function record(outcome: Outcome): void {
	const path = process.env.HEARTH_TEST_RESULTS;
	const file = process.env.HEARTH_TEST_FILE ?? "";
	if (path !== undefined) appendFileSync(path, `${JSON.stringify({ file, ...outcome })}\n`);
}

// a forgotten run(), an early process.exit() or a crash must not look like fewer tests
process.on("exit", () => {
	for (const test of awaited.values()) {
		record({ ...test, status: "failed" });
		console.error(`${test.suite}: "${test.name}" did not run to its end`);
		process.exitCode = 1;
	}
});

async function limited(body: Body): Promise<void> {
	const started = performance.now();
	const late = () => new Error(`took longer than ${TIME_LIMIT_MS / 1000} s`);
	let timer: NodeJS.Timeout | undefined;
	const limit = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(late()), TIME_LIMIT_MS);
	});
	try {
		await Promise.race([body(), limit]);
	} finally {
		clearTimeout(timer);
	}
	if (performance.now() - started > TIME_LIMIT_MS) throw late();
}

export interface Test {
	/** Adds a test; its name is a sentence, with the statements that it proves in brackets. */
	(name: string, body: Body): void;
	skip(name: string, reason: string): void;
	/** @returns this, or where the condition does not hold something that skips with the reason */
	if(condition: boolean, reason: string): (name: string, body: Body) => void;
	/** What goes wrong before the tests or after them counts as a failed test. */
	before(body: Body): void;
	after(body: Body): void;
	run(): void;
}

export function suite(suiteName: string): Test {
	const uvu = uvuSuite(suiteName);
	const recorded = async (name: string, body: Body, alwaysCounts: boolean): Promise<void> => {
		const started = performance.now();
		let status: Outcome["status"] = "failed";
		try {
			await limited(body);
			status = "passed";
		} finally {
			const ms = Math.round(performance.now() - started);
			if (alwaysCounts || status === "failed") record({ suite: suiteName, name, status, ms });
		}
	};
	const test = (name: string, body: Body): void => {
		const id = {};
		awaited.set(id, { suite: suiteName, name });
		uvu(name, () => recorded(name, body, true).finally(() => awaited.delete(id)));
	};
	// uvu forgets an error of its hooks: it is shown here
	const hook = (name: string, body: Body) => () =>
		recorded(name, body, false).catch((error) => {
			console.error(`\n${suiteName}: ${name} the tests:`, error);
			process.exit(1);
		});
	const skip = (name: string, reason: string): void => {
		record({ suite: suiteName, name, status: "skipped", reason });
		uvu.skip(name);
	};
	return Object.assign(test, {
		skip,
		if: (condition: boolean, reason: string) => (condition ? test : (name: string, _body: Body) => skip(name, reason)),
		before: (body: Body) => uvu.before(hook("before", body)),
		after: (body: Body) => uvu.after(hook("after", body)),
		run: () => uvu.run(),
	});
}
