/** Real sockets that break, by a seed: a proxy before Hearth, Mosquitto and Aedes cuts each connection after some
 *  bytes, and brings the others in pieces. cuts.test.ts has the many. */
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { connect } from "../../host-sim/client/index.js";
import { until, within } from "../interop/support.js";
import { assert, suite } from "../support/test.js";
import { hasMosquitto, startAedes, startHearth, startMosquitto, type TestServer } from "./servers.js";

const test = suite("the client over real connections that break");
const COUNT = 400;

/** xorshift32 */
class Random {
	constructor(private state: number) {}

	below(below: number): number {
		let x = this.state;
		x ^= x << 13;
		x ^= x >>> 17;
		x ^= x << 5;
		this.state = x;
		return (x >>> 0) % below;
	}
}

/** Cuts connections until it is told not to. */
class BreakingProxy {
	cuts = 0;
	calm = false;
	private readonly server;
	private readonly sockets = new Set<Socket>();

	constructor(
		private readonly port: number,
		private readonly random: Random,
	) {
		this.server = createServer((near) => this.join(near));
	}

	async listen(): Promise<string> {
		await new Promise<void>((listening) => this.server.listen(0, "127.0.0.1", () => listening()));
		return `mqtt://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
	}

	private join(near: Socket): void {
		const far = connectTcp(this.port, "127.0.0.1");
		let left = 600 + this.random.below(4_000);
		const end = () => {
			near.destroy();
			far.destroy();
		};
		for (const [from, to] of [
			[near, far],
			[far, near],
		] as const) {
			this.sockets.add(from);
			from.setNoDelay(true);
			from.on("error", end);
			from.on("close", () => {
				this.sockets.delete(from);
				end();
			});
			from.on("data", (chunk: Buffer) => {
				if (!this.calm && (left -= chunk.length) <= 0) {
					this.cuts++;
					to.write(chunk.subarray(0, this.random.below(chunk.length + 1)), end);
					return;
				}
				const at = this.random.below(chunk.length + 1);
				to.write(chunk.subarray(0, at));
				to.write(chunk.subarray(at));
			});
		}
	}

	close(): void {
		this.server.close();
		for (const socket of this.sockets) socket.destroy();
	}
}

const starts: [string, boolean, () => Promise<TestServer>][] = [
	["Hearth", true, startHearth],
	["Aedes", true, startAedes],
	["Mosquitto", hasMosquitto, () => startMosquitto()],
];

for (const [name, there, start] of starts)
	for (const version of [4, 5]) {
		if (name === "Aedes" && version === 5) continue;
		const run = test.if(there, `needs ${name}`);
		run(`${name}, ${version === 4 ? "3.1.1" : "5.0"}: all arrive, QoS 2 once, in order`, async () => {
			const server = await start();
			const proxy = new BreakingProxy(Number(new URL(server.urls.mqtt!).port), new Random(version * 77 + 1));
			const url = await proxy.listen();
			const receiver = await connect(server.urls.mqtt!, { version });
			const got: Record<number, number[]> = { 1: [], 2: [] };
			await receiver.subscribe("n/+", ({ topic, text }) => void got[Number(topic.slice(2))]!.push(Number(text)), {
				qos: 2,
			});
			const sender = await connect(url, {
				version,
				clientId: `sender-${version}`,
				clean: false,
				sessionExpirySeconds: 100,
				reconnectMinMs: 5,
				reconnectMaxMs: 20,
				retry: true,
			});
			const sent: Promise<unknown>[] = [];
			for (let i = 0; i < COUNT; i++) {
				sent.push(sender.publish(`n/${1 + (i & 1)}`, String(i).padStart(60, "0"), { qos: 1 + (i & 1) }));
				if (i % 20 === 19) await within(sent.at(-1)!, `${i} is acknowledged`, 60_000);
			}
			await within(Promise.all(sent), "all are acknowledged", 60_000);
			proxy.calm = true;
			await until(() => got[2]!.length >= COUNT / 2 && new Set(got[1]).size >= COUNT / 2, "all arrive");
			const odd = Array.from({ length: COUNT / 2 }, (_, i) => 2 * i + 1);
			assert.ok(proxy.cuts >= 8, `${proxy.cuts} cuts`);
			assert.equal(got[2], odd);
			assert.equal(
				[...new Set(got[1])],
				odd.map((n) => n - 1),
			);
			await sender.end();
			await receiver.end();
			proxy.close();
			await server.close();
		});
	}

test.run();
