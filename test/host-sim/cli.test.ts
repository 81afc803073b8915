/** `hearth` as a process: what it prints, and with which code it ends. */
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { Raw } from "../interop/raw.js";
import { type Finished, Running, until, within } from "../interop/support.js";
import { assert, suite } from "../support/test.js";

const test = suite("hearth, the command");
const bin = join(process.cwd(), "bin", "hearth.mjs");

function hearth(...args: string[]): Running {
	return new Running(process.execPath, [bin, ...args]);
}

/** A hub that listens, by TCP alone. */
async function hub(...args: string[]): Promise<{ running: Running; port: number; ready: string }> {
	const running = hearth("hub", "--port", "0", "--no-ws", "--no-http", ...args);
	const ready = await running.says(/^listening mqtt:\/\/\S+:(\d+)$/m);
	return { running, port: Number(ready[1]), ready: ready[0] };
}

/** Ends a hub. */
function stop(running: Running, signal: NodeJS.Signals = "SIGTERM"): Promise<Finished> {
	running.kill(signal);
	return running.finished;
}

/** It could not be used: one line on stderr that matches, exit code 2, and nothing on stdout. */
async function refuses(args: string[], pattern: RegExp): Promise<void> {
	const finished = await hearth(...args).finished;
	const said = `hearth ${args.join(" ")}: ${finished.stderr}`;
	assert.is(finished.code, 2, said);
	assert.is(finished.stdout.toString(), "", said);
	assert.is(finished.stderr.trimEnd().split("\n").length, 1, said);
	assert.match(finished.stderr, pattern);
	assert.not.match(finished.stderr, /\n\s+at /);
}

test("the hub says where it listens, on a free port with port 0", async () => {
	const [one, two] = [await hub(), await hub("--memory", "--no-http")];
	assert.is(one.ready, `listening mqtt://127.0.0.1:${one.port}`);
	assert.ok(one.port > 1023 && two.port > 1023 && one.port !== two.port);
	for (const { running, port } of [one, two]) {
		const raw = await Raw.client(port, "anyone");
		await raw.leave();
		const finished = await stop(running);
		assert.is(finished.code, 0);
		assert.is(finished.stderr, "");
		assert.is(finished.lines.filter((line) => line.startsWith("listening mqtt:")).length, 1);
	}
});

test("a port that is in use: one line says so, exit code 2", async () => {
	const server = createServer().listen(0, "127.0.0.1");
	await within(once(server, "listening"), "a port is taken");
	const { port } = server.address() as { port: number };
	const pattern = new RegExp(`127\\.0\\.0\\.1:${port}: the port is in use`);
	await refuses(["hub", "--port", `${port}`], pattern);
	await refuses(["hub", "--port", "0", "--ws-port", `${port}`], pattern);
	server.close();
});

test("unusable options: one line names the option, exit code 2", async () => {
	await Promise.all([
		refuses(["hub", "--nothing"], /--nothing/),
		refuses(["hub", "--port"], /--port/),
		refuses(["hub", "--port", "x"], /--port x/),
		refuses(["hub", "--port", "-1"], /--port/),
		refuses(["hub", "--prot", "1"], /--prot.*nearest there is: --port;/),
		refuses(["hub", "--port", "65536"], /--port 65536/),
		refuses(["hub", "--port", "1e3"], /--port 1e3/),
		refuses(["hub", "--board", "esp33"], /--board esp33.*esp32/),
		refuses(["hub", "stray"], /stray/),
		refuses(["hub", "--memory=no"], /--memory/),
	]);
});

test("addresses that cannot be listened on: one line names the address, exit code 2", async () => {
	await refuses(["hub", "--port", "0", "--host", "no-such-host.invalid"], /no-such-host\.invalid:0: no such host/);
	await refuses(["hub", "--port", "0", "--host", "192.0.2.1"], /192\.0\.2\.1:0: this machine has no such address/);
});

test("commands: help ends with 0, none and unknown ones with 2", async () => {
	const help = await hearth("--help").finished;
	assert.is(help.code, 0);
	assert.match(help.stdout.toString(), /^usage: hearth COMMAND/);
	assert.is(help.stderr, "");
	const hubHelp = await hearth("hub", "--help").finished;
	assert.is(hubHelp.code, 0);
	for (const option of ["--host", "--port", "--board", "--allow-anonymous", "--verbose"])
		assert.ok(hubHelp.stdout.includes(option), option);
	assert.is((await hearth().finished).code, 2);
	await refuses(["hop"], /hop: no such command/);
	await refuses(["__proto__"], /no such command/);
});

