/** `hearth hub`: the broker as a server. */
import { HearthError } from "../../src/errors.js";
import { boardLimits, boardNames } from "../boards.js";
import { Hub } from "../hub.js";
import { isLoopback } from "../listeners.js";
import { parseOptions, portOf } from "./options.js";

const HELP = `usage: hearth hub [options]

  --host ADDRESS       address to listen on (default 127.0.0.1)
  --port PORT          MQTT over TCP (default 1883; 0: a free one)
  --board NAME         with this board's limits: host, ${boardNames().join(", ")} (default host)
  --memory             keep nothing on disk (the only way so far)
  --allow-anonymous    let clients without a user name in on addresses other than loopback
  --strict             refuse what some devices do wrong and Hearth takes (docs/tolerance.md)
  --quiet              no log lines
  --verbose            more log lines`;

const OPTIONS = {
	host: { type: "string", default: "127.0.0.1" },
	port: { type: "string", default: "1883" },
	board: { type: "string", default: "host" },
	memory: { type: "boolean", default: false },
	"allow-anonymous": { type: "boolean", default: false },
	strict: { type: "boolean", default: false },
	quiet: { type: "boolean", default: false },
	verbose: { type: "boolean", default: false },
	help: { type: "boolean", short: "h", default: false },
	// switched off already, as long as there is nothing to switch off
	"no-ws": { type: "boolean", default: false },
	"no-http": { type: "boolean", default: false },
	"ws-port": { type: "string" },
	"tls-port": { type: "string" },
	cert: { type: "string" },
	key: { type: "string" },
	"http-port": { type: "string" },
	data: { type: "string" },
	config: { type: "string" },
} as const;

/** Options of the contract that a later version brings. */
const LATER = ["ws-port", "tls-port", "cert", "key", "http-port", "data", "config"] as const;

/** Runs until SIGINT or SIGTERM. @returns the exit code */
export async function hub(args: string[]): Promise<number> {
	const values = parseOptions("hub", args, OPTIONS);
	if (values.help) {
		console.log(HELP);
		return 0;
	}
	for (const option of LATER)
		if (values[option] !== undefined)
			throw new HearthError("HEARTH_ERR_LATER", `hub: --${option}: is not in this version yet; leave it out`);
	const port = portOf("hub", "port", values.port);
	const limits = boardLimits(values.board);
	const loopback = isLoopback(values.host);
	const logLevel = values.quiet ? -1 : values.verbose ? 2 : 0;
	const running = new Hub({
		limits,
		allowAnonymous: loopback || values["allow-anonymous"],
		strict: values.strict,
		logLevel,
		log: (_level, line) => console.error(line),
	});
	const listening = await running.listen(values.host, port);
	if (!loopback && !values["allow-anonymous"])
		console.error(`hearth: ${values.host} is not loopback: clients need credentials; --allow-anonymous lets all in`);
	console.log(`listening ${listening}`);
	await new Promise<void>((resolve) => {
		process.once("SIGINT", resolve);
		process.once("SIGTERM", resolve);
	});
	await running.close();
	return 0;
}
