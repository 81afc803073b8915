// npm test [-- word...]: type check, lint, tidy, then every test/**/*.test.ts whose path has one of the words, each
// in a process of its own, then the conformance check. With words, the tests alone.
// The last line counts what ran. HEARTH_REQUIRE_ALL=1: what is skipped fails the run. HEARTH_TEST_PATIENCE=n: every
// limit of time is n times as long, for machines that do other things, too.
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { builtForBrowsers, ofBrowser } from "./in-browsers.mjs";
import { buildHost, CPU, slowness } from "./xs.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const words = process.argv.slice(2);
const whole = words.length === 0;
/** Whole runs leave their results for scripts/conformance.mjs; a filtered run disturbs neither them nor another. */
const out = join(root, "build", whole ? "test" : `test-${process.pid}`);
const results = whole ? join(root, "build", "results") : join(out, "results");
/** HEARTH_XS_CPU may name a processor that is emulated; HEARTH_TEST_PATIENCE is in it. */
const SLOWNESS = slowness();
const FILE_LIMIT_MS = Number(process.env.HEARTH_TEST_LIMIT_MS ?? 120_000) * SLOWNESS;
const counts = { passed: 0, failed: 0, skipped: 0 };
/** Reason → the tests that were skipped for it. */
const skips = new Map();
/** Process groups of the tests that run: what a test starts and leaves behind ends with it. */
const groups = new Set();

function kill(group) {
	try {
		process.kill(-group, "SIGKILL");
	} catch {
		// all of it has ended
	}
}

for (const signal of ["SIGINT", "SIGTERM"])
	process.on(signal, () => {
		groups.forEach(kill);
		process.exit(1);
	});

function run(command, args, env = {}) {
	return new Promise((resolve) => {
		const stdio = ["ignore", "pipe", "pipe"];
		const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio, detached: true });
		let output = "";
		let late = false;
		const timer = setTimeout(() => {
			late = true;
			kill(child.pid);
		}, FILE_LIMIT_MS);
		if (child.pid !== undefined) groups.add(child.pid);
		child.stdout.on("data", (chunk) => (output += chunk));
		child.stderr.on("data", (chunk) => (output += chunk));
		child.on("exit", () => kill(child.pid));
		child.on("error", (error) => {
			clearTimeout(timer);
			resolve({ code: 1, output: String(error) });
		});
		child.on("close", (code) => {
			clearTimeout(timer);
			groups.delete(child.pid);
			if (late) output += `\nstopped: it took longer than ${FILE_LIMIT_MS / 1000} s, or left something open\n`;
			resolve({ code: late ? 1 : (code ?? 1), output });
		});
	});
}

function report(name, ok, output, started) {
	const seconds = ((performance.now() - started) / 1000).toFixed(1);
	console.log(`${ok ? "  ok " : "FAIL "} ${name} (${seconds} s)`);
	if (!ok) console.log(output);
}

/** A check that counts as one test. */
async function check(name, command, args) {
	const started = performance.now();
	const { code, output } = await run(command, args);
	counts[code === 0 ? "passed" : "failed"]++;
	report(name, code === 0, output, started);
}

/** @returns nothing, or why the file can't be bundled */
async function bundle(path, outfile, plugins) {
	try {
		await build({
			entryPoints: [join(root, path)],
			outfile,
			bundle: true,
			platform: "node",
			format: "esm",
			target: "node20",
			packages: "external",
			sourcemap: "inline",
			logLevel: "silent",
			plugins,
		});
	} catch (error) {
		return String(error.message);
	}
}

/** What a file of the client's tests runs with, too, and which files do. */
const VARIANTS = [
	[
		"with a browser's memory",
		ofBrowser,
		/^test\/(client\/(client|cuts|connect-conf|publish-conf|packets|peers|proxy)|promises\/client)/,
	],
	["with the module that browsers load", builtForBrowsers, /^test\/promises\/client/],
];

