// Names of properties that may be shortened in the browser's modules: neither a program nor the browser sees them.
import { execFile } from "node:child_process";
import { readdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/** Members of interfaces, classes and object types, as declarations have them. */
const MEMBER = /(?:^\s+|[{;] *)(?:(?:readonly|static|abstract|declare|get|set|protected) )*(\w+)[?!]?[(:;<]/gm;
/** Members that only our own code sees. */
const PRIVATE = /^\s+private [^;]*;/gm;
const COMMENT = /\/\*[\s\S]*?\*\/|\/\/.*$/gm;

const membersOf = (text) =>
	[...text.replace(COMMENT, "").replace(PRIVATE, "").matchAll(MEMBER)].map(([, name]) => name);

/** @returns members of the declarations that the entries lead to @param types folder of declarations */
async function publicNames(types, entries) {
	const names = new Set();
	const seen = new Set();
	const read = async (path) => {
		if (seen.has(path)) return;
		seen.add(path);
		const text = await readFile(path, "utf8");
		const code = text.replace(COMMENT, "");
		for (const name of membersOf(text)) names.add(name);
		for (const [line, imported, from] of text.matchAll(/^(?:im|ex)port (.*) from "(\.[^"]+)";$/gm)) {
			const isUsed = (name) => name !== "type" && new RegExp(`\\b${name}\\b[\\s\\S]*\\b${name}\\b`).test(code);
			if (line.startsWith("ex") || imported.match(/\w+/g).some(isUsed))
				await read(join(dirname(path), from.replace(/\.js$/, ".d.ts")));
		}
	};
	for (const entry of entries) await read(join(types, entry));
	return names;
}

/** Files that see a browser: others, as all of src/, know nothing of what it has. */
const IN_BROWSERS = ["connector.ts", "index.ts", "platform.ts", "scram.ts"];

/** @returns members of what the language has, and of what browsers have as far as our code uses their names */
async function platformNames(root) {
	const names = new Set();
	const used = new Set();
	for (const file of IN_BROWSERS)
		for (const [word] of (await readFile(join(root, "browser", file), "utf8")).matchAll(/\w+/g)) used.add(word);
	const folder = join(root, "node_modules", "@typescript");
	for (const name of await readdir(folder)) {
		const lib = join(folder, name, "lib");
		for (const file of await readdir(lib)) {
			if (!/^lib\.(es|dom).*\.d\.ts$/.test(file)) continue;
			const members = membersOf(await readFile(join(lib, file), "utf8"));
			for (const member of members)
				if ((file.startsWith("lib.es") && member !== "link") || used.has(member)) names.add(member);
		}
	}
	return names;
}

/** @param root the project's folder @param entries declarations of what programs see, as "browser/index.d.ts"
 *  @param bundle the module as it is without short names @returns a pattern of the names that may be shortened */
export async function shortenable(root, entries, bundle) {
	const types = join(root, "build", `short-names-${process.pid}`);
	const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
	const args = [tsc, "-p", "tsconfig.types.json", "--outDir", types];
	// it writes declarations whatever it finds: types are checked elsewhere
	await promisify(execFile)(process.execPath, args, { cwd: root }).catch(() => {});
	const kept = await publicNames(types, entries);
	await rm(types, { recursive: true });
	for (const word of await platformNames(root)) kept.add(word);
	// what is looked up by a text
	for (const [, word] of bundle.matchAll(/["'`](\w+)["'`]/g)) kept.add(word);
	kept.add("default");
	const names = new Set();
	for (const [, name] of bundle.matchAll(/\.([a-z]\w+)/g)) names.add(name);
	for (const [, name] of bundle.matchAll(/^\s+(?:get |set |async )*([a-z]\w+)(?:\(.*\{$|: )/gm)) names.add(name);
	const wanted = [...names].filter((name) => !kept.has(name)).sort();
	return new RegExp(`^(?:${wanted.join("|")})$`);
}
