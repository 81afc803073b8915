// Bundles the command and the library into dist/: the only build step.
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build as esbuild } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Bundles one entry; the result appears at once, so that two builds at the same time don't harm each other. */
async function bundle(entry, target, options) {
	const temporary = join(root, "dist", `.${process.pid}-${target}`);
	await esbuild({
		entryPoints: [join(root, entry)],
		outfile: temporary,
		bundle: true,
		format: "esm",
		packages: "external",
		logLevel: "warning",
		...options,
	});
	await rename(temporary, join(root, "dist", target));
	await rm(`${temporary}.map`, { force: true });
}

export async function build() {
	await bundle("host-sim/cli/main.ts", "cli.mjs", { platform: "node", target: "node20" });
	await bundle("src/index.ts", "index.mjs", { platform: "neutral", target: "es2022" });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
