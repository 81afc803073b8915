/** Builds test/xs/host, the program that runs a bundle on the XS engine with a microcontroller's memory.
 *  The engine's sources come from a package on npm, are checked against its known sha512, and stay in build/xs.
 *  `node scripts/xs-build.mjs [cpu]` prints the program's path; exit code 3: it cannot be built here, one line says
 *  why. */
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { cpuNamed, missingFor } from "./xs-cpus.mjs";

/** The project's folder; looked for, because tests have this file bundled elsewhere. */
export const ROOT = projectFolder(path.dirname(fileURLToPath(import.meta.url)));

function projectFolder(folder) {
	return fs.existsSync(path.join(folder, "package.json")) ? folder : projectFolder(path.dirname(folder));
}

/** @returns whether this script is what node was started with */
export function isMain(name) {
	return process.argv[1] !== undefined && path.basename(process.argv[1]) === name;
}

const BUILD = path.join(ROOT, "build", "xs");
const HOST = path.join(ROOT, "test", "xs", "host");
const PACKAGE = "@agoric/xsnap@0.15.0";
const TARBALL = path.join(BUILD, "agoric-xsnap-0.15.0.tgz");
const SHA512 = "ZBm4DZxbtfacxMHVVdJjZi0Y8zOxN77vpu1WwI5RWfPkaRh0aHkz/dVdTGKXalDNzWfz183lljKxlxl3/h0n+A==";

/** Of every processor. */
const FLAGS = [
	"-w",
	"-fno-common",
	"-DINCLUDE_XSPLATFORM",
	'-DXSPLATFORM="xshostPlatform.h"',
	"-DmxParse=1",
	"-DmxRun=1",
	"-DmxSloppy=1",
];

/** The host that tests run on counts opcodes, slots and bytes, and knows where the stack ends. */
const COUNTING = ["-O2", "-DmxMetering=1", "-DmxInstrument=1", "-DmxBoundsCheck=1"];

/** One that counts nothing, as the SDK's tools/mcconfig/make.esp32.mk compiles a release. */
const RELEASE = ["-Os", "-fno-inline-functions", "-fno-jump-tables", "-DHOST_RELEASE"];

/** Engine sources that the host leaves out: tools for snapshots, native calls, and xsDefaults, which it has its
 *  own of. */
const LEFT_OUT = /^(xsSnapshot|xsDefaults|xsffi|xsum)/;

/** In the profiling host the engine reports each opcode's function to test/xs/host/profile.c. */
const PROFILE = "-DHOST_PROFILE";
const STEP = ["\t\t\tthe->meterIndex++; \\\n", "\t\t\tthe->meterIndex++; profileStep(the, mxFrame); \\\n"];

/** What is missing on this computer; not a fault of the project. */
export class CannotBuild extends Error {
	name = "CannotBuild";
}

/** Builds what is not built yet. @param {{ cpu?: string, profile?: boolean, release?: boolean }} options
 *  cpu: of scripts/xs-cpus.mjs; profile: one that counts opcodes by function; release: one that counts nothing
 *  @returns {Promise<string>} path of the program. Throws CannotBuild when a compiler or an emulator is missing, or the
 *  engine cannot be fetched */
export async function buildHost({ cpu = "x86", profile = false, release = false } = {}) {
	const missing = missingFor(cpu);
	if (missing !== undefined) throw new CannotBuild(missing);
	const folder = path.join(BUILD, profile ? `${cpu}-profile` : release ? `${cpu}-release` : cpu);
	fs.mkdirSync(folder, { recursive: true });
	const unlock = await lock(path.join(BUILD, "lock"));
	try {
		return await build(engineSources(), cpuNamed(cpu), folder, profile, release ? RELEASE : COUNTING);
	} finally {
		unlock();
	}
}

/** Fetches, checks and unpacks. @returns {string} the folder with xs/ and modules/ */
function engineSources() {
	const folder = path.join(BUILD, "package", "moddable");
	const stamp = path.join(BUILD, "package", "unpacked");
	if (fs.existsSync(stamp)) return folder;
	if (!fs.existsSync(TARBALL)) {
		const options = ["pack", PACKAGE, "--silent", "--pack-destination", BUILD];
		try {
			execFileSync("npm", options, {
				cwd: BUILD,
				stdio: ["ignore", "ignore", "pipe"],
				shell: process.platform === "win32",
			});
		} catch {
			throw new CannotBuild(`npm cannot fetch ${PACKAGE}, the XS engine's sources`);
		}
	}
	const found = createHash("sha512").update(fs.readFileSync(TARBALL)).digest("base64");
	if (found !== SHA512) {
		fs.rmSync(TARBALL);
		throw new Error(`xs-build: ${PACKAGE} has sha512 ${found}, not the expected one; it was deleted`);
	}
	execFileSync("tar", ["-xzf", TARBALL, "-C", BUILD, "package/moddable/xs", "package/moddable/modules/data/text"]);
	fs.writeFileSync(stamp, "");
	return folder;
}

/** @returns the path of a copy of the engine's interpreter that calls profileStep */
function countedSteps(sources, folder) {
	const source = fs.readFileSync(path.join(sources, "xsRun.c"), "utf8");
	if (source.split(STEP[0]).length !== 2) throw new Error("xs-build: xsRun.c has no place for profileStep");
	const declared = "extern void profileStep(txMachine* the, txSlot* frame);\n";
	const counted = source.replace('#include "xsAll.h"\n', (line) => line + declared).replace(...STEP);
	const file = path.join(folder, "xsRun.c");
	fs.writeFileSync(file, counted);
	return file;
}

