/** The command is built in parts, so that short commands begin at once. */
import { join } from "node:path";
import { build } from "esbuild";
import { assert, suite } from "../support/test.js";

const test = suite("the command's parts");

test("hearth pub and hearth sub load no package: they begin as fast as Node does", async () => {
	const { metafile } = await build({
		entryPoints: { cli: join(process.cwd(), "host-sim/cli/main.ts") },
		outdir: join(process.cwd(), "build"),
		bundle: true,
		splitting: true,
		format: "esm",
		platform: "node",
		packages: "external",
		metafile: true,
		write: false,
	});
	const packagesOf = (file: string, seen = new Set<string>()): string[] => {
		if (seen.has(file)) return [];
		seen.add(file);
		return metafile.outputs[file]!.imports.flatMap(({ path, kind, external }) => {
			if (kind !== "import-statement") return [];
			return external ? [path] : packagesOf(path, seen);
		});
	};
	for (const command of ["pub", "sub"]) {
		const entry = Object.entries(metafile.outputs).find(([, part]) => part.entryPoint === `host-sim/cli/${command}.ts`);
		assert.ok(entry, `${command} is a part of its own`);
		const packages = packagesOf(entry[0]).filter((name) => !name.startsWith("node:"));
		assert.equal(packages, []);
	}
});

test.run();
