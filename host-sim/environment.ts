/** Secrets from the environment: in place of a file's path, `env:NAME` stands for what the variable NAME holds. */
import { HearthError } from "../src/errors.js";

const PREFIX = "env:";

/** @returns what the variable holds; undefined: the path is a file's. Throws HearthError when it is not set. */
export function fromEnvironment(path: string): string | undefined {
	if (!path.startsWith(PREFIX)) return undefined;
	const text = process.env[path.slice(PREFIX.length)];
	if (text !== undefined && text !== "") return text;
	throw new HearthError(
		"HEARTH_ERR_ENVIRONMENT",
		`${path}: the environment has no such variable; set it, or give a file`,
	);
}
