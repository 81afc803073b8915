import { tidy } from "../scripts/tidy.mjs";
import { assert, suite } from "./support/test.js";

const test = suite("tidy");

/** @returns what tidy says of one file */
const findings = (path: string, text: string): string[] => tidy([{ path, text }]);

const packetPath: [string, string][] = [
	["for (const a of list) {}", "for..of"],
	["for (a of list) {}", "for..of"],
	["async function f() {}", "promises"],
	["f(...list);", "spread"],
	["f(a * b, ...list);", "spread"],
	["list.forEach(f);", "forEach"],
	["const [a] = list;", "destructuring"],
	["[a, b] = [b, a];", "destructuring"],
	["class A { x = this.#y; }", "#private"],
	["export enum A { B }", "const enum"],
	["let state = 0;", "module state"],
	["\tstatic count = 0;", "module state"],
	["const cache = new Map();", "read-only in ROM"],
	["const table = Uint8Array.of(1);", "read-only in ROM"],
];

for (const [code, what] of packetPath)
	test(`in the packet path it finds: ${what}: ${code.trim()}`, () => {
		assert.ok(findings("src/broker/a.ts", `${code}\n`)[0]?.includes(what), `${findings("src/broker/a.ts", code)}`);
		assert.equal(findings("host-sim/a.ts", `${code}\n`), []);
		assert.equal(findings("src/broker/a.ts", `${code} // tidy: a reason\n`), []);
		assert.ok(findings("src/broker/a.ts", `${code} // tidy:\n`).length > 0, "a reason is needed");
		assert.equal(findings("src/broker/a.ts", `// ${code}\n`), []);
	});

test("it holds the import arrows", () => {
	const imports = (name: string) => `import { a } from "${name}";\n`;
	assert.is(findings("src/codec/a.ts", imports("../broker/b.js")).length, 1);
	assert.is(findings("src/broker/a.ts", imports("../client/b.js")).length, 1);
	assert.is(findings("src/broker/a.ts", imports("node:fs")).length, 1);
	assert.is(findings("src/broker/a.ts", imports("../../host-sim/b.js")).length, 1);
	assert.is(findings("host-sim/a.ts", imports("../test/b.js")).length, 1);
	assert.is(findings("scripts/a.mjs", imports("../test/b.mjs")).length, 1);
	assert.match(findings("src/codec/a.ts", `// first\n${imports("../hub/b.js")}`)[0]!, "src/codec/a.ts:2: ");
	assert.equal(findings("src/broker/a.ts", imports("../codec/b.js")), []);
	assert.equal(findings("host-sim/a.ts", imports("node:fs")), []);
});

test("it finds long files, functions and lines, leftovers, and names of machines", () => {
	assert.is(findings("host-sim/a.ts", "a();\n".repeat(401)).length, 1);
	assert.is(findings("src/a.ts", `function f(): void {\n${"\ta();\n".repeat(71)}}\n`).length, 1);
	assert.equal(findings("src/a.ts", `function f(): void {\n${"\ta();\n".repeat(60)}}\n`), []);
	assert.is(findings("host-sim/a.ts", `${"a".repeat(121)}\n`).length, 1);
	assert.is(findings("docs/a.md", `${"TO"}${"DO"}: more\n`).length, 1);
	assert.is(findings("docs/a.md", `see ${"/ro"}${"ot/x"}\n`).length, 1);
	assert.is(findings("src/a.ts", "console.log(1);\n").length, 1);
});

test("it finds files that nothing uses, and modules that are not preloaded", () => {
	const files = [
		{ path: "src/index.ts", text: 'export { a } from "./a.js";\n' },
		{ path: "src/a.ts", text: "" },
		{ path: "src/b.ts", text: "" },
		{
			path: "src/manifest.json",
			text: JSON.stringify({
				modules: {
					"hearth-mqtt": "../boards/library",
					"hearth-mqtt/src/index": "./index",
					"hearth-mqtt/src/a": "./b",
					"hearth-mqtt/src/b": "./b",
				},
				preload: ["hearth-mqtt", "hearth-mqtt/src/index", "hearth-mqtt/src/a", "hearth-mqtt/src/c"],
			}),
		},
	];
	assert.equal(tidy(files), [
		"src/b.ts:1: nothing uses it: delete it",
		"src/manifest.json:1: module hearth-mqtt/src/a is not listed: npm run manifests",
		"src/manifest.json:1: hearth-mqtt/src/b is not preloaded: npm run manifests",
		"src/manifest.json:1: hearth-mqtt/src/c does not exist: npm run manifests",
	]);
});

test.run();
