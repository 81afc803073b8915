// npm run bench [-- part... ] [word or flag...]: measures, prints, and judges nothing. Without a part: brokers. What is
// no part goes on to the parts: words select rows of brokers, flags are each part's own.
// Ratios are of runs side by side; absolute times mean little on a shared machine.
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const PARTS = ["brokers", "client", "codec", "crashes", "flash", "routes", "storage", "xs"];
const words = process.argv.slice(2);
const first = words.findIndex((word) => !PARTS.includes(word));
const parts = first < 0 ? words : words.slice(0, first);
const rest = first < 0 ? [] : words.slice(first);
mkdirSync(join(root, "build", "bench"), { recursive: true });
for (const part of parts.length > 0 ? parts : ["brokers"]) {
	const outfile = join(root, "build", "bench", `${part}.bench.mjs`);
	await build({
		entryPoints: [join(root, "test", "bench", `${part}.ts`)],
		outfile,
		bundle: true,
		platform: "node",
		format: "esm",
		target: "node20",
		packages: "external",
		logLevel: "warning",
	});
	console.log(`\n# ${part}`);
	const child = spawn("node", ["--expose-gc", outfile, ...rest], { cwd: root, stdio: "inherit" });
	const code = await new Promise((resolve) => child.on("close", resolve));
	if (code !== 0) process.exitCode = code ?? 1;
}
