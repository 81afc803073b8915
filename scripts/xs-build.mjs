/** Builds test/xs/host, the program that runs a bundle on the XS engine with a microcontroller's memory.
 *  The engine's sources come from a package on npm, are checked against its known sha512, and stay in build/xs.
 *  `node scripts/xs-build.mjs` prints the program's path; exit code 3: it cannot be built here, one line says why. */
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";

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
const COMPILER = process.env.CC ?? "gcc";

/** 32-bit: a slot takes 16 bytes, as on a device. SSE: doubles are rounded as everywhere else. */
const FLAGS = [
	"-m32",
	"-msse2",
	"-mfpmath=sse",
	"-O2",
	"-w",
	"-fno-common",
	"-DINCLUDE_XSPLATFORM",
	'-DXSPLATFORM="xshostPlatform.h"',
	"-DmxParse=1",
	"-DmxRun=1",
	"-DmxSloppy=1",
	"-DmxMetering=1",
	"-DmxInstrument=1",
	"-DmxBoundsCheck=1",
];

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

/** Builds what is not built yet. @param {{ profile?: boolean }} options profile: one that counts opcodes by function
 *  @returns {Promise<string>} path of the program. Throws CannotBuild when it has no 32-bit C compiler or cannot fetch
 *  the engine */
export async function buildHost({ profile = false } = {}) {
	checkCompiler();
	fs.mkdirSync(path.join(BUILD, "o"), { recursive: true });
	const release = await lock(path.join(BUILD, "lock"));
	try {
		const engine = engineSources();
		const plain = plan(engine, []);
		const profiling = plan(engine, [PROFILE]);
		if (profile) countedSteps(engine);
		return await build(profile ? profiling : plain, [plain, profiling]);
	} finally {
		release();
	}
}

function checkCompiler() {
	const source = "#include <stdio.h>\nint main(void) { return 0; }\n";
	const options = ["-m32", "-x", "c", "-", "-o", os.devNull];
	const tried = spawnSync(COMPILER, options, { input: source, encoding: "utf8" });
	if (tried.error) throw new CannotBuild(`no C compiler (${COMPILER}): install gcc and gcc-multilib`);
	if (tried.status !== 0) throw new CannotBuild(`${COMPILER} has no 32-bit libraries: install gcc-multilib`);
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

/** A copy of the engine's interpreter that calls profileStep. */
function countedSteps(engine) {
	const folder = path.join(engine, "xs", "sources");
	const source = fs.readFileSync(path.join(folder, "xsRun.c"), "utf8");
	if (source.split(STEP[0]).length !== 2) throw new Error("xs-build: xsRun.c has no place for profileStep");
	const declared = "extern void profileStep(txMachine* the, txSlot* frame);\n";
	const counted = source.replace('#include "xsAll.h"\n', (line) => line + declared).replace(...STEP);
	fs.writeFileSync(path.join(BUILD, "xsRunProfile.c"), counted);
}

/** What a program is made of; an object's name tells all that went into it. @param {string[]} more flags */
function plan(engine, more) {
	const xs = path.join(engine, "xs");
	const text = path.join(engine, "modules", "data", "text");
	const includes = ["includes", "platforms", "sources"].map((name) => `-I${path.join(xs, name)}`);
	const options = [...FLAGS, ...includes, `-I${HOST}`];
	const engineKey = hash(COMPILER, FLAGS.join(" "), SHA512, read("xshostPlatform.h"));
	const engineUnit = (source) => unit(source, engineKey, options);
	const units = fs
		.readdirSync(path.join(xs, "sources"))
		.filter((name) => name.endsWith(".c") && !LEFT_OUT.test(name))
		.filter((name) => more.length === 0 || name !== "xsRun.c")
		.map((name) => engineUnit(path.join(xs, "sources", name)));
	units.push(engineUnit(path.join(text, "decoder", "textdecoder.c")));
	units.push(engineUnit(path.join(text, "encoder", "textencoder.c")));
	if (more.length > 0) units.push(unit(path.join(BUILD, "xsRunProfile.c"), hash(engineKey, ...STEP), options));
	for (const name of fs.readdirSync(HOST).filter((name) => name.endsWith(".c"))) {
		const key = hash(engineKey, read("xshost.h"), read(name), ...more);
		units.push(unit(path.join(HOST, name), key, [...options, ...more]));
	}
	return { program: path.join(BUILD, `xshost-${hash(...units.map((u) => u.object))}`), units };
}

/** Compiles each source whose object is not there. @param all the plans of which nothing is deleted */
async function build({ program, units }, all) {
	if (fs.existsSync(program)) return program;
	const missing = units.filter((u) => !fs.existsSync(u.object));
	await inParallel(missing, (u) => compile([...u.options, "-c", u.source], u.object));
	await compile(["-m32", ...units.map((u) => u.object), "-lm", "-ldl", "-lpthread"], program);
	removeOld(all);
	return program;
}

function unit(source, key, options) {
	return { source, options, object: path.join(BUILD, "o", `${path.basename(source, ".c")}-${key}.o`) };
}

function read(name) {
	return fs.readFileSync(path.join(HOST, name), "utf8");
}

function hash(...parts) {
	return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 12);
}

function compile(options, output) {
	return new Promise((resolve, reject) => {
		execFile(COMPILER, [...options, "-o", `${output}.new`], (error, _stdout, stderr) => {
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
function removeOld(plans) {
	const keep = new Set(plans.flatMap((plan) => [plan.program, ...plan.units.map((u) => u.object)]));
	for (const folder of [BUILD, path.join(BUILD, "o")])
		for (const name of fs.readdirSync(folder)) {
			const file = path.join(folder, name);
			if (/^xshost-|\.o$/.test(name) && !keep.has(file)) fs.rmSync(file);
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
		console.log(path.relative(process.cwd(), await buildHost()));
	} catch (error) {
		console.error(error instanceof CannotBuild ? `xs-build: ${error.message}` : error);
		process.exitCode = error instanceof CannotBuild ? 3 : 1;
	}
}
