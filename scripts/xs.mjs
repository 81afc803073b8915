/** Runs a TypeScript program on the XS engine with a board's memory:
 *  `npm run xs -- [--board NAME] [--cpu x86|arm|xtensa] file.ts [host option…]`.
 *  The program becomes two bundles, as a device has them: src/ and the boards' limits are preloaded into "ROM" and
 *  frozen,
 *  the rest is main. Host options: the head of test/xs/host/xshost.c. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { buildHost, CannotBuild, isMain, ROOT } from "./xs-build.mjs";
import { cpuNamed } from "./xs-cpus.mjs";

export { buildHost, CannotBuild };

const RUN = path.join(ROOT, "build", "xs", "run");

/** The processor where none is named: the tests of test/xs run on any. */
export const CPU = process.env.HEARTH_XS_CPU ?? "x86";

const EMULATED_SLOWNESS = 20;

/** How much longer than usual a busy machine may take. */
const PATIENCE = Number(process.env.HEARTH_TEST_PATIENCE ?? 1);

/** The engine's memory by board, as the host's options: `creation` in boards/<board>/manifest-limits.json. */
export const BOARDS = Object.fromEntries(
	["esp32", "esp32s3", "esp32c3", "pico_w", "esp8266", "lin"].map((board) => [board, hostOptions(board)]),
);

function hostOptions(board) {
	const { creation } = JSON.parse(fs.readFileSync(path.join(ROOT, "boards", board, "manifest-limits.json"), "utf8"));
	const { static: pool, chunk, heap, stack, keys } = creation;
	const heaps = ["-c", `${chunk.initial}`, "-s", `${heap.initial}`];
	return [...(pool > 0 ? ["-S", `${pool}`] : []), ...heaps, "-k", `${stack}`, "-K", `${keys.initial}`];
}

/** Device code is strict; an iife is so by this line only. */
const COMMON = {
	bundle: true,
	write: false,
	format: "iife",
	target: "es2022",
	platform: "neutral",
	mainFields: ["module", "main"],
	banner: { js: '"use strict";' },
	absWorkingDir: ROOT,
	logLevel: "silent",
};

/** What a device's manifest preloads, and what stands for the SDK's modules, which it preloads, too. */
function isPreloaded(file) {
	return /^(src\/.*|boards\/[^/]+\/limits|boards\/(?!main)[^/]+|test\/xs\/sdk\/.*)\.ts$/.test(file);
}

/** The SDK's modules that have a stand-in: name, file in test/xs/sdk. */
const SDK = {
	"embedded:io/socket/tcp": "tcp",
	"embedded:io/socket/listener": "listener",
	"embedded:io/socket/udp": "udp",
	"embedded:io/digital": "digital",
	"embedded:network/dnssd": "dnssd",
	"embedded:network/interface/wifi": "wifi",
	"embedded:storage/key-value": "key-value",
	"hearth-mqtt/flash": "flash",
	"text/decoder": "text-decoder",
	"text/encoder": "text-encoder",
	Resource: "resource",
	crypt: "crypt",
	ec: "ec",
	ecp: "ecp",
	instrumentation: "instrumentation",
	net: "net",
	preference: "preference",
	rng: "rng",
	wifi: "wifi-access-point",
	time: "time",
	timer: "timer",
};

/** @returns the file that an import names, from ROOT on; undefined: no TypeScript file of the project */
function importedFile(args, board) {
	if (args.path === "hearth-mqtt") return "src/index.ts";
	if (args.path === "hearth-mqtt/limits") return `boards/${board}/limits.ts`;
	const named = /^hearth-mqtt\/((?:src|boards)\/.+)$/.exec(args.path);
	if (named !== null) return `${named[1]}.ts`;
	if (Object.hasOwn(SDK, args.path)) return `test/xs/sdk/${SDK[args.path]}.ts`;
	if (!args.path.startsWith(".")) return undefined;
	const file = path.resolve(args.resolveDir, args.path).replace(/\.js$/, ".ts");
	return fs.existsSync(file) ? path.relative(ROOT, file).replaceAll("\\", "/") : undefined;
}

