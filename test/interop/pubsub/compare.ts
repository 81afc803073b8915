/** Runs one command line through a command of Mosquitto's and one of Hearth's, against both brokers, and compares what
 *  is printed, the exit code, and what was done: the packets that were sent. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { TlsOptions } from "node:tls";
import type { IConnectPacket, IPublishPacket, Packet } from "mqtt-packet";
import { HearthError } from "../../../src/errors.js";
import { CommandRun } from "../../host-sim/pubsub/runs.js";
import { assert } from "../../support/test.js";
import { Raw } from "../raw.js";
import { Running } from "../support.js";
import type { Broker } from "./brokers.js";
import { Tap } from "./tap.js";

/** What the case publishes, over another connection; the topic is below the case's own. */
export interface Given {
	topic: string;
	payload?: string | Buffer;
	qos?: 0 | 1 | 2;
	retain?: boolean;
	properties?: IPublishPacket["properties"];
}

export interface Case {
	command: "pub" | "sub";
	/** as typed, quoted with ' where it has blanks; {t} is the case's own topic level, {port} the broker's port */
	line: string;
	/** what stands on standard input */
	input?: string | Buffer;
	/** published before the command begins */
	before?: Given[];
	/** published when the command has subscribed */
	messages?: Given[];
	/** replaces what differs from one moment to the next in what is printed */
	steady?: (output: string) => string;
	/** the exit codes [Mosquitto's, Hearth's] where they differ; docs/command-line.md has the reasons */
	codes?: [number, number];
	/** the broker's listener without anonymous clients */
	closed?: boolean;
	/** seconds that {w} stands for: the first with which both do the same, because a busy machine takes longer */
	waits?: readonly number[];
	/** the command comes to its broker by TLS, or by a Unix domain socket, which {path} is then */
	near?: TlsOptions | "unix";
	/** what is printed differs; docs/command-line.md has the reason */
	printsOtherwise?: boolean;
}

interface Result {
	code: number | null;
	output: string;
	errors: string;
	/** what was sent, in a form that is the same for both */
	done: unknown[];
}

type Run = (command: "pub" | "sub", args: string[], input: string | Buffer | undefined) => Ran;

interface Ran {
	finished: Promise<{ code: number | null; output: Buffer; errors: string }>;
}

/** Where no configuration is. */
const NO_CONFIGURATION = `XDG_CONFIG_HOME=${join(tmpdir(), "hearth-no-such-folder")}`;

const mosquittos: Run = (command, args, input) => {
	const running = new Running("env", [NO_CONFIGURATION, `mosquitto_${command}`, ...args], input);
	const finished = running.finished.then(({ code, stdout, stderr }) => ({ code, output: stdout, errors: stderr }));
	return { finished };
};

/** In this process: to begin a process for each takes longer than all that it does. */
const hearths: Run = (command, args, input) => {
	const run = new CommandRun(command, args, {
		input: Readable.from(input === undefined || input.length === 0 ? [] : [Buffer.from(input)]),
	});
	const code = run.code.catch((error: unknown) => {
		if (!(error instanceof HearthError)) throw error;
		run.errors += error.message;
		return 2;
	});
	return { finished: code.then((code) => ({ code, output: run.bytes, errors: run.errors })) };
};

const TOOLS: readonly (readonly [letter: string, run: Run])[] = [
	["m", mosquittos],
	["h", hearths],
];

let cases = 0;

/** How many cases run at once: most of the time they wait for each other's end. */
const AT_ONCE = 8;

/** Runs the cases on a broker, several at once. Throws when one is not the same, with all that are not. */
export async function compareAll(broker: Broker, cases: readonly Case[]): Promise<void> {
	const left = [...cases];
	const failures: unknown[] = [];
	const worker = async () => {
		for (let next = left.shift(); next !== undefined; next = left.shift())
			await compareOnce(broker, next).catch((error) => failures.push(error));
	};
	await Promise.all(Array.from({ length: AT_ONCE }, worker));
	if (failures.length === 0) return;
	throw new Error(
		failures.map((error) => `${(error as Error).message}\n${(error as { details?: string }).details ?? ""}`).join("\n"),
	);
}

async function compareOnce(broker: Broker, given: Case): Promise<void> {
	let failure: unknown;
	for (const seconds of given.waits ?? [0]) {
		const line = given.line.replace("{w}", `${seconds}`);
		failure = await compare(broker, { ...given, line }).then(
			() => undefined,
			(error: unknown) => error,
		);
		if (failure === undefined) return;
	}
	throw failure;
}

/** Runs the case on a broker, with both commands, and asserts that they are the same. */
async function compare(broker: Broker, given: Case): Promise<void> {
	const number = String(++cases).padStart(3, "0");
	const both = TOOLS.map(([letter, run]) => runOne(broker, given, `t${number}${letter}`, run));
	const [theirs, ours] = (await Promise.all(both)) as [Result, Result];
	const what = `${given.command} ${given.line} on ${broker.name}`;
	const said = `\nMosquitto's: ${theirs.errors}\nHearth's: ${ours.errors}`;
	assert.equal([theirs.code, ours.code], given.codes ?? [theirs.code, theirs.code], `${what}: exit codes${said}`);
	if (given.printsOtherwise !== true) assert.is(ours.output, theirs.output, `${what}: what is printed${said}`);
	// a DISCONNECT is lost where its sender closes with something unread: TCP's reset overtakes it
	const whole = [theirs, ours].every(({ done }) => isDisconnect(done.at(-1)));
	const [wanted, got] = [theirs, ours].map(({ done }) => done.filter((packet) => whole || !isDisconnect(packet)));
	assert.equal(got, wanted, `${what}: what is sent${said}`);
	assert.ok(ours.code === 0 || /^(hearth: (pub|sub): )?.+\n?$/.test(ours.errors), `${what}: one line says why${said}`);
}

