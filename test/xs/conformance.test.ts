/** The conformance tests on the device's engine: the same files, bundled with stand-ins for what only Node has. */
import { readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import { bundle, startBundles } from "../../scripts/xs.mjs";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "./support.js";

const test = suite("conformance on XS");
const missing = await whyNoXs();
const onXs = test.if(missing === undefined, missing ?? "");
const FOLDER = "test/conformance";
const files = readdirSync(FOLDER).filter((name) => name.endsWith(".test.ts"));

/** The engine's semantics are what is tested here, beside mqtt-packet; memory is tested elsewhere. */
const MEMORY = ["-c", "268435456", "-s", "4000000", "-k", "20000", "-K", "8192"];

const TEST = /(support\/|^\.\/)test\.js$/;

/** What a test's imports are on XS: the path as it stands, or its end → the file in test/xs/shims. */
const STAND_INS: readonly (readonly [RegExp, string])[] = [
	[TEST, "test"],
	[/host-sim\/text\.js$/, "text"],
	[/^buffer$/, "buffer"],
	[/^events$/, "events"],
	[/^process-nextick-args$/, "next-tick"],
];

const shim = (name: string): string => resolve("test/xs/shims", `${name}.ts`);

const standIns: Plugin = {
	name: "stand-ins",
	setup(esbuild) {
		for (const [filter, name] of STAND_INS)
			esbuild.onResolve({ filter }, ({ kind }) => (kind === "entry-point" ? undefined : { path: shim(name) }));
		// these two packages export a function
		esbuild.onResolve({ filter: /^(bl|debug)$/ }, ({ path }) => ({ path, namespace: "function" }));
		esbuild.onLoad({ filter: /./, namespace: "function" }, ({ path }) => {
			const list = `require(${JSON.stringify(shim("bl"))}).BufferList`;
			const bl = `module.exports = () => new (${list})();`;
			return { contents: path === "bl" ? bl : "module.exports = () => () => {}", resolveDir: resolve(".") };
		});
	},
};

/** @returns the names of a file's tests, without running one */
async function namesOf(file: string): Promise<string[]> {
	const outfile = resolve("build/xs/run", `names-${process.pid}-${file}.mjs`);
	const names: Plugin = {
		name: "names",
		setup: (esbuild) => esbuild.onResolve({ filter: TEST }, () => ({ path: shim("names") })),
	};
	await build({
		entryPoints: [join(FOLDER, file)],
		outfile,
		bundle: true,
		platform: "node",
		format: "esm",
		packages: "external",
		plugins: [names],
		logLevel: "silent",
	});
	const found: string[] = [];
	(globalThis as unknown as { testNames: string[] }).testNames = found;
	try {
		await import(pathToFileURL(outfile).href);
	} finally {
		rmSync(outfile);
	}
	return found;
}

for (const file of files) {
	onXs(`${FOLDER}/${file}: every test passes`, async () => {
		const names = await namesOf(file);
		assert.ok(names.length > 0);
		const bundles = await bundle(join(FOLDER, file), [standIns]);
		const result = await (await startBundles(bundles, { options: MEMORY })).done;
		assert.is(result.errors, "");
		const outcomes = result.results.filter(({ name }) => name === "outcome");
		const failed = outcomes.filter(({ status }) => status !== "passed");
		assert.is(failed.map(({ test, why }) => `${test}\n${why}`).join("\n"), "");
		assert.equal(
			outcomes.map(({ test }) => test),
			names,
		);
		assert.is(result.status, 0);
	});
}

test.run();
