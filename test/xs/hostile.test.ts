/** Mutated packets of all kinds and versions against the broker in an ESP32's memory: nothing that a peer sends
 *  ends the
 *  process. */
import { connect } from "node:net";
import fc from "fast-check";
import mqtt from "mqtt";
import { startOnXs } from "../../scripts/xs.mjs";
import type { Version } from "../../src/codec/packet-types.js";
import { anyPacket, packetOf, VERSIONS } from "../support/arbitrary-packets.js";
import { encode } from "../support/codec.js";
import { hex } from "../support/fixtures.js";
import { assert, suite, TIME_LIMIT_MS } from "../support/test.js";
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
function attack(port: number, stream: Buffer): Promise<void> {
	return new Promise((resolve) => {
		const socket = connect(port, "127.0.0.1");
		socket.on("error", () => {}); // a hub that is full ends it at once
		socket.once("close", () => resolve());
		socket.resume();
		socket.write(stream);
		// a good PINGREQ at the end is answered, or the connection is gone
		socket.end(Buffer.from([0xc0, 0]));
	});
}

/** Starts test/xs/hub.ts, and two clients that exchange messages while `attacks` go on; nothing of them is lost. */
async function besides(attacks: (port: number, exchange: () => Promise<void>) => Promise<void>): Promise<void> {
	let port = 0;
	let ready = (): void => {};
	const listening = new Promise<void>((resolve) => {
		ready = resolve;
	});
	const faults: string[] = [];
	const onLine = (line: string): void => {
		if (line.startsWith("log 0") && !line.endsWith(": not retained: full-retained")) faults.push(line);
		const match = /^\{"name":"listening","port":(\d+)/.exec(line);
		if (match === null) return;
		port = Number(match[1]);
		ready();
	};
	const { done } = await startOnXs("test/xs/hub.ts", { onLine });
	await listening;
	const two = [];
	for (const clientId of ["one", "two"])
		two.push(await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { clientId, reconnectPeriod: 0 }));
	const [one, other] = two as [mqtt.MqttClient, mqtt.MqttClient];
	let heard = 0;
	let asked = 0;
	one.on("message", () => heard++);
	await one.subscribeAsync("still/there", { qos: 1 });
	await attacks(port, async () => {
		await other.publishAsync("still/there", `${++asked}`, { qos: 1 });
	});
	const deadline = performance.now() + TIME_LIMIT_MS / 2;
	while (heard < asked && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
	assert.is(heard, asked);
	await other.publishAsync("end", "");
	const result = await done;
	for (const client of two) client.end(true);
	assert.equal(faults, []);
	assert.is(result.errors, "");
	assert.is(result.status, 0);
	assert.equal(result.results.at(-1), { name: "counted", internalErrors: 0, drops: 0 });
	const { stackPeak, stackSlots } = result.statistics!;
	assert.ok(stackPeak <= 0.9 * stackSlots, `${stackPeak} of ${stackSlots} slots of the stack`);
}

const onXs = test.if(missing === undefined, missing ?? "");

onXs("mutated streams cost their own connections and nothing else", async () => {
	const all = VERSIONS.flatMap((version) => streams(version, Math.ceil(CONNECTIONS / VERSIONS.length)));
	await besides(async (port, exchange) => {
		for (let i = 0; i < all.length; i += 8) {
			await Promise.all(all.slice(i, i + 8).map((stream) => attack(port, stream)));
			await exchange();
		}
	});
});

/** One malformed or forbidden packet each, behind a good CONNECT of 5.0 but for the first ones. */
function malformed(): Buffer[] {
	const hello = hex("10 0e 00 04 4d 51 54 54 05 02 00 3c 00 00 01 61");
	const first = ["30 03 00 01 61", "10 04 00 00 00 00", "10 0c 00 04 4d 51 54 54 06 02 00 00 00 00", "f0 00", "00 00"];
	const later = [
		...["00 00", "10 00", "36 05 00 01 61 00 01", "30 ff ff ff ff 7f", "30 06 00 01 61 02 23 00 00"],
		...["32 06 00 01 61 00 00 00", "30 04 00 01 23 00", "30 05 00 02 c3 28 00", "30 05 00 01 61 05 01"],
		...["82 06 00 01 00 00 01 61", "82 03 00 01 00", "80 07 00 01 00 00 01 61 00", "82 07 00 01 00 00 01 61 03"],
		...["a2 03 00 01 00", "40 01 00", "40 04 00 01 7f 00", "62 02 00 00", "60 02 00 01", "20 03 00 00 00"],
		...[
			"c0 01 00",
			"e0 08 00 06 11 00 00 00 05 00",
			"e0 02 7f 00",
			"f0 00",
			"f0 02 18 00",
			"d0 00",
			"90 04 00 01 00 00",
		],
	];
	return [...first.map(hex), ...later.map((bytes) => [...hello, ...hex(bytes)])].map((bytes) => Buffer.from(bytes));
}

onXs("a hundred malformed packets at once, again and again, cost their own connections and nothing else", async () => {
	const kinds = malformed();
	await besides(async (port, exchange) => {
		for (let round = 0; round < 5; round++) {
			const hundred = Array.from({ length: 100 }, (_, i) => attack(port, kinds[i % kinds.length]!));
			await exchange();
			await Promise.all(hundred);
			await exchange();
		}
	});
});

test.run();