/** Compiles each source whose object is not there; an object's name tells all that went into it. */
async function build(engine, cpu, folder, profile, measures) {
	const xs = path.join(engine, "xs");
	const text = path.join(engine, "modules", "data", "text");
	const own = cpu.sources.map((name) => `-I${path.join(HOST, name, "include")}`);
	const includes = ["includes", "platforms", "sources"].map((name) => `-I${path.join(xs, name)}`);
	const flags = [...FLAGS, ...measures, ...(profile ? [PROFILE] : [])];
	const options = [...own, ...cpu.flags, ...flags, ...includes, `-I${HOST}`];
	const headers = cpu.sources.flatMap((name) => filesIn(path.join(HOST, name), ".h"));
	const engineKey = hash(cpu.compiler, options.join(" "), SHA512, ...["xshostPlatform.h", ...headers].map(read));
	const unit = (source, key, flags = []) => {
		const name = [path.basename(source, path.extname(source)), ...flags, key].join("-");
		return { source, flags, object: path.join(folder, `${name}.o`) };
	};
	const units = filesIn(path.join(xs, "sources"), ".c")
		.filter((file) => !LEFT_OUT.test(path.basename(file)))
		.map((file) => (profile && path.basename(file) === "xsRun.c" ? countedSteps(path.dirname(file), folder) : file))
		.map((file) => unit(file, hash(engineKey, ...STEP)));
	units.push(unit(path.join(text, "decoder", "textdecoder.c"), engineKey));
	units.push(unit(path.join(text, "encoder", "textencoder.c"), engineKey));
	for (const file of filesIn(HOST, ".c", cpu.sources))
		units.push(unit(file, hash(engineKey, read("xshost.h"), read(file))));
	for (const { source, flags } of cpu.arithmetic?.(folder) ?? []) units.push(unit(source, engineKey, flags));
	const objects = units.map((u) => u.object);
	const program = path.join(folder, `xshost-${hash(...objects, cpu.link([]).join(" "))}`);
	if (fs.existsSync(program)) return program;
	const missing = units.filter((u) => !fs.existsSync(u.object));
	await inParallel(missing, (u) => run(cpu.compiler, [...options, ...u.flags, "-c", u.source], u.object));
	await run(cpu.compiler, cpu.link(objects), program);
	removeOld(folder, [program, ...objects]);
	return program;
}

/** @returns the paths of a folder's own files with this ending, and of those in some of its folders */
function filesIn(folder, ending, folders = []) {
	const own = fs.readdirSync(folder, { recursive: ending === ".h" }).map((name) => path.join(folder, String(name)));
	const more = folders.flatMap((name) => filesIn(path.join(folder, name), ending));
	return [...own.filter((file) => file.endsWith(ending)), ...more].sort();
}

function read(file) {
	return fs.readFileSync(path.resolve(HOST, file), "utf8");
}

function hash(...parts) {
	return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 12);
}

function run(compiler, options, output) {
	return new Promise((resolve, reject) => {
		execFile(compiler, [...options, "-o", `${output}.new`], { cwd: ROOT }, (error, _stdout, stderr) => {
			if (error) return reject(new Error(`xs-build: ${stderr || error.message}`));
			fs.renameSync(`${output}.new`, output);
			resolve(undefined);
		});
	});
}

async function inParallel(items, work) {
	const todo = [...items];
	const worker = async () => {
		for (let item = todo.pop(); item !== undefined; item = todo.pop()) await work(item);
	};
	await Promise.all(Array.from({ length: os.availableParallelism() }, worker));
}

/** Deletes the programs and objects of earlier host sources or flags. */
function removeOld(folder, keep) {
	const kept = new Set(keep);
	for (const name of fs.readdirSync(folder)) {
		const file = path.join(folder, name);
		if (/^xshost-|\.o$/.test(name) && !kept.has(file)) fs.rmSync(file);
	}
}

/** Waits until no other process builds. @returns {Promise<() => void>} what ends the wait of the next one */
async function lock(file) {
	const until = Date.now() + 300_000;
	for (;;) {
		try {
			fs.writeFileSync(file, String(process.pid), { flag: "wx" });
			return () => fs.rmSync(file, { force: true });
		} catch (error) {
			if (error.code !== "EEXIST") throw error;
		}
		if (isStale(file)) fs.rmSync(file, { force: true });
		else if (Date.now() > until) throw new Error(`xs-build: ${file} stays; delete it if nobody builds`);
		else await new Promise((resolve) => setTimeout(resolve, 100));
	}
}

/** @returns whether the process that wrote the lock is gone */
function isStale(file) {
	try {
		const pid = Number(fs.readFileSync(file, "utf8"));
		if (pid > 0) process.kill(pid, 0);
		return false;
	} catch (error) {
		return error.code === "ESRCH";
	}
}

if (isMain("xs-build.mjs")) {
	try {
		console.log(path.relative(process.cwd(), await buildHost({ cpu: process.argv[2] })));
	} catch (error) {
		const known = error instanceof CannotBuild || error instanceof RangeError;
		console.error(known ? `xs-build: ${error.message}` : error);
		process.exitCode = error instanceof CannotBuild ? 3 : error instanceof RangeError ? 2 : 1;
	}
}