/** @param variant one of VARIANTS; undefined: as it is */
async function testFile({ path, variant }) {
	const started = performance.now();
	const id = `${path}${variant?.[0] ?? ""}`.replace(/[^\w.]/g, "_");
	const outfile = join(out, `${id}.mjs`);
	const record = join(variant === undefined ? results : out, `${id}.jsonl`);
	const unbuilt = await bundle(path, outfile, variant === undefined ? [] : [variant[1]]);
	const env = { HEARTH_TEST_RESULTS: record, HEARTH_TEST_FILE: path, HEARTH_TEST_SLOWNESS: String(SLOWNESS) };
	const { code, output } =
		unbuilt === undefined
			? await run(process.execPath, ["--enable-source-maps", outfile], env)
			: { code: 1, output: unbuilt };
	const outcomes = existsSync(record) ? readFileSync(record, "utf8").split("\n").filter(Boolean).map(JSON.parse) : [];
	let why = outcomes.length === 0 ? "no test ran" : "";
	// a file that ends badly without a failed test, or with no test at all, is itself a failure
	if (outcomes.length === 0 || (code !== 0 && !outcomes.some(({ status }) => status === "failed"))) {
		outcomes.push({ file: path, suite: "", name: "the file as a whole", status: "failed" });
		appendFileSync(record, `${JSON.stringify(outcomes.at(-1))}\n`);
	} else why = "";
	for (const { status, name, reason } of outcomes) {
		counts[status]++;
		if (status === "skipped") skips.set(reason, [...(skips.get(reason) ?? []), `${path}: ${name}`]);
	}
	report(
		variant === undefined ? path : `${path}, ${variant[0]}`,
		!outcomes.some(({ status }) => status === "failed"),
		`${output}${why}`,
		started,
	);
}

function testFiles() {
	const paths = readdirSync(join(root, "test"), { recursive: true })
		.map((name) => `test/${String(name).replaceAll("\\", "/")}`)
		.filter((name) => name.endsWith(".test.ts"))
		.filter((name) => whole || words.some((word) => name.includes(word)))
		.sort();
	return paths.flatMap((path) => [
		{ path, variant: undefined },
		...VARIANTS.filter(([, , files]) => files.test(path)).map((variant) => ({ path, variant })),
	]);
}

for (const folder of [out, results]) {
	rmSync(folder, { recursive: true, force: true });
	mkdirSync(folder, { recursive: true });
}
if (whole) {
	const bin = (name) => join(root, "node_modules", ".bin", name);
	await check("types: src", bin("tsc"), ["-p", "src"]);
	await check("types: browser", bin("tsc"), ["-p", "browser"]);
	await check("types: the page", bin("tsc"), ["-p", "host-sim/web/page"]);
	await check("types: the rest", bin("tsc"), ["-p", "."]);
	await check("lint and format", bin("biome"), ["check", "."]);
	await check("tidy", process.execPath, ["scripts/tidy.mjs"]);
}
const built = await run(process.execPath, ["scripts/build.mjs"]);
if (built.code !== 0) {
	counts.failed++;
	report("build", false, built.output, performance.now());
}
const queue = testFiles();
// the engine is built before a test's time counts; where that cannot be, the tests say why
if (queue.some(({ path }) => /^test\/(xs|boards)\//.test(path)))
	for (const cpu of whole ? new Set([CPU, "arm", "xtensa"]) : [CPU]) await buildHost({ cpu }).catch(() => {});
if (queue.length === 0) console.log(`no test file has one of these words in its path: ${words.join(" ")}`);
const worker = async () => {
	for (let next = queue.shift(); next !== undefined; next = queue.shift()) await testFile(next);
};
await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, worker));
if (whole) await check("conformance", process.execPath, ["scripts/conformance.mjs"]);
else rmSync(out, { recursive: true, force: true });

const required = process.env.HEARTH_REQUIRE_ALL === "1";
for (const [reason, names] of skips) {
	console.log(`skipped ${names.length}: ${reason}`);
	if (required) for (const name of names) console.log(`  ${name}`);
}
const refused = required && counts.skipped > 0;
if (refused) console.log("nothing may be skipped here (HEARTH_REQUIRE_ALL=1)");
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
console.log(`\n${counts.passed} passed, ${counts.failed} failed${skipped}`);
const nothing = counts.passed + counts.failed + counts.skipped === 0;
process.exit(counts.failed > 0 || refused || nothing ? 1 : 0);
