/** `hearth pub` and `hearth sub` in this process, with their own standard input and output. */
import { EventEmitter } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { pub } from "../../../host-sim/cli/pub.js";
import type { PubSubIo } from "../../../host-sim/cli/pubsub/session.js";
import { sub } from "../../../host-sim/cli/sub.js";
import { until, within } from "../../interop/support.js";

/** What a command is given beside its arguments. */
export interface RunOptions {
	input?: Readable;
	output?: Writable;
	/** standard error is a terminal */
	terminal?: boolean;
}

/** A command that runs. */
export class CommandRun {
	private readonly chunks: Buffer[] = [];
	errors = "";
	ended = false;
	readonly signals = new EventEmitter();
	/** the exit code */
	readonly code: Promise<number>;

	constructor(command: "pub" | "sub", args: string[], { input, output, terminal = false }: RunOptions = {}) {
		const gather = (take: (chunk: Buffer) => void) =>
			new Writable({
				write(chunk: Buffer, _encoding, done) {
					take(Buffer.from(chunk));
					done();
				},
			});
		const io: PubSubIo = {
			input: input ?? Readable.from([]),
			output: output ?? gather((chunk) => this.chunks.push(chunk)),
			errors: Object.assign(
				gather((chunk) => {
					this.errors += chunk;
				}),
				{ isTTY: terminal },
			),
			env: { XDG_CONFIG_HOME: join(tmpdir(), "hearth-no-such-folder") },
			rawArguments: () => undefined,
			signals: this.signals,
		};
		const run = (command === "pub" ? pub(args, io) : sub(args, io)).finally(() => {
			this.ended = true;
		});
		this.code = within(run, `${command} ${args.join(" ")} ends`);
		this.code.catch(() => {}); // whoever waits hears of it
	}

	get bytes(): Buffer {
		return Buffer.concat(this.chunks);
	}

	get output(): string {
		return this.bytes.toString();
	}

	/** When standard output, or standard error, matches. */
	async says(pattern: RegExp, from: "output" | "errors" = "output"): Promise<void> {
		await until(() => this.ended || pattern.test(this[from]), `${pattern} is said; ${this.errors}`);
		if (!pattern.test(this[from])) throw new Error(`ended without ${pattern}: ${this[from]} ${this.errors}`);
	}
}