/** Finds what only a device's build knows: this board's limits, the SDK's modules, mcconfig's options. */
function deviceModules(board, config) {
	return {
		name: "device-modules",
		setup(esbuild) {
			esbuild.onResolve({ filter: /^[a-zA-Z]/ }, (args) => {
				if (args.kind === "entry-point") return undefined;
				if (args.path === "mc/config") return { path: args.path, namespace: "config" };
				const file = importedFile(args, board);
				return file === undefined ? undefined : { path: path.join(ROOT, file) };
			});
			esbuild.onLoad({ filter: /./, namespace: "config" }, () => ({
				contents: `export default ${JSON.stringify(config)};`,
			}));
		},
	};
}

/** In main, an imported binding of a preloaded module is a constant with the module's value, made only when it is
 *  used. */
function linkToRom(modules, board, device) {
	return {
		name: "link-to-rom",
		setup(esbuild) {
			esbuild.onResolve({ filter: /./ }, (args) => {
				const file = args.kind === "entry-point" ? undefined : importedFile(args, board);
				return file !== undefined && isPreloaded(file) ? { path: file, namespace: "rom" } : undefined;
			});
			esbuild.onLoad({ filter: /./, namespace: "rom" }, async (args) => {
				const { names, enums } = await exportsOf(args.path, device);
				modules.set(args.path, names);
				const name = JSON.stringify(args.path);
				const rom = "const rom = (name: string): any => (globalThis as any).hearth[" + name + "][name];";
				const constants = names.map((n) => {
					const value = `/* @__PURE__ */ rom("${n}");`;
					return n === "default" ? `const module = ${value}\nexport default module;` : `export const ${n} = ${value}`;
				});
				return { contents: [rom, ...constants, ...enums].join("\n"), loader: "ts" };
			});
		},
	};
}

/** @returns a module's exported names, and the text of its `const enum`s, which exist at compile time only */
async function exportsOf(file, device) {
	const output = { banner: {}, format: "esm", metafile: true, outdir: RUN };
	const options = { ...COMMON, ...output, entryPoints: [file], plugins: [device] };
	const { metafile } = await build(options);
	const source = fs.readFileSync(path.join(ROOT, file), "utf8");
	const enums = [...source.matchAll(/^export const enum (\w+) \{[^}]*\}/gm)];
	const enumNames = new Set(enums.map((match) => match[1]));
	const exported = Object.values(metafile.outputs)[0].exports;
	return { names: exported.filter((name) => !enumNames.has(name)), enums: enums.map((match) => match[0]) };
}

/** The program that fills globalThis.hearth: by file, by name. */
function preloadSource(modules) {
	const imports = [];
	const entries = [];
	let count = 0;
	for (const [file, names] of modules) {
		const prefix = `m${count++}_`;
		imports.push(`import { ${names.map((n) => `${n} as ${prefix}${n}`).join(", ")} } from "./${file}";`);
		entries.push(`${JSON.stringify(file)}: { ${names.map((n) => `${n}: ${prefix}${n}`).join(", ")} },`);
	}
	return `${imports.join("\n")}\nglobalThis.hearth = {\n${entries.join("\n")}\n};\n`;
}

/** Bundles a program. @param {string} entry its path @param plugins esbuild's, which come first
 *  @param board whose limits are "hearth-mqtt/limits" @param config what "mc/config" is
 *  @returns {Promise<{ main: string, preload: string | undefined }>} paths of the two bundles */
export async function bundle(entry, plugins = [], board = "esp32", config = {}) {
	const file = path.relative(ROOT, path.resolve(entry)).replaceAll("\\", "/");
	const modules = new Map();
	const device = deviceModules(board, config);
	const all = [...plugins, linkToRom(modules, board, device), device];
	const main = await build({ ...COMMON, entryPoints: [file], plugins: all });
	// the same program with another config may be written at the same time
	const variant = createHash("sha256").update(JSON.stringify(config)).digest("hex").slice(0, 8);
	const stem = `${file.replace(/\.\w+$/, "").replaceAll("/", "-")}.${board}.${variant}`;
	const paths = { main: writeBundle(`${stem}.main.js`, main.outputFiles[0].text), preload: undefined };
	if (modules.size > 0) {
		const stdin = { contents: preloadSource(modules), resolveDir: ROOT, loader: "js" };
		const preload = await build({ ...COMMON, stdin, plugins: [device] });
		paths.preload = writeBundle(`${stem}.preload.js`, preload.outputFiles[0].text);
	}
	return paths;
}

