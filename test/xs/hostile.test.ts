/** Mutated packets of all kinds and versions against the broker in an ESP32's memory: nothing that a peer sends
 *  ends the
 *  process. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import fc from "fast-check";
import mqtt from "mqtt";
import { startOnXs } from "../../scripts/xs.mjs";
import type { Version } from "../../src/codec/packet-types.js";
import { anyPacket, packetOf, VERSIONS } from "../support/arbitrary-packets.js";
import { encode } from "../support/codec.js";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "./support.js";

const test = suite("hostile peers on XS");
const missing = await whyNoXs();

const CONNECTIONS = Number(process.env.HEARTH_HOSTILE ?? 1_500);

/** @returns streams that begin with a good CONNECT; of what follows some bytes are changed */
function streams(version: Version, count: number): Buffer[] {
	const target = new Uint8Array(8_192);
	const changes = fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 2 });
	const packets = fc.array(fc.tuple(anyPacket(version), changes), { minLength: 1, maxLength: 12 });
	return fc
		.sample(fc.tuple(packetOf("connect", version), packets), { seed: 77 + version, numRuns: count })
		.map(([hello, list]) => {
			const parts = [Buffer.from(target.slice(0, encode(hello, version, target, 0).end))];
			for (const [p, mutations] of list) {
				const bytes = Buffer.from(target.slice(0, encode(p, version, target, 0).end));
				for (const [at, value] of mutations) bytes[at % bytes.length] = value;
				parts.push(bytes);
			}
			return Buffer.concat(parts);
		});
}

/** Sends a stream, reads whatever comes, and leaves when the broker does or nothing more comes. */
async function attack(port: number, stream: Buffer): Promise<void> {
	const socket: Socket = connect(port, "127.0.0.1");
	socket.on("error", () => {});
	await once(socket, "connect");
	socket.resume();
	socket.write(stream);
	// a good PINGREQ at the end is answered, or the connection is gone
	socket.end(Buffer.from([0xc0, 0]));
	if (!socket.closed) await once(socket, "close");
}

test.if(missing === undefined, missing ?? "")(
	"mutated streams cost their own connections and nothing else",
	async () => {
		let port = 0;
		let ready = (): void => {};
		const listening = new Promise<void>((resolve) => {
			ready = resolve;
		});
		const onLine = (line: string): void => {
			const match = /^\{"name":"listening","port":(\d+)/.exec(line);
			if (match === null) return;
			port = Number(match[1]);
			ready();
		};
		const { done } = await startOnXs("test/xs/hub.ts", { onLine, timeoutMs: 60_000 });
		await listening;
		const two = [];
		for (const clientId of ["one", "two"])
			two.push(await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { clientId, reconnectPeriod: 0 }));
		const [one, other] = two as [mqtt.MqttClient, mqtt.MqttClient];
		let heard = 0;
		one.on("message", () => heard++);
		await one.subscribeAsync("still/there", { qos: 1 });
		const all = VERSIONS.flatMap((version) => streams(version, Math.ceil(CONNECTIONS / VERSIONS.length)));
		let asked = 0;
		for (let i = 0; i < all.length; i += 8) {
			await Promise.all(all.slice(i, i + 8).map((stream) => attack(port, stream)));
			await other.publishAsync("still/there", `${++asked}`, { qos: 1 });
		}
		const deadline = performance.now() + 5_000;
		while (heard < asked && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
		assert.is(heard, asked);
		await other.publishAsync("end", "");
		const result = await done;
		for (const client of two) client.end(true);
		assert.is(result.errors, "");
		assert.is(result.status, 0);
		const { stackPeak, stackSlots } = result.statistics!;
		assert.ok(stackPeak <= 0.9 * stackSlots, `${stackPeak} of ${stackSlots} slots of the stack`);
	},
);

test.run();
