/** Command line options, and what is said when they are unusable. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { HearthError } from "../../src/errors.js";
import { nearest } from "../configuration/table.js";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** Parses a command's options. Throws HearthError with one line that names the option and the remedy. */
export function parseOptions<T extends Options>(command: string, args: string[], options: T) {
	try {
		return parseArgs({ args, options, allowPositionals: false, strict: true, allowNegative: true }).values;
	} catch (error) {
		throw unusable(command, error, options);
	}
}

/** As `parseOptions`, for a command whose other arguments are no options. */
export function parseArguments<T extends Options>(command: string, args: string[], options: T) {
	try {
		return parseArgs({ args, options, allowPositionals: true, strict: true, allowNegative: true });
	} catch (error) {
		throw unusable(command, error, options);
	}
}

function unusable(command: string, error: unknown, options: Options): HearthError {
	const message = error instanceof Error ? error.message.split(/[.\n]/)[0]! : String(error);
	const unknown = /^Unknown option '--(?:no-)?([^']+)'/.exec(message)?.[1];
	const near = unknown === undefined ? undefined : nearest(unknown, Object.keys(options));
	const hint = near === undefined ? "" : `; the nearest there is: --${near}`;
	return new HearthError(
		"HEARTH_ERR_OPTION",
		`${command}: ${message}${hint}; hearth ${command} --help lists the options`,
	);
}

/** @returns a TCP port. Throws HearthError when it is none. */
export function portOf(command: string, option: string, value: string): number {
	const port = Number(value);
	if (/^\d+$/.test(value) && port <= 65_535) return port;
	throw new HearthError("HEARTH_ERR_OPTION", `${command}: --${option} ${value}: give a port from 0 to 65535`);
}
