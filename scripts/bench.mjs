// npm run bench [-- part...]: measures, prints, and judges nothing. Parts: codec, routes, brokers, client, xs, flash;
// all by default; and storage, crashes.
// Ratios are of runs side by side; absolute times mean little on a shared machine.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const PARTS = ["codec", "routes", "brokers", "client", "xs", "flash"];
/** These take minutes: only when they are asked for. */
const ASKED_FOR = ["storage", "crashes"];
const asked = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const flags = process.argv.slice(2).filter((word) => word.startsWith("-"));
const unknown = asked.find((word) => ![...PARTS, ...ASKED_FOR].includes(word));
if (unknown !== undefined) {
	console.error(`bench: ${unknown}: no such part; there are ${[...PARTS, ...ASKED_FOR].join(", ")}`);
	process.exit(2);
}
mkdirSync(join(root, "build", "bench"), { recursive: true });
for (const part of asked.length > 0 ? asked : PARTS) {
	const entry = join(root, "test", "bench", `${part}.ts`);
	if (!existsSync(entry)) continue;
	const outfile = join(root, "build", "bench", `${part}.bench.mjs`);
	await build({
		entryPoints: [entry],
		outfile,
		bundle: true,
		platform: "node",
		format: "esm",
		target: "node20",
		packages: "external",
		logLevel: "warning",
	});
	console.log(`\n# ${part}`);
	const child = spawn("node", ["--expose-gc", outfile, ...flags], { cwd: root, stdio: "inherit" });
	const code = await new Promise((resolve) => child.on("close", resolve));
	if (code !== 0) process.exitCode = 1;
}
