/** Our MQTTClient on the SDK's Linux runtime, over the SDK's TCP and then its TLSSocket: messages of each QoS both ways,
 *  a large one in pieces, and a cut. Whoever runs it (scripts/check-client.mjs) cuts the connection, publishes
 *  meanwhile, and counts what comes. Options: tcp, tls: ports. */

import Resource from "Resource";
import TCP from "embedded:io/socket/tcp";
import TLSSocket from "embedded:io/socket/tcp/tls";
import MQTTClient from "hearth-mqtt/boards/mqtt-client";
import config from "mc/config";

const LARGE_BYTES = 3_000;

globalThis.abort = (why, error) => {
	trace(`${why}: ${error?.stack ?? error}\n`);
};

/** One client's talk. @param end has the next one's turn */
function talk(name, port, socket, end) {
	let connections = 0;
	let whole = 0;
	let bytes = 0;
	let topic = "";
	let left = 0;
	const say = (client, to, QoS) => {
		client.write(ArrayBuffer.fromString(name), { topic: to, QoS });
	};
	new MQTTClient({
		host: "127.0.0.1",
		port,
		socket,
		id: name,
		clean: false,
		keepAlive: 10_000,
		reconnectMinMs: 500,
		onControl({ operation, returnCode }) {
			if (operation === MQTTClient.CONNACK) {
				trace(`${name}: connected, ${returnCode}\n`);
				if (++connections > 1) return;
				this.write(null, { operation: MQTTClient.SUBSCRIBE, items: [{ topic: `${name}/#`, QoS: 2 }] });
			}
			if (operation !== MQTTClient.SUBACK) return;
			for (let QoS = 0; QoS < 3; QoS++) say(this, `${name}/qos${QoS}`, QoS);
			left = LARGE_BYTES - name.length;
			this.write(ArrayBuffer.fromString(name), { topic: `${name}/large`, QoS: 1, byteLength: LARGE_BYTES });
		},
		onWritable(count) {
			if (left === 0) return;
			const some = Math.min(count, left);
			left -= some;
			this.write(new Uint8Array(some).fill(0x41));
		},
		onReadable(count, options) {
			if (options.topic !== undefined) {
				topic = options.topic;
				bytes = 0;
			}
			bytes += this.read(count).byteLength;
			if (options.more) return;
			trace(`${name}: got ${topic}, ${bytes} bytes\n`);
			whole++;
			if (whole === 4) say(this, "host/cut", 1);
			if (topic === `${name}/away`) say(this, `${name}/last`, 2);
			if (topic !== `${name}/last`) return;
			this.write(null, { operation: MQTTClient.DISCONNECT });
			this.close();
			trace(`${name}: done, ${connections} connections, ${whole} messages\n`);
			end();
		},
	});
}

const authority = new Resource("ca.der").slice(0);
const secure = { certificate: authority };
talk("tcp", Number(config.tcp), { io: TCP }, () =>
	talk("tls", Number(config.tls), { io: TLSSocket, TCP: { io: TCP }, secure }, () => trace("all done\n")),
);
