// npm test [-- word...]: type check, lint, tidy, then every test/**/*.test.ts whose path has one of the words,
// each in a
// process of its own. The last line counts what ran. HEARTH_REQUIRE_ALL=1: what is skipped fails the run.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const words = process.argv.slice(2);
const out = join(root, "build", "test");
const results = join(root, "build", "results");
const FILE_LIMIT_MS = 180_000;
const counts = { passed: 0, failed: 0, skipped: 0 };
const reasons = new Map();

function run(command, args, options = {}) {
	return new Promise((resolve) => {
		const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], ...options });
		let output = "";
		let late = false;
		const timer = setTimeout(() => {
			late = true;
			child.kill("SIGKILL");
		}, FILE_LIMIT_MS);
		child.stdout.on("data", (chunk) => (output += chunk));
		child.stderr.on("data", (chunk) => (output += chunk));
		child.on("error", (error) => resolve({ code: 1, output: String(error) }));
		child.on("close", (code) => {
			clearTimeout(timer);
			resolve({ code: late ? 1 : (code ?? 1), output: late ? `${output}\nstopped: took too long\n` : output });
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

async function testFile(path) {
	const started = performance.now();
	const id = path.replace(/[^\w.]/g, "_");
	const bundle = join(out, `${id}.mjs`);
	const record = join(results, `${id}.jsonl`);
	await build({
		entryPoints: [join(root, path)],
		outfile: bundle,
		bundle: true,
		platform: "node",
		format: "esm",
		target: "node20",
		packages: "external",
		sourcemap: "inline",
		logLevel: "silent",
	}).catch(() => undefined);
	const { code, output } = existsSync(bundle)
		? await run("node", ["--enable-source-maps", bundle], {
				env: { ...process.env, HEARTH_TEST_RESULTS: record, HEARTH_TEST_FILE: path },
			})
		: { code: 1, output: `${path} cannot be bundled` };
	const outcomes = existsSync(record)
		? readFileSync(record, "utf8")
				.trim()
				.split("\n")
				.filter(Boolean)
				.map((line) => JSON.parse(line))
		: [];
	for (const outcome of outcomes) {
		counts[outcome.status]++;
		if (outcome.status === "skipped") reasons.set(outcome.reason, (reasons.get(outcome.reason) ?? 0) + 1);
	}
	const failed = outcomes.some((outcome) => outcome.status === "failed");
	// a file that ends badly without a failed test, or with no test at all, is itself a failure
	if ((code !== 0 && !failed) || outcomes.length === 0) counts.failed++;
	report(path, code === 0 && !failed && outcomes.length > 0, output, started);
}

function testFiles() {
	return readdirSync(join(root, "test"), { recursive: true })
		.map((name) => `test/${String(name).replaceAll("\\", "/")}`)
		.filter((name) => name.endsWith(".test.ts"))
		.filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
		.sort();
}

rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });
mkdirSync(out, { recursive: true });
const bin = (name) => join(root, "node_modules", ".bin", name);
if (words.length === 0) {
	await check("types: src", bin("tsc"), ["-p", "src"]);
	await check("types: the rest", bin("tsc"), ["-p", "."]);
	await check("lint and format", bin("biome"), ["check", "."]);
	await check("tidy", "node", ["scripts/tidy.mjs"]);
}
await run("node", ["scripts/build.mjs"]);
const queue = testFiles();
const worker = async () => {
	for (let path = queue.shift(); path !== undefined; path = queue.shift()) await testFile(path);
};
await Promise.all(Array.from({ length: Math.max(1, Math.min(availableParallelism(), 4)) }, worker));
if (words.length === 0) await check("conformance", "node", ["scripts/conformance.mjs"]);

for (const [reason, count] of reasons) console.log(`skipped ${count}: ${reason}`);
const refused = process.env.HEARTH_REQUIRE_ALL === "1" && counts.skipped > 0;
if (refused) console.log("nothing may be skipped here (HEARTH_REQUIRE_ALL=1)");
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
console.log(`\n${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exit(counts.failed > 0 || refused ? 1 : 0);
