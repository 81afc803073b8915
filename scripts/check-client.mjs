/** `npm run check:client [-- --verbose --again]`: builds a program with our MQTTClient for the Linux runtime of the
 *  Moddable SDK that $MODDABLE names, and lets it talk with a hub here: over the SDK's TCP and TLSSocket, QoS 0 to 2
 *  both ways, a large message in pieces, a cut and what was published meanwhile. --again builds only what has changed.
 *  Exit code 3: there is no SDK, nothing was checked. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { connect as connectTcp, createServer } from "node:net";
import * as path from "node:path";
import mqtt from "mqtt";
import { ROOT } from "./xs-build.mjs";
import { cpuNamed } from "./xs-cpus.mjs";

const sdk = process.env.MODDABLE;
const OUT = path.join(ROOT, "build", "check-client");
const GCC_32 = cpuNamed("x86").flags;

/** How long all of the talk may take, ms. */
const TALK_MS = 180_000;

/** What the clients publish and the host does, as the hub has to hand it on: each exactly once. */
const EXPECTED = ["tcp", "tls"].flatMap((name) => [
	...[0, 1, 2].map((qos) => `${name}/qos${qos} ${qos} ${name.length}`),
	`${name}/large 1 3000`,
	`host/cut 1 ${name.length}`,
	`${name}/away 2 4`,
	`${name}/last 2 ${name.length}`,
]);

function run(command, args, env) {
	const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: ROOT, env, encoding: "utf8" });
	if (error !== undefined) throw error;
	if (status !== 0) throw new Error(`${command}: ${(stdout + stderr).trim().split("\n").slice(-12).join("\n")}`);
	return stdout;
}

function environment() {
	const bin = path.join(OUT, "bin");
	fs.mkdirSync(bin, { recursive: true });
	const tsc = `#!/bin/sh\nexec node "${path.join(ROOT, "scripts", "tsc-once.mjs")}" "$@"\n`;
	fs.writeFileSync(path.join(bin, "tsc"), tsc, { mode: 0o755 });
	const search = [path.join(sdk, "build", "bin", "lin", "release"), bin, process.env.PATH].join(path.delimiter);
	return { PKG_CONFIG_PATH: "/usr/lib/i386-linux-gnu/pkgconfig", ...process.env, PATH: search };
}

/** A chain of two, as the SDK's TLS wants it: an authority, and a server's certificate, both of RSA. */
function makeCertificates(folder) {
	const openssl = (...args) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
	const key = ["-newkey", "rsa:2048", "-nodes"];
	openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=check", "-days", "2");
	openssl("req", ...key, "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=hub");
	fs.writeFileSync(path.join(folder, "names"), "subjectAltName=IP:127.0.0.1\n");
	const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"];
	openssl("x509", "-req", "-in", "request.pem", ...signed, "-out", "leaf.pem");
	openssl("x509", "-in", "ca.pem", "-outform", "DER", "-out", "ca.der");
	const chain = ["leaf.pem", "ca.pem"].map((name) => fs.readFileSync(path.join(folder, name), "utf8"));
	fs.writeFileSync(path.join(folder, "cert.pem"), chain.join(""));
}

/** @returns {{ host: string, library: string }} the program of boards/lin/host.c, and what it runs */
function buildProgram(options, env) {
	const built = path.join(OUT, "lin");
	fs.mkdirSync(built, { recursive: true });
	for (const name of fs.readdirSync(built, { recursive: true }).map(String)) // tsc-once.mjs compiles once
		if (/\/modules\/all(\.\w+)?$/.test(name)) fs.rmSync(path.join(built, name), { recursive: true });
	const manifest = path.join(OUT, "manifest.json");
	const include = path.join(ROOT, "boards", "lin", "client", "manifest.json");
	fs.writeFileSync(manifest, JSON.stringify({ include: [include], resources: { "*": path.join(OUT, "ca") } }));
	run("mcconfig", ["-p", "lin", "-t", "build", "-o", built, manifest, ...options], env);
	const files = fs.readdirSync(built, { recursive: true }).map(String);
	const find = (name) => path.join(built, files.find((file) => path.basename(file) === name) ?? name);
	run("make", ["-f", find("makefile"), `CC=${["gcc", ...GCC_32].join(" ")}`, "build"], env);
	const library = fs.readdirSync(built, { recursive: true }).find((file) => path.basename(String(file)) === "mc.so");
	const host = path.join(OUT, "host");
	const glib = run("pkg-config", ["--cflags", "--libs", "gio-2.0"], env).trim().split(/\s+/);
	const headers = `-I${path.join(sdk, "build", "simulators", "modules")}`;
	run("gcc", [...GCC_32, "-DmxLinux=1", headers, "boards/lin/host.c", "-o", host, ...glib, "-ldl"], env);
	return { host, library: path.join(built, String(library)) };
}

