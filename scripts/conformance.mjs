// Holds the tests that ran against the specification's statements and writes test/conformance.md.
// A test proves a statement by its id in the test's name: [MQTT-3.1.2-24] of 3.1.1, [5:MQTT-3.1.2-22] of 5.0.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** @returns {Array<{id: string, binds: string, hint: string}>} the statements of a list */
export function statements(tsv) {
	return tsv
		.split("\n")
		.filter((line) => line !== "" && !line.startsWith("#"))
		.map((line) => {
			const [id, binds, hint] = line.split("\t");
			return { id, binds, hint };
		});
}

/** @returns the statements that a test's name claims, as "version id" */
export function claims(name) {
	return [...name.matchAll(/\[(5:)?(MQTT-[\w.-]+)\]/g)].map(([, five, id]) => `${five ? "5.0" : "3.1.1"} ${id}`);
}

/** Holds outcomes against lists and reasons.
 *  @param lists {Record<string, statements>} by version @param reasons {Map<string, string>} by "version id"
 *  @param outcomes {Array<{file, name, status}>} of the run @param before the page that is committed or staged
 *  @returns {problems, tests} what is wrong, and the tests by "version id" */
export function judge(lists, reasons, outcomes, before, requireAll) {
	const known = new Set(Object.entries(lists).flatMap(([v, list]) => list.map(({ id }) => `${v} ${id}`)));
	const problems = [];
	const tests = new Map();
	const titled = ({ file, name }) => `${file}: ${name.replace(/\s*\[(5:)?MQTT-[\w.-]+\]/g, "")}`;
	for (const { file, name, status } of outcomes)
		for (const claim of claims(name)) {
			if (!known.has(claim)) problems.push(`${file}: "${name}" names ${claim}, which is not in the list`);
			if (status === "failed" || (status === "skipped" && requireAll)) continue;
			const list = tests.get(claim) ?? [];
			list.push(titled({ file, name }));
			tests.set(claim, list);
		}
	for (const claim of reasons.keys()) {
		if (!known.has(claim)) problems.push(`not-tested.tsv: ${claim} is not in the list`);
		if (tests.has(claim)) problems.push(`not-tested.tsv: ${claim} has a test now; take its line out`);
	}
	for (const [version, list] of Object.entries(lists))
		for (const { id } of list)
			if (!tests.has(`${version} ${id}`) && !reasons.has(`${version} ${id}`))
				problems.push(`${version} ${id}: no test names it, and not-tested.tsv gives no reason`);
	// a test that failed ran: it is reported already
	const failed = outcomes.filter(({ status }) => status === "failed").map(titled);
	const ran = new Set([...[...tests.values()].flat(), ...failed]);
	for (const line of before.split("\n"))
		for (const [, test] of line.matchAll(/`(test\/[^`]+)`/g))
			if (!ran.has(test))
				problems.push(`did not run: ${test} (if it was renamed or removed, git add test/conformance.md)`);
	return { problems, tests };
}

/** @returns the text of test/conformance.md */
export function render(lists, reasons, tests) {
	const out = [
		"# Conformance",
		"",
		"Made by `npm test` (scripts/conformance.mjs) from the names of the tests that ran.",
		"",
	];
	for (const [version, list] of Object.entries(lists)) {
		const covered = list.filter(({ id }) => tests.has(`${version} ${id}`)).length;
		out.push(`## MQTT ${version}`, "", `${covered} of ${list.length} statements have a test.`, "");
		out.push("| statement | binds | about | proved by, or why not tested |", "|---|---|---|---|");
		for (const { id, binds, hint } of list) {
			const key = `${version} ${id}`;
			const by = [...new Set(tests.get(key) ?? [])]
				.sort()
				.map((test) => `\`${test}\``)
				.join("<br>");
			out.push(`| ${id} | ${binds} | ${hint.replaceAll("|", "\\|")} | ${by || (reasons.get(key) ?? "")} |`);
		}
		out.push("");
	}
	return out.join("\n");
}

/** @returns a file as it is staged, or without git as it is. Who renames a test stages the new page. */
function committed(path) {
	const shown = spawnSync("git", ["show", `:${path}`], { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 });
	if (shown.status === 0) return shown.stdout;
	return existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : "";
}

function main() {
	const read = (path) => readFileSync(join(root, path), "utf8");
	const lists = {
		"3.1.1": statements(read("test/conformance/mqtt-3.1.1-statements.tsv")),
		"5.0": statements(read("test/conformance/mqtt-5.0-statements.tsv")),
	};
	const reasons = new Map(
		read("test/conformance/not-tested.tsv")
			.split("\n")
			.filter((line) => line !== "" && !line.startsWith("#"))
			.map((line) => line.split("\t"))
			.map(([version, id, reason]) => [`${version} ${id}`, reason]),
	);
	const results = join(root, "build", "results");
	if (!existsSync(results)) {
		console.log("conformance: no results; run npm test first");
		process.exit(1);
	}
	const outcomes = readdirSync(results).flatMap((name) =>
		readFileSync(join(results, name), "utf8")
			.split("\n")
			.filter(Boolean)
			.map((line) => JSON.parse(line)),
	);
	const path = join(root, "test", "conformance.md");
	const before = committed("test/conformance.md");
	const { problems, tests } = judge(lists, reasons, outcomes, before, process.env.HEARTH_REQUIRE_ALL === "1");
	for (const [version, list] of Object.entries(lists))
		console.log(
			`${version}: ${list.filter(({ id }) => tests.has(`${version} ${id}`)).length} of ${list.length} covered`,
		);
	for (const problem of problems) console.log(problem);
	// a test that failed keeps its place on the page
	if (!outcomes.some(({ status }) => status === "failed")) writeFileSync(path, render(lists, reasons, tests));
	process.exit(problems.length > 0 ? 1 : 0);
}

if (/scripts.conformance\.mjs$/.test(process.argv[1] ?? "")) main();
