/** CPU of the broker for a delivered message: Hearth's hub as users start it, Debian's Mosquitto and npm's Aedes,
 *  in turn.
 *  `--quick`: fewer rounds. Leaves out whom it does not find. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Load, run } from "./load.js";
import { median, ratio } from "./rounds.js";

const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 3 : 7;
const SCALE = quick ? 0.25 : 1;

const LOADS: Load[] = [
	{ name: "1 → 1, QoS 0", pairs: 1, receivers: 1, qos: 0, payloadBytes: 64, deliveries: 200_000 * SCALE },
	{ name: "10 → 10, QoS 0", pairs: 10, receivers: 1, qos: 0, payloadBytes: 64, deliveries: 200_000 * SCALE },
	{ name: "1 → 50, QoS 0", pairs: 1, receivers: 50, qos: 0, payloadBytes: 64, deliveries: 400_000 * SCALE },
	{ name: "10 → 10, QoS 1", pairs: 10, receivers: 1, qos: 1, payloadBytes: 64, deliveries: 100_000 * SCALE },
];

interface Rival {
	name: string;
	port: number;
	process: ChildProcess;
}

/** µs of CPU, user and system, that a process has used */
function cpu(pid: number): number {
	const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
	return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** @returns a port that was free a moment ago */
async function freePort(): Promise<number> {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as { port: number };
	server.close();
	return port;
}

async function start(name: string, command: string, args: string[], port: number): Promise<Rival | undefined> {
	const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
	const failed = once(child, "error").then(() => false);
	const ready = new Promise<boolean>((resolve) => {
		const hear = (chunk: Buffer): void => {
			if (/listening|running/.test(`${chunk}`)) resolve(true);
		};
		child.stdout.on("data", hear);
		child.stderr.on("data", hear);
		child.on("exit", () => resolve(false));
	});
	if (await Promise.race([ready, failed])) return { name, port, process: child };
	console.log(`${name} is left out: it does not start`);
	return undefined;
}

async function rivals(): Promise<Rival[]> {
	const folder = mkdtempSync(join(tmpdir(), "hearth-bench-"));
	const ports = [await freePort(), await freePort(), await freePort()] as const;
	const config = join(folder, "mosquitto.conf");
	writeFileSync(config, `listener ${ports[1]} 127.0.0.1\nallow_anonymous true\nlog_type information\n`);
	const aedes = join(folder, "aedes.mjs");
	writeFileSync(
		aedes,
		`import { createRequire } from "node:module"; import { createServer } from "node:net";
const require = createRequire(${JSON.stringify(join(process.cwd(), "package.json"))});
const { Aedes } = require("aedes"); const broker = await Aedes.createBroker();
createServer(broker.handle).listen(${ports[2]}, "127.0.0.1", () => console.log("listening"));`,
	);
	const started = [
		await start("hearth", "node", ["bin/hearth.mjs", "hub", "--port", `${ports[0]}`], ports[0]),
		existsSync("/usr/sbin/mosquitto")
			? await start("mosquitto", "/usr/sbin/mosquitto", ["-c", config], ports[1])
			: undefined,
		await start("aedes", "node", [aedes], ports[2]),
	];
	return started.filter((rival) => rival !== undefined);
}

const all = await rivals();
try {
	console.log(
		`µs of the broker's CPU a delivered message, ${ROUNDS} rounds in turn; ratio: the other's over Hearth's\n`,
	);
	for (const load of LOADS) {
		const costs: number[][] = all.map(() => []);
		const rates: number[][] = all.map(() => []);
		// the first round warms each up and does not count
		for (let round = 0; round <= ROUNDS; round++)
			for (const [i, rival] of all.entries()) {
				if (process.stderr.isTTY) process.stderr.write(`\r${load.name}: round ${round}, ${rival.name}\x1b[K`);
				const before = cpu(rival.process.pid!);
				const rate = await run(rival.port, load);
				if (round === 0) continue;
				rates[i]!.push(rate);
				costs[i]!.push((cpu(rival.process.pid!) - before) / load.deliveries);
			}
		if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
		console.log(load.name);
		for (const [i, rival] of all.entries()) {
			const rate = Math.round(median(rates[i]!)).toLocaleString("en-US").padStart(10);
			const against = i === 0 ? "" : `  ratio ${ratio(costs[i]!, costs[0]!)}`;
			console.log(`  ${rival.name.padEnd(10)} ${median(costs[i]!).toFixed(2).padStart(6)} µs ${rate}/s${against}`);
		}
	}
} finally {
	for (const rival of all) rival.process.kill();
}
