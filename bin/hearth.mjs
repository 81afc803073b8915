#!/usr/bin/env node
// Runs the built command; in a checkout whose sources are newer, it is built first.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const built = join(root, "dist", "cli.mjs");

function newest(folder) {
	let time = 0;
	for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true }))
		if (entry.isFile() && entry.name.endsWith(".ts"))
			time = Math.max(time, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs);
	return time;
}

/** Without the development tools what is there is run; the published package comes built, without host-sim/. */
async function buildIfOld() {
	if (!existsSync(join(root, "host-sim")) || !existsSync(join(root, "node_modules", "esbuild"))) return;
	const time = existsSync(built) ? statSync(built).mtimeMs : 0;
	if (time < Math.max(newest("src"), newest("host-sim"), newest("boards")))
		await (await import("../scripts/build.mjs")).build();
}

await buildIfOld();
if (existsSync(built)) await import(pathToFileURL(built).href);
else {
	console.error(`hearth: dist/cli.mjs is missing in ${root}: run npm ci there, which builds it`);
	process.exitCode = 1;
}
