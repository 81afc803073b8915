/** The command `hearth`. */
import { HearthError } from "../../src/errors.js";
import { budget } from "./budget.js";
import { hub } from "./hub.js";

const USAGE = `usage: hearth COMMAND [options]

  hub       runs the hub; hearth hub --help lists its options
  budget    prints what each part of a board's memory is for

exit codes: 0 done, 1 the work failed, 2 unusable arguments`;

const LATER = ["pub", "sub", "pair", "join", "devices", "bridge", "find", "passwd", "cert", "data", "config"];

async function main(): Promise<number> {
	const [command, ...args] = process.argv.slice(2);
	switch (command) {
		case "hub":
			return hub(args);
		case "budget":
			return budget(args);
		case undefined:
		case "help":
		case "-h":
		case "--help":
			console.log(USAGE);
			return command === undefined ? 2 : 0;
		default:
			if (LATER.includes(command)) throw new HearthError("HEARTH_ERR_LATER", `${command}: is not in this version yet`);
			throw new HearthError("HEARTH_ERR_COMMAND", `${command}: no such command; hearth --help lists them`);
	}
}

const verbose = process.argv.includes("--verbose");
main().then(
	(code) => {
		process.exitCode = code;
	},
	(error: unknown) => {
		const text = error instanceof Error ? (verbose ? error.stack : error.message) : error;
		console.error(`hearth: ${text}`);
		process.exitCode = error instanceof HearthError ? 2 : 1;
	},
);
