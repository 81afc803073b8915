/** Stands for `tsc` while check-boards.mjs builds: mcconfig's makefile calls it once for each file, and each time
 *  everything that the file imports is compiled and checked, too. This compiles and checks all files at the first call,
 *  and gives each call its own. usage: tsc-once.mjs -p <name>-tsconfig.json */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { ROOT } from "./xs-build.mjs";

const { extends: base, compilerOptions, files } = JSON.parse(fs.readFileSync(process.argv[3], "utf8"));
const folder = path.dirname(base);
const all = path.join(folder, "all");

/** @returns the sources of all calls, which mcconfig has written beside each other */
function sources() {
	return fs
		.readdirSync(folder, { recursive: true })
		.filter((name) => String(name).endsWith("-tsconfig.json"))
		.flatMap((name) => JSON.parse(fs.readFileSync(path.join(folder, String(name)), "utf8")).files);
}

function compile() {
	const { rootDir } = compilerOptions;
	const project = path.join(folder, "all.json");
	fs.writeFileSync(
		project,
		JSON.stringify({ extends: base, compilerOptions: { rootDir, outDir: all }, files: sources() }),
	);
	const tsc = path.join(ROOT, "node_modules", ".bin", "tsc");
	const { status, stdout } = spawnSync(tsc, ["-p", project], { encoding: "utf8" });
	fs.writeFileSync(`${all}.log`, stdout);
	fs.writeFileSync(`${all}.done`, String(status ?? 1));
}

/** The first call compiles, the others wait for it. @returns tsc's exit code */
function once() {
	try {
		fs.writeFileSync(`${all}.begun`, "", { flag: "wx" });
		compile();
	} catch (error) {
		if (error.code !== "EEXIST") throw error;
	}
	while (!fs.existsSync(`${all}.done`)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
	return Number(fs.readFileSync(`${all}.done`, "utf8"));
}

const status = once();
const log = fs.readFileSync(`${all}.log`, "utf8");
if (status !== 0) process.stdout.write(log);
else
	for (const source of files) {
		const name = path.relative("/", source).replace(/\.ts$/, ".js");
		const target = path.join(compilerOptions.outDir, name);
		fs.mkdirSync(path.dirname(target), { recursive: true });
		const text = fs.readFileSync(path.join(all, name), "utf8");
		fs.writeFileSync(target, text.replace(/^\/\/# sourceMappingURL=.*$/m, "")); // the map's paths are of its own folder
	}
process.exit(status);
