/** test/support/test.ts on XS: the same tests, each outcome a line of JSON. */
import { writeToStream } from "mqtt-packet";

export * as assert from "uvu/assert";

// else it makes 65,536 buffers before the first packet
(writeToStream as unknown as { cacheNumbers: boolean }).cacheNumbers = false;

type Body = () => unknown;

export function suite(name: string) {
	const tests: [name: string, body: Body][] = [];
	const done = (i: number, error?: unknown): void => {
		const status = error === undefined ? "passed" : "failed";
		const why = error instanceof Error ? `${error.message}\n${error.stack}` : error === undefined ? "" : `${error}`;
		host.print(JSON.stringify({ name: "outcome", test: tests[i]![0], status, why }));
	};
	const run = (from: number): void => {
		for (let i = from; i < tests.length; i++) {
			let result: unknown;
			try {
				result = tests[i]![1]();
			} catch (error) {
				done(i, error ?? "undefined was thrown");
				continue;
			}
			if (result instanceof Promise) {
				const failed = (error: unknown) => done(i, error ?? "undefined was thrown");
				result.then(() => done(i), failed).then(() => run(i + 1));
				return;
			}
			done(i);
		}
		host.print(JSON.stringify({ name: "end", suite: name }));
	};
	const add = (test: string, body: Body): void => {
		tests.push([test, body]);
	};
	return Object.assign(add, { run: () => run(0) });
}
