// npm run tidy: the rules of the house that can be checked, one line a finding: where, what, and the remedy.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { manifestFindings } from "./manifests.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const SOURCE_LINES = 400;
const TEST_LINES = 500;
const FUNCTION_LINES = 70;
const LINE_WIDTH = 120;

/** Where a packet passes: what allocates or freezes on XS is banned. [pattern, what, remedy] */
const PACKET_PATH = [
	[/\bfor \(.* of /, "for..of allocates 128 bytes a loop", "an indexed loop"],
	[/\basync\b|\bawait\b|\bPromise\b/, "promises allocate", "a callback at the end of the turn"],
	[/\.\.\.[\w([{"'`]/, "spread and rest allocate", "an indexed loop"],
	[/\.forEach\(/, "forEach makes a closure", "an indexed loop"],
	[/(const|let|var) \[|^\s*\[[^\]]*\] = /, "array destructuring allocates 128 bytes", "two reads"],
	[/[.\s]#[a-z]\w*\b/i, "#private takes a slot more", "TypeScript's private"],
	[/^(export )?enum /, "an enum is an object in RAM", "const enum"],
	[/^(export )?(let|var) |^\tstatic (?!readonly|.*\()\w+/, "module state is frozen in ROM", "a field"],
	[
		/^(export )?const \w+.*= (new (Map|Set|WeakMap|\w*Array|ArrayBuffer|DataView)\b|\w+Array\.(of|from)\()/,
		"read-only in ROM",
		"make it in a constructor",
	],
];
const MACHINE = /(^|[^\w./-])\/(work|root|home|Users)\/|"resolved": *"http/;
const PACKET_PATH_FOLDERS = /^src\/(codec|memory|delivery|broker|client|storage)\//;

/** [folder, what its imports may not be, why] */
const ARROWS = [
	[/^src\//, /^(?!src\/)/, "src/ imports nothing from outside"],
	[
		/^src\/(codec|memory|delivery)\//,
		/^src\/(broker|client|promises|hub)\//,
		"codec, memory and delivery know no broker, client or hub",
	],
	[
		/^src\/storage\//,
		/^src\/(?!(storage|codec|memory|errors|frozen|platform)\b)/,
		"storage knows nothing of what it stores",
	],
	[/^src\/broker\//, /^src\/client\//, "broker and client don't know each other"],
	[/^src\/(client|promises)\//, /^src\/broker\//, "broker and client don't know each other"],
	[/^src\/client\//, /^src\/promises\//, "the client knows no promises"],
	[/^(?!test\/)/, /^test\//, "only tests import from test/"],
];

/** @returns the module paths that a file imports: within the project as paths, others as they stand */
export function importsOf(path, text) {
	if (!/\.(ts|mjs)$/.test(path)) return [];
	return [...text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*"([^"]+)"/g)].map(([, name]) =>
		name.startsWith(".") ? normalize(join(dirname(path), name)).replace(/\.js$/, ".ts") : name,
	);
}

/** @param files {Array<{path: string, text: string}>} @returns {string[]} findings */
export function tidy(files) {
	return [...files.flatMap(tidyFile), ...deadFiles(files), ...manifestFindings(files)];
}

function tidyFile({ path, text }) {
	const found = [];
	const lines = text.split("\n");
	const say = (line, what, remedy) => found.push(`${path}:${line}: ${what}: ${remedy}`);
	if (/\.(ts|mjs|c)$/.test(path)) {
		const max = path.startsWith("test/") ? TEST_LINES : SOURCE_LINES;
		if (lines.length > max + 1 && !path.endsWith(".c"))
			say(max, `${lines.length} lines`, `split it; ${max} is the most`);
		if (!path.startsWith("test/")) longFunctions(lines, say);
	}
	for (const [i, line] of lines.entries()) {
		if (/\/\/ tidy: \S/.test(line)) continue;
		const code = line.replace(/^\s*(\*|\/\*).*$|(^|\s)\/\/.*$/, "");
		for (const name of importsOf(path, code))
			for (const [from, to, why] of ARROWS) if (from.test(path) && to.test(name)) say(i + 1, `imports ${name}`, why);
		const width = line.replaceAll("\t", "  ").length;
		if (/\.(ts|mjs)$/.test(path) && width > LINE_WIDTH) say(i + 1, `${width} columns`, `${LINE_WIDTH} are the most`);
		if (PACKET_PATH_FOLDERS.test(path))
			for (const [pattern, what, remedy] of PACKET_PATH) if (pattern.test(code)) say(i + 1, what, remedy);
		if (path.startsWith("src/") && /\b(console|trace)[.(]/.test(code)) say(i + 1, "prints", "Platform.log");
		if (path.startsWith("scripts/tidy") || path.startsWith("test/tidy")) continue;
		if (/\b(TODO|FIXME|XXX)\b/.test(line)) say(i + 1, "unfinished", "finish it, or open an issue");
		if (MACHINE.test(line)) say(i + 1, "names a machine", "leave it out");
	}
	return found;
}

/** Functions and methods by their indentation, as the formatter writes them. */
function longFunctions(lines, say) {
	for (const [i, line] of lines.entries()) {
		const start = /^(\t?)(export )?(async )?(function \w+|(private |static |async |get )*\w+\([^;]*$)/.exec(line);
		if (start === null || /^\t?(if|for|while|switch|return)\b/.test(line)) continue;
		const end = lines.findIndex((other, k) => k > i && other === `${start[1]}}`);
		if (end - i > FUNCTION_LINES) say(i + 1, `a function of ${end - i} lines`, `${FUNCTION_LINES} are the most`);
	}
}

/** Files of src/ that src/index.ts does not lead to. */
function deadFiles(files) {
	const sources = new Map(files.filter(({ path }) => /^src\/.*\.ts$/.test(path)).map((f) => [f.path, f.text]));
	if (!sources.has("src/index.ts")) return [];
	const reached = new Set();
	const reach = (path) => {
		if (reached.has(path) || !sources.has(path)) return;
		reached.add(path);
		for (const name of importsOf(path, sources.get(path))) reach(name);
	};
	reach("src/index.ts");
	return [...sources.keys()]
		.filter((path) => !reached.has(path))
		.map((path) => `${path}:1: nothing uses it: delete it`);
}

function projectFiles() {
	const skip = /^(node_modules|dist|build|\.git)(\/|$)/;
	const wanted = /\.(ts|mjs|c|h|json|md|sh|tsv)$|^\.ci\/run$/;
	return readdirSync(root, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name).slice(root.length).replaceAll("\\", "/"))
		.filter((path) => wanted.test(path) && !skip.test(path))
		.map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

if (/scripts.tidy\.mjs$/.test(process.argv[1] ?? "")) {
	const found = existsSync(root) ? tidy(projectFiles()) : [];
	for (const line of found) console.log(line);
	console.log(found.length === 0 ? "tidy" : `${found.length} findings`);
	process.exit(found.length === 0 ? 0 : 1);
}
