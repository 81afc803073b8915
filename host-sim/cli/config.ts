/** `hearth config`: is a configuration right, and what does it come to? */
import { HearthError } from "../../src/errors.js";
import { boardLimits } from "../boards.js";
import { ConfiguredHub, wantedListeners } from "../configuration/configured-hub.js";
import { configurationSchema } from "../configuration/describe.js";
import { HUB, type HubConfiguration } from "../configuration/hub-configuration.js";
import {
	CONFIGURATION_FILE,
	commandLineOptions,
	findConfiguration,
	LISTENING,
	loadConfiguration,
	overlay,
} from "../configuration/load.js";
import { plainDefault } from "../configuration/table.js";
import { parseArguments } from "./options.js";

const HELP = `usage: hearth config check [FILE]
       hearth config print [FILE] [options of hearth hub]
       hearth config schema

  check    reads FILE and the files that it names; says what is wrong in one line
  print    prints what the hub would run with: defaults, FILE, and over them the options
  schema   prints the JSON schema, which dist/hearth.config.schema.json has, too

FILE is ${CONFIGURATION_FILE} where none is given.
Exit codes: 0 it is right, 2 it is not`;

const OPTIONS = {
	...commandLineOptions(HUB),
	verbose: { type: "boolean" },
	help: { type: "boolean", short: "h" },
} as const;

/** @returns the exit code. Throws HearthError for what is wrong. */
export async function config(args: string[]): Promise<number> {
	const { values, positionals } = parseArguments("config", args, OPTIONS);
	const [command, path, more] = positionals;
	if (values.help || command === undefined) {
		console.log(HELP);
		return values.help ? 0 : 2;
	}
	if (more !== undefined) throw unusable(`${more}: give one FILE`);
	switch (command) {
		case "check":
			return check(path ?? CONFIGURATION_FILE);
		case "print": {
			const laid = overlay(findConfiguration(path), values, "config");
			console.log(JSON.stringify(effective(laid), undefined, "\t"));
			return 0;
		}
		case "schema":
			console.log(JSON.stringify(configurationSchema(HUB), undefined, "\t"));
			return 0;
		default:
			throw unusable(`${command}: give check, print or schema`);
	}
}

function unusable(what: string): HearthError {
	return new HearthError("HEARTH_ERR_OPTION", `config: ${what}; hearth config --help shows how`);
}

/** Runs a hub with it for a moment, on free ports of this machine alone: so all that it names is read. */
async function check(path: string): Promise<number> {
	const configuration = loadConfiguration(path);
	const listeners = wantedListeners(configuration).map(({ listener }) => listener);
	const here = listeners.map((listener) => {
		const [[protocol, options] = []] = Object.entries(listener);
		return { [protocol!]: { ...options, host: "127.0.0.1", port: 0 } };
	});
	const hub = new ConfiguredHub({ ...configuration, listeners: here }, { log: (line) => console.error(line) });
	await hub.open();
	await hub.close();
	console.log(`${path}: right; listeners: ${listeners.map((listener) => Object.keys(listener)[0]).join(", ")}`);
	return 0;
}

/** @returns a configuration that says all that another leaves to defaults */
function effective(configuration: HubConfiguration): HubConfiguration {
	const made: HubConfiguration = {
		...configuration,
		listeners: wantedListeners(configuration).map(({ listener }) => listener),
		limits: { ...boardLimits(configuration.board ?? "host"), ...configuration.limits },
	};
	const all: Record<string, unknown> = {};
	for (const [key, option] of Object.entries(HUB)) {
		const value = made[key as keyof HubConfiguration] ?? plainDefault(option);
		if (value !== undefined && !LISTENING.has(key)) all[key] = value;
	}
	return all as HubConfiguration;
}
