/** The processors that the XS host is built for: how it is compiled, linked and run. Xtensa is the instruction set of
 *  the ESP8266 and the base of the ESP32's, and traps on every unaligned access; ARM is the family of the Pico's. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

const XTENSA_LIBRARIES = "/usr/lib/xtensa-lx106-elf";
const LIBGCC_SOURCES = "/usr/src/gcc-12/gcc-12.2.0-dfsg.tar.xz";

/** Bytes for what is not the device's memory: the ROM machine, and the conformance tests' heaps. */
const XTENSA_HEAP_BYTES = 384 << 20;

/** @typedef {object} Cpu
 *  @property {string} compiler
 *  @property {string[]} flags of each compilation, and of the link where `link` doesn't say others
 *  @property {(objects: string[]) => string[]} link the linker's arguments
 *  @property {string[]} run what runs the program; empty: this machine itself
 *  @property {string[]} packages Debian's names of what is needed
 *  @property {string[]} sources folders of further C sources, below test/xs/host
 *  @property {(folder: string) => { source: string, flags: string[] }[]} [arithmetic] units that libgcc lacks;
 *   `folder` may keep what they are made of */

/** @type {Readonly<Record<string, Cpu>>} */
export const CPUS = {
	/** 32-bit: a slot takes 16 bytes, as on a device. SSE: doubles are rounded as everywhere else. */
	x86: {
		compiler: process.env.CC ?? "gcc",
		// gcc-multilib, which links <asm> there, cannot be installed beside ARM's compiler
		flags: ["-m32", "-msse2", "-mfpmath=sse", "-idirafter", "/usr/include/x86_64-linux-gnu"],
		link: (objects) => ["-m32", ...objects, "-lm", "-ldl", "-lpthread"],
		run: [],
		packages: ["gcc", "gcc-multilib (beside ARM's compiler gcc-12-multilib)"],
		sources: [],
	},
	arm: {
		compiler: "arm-linux-gnueabihf-gcc",
		flags: [],
		link: (objects) => ["-static", ...objects, "-lm", "-lpthread"],
		run: ["qemu-arm"],
		packages: ["gcc-arm-linux-gnueabihf", "libc6-dev-armhf-cross", "qemu-user"],
		sources: [],
	},
	xtensa: {
		compiler: "xtensa-lx106-elf-gcc",
		flags: [
			"-mtext-section-literals",
			"-mlongcalls",
			"-ffunction-sections",
			"-fdata-sections",
			"-isystem",
			`${XTENSA_LIBRARIES}/include`,
			"-D_POSIX_MONOTONIC_CLOCK=200112L",
			"-DCLOCK_MONOTONIC=4",
			`-DHEAP_BYTES=${XTENSA_HEAP_BYTES}`,
		],
		link: (objects) => [
			"-nostdlib",
			"-T",
			"test/xs/host/xtensa/user.ld",
			"-Wl,--gc-sections",
			"-Wl,--defsym=vfprintf=__d_vfprintf",
			...objects,
			`-L${XTENSA_LIBRARIES}/lib`,
			"-Wl,--start-group",
			"-lc",
			"-lgcc",
			"-Wl,--end-group",
		],
		run: ["qemu-xtensa", "-cpu", "lx106"],
		packages: ["gcc-xtensa-lx106", "picolibc-xtensa-lx106-elf", "gcc-12-source", "qemu-user"],
		sources: ["xtensa"],
		arithmetic: xtensaArithmetic,
	},
};

/** Division, shifts and floating point that the chip keeps in its ROM and Debian's libgcc therefore lacks. */
const XTENSA_FUNCTIONS = [
	...["mulsi3", "umulsidi3", "udivsi3", "divsi3", "umodsi3", "modsi3", "clz", "clzsi2", "ctzsi2", "ffssi2"],
	...["ashldi3", "ashrdi3", "lshrdi3", "bswapsi2", "bswapdi2"],
	...["negsf2", "addsubsf3", "mulsf3", "divsf3", "cmpsf2", "fixsfsi", "fixsfdi", "fixunssfsi", "fixunssfdi"],
	...["floatunsisf", "floatsisf", "floatundisf", "floatdisf"],
	...["negdf2", "addsubdf3", "muldf3", "divdf3", "cmpdf2", "fixdfsi", "fixdfdi", "fixunsdfsi", "fixunsdfdi"],
	...["floatunsidf", "floatsidf", "floatundidf", "floatdidf", "truncdfsf2", "extendsfdf2"],
];

function xtensaArithmetic(folder) {
	const source = path.join(folder, "lib1funcs.S");
	if (!fs.existsSync(source)) {
		const files = ["--strip-components=4", "--wildcards", "*/libgcc/config/xtensa/*.S"];
		spawnSync("tar", ["-xJf", LIBGCC_SOURCES, "-C", folder, ...files]);
	}
	return XTENSA_FUNCTIONS.map((name) => ({ source, flags: [`-DL_${name}`] }));
}

/** @param {string} name @returns {Cpu} Throws RangeError for a name that there is not */
export function cpuNamed(name) {
	const cpu = CPUS[name];
	if (cpu === undefined) throw new RangeError(`xs: no cpu ${name}; there are ${Object.keys(CPUS).join(", ")}`);
	return cpu;
}

/** @param {string} name @returns {string | undefined} what is missing on this machine to build for it and run it */
export function missingFor(name) {
	const cpu = cpuNamed(name);
	const install = `install ${cpu.packages.join(", ")}`;
	const source = "#include <errno.h>\n#include <stdio.h>\n#include <math.h>\nint x;\n";
	const options = [...cpu.flags, "-x", "c", "-c", "-", "-o", os.devNull];
	const tried = spawnSync(cpu.compiler, options, { input: source });
	if (tried.error) return `no ${cpu.compiler}: ${install}`;
	if (tried.status !== 0) return `${cpu.compiler} lacks its libraries: ${install}`;
	if (cpu.arithmetic !== undefined && !fs.existsSync(LIBGCC_SOURCES)) return `no ${LIBGCC_SOURCES}: ${install}`;
	const runner = cpu.run[0];
	if (runner !== undefined && spawnSync(runner, ["--version"]).error) return `no ${runner}: ${install}`;
	return undefined;
}
