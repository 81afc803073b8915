/** `hearth hub --data`: what outlives the process, and what is said when it cannot be kept. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt from "mqtt";
import { type Finished, Running, until } from "../interop/support.js";
import { assert, suite } from "../support/test.js";

const test = suite("hearth hub --data");
const bin = join(process.cwd(), "bin", "hearth.mjs");
const folder = mkdtempSync(join(tmpdir(), "hearth-data-"));
const mounted: string[] = [];
test.after(() => {
	for (const path of mounted) spawnSync("umount", [path]);
	rmSync(folder, { recursive: true });
});

/** A small file system of its own. @returns whether this machine lets us have one */
function mount(path: string, options: string): boolean {
	mkdirSync(path, { recursive: true });
	const done = spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path]).status === 0;
	if (done) mounted.push(path);
	return done;
}

async function hub(...args: string[]): Promise<{ running: Running; url: string }> {
	const running = new Running(process.execPath, [bin, "hub", "--port", "0", "--no-ws", ...args]);
	const ready = await running.says(/^listening (mqtt:\/\/\S+:\d+)$/m);
	return { running, url: ready[1]! };
}

function end(running: Running, signal: NodeJS.Signals = "SIGTERM"): Promise<Finished> {
	running.kill(signal);
	return running.finished;
}

const kept = { clean: false, reconnectPeriod: 0 };

/** One line on stderr that matches, exit code 2. */
async function refuses(args: string[], pattern: RegExp): Promise<void> {
	const finished = await new Running(process.execPath, [bin, "hub", "--port", "0", ...args]).finished;
	assert.is(finished.code, 2, finished.stderr);
	assert.match(finished.stderr, pattern);
	assert.is(finished.stderr.trimEnd().split("\n").length, 1, finished.stderr);
}

for (const signal of ["SIGTERM", "SIGKILL"] as const)
	test(`after ${signal}, sessions, queues and Retained Messages are there again`, async () => {
		const data = ["--board", "esp32", "--data", join(folder, signal, "data")];
		const first = await hub(...data);
		const client = await mqtt.connectAsync(first.url, { ...kept, clientId: "c" });
		await client.subscribeAsync("t/#", { qos: 2 });
		client.end(true);
		const sender = await mqtt.connectAsync(first.url, { reconnectPeriod: 0 });
		await sender.publishAsync("t/1", "1", { qos: 2, retain: true });
		await sender.publishAsync("t/2", "2", { qos: 1 });
		sender.end(true);
		const finished = await end(first.running, signal);
		assert.is(finished.code, signal === "SIGTERM" ? 0 : null);
		const { running, url } = await hub(...data);
		await running.says(/data: 1 session, 1 Retained Message, 2 queued messages$/m, "stderr");
		const got: string[] = [];
		const again = mqtt.connect(url, { ...kept, clientId: "c" });
		again.on("message", (topic, payload) => got.push(`${topic} ${payload}`));
		await until(() => got.length === 2, "the queue");
		assert.equal(got.sort(), ["t/1 1", "t/2 2"]);
		again.end(true);
		await end(running);
	});

test("a directory has one hub; the second one says whose it is", async () => {
	const data = join(folder, "one");
	const { running } = await hub("--data", data);
	await refuses(["--data", data], new RegExp(`one: process ${running.child.pid} has it; end that, or give another`));
	await end(running);
	await end((await hub("--data", data)).running);
});

test("unusable options and directories: one line, exit code 2", async () => {
	writeFileSync(join(folder, "file"), "");
	mkdirSync(join(folder, "odd"));
	writeFileSync(join(folder, "odd", "hearth.mdb"), "something else".repeat(1_000));
	await refuses(["--data", join(folder, "file")], /file: cannot be made \(EEXIST\); give another/);
	await refuses(["--data", join(folder, "odd")], /hearth\.mdb: cannot be opened \(it is no data of a hub\)/);
	await refuses(
		["--data", join(folder, "d"), "--durability", "some"],
		/--durability some: expected "acknowledged", "interval" or "none"/,
	);
	await refuses(
		["--data", join(folder, "d"), "--maximum-bytes", "1"],
		/--maximum-bytes 1: expected a whole number from 100000/,
	);
	await refuses(["--data", join(folder, "d"), "--never-store", "a/#/b"], /--never-store a\/#\/b: give a Topic Filter/);
});

const canMount = mount(join(folder, "small"), "size=1m") && mount(join(folder, "fixed"), "ro");

test("a directory that cannot be written: one line, exit code 2", async () => {
	// without the right to mount: where nobody can make one
	const fixed = canMount ? join(folder, "fixed", "data") : "/proc/hearth-data";
	await refuses(["--data", fixed], /data: cannot be made \((EROFS|ENOENT|EACCES)\); give another/);
	if (canMount)
		await refuses(["--data", join(folder, "fixed")], /hearth\.mdb: cannot be opened \(.*\); give another directory/);
});

/** A hub whose disk has a megabyte: a file system of that size, or, without the right to mount, files of that size.
 *  @returns it, and what makes room */
async function hubOnSmallDisk(): Promise<{ data: string; running: Running; url: string; makeRoom: () => void }> {
	const data = join(folder, "small", "data");
	if (canMount) {
		const ballast = join(folder, "small", "ballast");
		writeFileSync(ballast, Buffer.alloc(100_000));
		return { data, ...(await hub("--data", data)), makeRoom: () => rmSync(ballast) };
	}
	const command = `ulimit -S -f 1000; exec "$0" "$@"`;
	const args = [bin, "hub", "--port", "0", "--no-ws", "--data", data];
	const running = new Running("bash", ["-c", command, process.execPath, ...args]);
	const ready = await running.says(/^listening (mqtt:\/\/\S+:\d+)$/m);
	const pid = `${running.child.pid}`;
	const makeRoom = () => spawnSync("prlimit", ["--pid", pid, "--fsize=unlimited:unlimited"]);
	return { data, running, url: ready[1]!, makeRoom };
}

test("a full disk: 0x97 and an alarm, QoS 0 goes on, and there is room again when others give it", async () => {
	const { data, running, url, makeRoom } = await hubOnSmallDisk();
	const client = await mqtt.connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0 });
	await client.publishAsync("first", "x", { qos: 1, retain: true });
	const codes: number[] = [];
	for (let i = 0; i < 300 && codes.length < 3; i++)
		await client
			.publishAsync(`t/${i}`, "x".repeat(10_000), { qos: 1, retain: true })
			.catch((error) => codes.push(error.code));
	assert.equal(codes, [0x97, 0x97, 0x97]);
	await running.says(/storage: cannot write, tries again each second: \S/, "stderr");
	if (canMount) assert.match(running.stderr, /no space is left on the disk/);
	const got: string[] = [];
	client.on("message", (topic) => got.push(topic));
	await client.subscribeAsync("zero");
	await client.publishAsync("zero", "0");
	await until(() => got.includes("zero"), "QoS 0");
	makeRoom();
	await running.says(/storage: writes again/, "stderr");
	await client.publishAsync("last", "x", { qos: 1, retain: true });
	client.end(true);
	await end(running, "SIGKILL");
	const again = await hub("--data", data);
	const reader = await mqtt.connectAsync(again.url, { reconnectPeriod: 0 });
	reader.on("message", (topic) => got.push(topic));
	await reader.subscribeAsync(["first", "last"]);
	await until(() => got.includes("first") && got.includes("last"), "what was acknowledged");
	reader.end(true);
	await end(again.running);
});

test.run();
