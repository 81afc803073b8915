// Bundles the command and the library into dist/: the only build step. `--types` makes
// the library's declarations, too, `--types-only` nothing else.
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build as esbuild } from "esbuild";
import { minify } from "terser";
import { ofBrowser, withoutBrokers } from "./in-browsers.mjs";
import { shortenable } from "./short-names.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** @returns what esbuild makes of one entry */
function bundled(entry, target, options) {
	return esbuild({
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
}

/** Bundles one entry. @param {(text: string) => string} [mend] changes what becomes of it */
async function bundle(entry, target, options, mend) {
	const { outputFiles } = await bundled(entry, target, options);
	for (const { path, contents, text } of outputFiles)
		await put(path, mend !== undefined && path.endsWith(".mjs") ? mend(text) : contents);
}

/** esbuild makes a `var` of each `const` of a module, and of a `const enum` an object; in the SDK's ROM a variable and
 *  an object that may change take RAM, what is constant and frozen none. */
function constants(text) {
	return text
		.replace(
			/^var (\w+) = \/\* @__PURE__ \*\/ (\(\(\w+\) => \{[\s\S]*?^\}\))\(\1 \|\| \{\}\);/gm,
			"const $1 = Object.freeze($2({}));",
		)
		.replace(/^var (?=\w+ = )/gm, "const ");
}

/** What Moddable's mcpack takes, and the rest of the world may. */
const DEVICES = { platform: "neutral", target: "es2022" };

/** Writes a file; it appears at once and whole, so that two builds at the same time don't harm each other. */
async function put(path, contents) {
	await mkdir(join(path, ".."), { recursive: true });
	await writeFile(`${path}.${process.pid}`, contents);
	await rename(`${path}.${process.pid}`, path);
}

/** The command, in parts: each is loaded when it is wanted. */
async function buildCommand() {
	const { outputFiles } = await esbuild({
		entryPoints: { cli: join(root, "host-sim/cli/main.ts") },
		outdir: join(root, "dist"),
		outExtension: { ".js": ".mjs" },
		chunkNames: "cli-[name]-[hash]",
		splitting: true,
		bundle: true,
		format: "esm",
		platform: "node",
		target: "node20",
		packages: "external",
		sourcemap: true,
		logLevel: "warning",
		write: false,
	});
	// cli.mjs, which leads to the others, last
	const files = outputFiles.sort((one, other) => other.path.length - one.path.length);
	for (const { path, contents } of files) await put(path, contents);
	await removeOld(new Set(files.map(({ path }) => path)));
}

/** ms: a command that was begun before a build has loaded its parts after that */
const OLD_MS = 60_000;

/** Removes the parts that earlier builds left behind. */
async function removeOld(wanted) {
	for (const name of await readdir(join(root, "dist"))) {
		const path = join(root, "dist", name);
		if (!name.startsWith("cli-") || wanted.has(path)) continue;
		const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
		if (Date.now() - mtimeMs > OLD_MS) await rm(path, { force: true });
	}
}

/** The configuration's JSON schema, from the tables that the command reads it by. */
async function writeSchema() {
	const { stdout } = await promisify(execFile)(process.execPath, [join(root, "dist", "cli.mjs"), "config", "schema"]);
	await put(join(root, "dist", "hearth.config.schema.json"), stdout);
}

/** What browsers load as it is: small, and with all that it needs. */
const IN_BROWSERS = {
	platform: "browser",
	target: "es2022",
	packages: "bundle",
	minify: true,
	// fields that are set in a constructor need not be declared, too
	tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
};
/** The client's modules for browsers. Names that nobody else sees are short, and the same in both; terser's choice of
 *  the others compresses better than esbuild's. */
async function buildForBrowsers() {
	const options = { ...IN_BROWSERS, plugins: [ofBrowser, withoutBrokers] };
	const entry = "browser/index.ts";
	const plain = await bundled(entry, "", { ...options, minify: false, sourcemap: false });
	const mangleProps = await shortenable(root, ["browser/index.d.ts", "browser/scram.d.ts"], plain.outputFiles[0].text);
	let mangleCache = {};
	for (const [from, target] of [
		[entry, "client-browser.mjs"],
		["browser/scram.ts", "scram-browser.mjs"],
	]) {
		const result = await bundled(from, target, { ...options, mangleProps, mangleCache });
		mangleCache = result.mangleCache;
		const [map, module] = result.outputFiles;
		const { code, map: sources } = await minify(module.text, {
			module: true,
			ecma: 2022,
			compress: { passes: 2, if_return: false },
			sourceMap: { content: map.text, filename: target, url: `${target}.map` },
		});
		await put(map.path, sources);
		await put(module.path, code);
	}
}

/** The hub's page, each file with a compressed one beside it. */
const PAGE = "host-sim/web/page";

async function buildPage() {
	const { outputFiles } = await esbuild({
		...IN_BROWSERS,
		entryPoints: { app: join(root, PAGE, "main.tsx") },
		outdir: join(root, "dist", "page"),
		bundle: true,
		format: "esm",
		jsx: "automatic",
		jsxImportSource: "preact",
		legalComments: "none",
		logLevel: "warning",
		write: false,
	});
	const files = outputFiles.map(({ path, contents }) => [path, contents]);
	for (const name of ["index.html", "icon.svg"])
		files.push([join(root, "dist", "page", name), await readFile(join(root, PAGE, name))]);
	for (const [path, contents] of files) {
		await put(path, contents);
		await put(`${path}.gz`, gzipSync(contents, { level: 9 }));
	}
}

export async function build() {
	await buildPage();
	await buildCommand();
	await writeSchema();
	await bundle("host-sim/client/index.ts", "client.mjs", { platform: "node", target: "node20" });
	await buildForBrowsers();
	await bundle("host-sim/index.ts", "node.mjs", { platform: "node", target: "node20" });
	await bundle("src/index.ts", "index.mjs", DEVICES, constants);
	await bundle("boards/package.ts", "boards.mjs", DEVICES, constants);
}

/** Writes dist/types. What is a `const enum` in the source is an object in the bundles, and so it is declared. */
async function buildTypes() {
	const made = join(root, "build", `types-${process.pid}`);
	const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
	const args = [tsc, "-p", "tsconfig.types.json", "--outDir", made];
	await promisify(execFile)(process.execPath, args, { cwd: root });
	for (const name of await readdir(made, { recursive: true })) {
		if (!name.endsWith(".ts")) continue;
		const text = await readFile(join(made, name), "utf8");
		await put(join(root, "dist", "types", name), text.replaceAll("const enum", "enum"));
	}
	await rm(made, { recursive: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const [option = ""] = process.argv.slice(2);
	if (option !== "--types-only") await build();
	if (option !== "") await buildTypes();
}
