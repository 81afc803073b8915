/** What people and editors are told of a table of options: help, documents, a JSON schema. */
import { expected, flagOf, type Nested, type Option, type Table } from "./table.js";

/** Where help begins to say what an option is for. */
const COLUMN = 32;
const WIDTH = 110;

/** @returns help for each option that the command line knows, a line or more */
export function helpLines(table: Table): string[] {
	const lines: string[] = [];
	for (const [key, option] of Object.entries(table)) {
		const flag = flagOf(key, option);
		if (flag === undefined) continue;
		const no = option.sort === "flag" && option.default === true ? "no-" : "";
		const value = "value" in option ? ` ${option.value}` : "";
		const fallback = no === "" && option.default !== undefined && option.default !== false;
		const what = no === "" ? option.what : `without ${option.what}`;
		const choices = option.sort === "choice" ? `: ${option.choices.join(", ")}` : "";
		const left = `  --${no}${flag}${value}`;
		const text = `${what}${choices}${fallback ? ` (default ${option.default})` : ""}`;
		lines.push(wrap(`${left.padEnd(COLUMN - 1)} `, text));
	}
	return lines;
}

/** @returns the text behind the left column, in lines that a terminal holds */
function wrap(left: string, text: string): string {
	const lines: string[] = [];
	let line = left;
	for (const word of text.split(" ")) {
		if (line.length + word.length > WIDTH) {
			lines.push(line.trimEnd());
			line = " ".repeat(COLUMN);
		}
		line += `${word} `;
	}
	return [...lines, line.trimEnd()].join("\n");
}

/** @returns a table in Markdown: each option, what it may be, its default, and what it is for */
function markdownTable(table: Table, withFlags: boolean): string {
	const head = ["option", ...(withFlags ? ["command line"] : []), "value", "default", "what for"];
	const rows = Object.entries(table).map(([key, option]) => {
		const flag = flagOf(key, option);
		const value = option.sort === "map" ? "an object, by name" : expected(option);
		const cells = [`\`${key}\``, value, `${option.default ?? ""}`, option.what];
		if (withFlags) cells.splice(1, 0, flag === undefined ? "" : `\`--${flag}\``);
		return cells;
	});
	const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
	return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** @returns the tables of docs/configuration.md: the hub's options, a listener's, and limits */
export function markdownTables(hub: Table): string {
	const { listeners, limits } = hub as { listeners: Nested; limits: Nested };
	const parts = [`## The hub\n\n${markdownTable(hub, true)}`];
	const of = Object.entries(listeners.of) as [string, Nested][];
	const [, common] = of[0]!;
	parts.push(
		`## Listeners\n\nEach of \`listeners\` is an object with one key: ${of.map(([name]) => `\`${name}\``).join(", ")}.`,
	);
	parts.push(markdownTable(common.of, false));
	for (const [name, option] of of.slice(1)) {
		if (name === "http") {
			parts.push(`\`${name}\` (${option.what}):`, markdownTable(option.of, false));
			continue;
		}
		const more = Object.entries(option.of).filter(([key]) => !Object.hasOwn(common.of, key));
		parts.push(`\`${name}\` (${option.what}) also has:`, markdownTable(Object.fromEntries(more), false));
	}
	parts.push("A listener's `limits`:", markdownTable((common.of.limits as Nested).of, false));
	parts.push(`## Limits\n\n${markdownTable(limits.of, false)}`);
	return `${parts.join("\n\n")}\n`;
}

/** @returns a JSON schema for an option's value */
function schemaOf(option: Option): object {
	const { what, default: fallback } = option;
	const common = { description: fallback === undefined ? what : `${what}. Default: ${fallback}` };
	switch (option.sort) {
		case "flag":
			return { type: "boolean", ...common };
		case "number":
			return { type: "integer", minimum: option.min, maximum: option.max, ...common };
		case "choice":
			return { enum: option.choices, ...common };
		case "names":
			return { type: "array", items: { type: "string" }, ...common };
		case "list":
			return {
				type: "array",
				items: { ...objectOf(option.of), minProperties: 1, maxProperties: 1 },
				...common,
			};
		case "map":
			return { type: "object", additionalProperties: objectOf(option.of), ...common };
		case "table":
			return { ...objectOf(option.of), ...common };
		case "path":
			return { type: "string", minLength: 1, ...common };
		default:
			return { type: "string", ...common };
	}
}

function objectOf(table: Table): object {
	const properties = Object.fromEntries(Object.entries(table).map(([key, option]) => [key, schemaOf(option)]));
	return { type: "object", properties, additionalProperties: false };
}

/** @returns the JSON schema of a configuration file */
export function configurationSchema(table: Table): object {
	return {
		$schema: "http://json-schema.org/draft-07/schema#",
		title: "The configuration of a Hearth hub",
		...objectOf(table),
	};
}
