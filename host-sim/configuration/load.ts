/** A hub's configuration: from a file, and over it from the command line. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { HearthError } from "../../src/errors.js";
import { HUB, type HubConfiguration } from "./hub-configuration.js";
import { check, checkTable, flagOf, type Option, type Place, type Table } from "./table.js";

/** What is read where no other file is named, if it is there. */
export const CONFIGURATION_FILE = "hearth.config.json";

/** @param path a file; undefined: CONFIGURATION_FILE of the working directory, if it is there
 *  @returns what it says. Throws as loadConfiguration */
export function findConfiguration(path: string | undefined): HubConfiguration {
	if (path !== undefined) return loadConfiguration(path);
	return existsSync(CONFIGURATION_FILE) ? loadConfiguration(CONFIGURATION_FILE) : {};
}

/** Reads a file. Its paths are relative to its folder. Throws HearthError with one line: the file, the key, what was
 *  expected, and the nearest known name. */
export function loadConfiguration(path: string): HubConfiguration {
	let text: string;
	try {
		text = readFileSync(path, "utf8");
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		const why = code === "ENOENT" ? "there is no such file" : `cannot be read (${code})`;
		throw new HearthError("HEARTH_ERR_CONFIGURATION", `${path}: ${why}; give another with --config`);
	}
	return parseConfiguration(text, path, dirname(resolve(path)));
}

/** @param where what errors call the text @param folder what its paths are relative to. Throws as loadConfiguration */
export function parseConfiguration(text: string, where: string, folder: string): HubConfiguration {
	let value: unknown;
	try {
		value = JSON.parse(text.replace(/^\uFEFF/, ""));
	} catch (error) {
		const why = error instanceof Error ? error.message : String(error);
		throw new HearthError("HEARTH_ERR_CONFIGURATION", `${where}${lineOf(text, why)}: is not JSON: ${why}; mend it`);
	}
	if (typeof value !== "object" || value === null || Array.isArray(value))
		throw new HearthError("HEARTH_ERR_CONFIGURATION", `${where}: expected an object, such as { "port": 1883 }`);
	const checked = checkTable(value as Record<string, unknown>, HUB, "", { where, folder });
	return checked as HubConfiguration;
}

/** @returns ":LINE" of the place that JSON.parse names */
function lineOf(text: string, why: string): string {
	const position = /position (\d+)/.exec(why)?.[1];
	return position === undefined ? "" : `:${text.slice(0, Number(position)).split("\n").length}`;
}

/** What parseArgs is told of a table's options. */
export function commandLineOptions(table: Table): Record<string, { type: "string" | "boolean"; multiple?: boolean }> {
	const options: Record<string, { type: "string" | "boolean"; multiple?: boolean }> = {};
	for (const [key, option] of Object.entries(table)) {
		const flag = flagOf(key, option);
		if (flag === undefined) continue;
		options[flag] =
			option.sort === "flag" ? { type: "boolean" } : { type: "string", multiple: option.sort === "names" };
	}
	return options;
}

/** Lays what the command line says over a configuration. @param values as parseArgs gives them
 *  @returns the configuration. Throws HearthError with the option and what was expected */
export function overlay(
	configuration: HubConfiguration,
	values: Readonly<Record<string, unknown>>,
	command: string,
): HubConfiguration {
	const place: Place = { where: command, folder: process.cwd() };
	const laid: Record<string, unknown> = { ...configuration };
	for (const [key, option] of Object.entries(HUB) as [string, Option][]) {
		const flag = flagOf(key, option);
		const given = flag === undefined ? undefined : values[flag];
		if (given === undefined) continue;
		const number = option.sort === "number" && /^-?\d+$/.test(given as string);
		laid[key] = check(number ? Number(given) : given, option, `--${flag} ${given}`, place);
		if (configuration.listeners !== undefined && LISTENING.has(key))
			throw new HearthError(
				"HEARTH_ERR_OPTION",
				`${command}: --${flag}: the configuration has listeners; change it there, or leave one of the two out`,
			);
	}
	return laid as HubConfiguration;
}

/** What describes the listeners that there are without `listeners`. */
export const LISTENING: ReadonlySet<string> = new Set<keyof HubConfiguration>([
	"host",
	"mqtt",
	"port",
	"ws",
	"wsPort",
	"tlsPort",
	"wssPort",
	"http",
	"httpPort",
	"httpsPort",
	"cert",
	"key",
	"ca",
	"requireCertificate",
	"sni",
	"certificateUserName",
	"paths",
	"allowedOrigins",
]);
