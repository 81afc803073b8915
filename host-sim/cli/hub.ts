/** `hearth hub`: the broker as a server. */
import { fileURLToPath } from "node:url";
import { ConfiguredHub } from "../configuration/configured-hub.js";
import { helpLines } from "../configuration/describe.js";
import { HUB, type HubConfiguration } from "../configuration/hub-configuration.js";
import { commandLineOptions, findConfiguration, overlay } from "../configuration/load.js";
import type { DataDirectory } from "../data/directory.js";
import { openData, summaryOf } from "./data-options.js";
import { parseOptions } from "./options.js";

const HELP = `usage: hearth hub [options]

${helpLines(HUB).join("\n")}
  --config FILE                 a configuration; options here go before what it says (default hearth.config.json,
                                if the working directory has it)
  --memory                      keep nothing on disk, whatever --data or the configuration says
  --quiet                       no log lines
  --verbose                     more log lines

Where a file is expected, env:NAME is what the variable NAME of the environment holds. SIGHUP reads users, rights and
certificates again. docs/configuration.md tells more.`;

const OPTIONS = {
	...commandLineOptions(HUB),
	config: { type: "string" },
	memory: { type: "boolean" },
	quiet: { type: "boolean" },
	verbose: { type: "boolean" },
	help: { type: "boolean", short: "h" },
} as const;

/** @returns the configuration that a command line stands for. Throws HearthError for what cannot be used. */
export function configurationOf(command: string, values: Readonly<Record<string, unknown>>): HubConfiguration {
	const logLevel = values.quiet ? -1 : values.verbose ? 2 : undefined;
	const laid = overlay(findConfiguration(values.config as string | undefined), values, command);
	return logLevel === undefined ? laid : { ...laid, logLevel };
}

/** Makes a hub; where it cannot be made, its data is let go. */
async function begin(
	configuration: HubConfiguration,
	log: (line: string) => void,
	data: DataDirectory | undefined,
): Promise<ConfiguredHub> {
	try {
		const pageFolder = fileURLToPath(new URL("page", import.meta.url));
		return new ConfiguredHub(configuration, { log, pageFolder, ...(data === undefined ? {} : { data }) });
	} catch (error) {
		await data?.close();
		throw error;
	}
}

/** Runs until SIGINT or SIGTERM. @returns the exit code */
export async function hub(args: string[]): Promise<number> {
	const values = parseOptions("hub", args, OPTIONS);
	if (values.help) {
		console.log(HELP);
		return 0;
	}
	const configuration = configurationOf("hub", values);
	const log = (line: string) => console.error(line);
	const tell = (line: string) => {
		if ((configuration.logLevel ?? 0) >= 0) log(`hearth: ${line}`);
	};
	const data = values.memory ? undefined : await openData(configuration, tell);
	const running = await begin(configuration, log, data);
	const addresses = await running.open();
	if (data !== undefined) tell(summaryOf(running.hub.broker, data.path));
	// signals have their meaning before anybody is told that the hub is there
	process.on("SIGHUP", () => running.reload());
	const ended = new Promise<void>((resolve) => {
		process.once("SIGINT", resolve);
		process.once("SIGTERM", resolve);
	});
	console.log(addresses.map((address) => `listening ${address}`).join("\n")); // at once: all of them, or none
	await ended;
	await running.close();
	if (data === undefined || data.fault === "") return 0;
	console.error(`hearth: ${data.path}: what changed last is not on disk: ${data.fault}`);
	return 1;
}
