/** Hearth's hub and Debian's Mosquitto, each once with and once without anonymous clients. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { has, TestHub, until } from "../support.js";

export interface Broker {
	name: string;
	port: number;
	/** the same broker's listener that takes no anonymous clients */
	closedPort: number;
	close(): Promise<void>;
}

const MOSQUITTO = "/usr/sbin/mosquitto";

/** whether Mosquitto's broker and its commands are here */
export const available: boolean = has("mosquitto_pub") && has("mosquitto_sub") && has(MOSQUITTO);

export async function hearth(): Promise<Broker> {
	const hub = await TestHub.start();
	const closed = await TestHub.start({}, { allowAnonymous: false });
	return {
		name: "Hearth",
		port: hub.port,
		closedPort: closed.port,
		close: async () => {
			await hub.close();
			await closed.close();
		},
	};
}

/** @returns a port that was free a moment ago */
async function freePort(): Promise<number> {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	server.close();
	await once(server, "close");
	return port;
}

async function takesConnections(port: number): Promise<boolean> {
	const socket = connect(port, "127.0.0.1");
	return new Promise((resolve) => {
		socket.once("connect", () => resolve(true));
		socket.once("error", () => resolve(false));
	}).then((open) => {
		socket.destroy();
		return open as boolean;
	});
}

export async function mosquitto(): Promise<Broker> {
	const folder = mkdtempSync(join(tmpdir(), "hearth-mosquitto-"));
	const [port, closedPort] = [await freePort(), await freePort()];
	const config = join(folder, "mosquitto.conf");
	writeFileSync(
		config,
		`per_listener_settings true
listener ${port} 127.0.0.1
allow_anonymous true
listener ${closedPort} 127.0.0.1
allow_anonymous false
`,
	);
	const child: ChildProcess = spawn(MOSQUITTO, ["-c", config], { stdio: "ignore" });
	let open = false;
	await until(() => {
		if (child.exitCode !== null) throw new Error("mosquitto has ended");
		void takesConnections(closedPort).then((now) => {
			open ||= now;
		});
		return open;
	}, "mosquitto listens");
	return {
		name: "Mosquitto",
		port,
		closedPort,
		close: async () => {
			child.kill();
			await once(child, "exit");
			rmSync(folder, { recursive: true });
		},
	};
}
