/** How tests are written: uvu, with reasons for what is skipped and a record of what ran (see scripts/test.mjs). */
import { appendFileSync } from "node:fs";
import { suite as uvuSuite } from "uvu";

export * as assert from "uvu/assert";

type Body = () => void | Promise<void>;

/** What a test's record says. */
interface Outcome {
	file?: string;
	suite: string;
	name: string;
	status: "passed" | "failed" | "skipped";
	reason?: string;
}

/** No test takes longer; most take milliseconds. */
const TIME_LIMIT_MS = 30_000;

function record(outcome: Outcome): void {
	const file = process.env.HEARTH_TEST_RESULTS;
	const path = process.env.HEARTH_TEST_FILE ?? "";
	if (file !== undefined) appendFileSync(file, `${JSON.stringify({ file: path, ...outcome })}\n`);
}

function limited(body: Body): Promise<void> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<void>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`took longer than ${TIME_LIMIT_MS / 1000} s`)), TIME_LIMIT_MS);
	});
	return Promise.race([(async () => body())(), late]).finally(() => clearTimeout(timer));
}

export interface Test {
	/** Adds a test; its name is a sentence, with the statements that it proves in brackets. */
	(name: string, body: Body): void;
	skip(name: string, reason: string): void;
	/** @returns this, or where the condition does not hold something that skips with the reason */
	if(condition: boolean, reason: string): (name: string, body: Body) => void;
	before(body: Body): void;
	after(body: Body): void;
	run(): void;
}

export function suite(suiteName: string): Test {
	const uvu = uvuSuite(suiteName);
	const test = (name: string, body: Body): void => {
		uvu(name, async () => {
			try {
				await limited(body);
			} catch (error) {
				record({ suite: suiteName, name, status: "failed" });
				throw error;
			}
			record({ suite: suiteName, name, status: "passed" });
		});
	};
	const skip = (name: string, reason: string): void => {
		record({ suite: suiteName, name, status: "skipped", reason });
		uvu.skip(name);
	};
	return Object.assign(test, {
		skip,
		if: (condition: boolean, reason: string) => (condition ? test : (name: string, _body: Body) => skip(name, reason)),
		before: (body: Body) => uvu.before(body),
		after: (body: Body) => uvu.after(body),
		run: () => uvu.run(),
	});
}
