/** The codec against npm's mqtt-packet: a QoS 1 PUBLISH of 60 bytes with an 18-byte topic, parsed and generated,
 *  in turn in
 *  one process. */
import { generate, type IPublishPacket, parser } from "mqtt-packet";
import { text } from "../../host-sim/text.js";
import { putBytes } from "../../src/codec/data-types.js";
import { Framer } from "../../src/codec/framer.js";
import { Version } from "../../src/codec/packet-types.js";
import { decodePublish, encodePublishHead, PublishPacket, remainingOfPublish } from "../../src/codec/publish.js";
import { interleave, median, ratio } from "./rounds.js";

const ROUNDS = 9;
const COUNT = 300_000;

const fields: IPublishPacket = {
	cmd: "publish",
	topic: "home/kitchen/stove",
	payload: Buffer.alloc(36, 0x41),
	qos: 1,
	messageId: 4711,
	dup: false,
	retain: false,
};
const bytes = generate(fields);
if (bytes.length !== 60) throw new Error(`${bytes.length} bytes`);
let sum = 0;

const theirs = parser({ protocolVersion: 4 });
theirs.on("packet", (packet) => {
	sum += packet.messageId ?? 0;
});

const framer = new Framer(new Uint8Array(128), 0, 128, 1_000_000);
const packet = new PublishPacket(text);
const target = new Uint8Array(128);
const topic = new Uint8Array(bytes.subarray(4, 22));
const payload = new Uint8Array(36).fill(0x41);

const parse = interleave(
	[
		{
			name: "mqtt-packet",
			run: (count) => {
				for (let i = 0; i < count; i++) theirs.parse(bytes);
			},
		},
		{
			name: "hearth",
			run: (count) => {
				for (let i = 0; i < count; i++) {
					framer.next(bytes, 0, 60);
					decodePublish(packet, bytes, framer.start, framer.end, framer.first & 15, Version.V311);
					sum += packet.packetId;
				}
			},
		},
	],
	ROUNDS,
	COUNT,
);
const make = interleave(
	[
		{
			name: "mqtt-packet",
			run: (count) => {
				for (let i = 0; i < count; i++) sum += generate(fields).length;
			},
		},
		{
			name: "hearth",
			run: (count) => {
				for (let i = 0; i < count; i++) {
					const remaining = remainingOfPublish(Version.V311, 1, 18, 0, 36);
					const p = encodePublishHead(target, 0, 2, remaining, topic, 0, 18);
					target[p] = 4711 >> 8;
					target[p + 1] = 4711 & 255;
					sum += putBytes(target, p + 2, payload, 0, 36);
				}
			},
		},
	],
	ROUNDS,
	COUNT,
);
for (const [what, [other, ours]] of [
	["parse", parse],
	["generate", make],
] as const)
	console.log(
		`${what}: mqtt-packet ${median(other!).toFixed(0)} ns, hearth ${median(ours!).toFixed(0)} ns;`,
		`ratio ${ratio(other!, ours!)} (goal: ≥ 20)`,
	);
const both = [0, 1].map((i) => parse[i]!.map((time, round) => time + make[i]![round]!));
console.log(`parse and generate: ratio ${ratio(both[0]!, both[1]!)}`);
if (sum === 0) throw new Error("nothing was done");
