/** Tables of options. Types, parser, help, documents and JSON schema come from them, so that none can say another
 *  thing than the others. */
import { resolve } from "node:path";
import { HearthError } from "../../src/errors.js";

interface Common {
	/** a phrase for help, documents and schema */
	what: string;
	/** what is taken where nothing is said, as documents show it; absent: nothing */
	default?: string | number | boolean;
	/** its name on the command line; absent: its own, in kebab-case; false: it is in the file alone */
	flag?: string | false;
}

export interface Flag extends Common {
	sort: "flag";
}

export interface Whole extends Common {
	sort: "number";
	min: number;
	max: number;
	/** what help calls its value */
	value?: string;
}

export interface Text extends Common {
	/** a path is taken from where it stands: the file's folder, or the working directory */
	sort: "text" | "path";
	value?: string;
}

export interface Choice extends Common {
	sort: "choice";
	choices: readonly string[];
	value?: string;
}

export interface Names extends Common {
	sort: "names";
	value?: string;
}

/** An object; one with any names; a list of objects with one of several names each. */
export interface Nested extends Common {
	sort: "table" | "map" | "list";
	of: Table;
	flag: false;
}

export type Option = Flag | Whole | Text | Choice | Names | Nested;

export type Table = Readonly<Record<string, Option>>;

/** The option that a value of a type needs. */
type OptionFor<T> = [T] extends [boolean]
	? Flag
	: [T] extends [number]
		? Whole
		: [T] extends [string]
			? string extends T
				? Text | Choice
				: Choice
			: [T] extends [readonly string[]]
				? Names
				: Nested;

/** A table with an option for each key of a type, and no others. */
export type TableFor<T> = { readonly [K in keyof Required<T>]: OptionFor<NonNullable<T[K]>> };

/** Where a value stands. */
export interface Place {
	/** a file, or the command */
	where: string;
	/** paths are relative to it */
	folder: string;
}

/** @returns an option's name on the command line; undefined: it has none */
export function flagOf(key: string, option: Option): string | undefined {
	if (option.flag === false) return undefined;
	return option.flag ?? key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** @returns what a value may be, in words */
export function expected(option: Option): string {
	switch (option.sort) {
		case "flag":
			return "true or false";
		case "number":
			return `a whole number from ${option.min} to ${option.max}`;
		case "choice":
			return oneOf(option.choices.map((choice) => JSON.stringify(choice)));
		case "text":
			return "a text";
		case "path":
			return "a file's path";
		case "names":
			return "a list of texts";
		case "list":
			return `a list of objects, each with one of ${Object.keys(option.of).join(", ")}`;
		default:
			return "an object";
	}
}

/** @returns "a, b or c" */
function oneOf(names: readonly string[]): string {
	return [names.slice(0, -1).join(", "), names.at(-1)].filter((part) => part !== "").join(" or ");
}

/** Checks a value of JSON. @param key what messages call it
 *  @returns the value, its paths resolved. Throws HearthError with place, key, and what was expected */
export function check(value: unknown, option: Option, key: string, place: Place): unknown {
	const wrong = () => {
		const given = JSON.stringify(value) ?? "nothing";
		const not = key.startsWith("--") ? "" : `, not ${given.length > 60 ? `${given.slice(0, 60)}…` : given}`;
		return new HearthError("HEARTH_ERR_CONFIGURATION", `${place.where}: ${key}: expected ${expected(option)}${not}`);
	};
	switch (option.sort) {
		case "flag":
			if (typeof value !== "boolean") throw wrong();
			return value;
		case "number":
			if (!Number.isInteger(value) || (value as number) < option.min || (value as number) > option.max) throw wrong();
			return value;
		case "choice":
			if (typeof value !== "string" || !option.choices.includes(value)) throw wrong();
			return value;
		case "text":
			if (typeof value !== "string") throw wrong();
			return value;
		case "path":
			if (typeof value !== "string" || value === "") throw wrong();
			return value.startsWith("env:") ? value : resolve(place.folder, value);
		case "names":
			if (!Array.isArray(value) || value.some((name) => typeof name !== "string")) throw wrong();
			return value;
		case "list":
			if (!Array.isArray(value)) throw wrong();
			return value.map((item, i) => checkOne(item, option, `${key}[${i}]`, place));
		default:
			if (!isObject(value)) throw wrong();
			return option.sort === "table" ? checkTable(value, option.of, key, place) : checkMap(value, option, key, place);
	}
}

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Checks an object with the keys of a table. @param key the object's; "": the file as a whole */
export function checkTable(object: Record<string, unknown>, table: Table, key: string, place: Place) {
	const checked: Record<string, unknown> = {};
	for (const [name, value] of Object.entries(object)) {
		const path = key === "" ? name : `${key}.${name}`;
		const option = Object.hasOwn(table, name) ? table[name] : undefined;
		if (option === undefined) throw unknown(path, name, Object.keys(table), place);
		checked[name] = check(value, option, path, place);
	}
	return checked;
}

function checkMap(object: Record<string, unknown>, option: Nested, key: string, place: Place) {
	const of: Option = { sort: "table", of: option.of, what: "", flag: false };
	return Object.fromEntries(
		Object.entries(object).map(([name, value]) => [name, check(value, of, `${key}.${name}`, place)]),
	);
}

/** An object with one of the table's names. */
function checkOne(value: unknown, option: Nested, key: string, place: Place) {
	const names = isObject(value) ? Object.keys(value) : [];
	if (names.length === 1) return checkTable(value as Record<string, unknown>, option.of, key, place);
	throw new HearthError(
		"HEARTH_ERR_CONFIGURATION",
		`${place.where}: ${key}: expected an object with one of ${Object.keys(option.of).join(", ")}`,
	);
}

function unknown(path: string, name: string, names: readonly string[], place: Place): HearthError {
	const near = nearest(name, names);
	const remedy = near === undefined ? `there are ${names.join(", ")}` : `the nearest there is: ${near}`;
	return new HearthError("HEARTH_ERR_CONFIGURATION", `${place.where}: ${path}: there is no such option; ${remedy}`);
}

/** @returns the name that is most like another; undefined: none is, and there are few */
export function nearest(name: string, names: readonly string[]): string | undefined {
	const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, "");
	const sorted = names
		.map((other) => [plain(other).startsWith(plain(name)) ? 0 : distance(plain(name), plain(other)), other] as const)
		.sort(([a], [b]) => a - b);
	const [first] = sorted;
	if (first === undefined || (names.length <= 8 && first[0] > Math.max(2, name.length / 2))) return undefined;
	return first[1];
}

/** Levenshtein's: letters to change, add or take away. */
function distance(a: string, b: string): number {
	let row = Array.from({ length: b.length + 1 }, (_, i) => i);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++)
			next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
		row = next;
	}
	return row[b.length]!;
}

/** @returns the value that is taken where nothing is said; undefined: there is none, or it depends on others */
export function plainDefault(option: Option): string | number | boolean | undefined {
	const value = option.default;
	const type = option.sort === "flag" ? "boolean" : option.sort === "number" ? "number" : "string";
	if (typeof value !== type) return undefined;
	return option.sort === "names" || option.sort === "table" || option.sort === "map" ? undefined : value;
}