/** A port that leads to another one, until it is cut. */
async function startProxy() {
	const sockets = new Set();
	const proxy = { to: 0, port: 0, isOpen: true, cut: () => {}, close: () => {} };
	const server = createServer((socket) => {
		if (!proxy.isOpen) return socket.destroy();
		const other = connectTcp(proxy.to, "127.0.0.1");
		for (const [one, its] of [
			[socket, other],
			[other, socket],
		]) {
			sockets.add(one);
			one.on("error", () => {});
			one.on("close", () => its.destroy());
			one.pipe(its);
		}
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	proxy.port = server.address().port;
	proxy.cut = () => {
		for (const socket of sockets) socket.destroy();
		sockets.clear();
	};
	proxy.close = () => server.close();
	return proxy;
}

/** @returns {Promise<{ mqtt: number, mqtts: number, close(): void }>} a hub's ports */
async function startHub() {
	const tls = ["--tls-port", "0", "--cert", path.join(OUT, "cert.pem"), "--key", path.join(OUT, "key.pem")];
	const args = ["bin/hearth.mjs", "hub", "--port", "0", "--no-ws", "--no-http", "--memory", ...tls];
	const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
	let output = "";
	const ports = {};
	while (ports.mqtt === undefined || ports.mqtts === undefined) {
		const [text] = await once(child.stdout, "data");
		output += text;
		for (const [, scheme, port] of output.matchAll(/listening (mqtts?):\/\/[\d.]+:(\d+)\n/g))
			ports[scheme] = Number(port);
	}
	return { ...ports, close: () => child.kill() };
}

/** Runs the program and does the host's part. Throws what is wrong. */
async function talk({ host, library }, hub, proxies, env) {
	const heard = [];
	const observer = await mqtt.connectAsync(`mqtt://127.0.0.1:${hub.mqtt}`);
	observer.on("message", async (topic, payload, { qos }) => {
		heard.push(`${topic} ${qos} ${payload.length}`);
		if (topic !== "host/cut") return;
		const proxy = proxies[`${payload}`];
		proxy.isOpen = false;
		proxy.cut();
		await observer.publishAsync(`${payload}/away`, "away", { qos: 2 });
		setTimeout(() => {
			proxy.isOpen = true;
		}, 1_500);
	});
	await observer.subscribeAsync("#", { qos: 2 });
	const child = spawn(host, [library], { env, cwd: OUT, stdio: ["ignore", "pipe", "inherit"] });
	let output = "";
	child.stdout.on("data", (text) => {
		output += text;
		if (/all done/.test(output)) child.kill();
	});
	const timer = setTimeout(() => child.kill(), TALK_MS);
	await once(child, "exit");
	clearTimeout(timer);
	await observer.endAsync();
	if (!/all done/.test(output)) throw new Error(`the program did not end\n${output}`);
	const wrong = [...EXPECTED, ...heard].filter(
		(line) => heard.filter((one) => one === line).length !== EXPECTED.filter((one) => one === line).length,
	);
	if (wrong.length > 0) throw new Error(`not exactly once: ${[...new Set(wrong)].join("; ")}\n${output}`);
	for (const name of ["tcp", "tls"])
		if (!new RegExp(`${name}: done, [2-9] connections, 6 messages`).test(output))
			throw new Error(`${name}: did not come back, or got another number of messages\n${output}`);
	return output;
}

async function main() {
	if (sdk === undefined || !fs.existsSync(path.join(sdk, "build", "bin", "lin", "release", "mcconfig"))) {
		console.log("check:client: skipped: $MODDABLE names no Moddable SDK whose Linux tools are built");
		return 3;
	}
	if (!process.argv.includes("--again")) fs.rmSync(OUT, { recursive: true, force: true });
	fs.mkdirSync(OUT, { recursive: true });
	makeCertificates(OUT);
	const env = environment();
	const proxies = { tcp: await startProxy(), tls: await startProxy() };
	const program = buildProgram([`tcp=${proxies.tcp.port}`, `tls=${proxies.tls.port}`], env);
	const hub = await startHub();
	proxies.tcp.to = hub.mqtt;
	proxies.tls.to = hub.mqtts;
	try {
		const output = await talk(program, hub, proxies, env);
		if (process.argv.includes("--verbose")) console.log(output.trim());
		console.log("ok   our MQTTClient over the SDK's TCP and TLSSocket");
		return 0;
	} catch (error) {
		console.log(`FAIL ${error.message}`);
		return 1;
	} finally {
		hub.close();
		for (const proxy of Object.values(proxies)) proxy.close();
	}
}

process.exit(await main());
