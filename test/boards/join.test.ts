/** A device on XS joins a hub on Node with a code, over a network that loses what it carries at any packet; the SDK's
 *  own modules are stand-ins. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { Hub } from "../../host-sim/hub.js";
import { Assets } from "../../host-sim/web/assets.js";
import { runOnXs, type XsResult } from "../../scripts/xs.mjs";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "../xs/support.js";

const test = suite("boards: a device joins");
const missing = await whyNoXs();
const onXs = test.if(missing === undefined, missing ?? "");

/** Carries connections to a hub, each piece that either side sends; one of them breaks its connection instead. */
class Wire {
	carried = 0;
	private readonly server: Server;

	constructor(
		private readonly target: number,
		private readonly breakAt: number,
	) {
		this.server = createServer((socket) => this.carry(socket));
	}

	async listen(): Promise<number> {
		this.server.listen(0, "127.0.0.1");
		await once(this.server, "listening");
		return (this.server.address() as AddressInfo).port;
	}

	private carry(near: Socket): void {
		const far = connect(this.target, "127.0.0.1");
		for (const [from, to] of [
			[near, far],
			[far, near],
		] as const) {
			from.on("error", () => to.destroy());
			from.on("close", () => to.destroy());
			from.on("data", (bytes) => {
				if (++this.carried === this.breakAt) {
					near.destroy();
					far.destroy();
				} else to.write(bytes);
			});
		}
	}

	close(): void {
		this.server.close();
	}
}

interface World {
	result: XsResult;
	hub: Hub;
	wire: Wire;
	got: string[];
}

/** A hub whose window is open, and a device that joins it.
 *  @param breakAt the piece that breaks its connection; 0: none */
async function joinOnce(breakAt: number, given: (code: string, hubId: string, port: number) => string): Promise<World> {
	const hub = new Hub({ allowAnonymous: false, devices: { assets: new Assets("") } });
	const address = await hub.listen("127.0.0.1", 0);
	const wire = new Wire(Number(new URL(address).port), breakAt);
	const port = await wire.listen();
	const got: string[] = [];
	hub.broker.subscribe("devices/#", ({ topic, payload }) => got.push(`${topic} ${Buffer.from(payload)}`));
	const { pairing } = hub.devices!.hub;
	const { code } = pairing.open({ openedBy: "test" });
	const config = { port, code: given(code, pairing.hubId, port) };
	const result = await runOnXs("test/xs/board-join.ts", { config, timeoutMs: 25_000 });
	wire.close();
	await hub.close();
	return { result, hub, wire, got };
}

function paired({ result, hub, got }: World): void {
	assert.is(result.errors, "");
	assert.is(result.status, 0);
	const { hubId } = hub.devices!.hub;
	assert.equal(result.results, [
		{ name: "joined", why: "", hubId },
		{ name: "published", cause: 0, reason: 0, faults: 0 },
	]);
	assert.equal(got, ["devices/sensor-1/value here"]);
	assert.is(hub.devices!.hub.devices.find("sensor-1")?.model, "XS");
	assert.is(result.statistics!.aliasesTouched, 0, "nothing that is in ROM was written to");
}

onXs("by the code, with a space as people write it", async () => {
	paired(await joinOnce(0, (code) => `${code.slice(0, 4)} ${code.slice(4)}`));
});

onXs("with a wrong code it says so, and the hub knows nobody", async () => {
	const wrong = await joinOnce(0, (code) => (code === "00000000" ? "00000001" : "00000000"));
	assert.is(wrong.result.results[0].why, "the hub has another code; look at it again");
	assert.is(wrong.hub.devices!.hub.devices.count, 0);
});

// 1: the device's CONNECT, 2: the hub's AUTH
for (const [at, what] of [
	[3, "device's proof"],
	[4, "hub's last word"],
] as const)
	onXs(`by the text of a QR code: when the ${what} is lost with its connection, it is paired in the end`, async () => {
		paired(await joinOnce(at, (code, hubId, port) => `HEARTH:1:${code}:${hubId}:127.0.0.1:${port}`));
	});

test.run();
