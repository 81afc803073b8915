/** `npm run check:boards [-- [--record] [board…] [projects]]`: builds the hub for each board with the Moddable SDK that
 *  $MODDABLE names, as far as that goes without the vendors' tools: types, byte code, the linker with its preloads.
 *  Fails on a type error, on a linker's warning about our modules, and when the image grew by more than 5 %. On Linux's
 *  32-bit runtime the hub then runs, real clients talk through it, and it goes wrong and tells why when it has started
 *  again. `projects` are what others make of the package. --record writes the sizes down. Exit code 3: there is no SDK,
 *  nothing was checked. */
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { freePort, LinHub, restart, talkThrough } from "./lin-runtime.mjs";
import { ROOT } from "./xs-build.mjs";
import { cpuNamed } from "./xs-cpus.mjs";

const SIZES = path.join(ROOT, "boards", "sizes.json");
const OUT = path.join(ROOT, "build", "boards");
const GROWTH = 1.05;

const GCC_32 = cpuNamed("x86").flags;

/** mcconfig's platforms, by board. */
const PLATFORMS = {
	lin: "lin",
	esp32: "esp32",
	esp32s3: "esp32/esp32s3",
	esp32c3: "esp32/esp32c3",
	pico_w: "pico/pico_w",
	esp8266: "esp",
};

/** What the SDK itself leaves to be written to, and ours only lead to. */
const THEIRS = /Preference\.#cache/;

/** The application, and on Linux what needs the SDK's preferences, which keep nothing there when they are preloaded. */
const IN_RAM = /^hearth-mqtt\/boards\/(main|restarts)$/;

/** A broker in a project that mcpack builds. */
const PROGRAM = `import { Broker } from "hearth-mqtt";
import { DevicePlatform, esp32 as limits, TcpListener } from "hearth-mqtt/boards";

const platform = new DevicePlatform();
const broker = new Broker({ limits, platform });
platform.attach(broker);
new TcpListener(platform, broker, 1883);
`;

const sdk = process.env.MODDABLE;

/** The linker and the rest do not need the vendors' SDKs, but the makefiles ask for their folders. */
function standIns() {
	const folder = path.join(OUT, "vendors");
	const vendor = (name) => path.join(folder, name);
	for (const name of [
		"esp-idf",
		"esp8266-2.3.0",
		"ESP8266_RTOS_SDK",
		"toolchain/Linux",
		"pico-sdk",
		"pico-extras",
		"gcc",
	])
		fs.mkdirSync(vendor(name), { recursive: true });
	for (const name of ["gcc/bin", "pico-examples"]) fs.mkdirSync(vendor(name), { recursive: true });
	for (const name of ["gcc/bin/arm-none-eabi-gcc", "pioasm", "picotool"]) fs.writeFileSync(vendor(name), "");
	const radio = vendor("pico-sdk/src/rp2_common/pico_cyw43_driver");
	fs.mkdirSync(radio, { recursive: true });
	fs.writeFileSync(path.join(radio, "cyw43_bus_pio_spi.pio"), "");
	if (!fs.existsSync(vendor("esp-idf/.git"))) {
		const git = (...args) => execFileSync("git", ["-C", vendor("esp-idf"), ...args], { stdio: "ignore" });
		git("init");
		git("-c", "user.name=none", "-c", "user.email=none", "commit", "--allow-empty", "-m", "none");
	}
	return {
		IDF_PATH: vendor("esp-idf"),
		ESP_BASE: folder,
		PICO_ROOT: folder,
		PICO_SDK_DIR: vendor("pico-sdk"),
		PICO_EXTRAS_DIR: vendor("pico-extras"),
		PICO_EXAMPLES_DIR: vendor("pico-examples"),
		PIOASM: vendor("pioasm"),
		UF2CONV: vendor("picotool"),
		PICO_GCC_ROOT: vendor("gcc"),
	};
}

function environment() {
	const tools = path.join(sdk, "build", "bin", "lin", "release");
	const bin = path.join(OUT, "bin");
	fs.mkdirSync(bin, { recursive: true });
	const once = path.join(ROOT, "scripts", "tsc-once.mjs");
	fs.writeFileSync(path.join(bin, "tsc"), `#!/bin/sh\nexec node "${once}" "$@"\n`, { mode: 0o755 });
	const glib = "/usr/lib/i386-linux-gnu/pkgconfig";
	const search = [tools, bin, process.env.PATH].join(path.delimiter);
	return { PKG_CONFIG_PATH: glib, ...process.env, ...standIns(), PATH: search };
}

