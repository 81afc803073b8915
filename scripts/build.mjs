// Bundles the command and the library into dist/: the only build step.
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build as esbuild } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Bundles one entry; a file appears at once and whole, so that two builds at the same time don't harm each other. */
async function bundle(entry, target, options) {
	const { outputFiles } = await esbuild({
		entryPoints: [join(root, entry)],
		outfile: join(root, "dist", target),
		bundle: true,
		format: "esm",
		packages: "external",
		sourcemap: true,
		logLevel: "warning",
		write: false,
		...options,
	});
	await mkdir(join(root, "dist"), { recursive: true });
	for (const { path, contents } of outputFiles) {
		await writeFile(`${path}.${process.pid}`, contents);
		await rename(`${path}.${process.pid}`, path);
	}
}

export async function build() {
	await bundle("host-sim/cli/main.ts", "cli.mjs", { platform: "node", target: "node20" });
	await bundle("host-sim/client/index.ts", "client.mjs", { platform: "node", target: "node20" });
	await bundle("src/index.ts", "index.mjs", { platform: "neutral", target: "es2022" });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