for (const signal of ["SIGTERM", "SIGINT"] as const)
	test(`${signal} ends the hub with 0, without wills; 5.0 clients hear 0x8B [5:MQTT-3.14.4-2]`, async () => {
		const { running, port } = await hub();
		const watcher = await Raw.client(port, "watcher", 5);
		await watcher.subscribe("will");
		const will = { topic: "will", payload: Buffer.from("should not be"), qos: 1 as const, retain: true };
		const willing = await Raw.client(port, "willing", 4, { will });
		const silent = await Raw.open(port);
		const finished = await stop(running, signal);
		assert.is(finished.code, 0);
		assert.is(finished.stderr, "");
		const heard = await watcher.end();
		assert.equal(
			heard.map((packet) => packet.cmd),
			["disconnect"],
		);
		assert.is(heard[0]!.cmd === "disconnect" && heard[0]!.reasonCode, 0x8b);
		assert.equal(await willing.end(), []);
		assert.equal(await silent.end(), []);
	});

test("the hub ends at once even with clients that do not read", async () => {
	const { running, port } = await hub();
	const slow = await Raw.client(port, "slow");
	await slow.subscribe("flood");
	slow.socket.pause();
	const from = await Raw.client(port, "from");
	for (let i = 0; i < 100; i++) await from.publish("flood", Buffer.alloc(100_000));
	await from.ping();
	const started = performance.now();
	assert.is((await stop(running)).code, 0);
	assert.ok(performance.now() - started < 5_000);
	slow.cut();
});

test("on an address other than loopback anonymous clients need --allow-anonymous", async () => {
	const closed = await hub("--host", "0.0.0.0");
	assert.match(closed.running.stderr, /0\.0\.0\.0 is not loopback.*--allow-anonymous/);
	const old = await Raw.open(closed.port);
	assert.is((await old.connect("anyone")).returnCode, 5);
	assert.equal(await old.end(), []);
	const v5 = await Raw.open(closed.port, 5);
	assert.is((await v5.connect("anyone")).reasonCode, 0x87);
	const named = await Raw.open(closed.port);
	const connack = await named.connect("anyone", { username: "who", password: Buffer.from("ever") });
	assert.ok(connack.returnCode === 4 || connack.returnCode === 5);
	assert.is((await stop(closed.running)).code, 0);

	const open = await hub("--host", "0.0.0.0", "--allow-anonymous");
	assert.is(open.ready, `listening mqtt://0.0.0.0:${open.port}`);
	await (await Raw.client(open.port, "anyone")).leave();
	assert.is((await stop(open.running)).stderr, "");
});

test("--verbose says who came, who was refused, who left and why; without it all is quiet", async () => {
	for (const verbose of [true, false]) {
		const { running, port } = await hub("--board", "esp32", ...(verbose ? ["--verbose"] : []));
		await (await Raw.client(port, "leaves")).leave();
		(await Raw.client(port, "is-cut", 5)).cut();
		const twin = await Raw.client(port, "twin", 3);
		await Raw.client(port, "twin");
		await twin.end();
		const early = await Raw.open(port);
		early.send({ cmd: "pingreq" });
		await early.end();
		const long = await Raw.open(port, 5);
		await long.connect("i".repeat(100));
		await long.end();
		const bad = await Raw.client(port, "speaks-nonsense");
		bad.write(Buffer.of(0, 0));
		await bad.end();
		if (verbose) await until(() => /^is-cut: disconnected/m.test(running.stderr), "the cut client is gone");
		const finished = await stop(running);
		assert.is(finished.code, 0);
		assert.equal(finished.lines, [`listening mqtt://127.0.0.1:${port}`]);
		if (!verbose) {
			assert.is(finished.stderr, "");
			continue;
		}
		const address = "127\\.0\\.0\\.1:\\d+";
		for (const line of [
			`leaves: connected from ${address}, MQTT 3\\.1\\.1`,
			"leaves: disconnected: by the client",
			`is-cut: connected from ${address}, MQTT 5\\.0`,
			"is-cut: disconnected: transport-closed",
			`twin: connected from ${address}, MQTT 3\\.1`,
			"twin: disconnected: session-taken-over",
			`${address}: refused: connect-missing`,
			`${address}: refused: client-id-rejected`,
			"speaks-nonsense: disconnected: packet-type-reserved",
			"twin: disconnected: server-shutting-down",
		])
			assert.match(finished.stderr, new RegExp(`^${line}$`, "m"));
	}
});

test("--board gives the hub that board's limits", async () => {
	const { running, port } = await hub("--board", "esp32");
	const raw = await Raw.open(port, 5);
	const connack = await raw.connect("one");
	assert.is(connack.properties?.maximumPacketSize, 4096);
	assert.is(connack.properties?.receiveMaximum, 16);
	await raw.leave();
	assert.is((await stop(running)).code, 0);
});

test.run();
