// npm run docs: writes the tables of docs/configuration.md from the options of the hub. A test holds them together.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const entry = `
export { markdownTables } from "./host-sim/configuration/describe.ts";
export { HUB } from "./host-sim/configuration/hub-configuration.ts";`;
const { outputFiles } = await build({
	stdin: { contents: entry, resolveDir: root, loader: "ts" },
	bundle: true,
	platform: "node",
	format: "esm",
	packages: "external",
	write: false,
});
const code = Buffer.from(outputFiles[0].contents).toString("base64");
const { markdownTables, HUB } = await import(`data:text/javascript;base64,${code}`);
const path = join(root, "docs", "configuration.md");
const text = readFileSync(path, "utf8");
writeFileSync(path, `${text.slice(0, text.indexOf("## The hub"))}${markdownTables(HUB)}`);
