/** The command `hearth`. */
import { HearthError } from "../../src/errors.js";
import { budget } from "./budget.js";
import { cert } from "./cert.js";
import { config } from "./config.js";
import { devices } from "./devices.js";
import { hub } from "./hub.js";
import { join } from "./join.js";
import { pair } from "./pair.js";
import { passwd } from "./passwd.js";
import { pub } from "./pub.js";
import { sub } from "./sub.js";

const USAGE = `usage: hearth COMMAND [options]

  hub       runs the hub; hearth hub --help lists its options
  pair      opens the hub's window for one device and shows the code
  join      pairs this machine, as a device, with a hub
  devices   lists, names and revokes the hub's devices
  passwd    adds, changes and deletes users of a password file
  cert      makes a certificate for a hub at home
  config    checks and prints a hub's configuration
  pub       publishes messages: hearth pub -t TOPIC -m TEXT
  sub       prints the messages that come: hearth sub -t FILTER
  budget    prints what each part of a board's memory is for

exit codes: 0 done, 1 the work failed, 2 unusable arguments`;

const LATER = ["bridge", "find", "data"];

async function main(): Promise<number> {
	const [command, ...args] = process.argv.slice(2);
	switch (command) {
		case "hub":
			return hub(args);
		case "budget":
			return budget(args);
		case "pair":
			return pair(args);
		case "join":
			return join(args);
		case "devices":
			return devices(args);
		case "cert":
			return cert(args);
		case "config":
			return config(args);
		case "passwd":
			return passwd(args);
		case "pub":
			return pub(args);
		case "sub":
			return sub(args);
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

// of sub it is another option: -v
const verbose = process.argv[2] !== "sub" && process.argv.includes("--verbose");
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
