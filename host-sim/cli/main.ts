/** The command `hearth`. */
import { HearthError } from "../../src/errors.js";

const USAGE = `usage: hearth COMMAND [options]

  hub       runs the hub; hearth hub --help lists its options
  pair      opens the hub's window for one device and shows the code
  join      pairs this machine, as a device, with a hub
  devices   lists, names and revokes the hub's devices
  data      looks at, saves and moves what a hub keeps
  find      lists the hubs that announce themselves in this network
  passwd    adds, changes and deletes users of a password file
  cert      makes a certificate for a hub at home
  config    checks and prints a hub's configuration
  pub       publishes messages: hearth pub -t TOPIC -m TEXT
  sub       prints the messages that come: hearth sub -t FILTER
  budget    prints what each part of a board's memory is for

exit codes: 0 done, 1 the work failed, 2 unusable arguments`;

/** Loaded when they are wanted: a short command does not wait for what the hub needs. */
const COMMANDS: Readonly<Record<string, () => Promise<(args: string[]) => number | Promise<number>>>> = {
	budget: async () => (await import("./budget.js")).budget,
	cert: async () => (await import("./cert.js")).cert,
	config: async () => (await import("./config.js")).config,
	data: async () => (await import("./data.js")).data,
	devices: async () => (await import("./devices.js")).devices,
	find: async () => (await import("./find.js")).find,
	hub: async () => (await import("./hub.js")).hub,
	join: async () => (await import("./join.js")).join,
	pair: async () => (await import("./pair.js")).pair,
	passwd: async () => (await import("./passwd.js")).passwd,
	pub: async () => (await import("./pub.js")).pub,
	sub: async () => (await import("./sub.js")).sub,
};

const LATER = ["bridge"];

async function main(): Promise<number> {
	const [command, ...args] = process.argv.slice(2);
	if (command === undefined || ["help", "-h", "--help"].includes(command)) {
		console.log(USAGE);
		return command === undefined ? 2 : 0;
	}
	if (Object.hasOwn(COMMANDS, command)) return (await COMMANDS[command]!())(args);
	if (LATER.includes(command)) throw new HearthError("HEARTH_ERR_LATER", `${command}: is not in this version yet`);
	throw new HearthError("HEARTH_ERR_COMMAND", `${command}: no such command; hearth --help lists them`);
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
