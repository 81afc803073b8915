/** `hearth pub`: publishes messages, with the options and exit codes of mosquitto_pub. */
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { helpOf } from "./pubsub/help.js";
import { LinePublisher } from "./pubsub/line-publisher.js";
import { MessagePublisher } from "./pubsub/message-publisher.js";
import { ChunkPayload, FilePayload, isPlainFile, type Payload, readAll } from "./pubsub/payload-source.js";
import { Progress } from "./pubsub/progress.js";
import { Exit, PROCESS_IO, type PubSubIo, versionLine } from "./pubsub/session.js";
import { pubSubSettings, type Source } from "./pubsub/settings.js";

/** Publishes what the arguments say. @returns the exit code. Throws HearthError for unusable arguments. */
export async function pub(args: string[], io: PubSubIo = PROCESS_IO): Promise<number> {
	const settings = pubSubSettings("pub", args, io.env, io.rawArguments(args.length));
	if (settings.asks !== undefined) {
		io.output.write(`${settings.asks === "help" ? helpOf("pub", io.env) : versionLine("pub")}\n`);
		return Exit.Done;
	}
	const source = settings.source!;
	if (source.kind === "lines") return new LinePublisher(settings, io).run();
	const payload = await payloadOf(source, io);
	if (source.kind === "input" && payload.byteLength === 0) {
		if (!settings.quiet) io.errors.write("hearth: pub: -s: standard input is empty; -n sends an empty message\n");
		return Exit.Failed;
	}
	try {
		return await new MessagePublisher(settings, io, payload).run();
	} finally {
		payload.close();
	}
}

/** Opens or reads what is to be sent: before there is a connection, so that the broker doesn't wait for it. */
async function payloadOf(source: Source, io: PubSubIo): Promise<Payload> {
	if (source.kind === "text") return new ChunkPayload([source.payload]);
	if (source.kind !== "file") return new ChunkPayload(await readInput(io, io.input, "standard input"));
	if (isPlainFile(source.path)) return new FilePayload(source.path);
	return new ChunkPayload(await readInput(io, createReadStream(source.path), source.path));
}

async function readInput(io: PubSubIo, input: Readable, name: string): Promise<Uint8Array[]> {
	const progress = new Progress(io.errors, `reading ${name}`, 0);
	try {
		return await readAll(input, name, (bytes) => progress.update(bytes));
	} finally {
		progress.end();
	}
}
