/** Brokers for the client's tests: Hearth in this process, Mosquitto and Aedes; over TCP, TLS and WebSocket. */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { Aedes } from "aedes";
import { createWebSocketStream, WebSocketServer } from "ws";
import { makeCertificate } from "../../host-sim/certificate.js";
import { listenTls } from "../../host-sim/tls.js";
import { listenWebSocket } from "../../host-sim/websocket.js";
import { has, TestHub, until } from "../interop/support.js";

export type Scheme = "mqtt" | "mqtts" | "ws" | "wss";

export interface TestServer {
	name: string;
	/** by scheme; one that the server does not have is missing */
	urls: Partial<Record<Scheme, string>>;
	/** of what the server's certificate is believed by */
	ca: string;
	close(): Promise<void>;
}

export const certificate = makeCertificate({
	commonName: "a server",
	hosts: ["localhost", "127.0.0.1"],
	days: 9,
	usage: "server",
});

function portOf(server: Server): number {
	return (server.address() as AddressInfo).port;
}

function folder(): { cert: string; key: string; path: string } {
	const path = mkdtempSync(join(tmpdir(), "hearth-client-"));
	const cert = join(path, "server.crt");
	const key = join(path, "server.key");
	writeFileSync(cert, certificate.cert);
	writeFileSync(key, certificate.key);
	return { cert, key, path };
}

export async function startHearth(): Promise<TestServer & { hub: TestHub }> {
	const files = folder();
	const hub = await TestHub.start();
	const tls = await listenTls(hub.broker, "127.0.0.1", 0, files);
	const ws = await listenWebSocket(hub.broker, "127.0.0.1", 0);
	const wss = await listenWebSocket(hub.broker, "127.0.0.1", 0, { tls: files });
	return {
		name: "Hearth",
		hub,
		urls: {
			mqtt: `mqtt://127.0.0.1:${hub.port}`,
			mqtts: `mqtts://127.0.0.1:${portOf(tls)}`,
			ws: `ws://127.0.0.1:${portOf(ws as Server)}`,
			wss: `wss://127.0.0.1:${portOf(wss as Server)}`,
		},
		ca: certificate.cert,
		async close() {
			for (const server of [tls, ws, wss] as Server[]) server.close();
			await hub.close();
			rmSync(files.path, { recursive: true });
		},
	};
}

/** @returns ports that are free now */
async function freePorts(count: number): Promise<number[]> {
	const servers = Array.from({ length: count }, () => createServer());
	await Promise.all(servers.map((server) => new Promise<void>((go) => server.listen(0, "127.0.0.1", () => go()))));
	const ports = servers.map(portOf);
	await Promise.all(servers.map((server) => new Promise((gone) => server.close(gone))));
	return ports;
}

export const hasMosquitto = has("mosquitto");

export async function startMosquitto(more = ""): Promise<TestServer> {
	const files = folder();
	const [tcp, tls, ws] = (await freePorts(3)) as [number, number, number];
	const config = join(files.path, "mosquitto.conf");
	const lines = [
		"allow_anonymous true",
		"persistence false",
		// as root it would become another user, who cannot read the key
		"user root",
		"max_queued_messages 100000",
		"max_inflight_messages 100",
		more,
		`listener ${tcp} 127.0.0.1`,
		`listener ${tls} 127.0.0.1`,
		`certfile ${files.cert}`,
		`keyfile ${files.key}`,
		`listener ${ws}`,
		"protocol websockets",
	];
	writeFileSync(config, lines.join("\n"));
	const child = spawn("mosquitto", ["-c", config, "-v"], { stdio: ["ignore", "ignore", "pipe"] });
	const gone = new Promise((resolve) => child.once("close", resolve));
	let said = "";
	child.stderr.on("data", (chunk: Buffer) => {
		if (said.length < 10_000) said += chunk;
	});
	process.once("exit", () => child.kill("SIGKILL"));
	await until(() => / running/.test(said), `mosquitto runs: ${said}`);
	return {
		name: "Mosquitto",
		urls: { mqtt: `mqtt://127.0.0.1:${tcp}`, mqtts: `mqtts://127.0.0.1:${tls}`, ws: `ws://127.0.0.1:${ws}` },
		ca: certificate.cert,
		async close() {
			child.kill("SIGTERM");
			await gone;
			rmSync(files.path, { recursive: true });
		},
	};
}

/** Aedes speaks 3.1 and 3.1.1 only. */
export async function startAedes(): Promise<TestServer> {
	const aedes = await Aedes.createBroker({ queueLimit: 100_000 });
	const tcp = createServer(aedes.handle as (socket: unknown) => void);
	const tls = createTlsServer(certificate, aedes.handle as (socket: unknown) => void);
	const http = createHttpServer();
	const webSockets = new WebSocketServer({ server: http });
	webSockets.on("connection", (ws, request) => {
		const stream = createWebSocketStream(ws);
		stream.on("error", () => {});
		aedes.handle(stream as never, request as never);
	});
	const servers: Server[] = [tcp, tls, http];
	await Promise.all(servers.map((server) => new Promise<void>((go) => server.listen(0, "127.0.0.1", () => go()))));
	return {
		name: "Aedes",
		urls: {
			mqtt: `mqtt://127.0.0.1:${portOf(tcp)}`,
			mqtts: `mqtts://127.0.0.1:${portOf(tls)}`,
			ws: `ws://127.0.0.1:${portOf(http)}`,
		},
		ca: certificate.cert,
		async close() {
			await new Promise<void>((closed) => aedes.close(() => closed()));
			webSockets.close();
			for (const server of servers) server.close();
			http.closeAllConnections();
		},
	};
}
