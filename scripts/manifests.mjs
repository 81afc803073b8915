/** The lists of modules in src/manifest.json and boards/manifest.json. Each module is named: wildcards take TypeScript
 *  modules in, but don't preload them, and what is not preloaded lies in RAM. A module's name is its path, so that
 *  relative imports find their way. `npm run manifests` writes the lists; tidy tells when they are old. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const PACKAGE = "hearth-mqtt";

/** What a project that includes the library gets beside src/. */
const DEVICE = {
	[PACKAGE]: "../boards/library",
	[`${PACKAGE}/boards/mqtt-client`]: "../boards/mqtt-client",
	[`${PACKAGE}/boards/timer-platform`]: "../boards/timer-platform",
	[`${PACKAGE}/boards/text`]: "../boards/text",
};

/** What applications and boards name themselves, or other manifests list. */
const ELSEWHERE = [
	...["main", "library", "package", "mqtt-client", "timer-platform", "announce", "network", "button", "debounce"],
	...["access-point", "set-up", "page"],
	...["curve", "pairing", "devices", "entropy", "key-slots", "hub-store", "restarts", "medium(?!-steps)"],
];

/** Manifest → the files that it lists, and what it lists besides: name → file. `boards/main*` are an application's,
 *  and those of a device with Wi-Fi have a manifest of their own. */
const MANIFESTS = {
	"src/manifest.json": { files: /^src\/.*\.ts$/, more: DEVICE },
	"boards/manifest.json": {
		files: new RegExp(`^boards/(?!${ELSEWHERE.join("|")})[^/.]+\\.ts$`),
		more: {},
	},
	"boards/manifest-pairing.json": {
		files: /^boards\/(curve|pairing|pairing-platform)\.ts$/,
		more: {},
	},
	"boards/manifest-page.json": { files: /^boards\/page-(files|server)\.ts$/, more: {} },
	"boards/manifest-store.json": { files: /^boards\/(key-slots|medium-key-value)\.ts$/, more: {} },
	"boards/manifest-wifi.json": {
		files: /^boards\/(announce|button|debounce|network|restarts|set-up|set-up-page)\.ts$/,
		more: {},
	},
};

/** @param paths of all files of the project
 *  @returns {{ modules: object, preload: string[] }} the lists of a manifest */
function listsOf(manifest, paths) {
	const { files, more } = MANIFESTS[manifest];
	const modules = {};
	for (const [name, path] of Object.entries(more))
		if (name === PACKAGE || paths.includes(`${path.slice("../".length)}.ts`)) modules[name] = path;
	const folder = manifest.slice(0, manifest.lastIndexOf("/") + 1);
	for (const path of paths.filter((name) => files.test(name)).sort()) {
		const stem = path.replace(/\.ts$/, "");
		modules[`${PACKAGE}/${stem}`] = `./${stem.slice(folder.length)}`;
	}
	return { modules, preload: Object.keys(modules) };
}

/** What is ours in a list that may also name the SDK's modules. */
function isOurs(name) {
	return name === PACKAGE || name.startsWith(`${PACKAGE}/`);
}

/** @param files {Array<{path: string, text: string}>} @returns {string[]} findings */
export function manifestFindings(files) {
	const paths = files.map(({ path }) => path);
	return Object.keys(MANIFESTS).flatMap((manifest) => {
		const file = files.find(({ path }) => path === manifest);
		if (file === undefined) return [];
		const { modules = {}, preload = [] } = JSON.parse(file.text);
		const right = listsOf(manifest, paths);
		const names = Object.keys(right.modules);
		const found = [
			...names.filter((name) => modules[name] !== right.modules[name]).map((name) => `module ${name} is not listed`),
			...names.filter((name) => !preload.includes(name)).map((name) => `${name} is not preloaded`),
			...[...Object.keys(modules), ...preload]
				.filter((name) => isOurs(name) && !names.includes(name))
				.map((name) => `${name} does not exist`),
		];
		return found.map((what) => `${manifest}:1: ${what}: npm run manifests`);
	});
}

function write() {
	const paths = ["src", "boards"].flatMap((folder) =>
		readdirSync(join(root, folder), { recursive: true }).map(
			(name) => `${folder}/${String(name).replaceAll("\\", "/")}`,
		),
	);
	for (const manifest of Object.keys(MANIFESTS)) {
		const file = join(root, manifest);
		const { modules = {}, preload = [], ...rest } = JSON.parse(readFileSync(file, "utf8"));
		const right = listsOf(manifest, paths);
		const sdk = Object.entries(modules).filter(([name]) => !isOurs(name));
		const lists = {
			modules: { ...Object.fromEntries(sdk), ...right.modules },
			preload: [...preload.filter((name) => !isOurs(name)), ...right.preload],
		};
		writeFileSync(file, `${JSON.stringify({ ...rest, ...lists }, undefined, "\t")}\n`);
		execFileSync(join(root, "node_modules", ".bin", "biome"), ["format", "--write", file], { stdio: "ignore" });
	}
}

if (/scripts.manifests\.mjs$/.test(process.argv[1] ?? "")) write();