/** Writes to build/xs/run. Another process may read the same bundle now: it sees the old or the new one, never a part.
 *  @param {string} name @param {string} source @returns the path */
export function writeBundle(name, source) {
	fs.mkdirSync(RUN, { recursive: true });
	const file = path.join(RUN, name);
	fs.writeFileSync(`${file}.${process.pid}`, source);
	fs.renameSync(`${file}.${process.pid}`, file);
	return file;
}

/** Starts two bundles on XS. See xs.d.mts. */
export async function startBundles(
	{ main, preload },
	{ board = "esp32", cpu = CPU, options = [], timeoutMs = 60_000, profile = false, onLine } = {},
) {
	const program = await buildHost({ cpu, profile });
	const preloads = preload === undefined ? [] : ["-p", preload];
	const run = [...cpuNamed(cpu).run, program, ...boardOptions(board), ...preloads, ...options, "-v", main];
	const child = spawn(run[0], run.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
	return { child, done: collect(child, timeoutMs * slowness(cpu), onLine) };
}

/** @returns how many times longer a program may take than on an idle machine's own processor */
export function slowness(cpu = CPU) {
	return PATIENCE * (cpuNamed(cpu).run.length > 0 ? EMULATED_SLOWNESS : 1);
}

/** Starts a program on XS. See xs.d.mts. */
export async function startOnXs(entry, options) {
	return startBundles(await bundle(entry, [], options?.board, options?.config), options);
}

function boardOptions(board) {
	const options = BOARDS[board];
	if (options === undefined) throw new RangeError(`xs: no board ${board}; there are ${Object.keys(BOARDS).join(", ")}`);
	return options;
}

/** Gathers what the process says until it ends. */
function collect(child, timeoutMs, onLine) {
	const lines = [];
	let errors = "";
	let rest = "";
	child.stdout.setEncoding("utf8").on("data", (text) => {
		const parts = (rest + text).split("\n");
		rest = parts.pop();
		for (const line of parts) {
			lines.push(line);
			onLine?.(line);
		}
	});
	child.stderr.setEncoding("utf8").on("data", (text) => {
		errors += text;
	});
	const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
	return new Promise((resolve, reject) => {
		child.once("error", reject);
		child.once("close", (status, signal) => {
			clearTimeout(timer);
			if (signal !== null) errors += `ended by ${signal} (at most ${timeoutMs} ms)\n`;
			const said = errors.trimEnd().split("\n");
			const last = said[said.length - 1];
			const statistics = last.startsWith("{") ? JSON.parse(said.pop()) : undefined;
			const results = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
			resolve({ status: status ?? -1, lines, results, errors: said.join("\n"), statistics });
		});
	});
}

/** Runs a program on XS to its end. See xs.d.mts. */
export async function runOnXs(entry, options) {
	return (await startOnXs(entry, options)).done;
}

async function main() {
	const { values, positionals, tokens } = parseArgs({
		options: { board: { type: "string", default: "esp32" }, cpu: { type: "string", default: CPU } },
		strict: false,
		allowPositionals: true,
		tokens: true,
	});
	const entry = positionals[0];
	if (entry === undefined)
		throw new RangeError("xs: which file? npm run xs -- [--board NAME] [--cpu NAME] file.ts [host option…]");
	const after = tokens.find((token) => token.kind === "positional").index + 1;
	const options = process.argv.slice(2 + after);
	const { board, cpu } = values;
	const timeoutMs = Math.floor((2 ** 31 - 1) / slowness(cpu));
	const onLine = (line) => console.log(line);
	const { status, errors, statistics } = await runOnXs(entry, { board, cpu, options, timeoutMs, onLine });
	if (errors !== "") console.error(errors);
	if (statistics !== undefined) console.error(JSON.stringify(statistics));
	process.exitCode = status < 0 ? 1 : status;
}

if (isMain("xs.mjs")) {
	try {
		await main();
	} catch (error) {
		const known = error instanceof CannotBuild || error instanceof RangeError;
		console.error(known ? error.message : error);
		process.exitCode = error instanceof CannotBuild ? 3 : error instanceof RangeError ? 2 : 1;
	}
}