function isDisconnect(packet: unknown): boolean {
	return (packet as { cmd: string } | undefined)?.cmd === "disconnect";
}

async function runOne(broker: Broker, given: Case, level: string, run: Run): Promise<Result> {
	const path = join(tmpdir(), `hearth-${process.pid}-${level}.sock`);
	const near = given.near === "unix" ? { path } : given.near === undefined ? {} : { tls: given.near };
	const tap = await Tap.start(given.closed ? broker.closedPort : broker.port, near);
	const publisher = await Raw.client(broker.port, `publisher-${level}`, 5);
	for (const message of given.before ?? []) await publish(publisher, level, message);
	const fill = (text: string) =>
		text.replaceAll("{t}", level).replaceAll("{port}", `${tap.port}`).replaceAll("{path}", path);
	const where = /\{port\}|\{path\}|-p /.test(given.line) ? [] : ["-h", "127.0.0.1", "-p", `${tap.port}`];
	const { finished } = run(given.command, [...where, ...words(given.line).map(fill)], given.input);
	let ended = false;
	finished.then(
		() => (ended = true),
		() => (ended = true),
	);
	if (given.messages !== undefined) {
		await tap.answers("suback", () => ended);
		for (const message of given.messages) await publish(publisher, level, message);
	}
	const { code, output, errors } = await finished;
	await tap.close(`${level} ${given.line}`);
	for (const message of [...(given.before ?? []), ...(given.messages ?? [])])
		if (message.retain) await publish(publisher, level, { topic: message.topic, payload: "", retain: true });
	publisher.cut();
	const printed = output.toString("latin1").replaceAll(level, "{t}");
	return {
		code,
		output: given.steady?.(printed) ?? printed,
		errors,
		done: tap.sent.flatMap(inShort).map((packet) => JSON.parse(JSON.stringify(packet).replaceAll(level, "{t}"))),
	};
}

/** @returns the words of a command line */
function words(line: string): string[] {
	return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

async function publish(publisher: Raw, level: string, given: Given): Promise<void> {
	const { topic, payload = "", qos = 1, retain = false, properties } = given;
	publisher.send({
		cmd: "publish",
		topic: topic.replaceAll("{t}", level),
		payload,
		qos,
		retain,
		dup: false,
		messageId: 1,
		...(properties === undefined ? {} : { properties }),
	});
	if (qos === 1) await publisher.take("puback");
	else if (qos === 0) await publisher.ping();
	else {
		await publisher.take("pubrec");
		publisher.send({ cmd: "pubrel", messageId: 1 });
		await publisher.take("pubcomp");
	}
}

/** What a packet says: without Packet Identifiers, and without what a client may choose as it likes. */
function inShort(packet: Packet): unknown[] {
	switch (packet.cmd) {
		case "connect":
			return [connectInShort(packet)];
		case "publish": {
			const { topicAlias: _, ...properties } = packet.properties ?? {};
			const { topic, qos, retain } = packet;
			const payload = Buffer.from(packet.payload).toString("latin1");
			return [{ cmd: "publish", topic, qos, retain, payload, ...some(properties) }];
		}
		case "subscribe": {
			const subscriptions = packet.subscriptions.map(({ topic, qos, nl = false, rap = false, rh = 0 }) => {
				return { topic, qos, nl, rap, rh };
			});
			return [{ cmd: "subscribe", subscriptions, ...some(packet.properties) }];
		}
		case "unsubscribe":
			return [{ cmd: "unsubscribe", filters: packet.unsubscriptions, ...some(packet.properties) }];
		case "disconnect":
			return [{ cmd: "disconnect", reason: packet.reasonCode ?? 0, ...some(packet.properties) }];
		default:
			return []; // acknowledgements and pings
	}
}

function connectInShort(packet: IConnectPacket): unknown {
	const { protocolVersion, clean, keepalive, username, will } = packet;
	const { requestResponseInformation: _1, receiveMaximum: _2, ...properties } = packet.properties ?? {};
	const random = /^(mosq-\w{18}|hearth-\w{16}|)$/.test(packet.clientId);
	return {
		cmd: "connect",
		clientId: random
			? "(its own)"
			: packet.clientId.replace(`${process.pid}`, "(process)").replace(/\d{3,}$/, "(process)"),
		protocolVersion,
		clean,
		keepalive,
		username,
		password: packet.password?.toString("latin1"),
		will: will && { ...will, payload: Buffer.from(will.payload).toString("latin1") },
		...some(properties),
	};
}

function some(properties: object | undefined): object {
	return properties === undefined || Object.keys(properties).length === 0 ? {} : { properties: plain(properties) };
}

/** mqtt-packet's objects have no prototype, and Buffers. */
function plain(properties: object): unknown {
	return JSON.parse(JSON.stringify(properties));
}
