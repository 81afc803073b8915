/** Examples run as a newcomer runs them. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { until, within } from "../interop/support.js";

/** An example that runs, and the addresses where it listens. */
export class Example {
	addresses: string[] = [];
	/** what it has said */
	output = "";
	private readonly child: ChildProcess;

	/** @param args ports, such as 0, and what else it takes */
	constructor(
		private readonly file: string,
		args: readonly string[],
	) {
		const child = spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "pipe"] });
		for (const stream of [child.stdout, child.stderr])
			stream.on("data", (chunk) => {
				this.output += chunk;
			});
		this.child = child;
	}

	/** When it listens at so many addresses. */
	async listens(count = 1): Promise<this> {
		const list = () => [...this.output.matchAll(/^listening (\S+)$/gm)].map((match) => match[1]!);
		await until(() => list().length === count, `${this.file} listens; it says ${this.output}`);
		this.addresses = list();
		return this;
	}

	/** When it has said the line. */
	says(line: string): Promise<void> {
		return until(() => this.output.split("\n").includes(line), `${this.file} says ${line}`);
	}

	end(): void {
		this.child.kill("SIGKILL");
	}
}

export interface ExampleClient {
	mqtt: MqttClient;
	/** "topic payload" of all messages */
	got: string[];
}

/** A client of MQTT.js that came in. Rejects with the error, whose `code` is CONNACK's, when it was refused. */
export async function client(address: string, options: IClientOptions = {}): Promise<ExampleClient> {
	const mqtt = connect(address, { reconnectPeriod: 0, ...options });
	const got: string[] = [];
	mqtt.on("message", (topic, payload) => got.push(`${topic} ${payload}`));
	const connected = new Promise<void>((resolve, reject) => {
		mqtt.once("connect", () => resolve());
		mqtt.once("error", reject);
	});
	await within(connected, `${address}: comes in`);
	return { mqtt, got };
}

/** @returns the code that a client was refused with; 0: it was not */
export function refusal(address: string, options: IClientOptions): Promise<number> {
	return client(address, options).then(
		({ mqtt }) => {
			mqtt.end(true);
			return 0;
		},
		(error: { code: number }) => error.code,
	);
}

export function read(file: string): string {
	return readFileSync(file, "utf8");
}
