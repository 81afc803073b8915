/** What MQTT demands of a client over WebSocket. */
import type { AddressInfo } from "node:net";
import { generate } from "mqtt-packet";
import { WebSocketServer } from "ws";
import { connect } from "../../host-sim/client/index.js";
import { assert, suite } from "../support/test.js";

const test = suite("a client over WebSocket");

test("it offers the subprotocol mqtt, and sends binary frames [MQTT-6.0.0-3] [5:MQTT-6.0.0-3]", async () => {
	for (const version of [4, 5] as const) {
		const offered: string[] = [];
		const binary = new Set<boolean>();
		const server = new WebSocketServer({
			port: 0,
			host: "127.0.0.1",
			handleProtocols: (protocols) => {
				offered.push(...protocols);
				return "mqtt";
			},
		});
		await new Promise((resolve) => server.once("listening", resolve));
		const code = version === 5 ? { reasonCode: 0 } : { returnCode: 0 };
		server.on("connection", (ws) => {
			ws.on("message", (_data, isBinary) => binary.add(isBinary));
			ws.once("message", () =>
				ws.send(generate({ cmd: "connack", sessionPresent: false, ...code }, { protocolVersion: version })),
			);
		});
		const { port } = server.address() as AddressInfo;
		const client = await connect(`ws://127.0.0.1:${port}`, { version, reconnect: false });
		await client.end();
		assert.equal(offered, ["mqtt"]);
		assert.equal([...binary], [true]);
		await new Promise((resolve) => server.close(resolve));
	}
});

test.run();
