/** `hearth sub`: prints the messages that come, with the options, output and exit codes of mosquitto_sub. */
import { helpOf } from "./pubsub/help.js";
import { Exit, PROCESS_IO, type PubSubIo, versionLine } from "./pubsub/session.js";
import { pubSubSettings } from "./pubsub/settings.js";
import { Subscriber } from "./pubsub/subscriber.js";

/** Prints what the arguments say. @returns the exit code. Throws HearthError for unusable arguments. */
export async function sub(args: string[], io: PubSubIo = PROCESS_IO): Promise<number> {
	const settings = pubSubSettings("sub", args, io.env, io.rawArguments(args.length));
	if (settings.asks === undefined) return new Subscriber(settings, io).run();
	io.output.write(`${settings.asks === "help" ? helpOf("sub", io.env) : versionLine("sub")}\n`);
	return Exit.Done;
}
