/** What mcpack takes of the package: JavaScript under the condition `moddable`, which needs the SDK's modules only. */
import { readFileSync } from "node:fs";
import { assert, suite } from "../support/test.js";

const test = suite("the package for Moddable");
const { exports } = JSON.parse(readFileSync("package.json", "utf8"));

/** Modules of the SDK that mcpack finds by itself. */
const SDK = /^(embedded:io\/socket\/(tcp|listener)|net|timer|time|rng|crypt|text\/(decoder|encoder))$/;

for (const name of [".", "./boards"])
	test(`"${name}" has the condition moddable, whose file imports nothing but the SDK's modules`, () => {
		const text = readFileSync(exports[name].moddable, "utf8");
		const imported = [...text.matchAll(/^import .* from "([^"]+)"/gm)].map((match) => match[1]!);
		assert.equal(
			imported.filter((module) => !SDK.test(module)),
			[],
		);
		assert.is(imported.length > 0, name === "./boards");
	});

test.run();
