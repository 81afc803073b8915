/** The load for brokers: raw sockets and packets that were encoded before, so that the load is not what is measured. */
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { generate, type Packet } from "mqtt-packet";

export interface Load {
	name: string;
	/** publishers, each with a topic and receivers of its own */
	pairs: number;
	receivers: number;
	qos: 0 | 1;
	payloadBytes: number;
	/** deliveries in all */
	deliveries: number;
}

const IN_FLIGHT = 64;

async function open(port: number, clientId: string): Promise<Socket> {
	const socket = connectTcp(port, "127.0.0.1");
	socket.setNoDelay(true);
	await once(socket, "connect");
	socket.write(
		generate({ cmd: "connect", clientId, keepalive: 0, clean: true, protocolVersion: 4, protocolId: "MQTT" }),
	);
	await once(socket, "data");
	return socket;
}

/** One publisher that has 64 messages under way until all have reached its first receiver. */
async function pair(port: number, load: Load, index: number): Promise<void> {
	const topic = `bench/topic/${index}`;
	const count = Math.ceil(load.deliveries / load.pairs / load.receivers);
	const packet = { cmd: "publish", topic, payload: Buffer.alloc(load.payloadBytes, 7), dup: false, retain: false };
	const message = generate({ ...packet, qos: load.qos, messageId: 1 } as Packet);
	const publisher = await open(port, `publisher-${index}`);
	publisher.on("data", () => {}); // PUBACKs
	let sent = 0;
	const send = (wanted: number): void => {
		const batch = Math.min(wanted, count - sent);
		if (batch <= 0) return;
		const bytes = Buffer.alloc(message.length * batch);
		for (let i = 0; i < batch; i++) {
			message.copy(bytes, i * message.length);
			if (load.qos > 0) bytes.writeUInt16BE(1 + ((sent + i) % 65_000), i * message.length + 4 + topic.length);
		}
		sent += batch;
		publisher.write(bytes);
	};
	const receivers: Socket[] = [];
	const done: Promise<void>[] = [];
	for (let r = 0; r < load.receivers; r++) {
		const socket = await open(port, `receiver-${index}-${r}`);
		socket.write(generate({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos: load.qos }] }));
		await once(socket, "data");
		receivers.push(socket);
		done.push(receive(socket, message.length, count, load.qos, r === 0 ? send : undefined));
	}
	send(IN_FLIGHT);
	await Promise.all(done);
	for (const socket of [publisher, ...receivers]) socket.destroy();
}

/** Counts messages by their bytes, acknowledges those of QoS 1, and asks for as many new ones. */
function receive(
	socket: Socket,
	bytesEach: number,
	count: number,
	qos: number,
	send: ((wanted: number) => void) | undefined,
): Promise<void> {
	return new Promise((resolve) => {
		let bytes = 0;
		let got = 0;
		let id = 0;
		socket.on("data", (chunk) => {
			bytes += chunk.length;
			const fresh = Math.floor(bytes / bytesEach) - got;
			got += fresh;
			if (qos > 0 && fresh > 0) {
				// brokers give identifiers out in order from 1
				const acks = Buffer.alloc(4 * fresh);
				for (let i = 0; i < fresh; i++) {
					id = id === 65_535 ? 1 : id + 1;
					acks.writeUInt16BE(0x4002, 4 * i);
					acks.writeUInt16BE(id, 4 * i + 2);
				}
				socket.write(acks);
			}
			send?.(fresh);
			if (got >= count) resolve();
		});
	});
}

/** Runs a load against a broker. @returns messages a second */
export async function run(port: number, load: Load): Promise<number> {
	const started = performance.now();
	await Promise.all(Array.from({ length: load.pairs }, (_, index) => pair(port, load, index)));
	return (1000 * load.deliveries) / (performance.now() - started);
}