/** Runs a command. @returns {{ status: number, output: string }} */
function run(command, args, env, cwd = ROOT) {
	const { status, stdout, stderr, error } = spawnSync(command, args, {
		cwd,
		env,
		encoding: "utf8",
		maxBuffer: 1 << 28,
	});
	return { status: error ? 1 : (status ?? 1), output: error ? `${error.message}\n` : stdout + stderr };
}

/** @returns {string | undefined} a file's path below a folder */
function find(folder, name) {
	const found = fs.readdirSync(folder, { recursive: true }).find((file) => path.basename(String(file)) === name);
	return found === undefined ? undefined : path.join(folder, String(found));
}

/** @returns an empty folder */
function fresh(name) {
	const folder = path.join(OUT, name);
	fs.rmSync(folder, { recursive: true, force: true });
	fs.mkdirSync(folder, { recursive: true });
	return folder;
}

/** Configures a project and links it: types, byte code, preloads.
 *  @param folder an empty one @param command mcconfig's or mcpack's, without the folder
 *  @returns {{ findings: string[], target?: string }} what is wrong, or the linked image's C source */
function link(folder, command, env, cwd = ROOT) {
	const configured = run(command[0], [...command.slice(1), "-t", "build", "-o", folder], env, cwd);
	const makefile = find(folder, "makefile");
	if (configured.status !== 0 || makefile === undefined) return { findings: [configured.output.trim()] };
	const target = path.join(path.dirname(makefile), "mc.xs.c");
	const config = path.join(folder, "sdkconfig.h");
	fs.writeFileSync(config, "");
	const given = [`SDKCONFIG_H=${config}`, "-o", config];
	const made = run("make", ["-j", `${os.availableParallelism()}`, "-f", makefile, ...given, target], env);
	const lines = made.output.split("\n");
	const findings = lines.filter((line) => /^### warning: .*hearth-mqtt/.test(line) && !THEIRS.test(line));
	findings.push(...notPreloaded(fs.readFileSync(makefile, "utf8")));
	if (made.status === 0) return { findings, target };
	const why = lines.filter((line) => /error TS|\*\*\*|^### \w*Error/.test(line));
	return { findings: [...findings, ...(why.length > 0 ? why : [made.output.trim()])] };
}

/** Builds the SDK's side. @returns {{ findings: string[], sizes?: { image: number }, folder: string }} */
function buildBoard(board, options, env) {
	const folder = fresh(board);
	const { findings, target } = link(folder, ["mcconfig", "-p", PLATFORMS[board], "manifest.json", ...options], env);
	return { findings, folder, ...(target === undefined ? {} : { sizes: sizesOf(target, env) }) };
}

/** What others make of the package, for an ESP32: each of examples/moddable by its manifest, and a program that mcpack
 *  builds of what npm would publish. @returns {[name: string, build: (env: object) => { findings: string[] }][]} */
function projects() {
	const examples = fs.readdirSync(path.join(ROOT, "examples", "moddable")).map((name) => {
		const manifest = `examples/moddable/${name}/manifest.json`;
		return [manifest, (env) => link(fresh(`example-${name}`), ["mcconfig", "-p", "esp32", manifest], env)];
	});
	return [...examples, ["mcpack", linkPackage]];
}

function linkPackage(env) {
	const project = fresh("mcpack");
	const installed = path.join(project, "node_modules", "hearth-mqtt");
	fs.mkdirSync(installed, { recursive: true });
	const packed = run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", project], env);
	if (packed.status !== 0) return { findings: [packed.output.trim()] };
	run("tar", ["-xzf", path.join(project, packed.output.trim()), "-C", installed, "--strip-components=1"], env);
	const app = {
		name: "app",
		version: "1.0.0",
		type: "module",
		main: "./main.js",
		dependencies: { "hearth-mqtt": "*" },
	};
	fs.writeFileSync(path.join(project, "package.json"), JSON.stringify(app));
	fs.writeFileSync(path.join(project, "main.js"), PROGRAM);
	return link(fresh("mcpack/out"), ["mcpack", "mcconfig", "-p", "esp32"], env, project);
}

/** A module of ours that the makefile's linker does not preload lies in RAM; the application itself must. */
function notPreloaded(makefile) {
	const modules = new Set([...makefile.matchAll(/\/(hearth-mqtt[\w/-]*)\.xsb\b/g)].map((match) => match[1]));
	const preloads = new Set([...makefile.matchAll(/-p (hearth-mqtt[\w/-]*)\.xsb\b/g)].map((match) => match[1]));
	if (modules.size === 0 || preloads.size === 0) return ["the makefile names no module of ours"];
	return [...modules]
		.filter((name) => !preloads.has(name) && !IN_RAM.test(name))
		.map((name) => `${name} is not preloaded`);
}

/** Compiles the linked image for 32 bits. @returns its bytes, all of which a device has in flash */
function sizesOf(source, env) {
	const object = `${source}.o`;
	const includes = ["includes", "platforms", "sources"].map((name) => `-I${path.join(sdk, "xs", name)}`);
	const options = ["-w", "-fno-pic", ...includes, `-I${path.dirname(source)}`];
	const compiled = run("gcc", [...GCC_32, ...options, "-c", source, "-o", object], env);
	if (compiled.status !== 0) throw new Error(compiled.output);
	const [, numbers] = run("size", [object], env).output.trim().split("\n");
	const [text, data] = numbers.trim().split(/\s+/).map(Number);
	return { image: text + data };
}

/** Builds for Linux's 32-bit runtime and lets real clients talk through the hub there. @returns {Promise<string[]>} */
async function runOnLin(env) {
	const [port, pagePort] = [await freePort(), await freePort()];
	const options = [`port=${port}`, `page=${pagePort}`, "anonymous=1", "end=end", "fault=fault"];
	const { findings, folder } = buildBoard("lin", options, env);
	if (findings.length > 0) return findings;
	const made = run("make", ["-f", find(folder, "makefile"), `CC=${["gcc", ...GCC_32].join(" ")}`, "build"], env);
	const library = find(folder, "mc.so");
	if (made.status !== 0 || library === undefined) return [made.output.trim().split("\n").slice(-3).join(" ")];
	const host = path.join(folder, "host");
	const glib = run("pkg-config", ["--cflags", "--libs", "gio-2.0"], env).output.trim().split(/\s+/);
	const headers = ["-DmxLinux=1", `-I${path.join(sdk, "build", "simulators", "modules")}`];
	const compiled = run("gcc", [...GCC_32, ...headers, "boards/lin/host.c", "-o", host, ...glib, "-ldl"], env);
	if (compiled.status !== 0) return [compiled.output.trim()];
	const hub = new LinHub(host, library, { port, pagePort }, env);
	try {
		await talkThrough(hub);
		await restart(hub);
	} catch (error) {
		return [`lin: ${error.message}\n${hub.output}`];
	} finally {
		hub.kill();
	}
	return [];
}

async function main() {
	if (sdk === undefined || !fs.existsSync(path.join(sdk, "build", "bin", "lin", "release", "mcconfig"))) {
		console.log("check:boards: skipped: $MODDABLE names no Moddable SDK whose Linux tools are built");
		return 3;
	}
	const all = [...Object.keys(PLATFORMS), "projects"];
	const asked = process.argv.slice(2).filter((word) => !word.startsWith("-"));
	const unknown = asked.find((name) => !all.includes(name));
	if (unknown !== undefined) {
		console.error(`check:boards: no board ${unknown}: give some of ${all.join(", ")}`);
		return 2;
	}
	const wanted = asked.length > 0 ? asked : all;
	const recorded = fs.existsSync(SIZES) ? JSON.parse(fs.readFileSync(SIZES, "utf8")) : {};
	const env = environment();
	let failed = 0;
	const tell = (name, findings, sizes) => {
		console.log(
			`${findings.length === 0 ? "ok  " : "FAIL"} ${name}${sizes === undefined ? "" : ` ${sizes.image} bytes`}`,
		);
		for (const line of findings) console.log(`     ${line}`);
		failed += findings.length;
	};
	for (const board of wanted.filter((name) => name !== "projects")) {
		const { findings, sizes } = buildBoard(board, [], env);
		const before = recorded[board];
		const record = process.argv.includes("--record");
		if (sizes !== undefined && before !== undefined && !record)
			if (sizes.image > GROWTH * before.image)
				findings.push(`the image has ${sizes.image} bytes, ${before.image} before; --record if that is meant`);
		if (sizes !== undefined && (before === undefined || record)) recorded[board] = sizes;
		if (board === "lin" && findings.length === 0) findings.push(...(await runOnLin(env)));
		tell(board, findings, sizes);
	}
	if (wanted.includes("projects")) for (const [name, build] of projects()) tell(name, build(env).findings);
	if (failed === 0) fs.writeFileSync(SIZES, `${JSON.stringify(recorded, undefined, "\t")}\n`);
	return failed === 0 ? 0 : 1;
}

process.exit(await main());
