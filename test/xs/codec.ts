/** On XS: what decoding a PUBLISH costs, and every function of the codec once, with text of 1 to 4 bytes a
 *  character. */
import { DeviceText } from "../../boards/text.js";
import {
	ConnectPacket,
	decodeConnack,
	decodeConnect,
	decodeReason,
	encodeConnack,
	encodeConnect,
	encodePing,
	encodeReason,
	ReasonPacket,
	sizeOfConnack,
	sizeOfConnect,
	sizeOfReason,
} from "../../src/codec/connect.js";
import { putBytes } from "../../src/codec/data-types.js";
import { Frame, Framer } from "../../src/codec/framer.js";
import { PacketType, PropertyId, PublishFlag, Version } from "../../src/codec/packet-types.js";
import {
	endOfProperty,
	putDataProperty,
	putNumber,
	putStringProperty,
	putUserProperty,
} from "../../src/codec/properties.js";
import {
	AckPacket,
	decodeAck,
	decodePublish,
	encodeAck,
	encodePublishHead,
	PublishPacket,
	remainingOfPublish,
	sizeOfAck,
	sizeOfPacket,
} from "../../src/codec/publish.js";
import {
	encodeSubackHead,
	encodeSubscribe,
	SubackPacket,
	SubscribePacket,
	sizeOfSuback,
} from "../../src/codec/subscribe.js";
import { checkTopicFilter, checkTopicName, sharedFilterAt, tooDeep, topicMatches } from "../../src/codec/topic.js";
import { Cause, causeName, causeReason, HearthError } from "../../src/errors.js";
import { costOf, report } from "./measure.js";

const TOPIC = "Wohnküche/Ofen 🔥/°C";
const text = new DeviceText();
const bytes = new Uint8Array(1024);
const partial = new Uint8Array(64);

function check(what: string, found: unknown, expected: unknown): void {
	if (found !== expected) throw new Error(`${what}: ${found}, not ${expected}`);
}

function none(what: string, cause: Cause): void {
	check(what, causeName(cause), "none");
}

/** A PUBLISH at bytes[0..]. @returns index after it */
function putPublish(
	version: Version,
	qos: number,
	topic: string,
	properties: Uint8Array,
	payloadBytes: number,
): number {
	const topicEnd = text.encode(topic, bytes, 700);
	const remaining = remainingOfPublish(version, qos, topicEnd - 700, properties.length, payloadBytes);
	let p = encodePublishHead(bytes, 0, qos << 1, remaining, bytes, 700, topicEnd);
	if (qos > 0) {
		bytes[p++] = 0;
		bytes[p++] = 7;
	}
	if (version === Version.V5) {
		bytes[p++] = properties.length;
		p = putBytes(bytes, p, properties, 0, properties.length);
	}
	bytes.fill(0x70, p, p + payloadBytes);
	return p + payloadBytes;
}

/** Signatures of Framer.next and decodePublish: what it costs to call them. */
const three = { next(_a: unknown, _b: unknown, _c: unknown) {} };
function six(_a: unknown, _b: unknown, _c: unknown, _d: unknown, _e: unknown, _f: unknown) {}

function measurePublish(): void {
	const packet = new PublishPacket(text);
	const framer = new Framer(partial, 0, 64, 1000);
	const nothing = new Uint8Array(0);
	const end = putPublish(Version.V311, 0, "home/kitchen/stove", nothing, 38);
	check("bytes of the PUBLISH", end, 60);
	const frame = () => {
		framer.next(bytes, 0, 60);
	};
	const calls = () => {
		three.next(bytes, 0, end);
		six(packet, bytes, framer.start, framer.end, framer.first & 15, end);
	};
	const decode = (version: Version) => () => {
		decodePublish(packet, bytes, framer.start, framer.end, framer.first & 15, version);
	};
	const both = (version: Version) => () => {
		framer.next(bytes, 0, end);
		decodePublish(packet, bytes, framer.start, framer.end, framer.first & 15, version);
	};
	report("frame", costOf(frame));
	report("calls of such functions", costOf(calls));
	report("decode 3.1.1 QoS 0", costOf(decode(Version.V311)));
	report("frame and decode 3.1.1 QoS 0", costOf(both(Version.V311)));
	putPublish(Version.V311, 1, "home/kitchen/stove", nothing, 36);
	report("frame and decode 3.1.1 QoS 1", costOf(both(Version.V311)));
	putPublish(Version.V5, 0, "home/kitchen/stove", nothing, 37);
	report("frame and decode 5.0 QoS 0", costOf(both(Version.V5)));
}

function measureText(): void {
	const end = text.encode("home/kitchen/stove", bytes, 0);
	const topics = new Map([[text.key(bytes, 0, end), 1]]);
	report(
		"Text.key",
		costOf(() => text.key(bytes, 0, end)),
	);
	report(
		"Text.key and Map.get",
		costOf(() => topics.get(text.key(bytes, 0, end))),
	);
	report(
		"Text.decode",
		costOf(() => text.decode(bytes, 0, end)),
	);
	report(
		"Text.size",
		costOf(() => text.size("home/kitchen/stove")),
	);
	report(
		"Text.encode",
		costOf(() => text.encode("home/kitchen/stove", bytes, 0)),
	);
}

function smokeText(): void {
	const end = text.encode(TOPIC, bytes, 3);
	check("Text.size", text.size(TOPIC), end - 3);
	check("Text.decode", text.decode(bytes, 3, end), TOPIC);
	check("Text.key", text.key(bytes, 3, end), TOPIC);
	check("cut off", text.decode(bytes, 3, 8), "Wohnk");
	check("ill-formed", text.decode(bytes, 3, 9), undefined);
	bytes.set([0xed, 0xa0, 0x80], 0);
	check("surrogate", text.decode(bytes, 0, 3), undefined);
	bytes.set([0xc0, 0xaf], 0);
	check("overlong", text.decode(bytes, 0, 2), undefined);
	bytes.set([0xef, 0xbb, 0xbf, 0x61], 0);
	check("byte order mark", text.decode(bytes, 0, 4), "\ufeffa");
	bytes.set([0x61, 0, 0x62], 0);
	check("NUL", text.decode(bytes, 0, 3), "a\0b");
	check("NUL, written", text.encode("a\0b", bytes, 10), 13);
	check("NUL, its byte", bytes[11], 0);
	check("key at a NUL", text.key(bytes, 0, 3), "a");
}

function smokeConnect(): void {
	const properties = new Uint8Array(200);
	let at = putNumber(properties, 0, PropertyId.SessionExpiryInterval, 0xffffffff);
	at = putNumber(properties, at, PropertyId.ReceiveMaximum, 20);
	at = putUserProperty(properties, at, "Größe", "📏", text);
	const fields = {
		version: Version.V5,
		clientId: "Küche-1",
		cleanStart: true,
		keepAlive: 30,
		userName: "Jürgen",
		password: new Uint8Array([1, 2, 3]),
		properties: properties.slice(0, at),
		will: { topic: TOPIC, payload: new Uint8Array([9]), qos: 1, retain: true },
	};
	const end = encodeConnect(bytes, 0, fields, text);
	check("sizeOfConnect", sizeOfPacket(sizeOfConnect(fields, text)), end);
	const framer = new Framer(partial, 0, 64, 1000);
	check("frame", framer.next(bytes, 0, end), Frame.Packet);
	const packet = new ConnectPacket();
	none("CONNECT", decodeConnect(packet, bytes, framer.start, framer.end, text));
	check("Client Identifier", text.decode(bytes, packet.clientIdStart, packet.clientIdEnd), "Küche-1");
	check("Will Topic", text.decode(bytes, packet.willTopicStart, packet.willTopicEnd), TOPIC);
	check("User Name", text.decode(bytes, packet.userNameStart, packet.userNameEnd), "Jürgen");
	check("Session Expiry Interval", packet.properties.number(PropertyId.SessionExpiryInterval, 0), 0xffffffff);
	check("User Properties", packet.properties.userCount, 1);
	check("Will", packet.hasWill && packet.cleanStart, true);
	const old = { version: Version.V31, clientId: "ü", cleanStart: false, keepAlive: 0 };
	none("CONNECT 3.1", decodeConnect(packet, bytes, 2, encodeConnect(bytes, 0, old, text), text));
	check("3.1", packet.version, Version.V31);
}

function smokeAnswers(): void {
	const data = new Uint8Array(100);
	let to = putStringProperty(data, 0, PropertyId.ReasonString, "grüß 🔥", text);
	const reason = new ReasonPacket();
	let end = encodeConnack(bytes, 0, Version.V5, true, 0, data, 0, to);
	check("sizeOfConnack", sizeOfConnack(Version.V5, to), end);
	none("CONNACK", decodeConnack(reason, bytes, 2, end, Version.V5, text));
	check("Reason String", reason.properties.string(PropertyId.ReasonString, text), "grüß 🔥");
	end = encodeReason(bytes, 0, PacketType.Disconnect, Version.V5, 0x8b, data, 0, to);
	check("sizeOfReason", sizeOfReason(Version.V5, 0x8b, to), end);
	none("DISCONNECT", decodeReason(reason, bytes, 2, end, PacketType.Disconnect, Version.V5, text));
	to = putStringProperty(data, 0, PropertyId.AuthenticationMethod, "ü", text);
	to = putDataProperty(data, to, PropertyId.AuthenticationData, data, 0, 3);
	end = encodeReason(bytes, 0, PacketType.Auth, Version.V5, 0x18, data, 0, to);
	none("AUTH", decodeReason(reason, bytes, 2, end, PacketType.Auth, Version.V5, text));
	check("endOfProperty", endOfProperty(data, endOfProperty(data, 0, to), to), to);
	check("PINGRESP", encodePing(bytes, 0, PacketType.Pingresp), 2);

	const types = [PacketType.Puback, PacketType.Pubrec, PacketType.Pubrel, PacketType.Pubcomp] as const;
	const ack = new AckPacket();
	to = putUserProperty(data, 0, "ä", "🔥", text);
	for (let i = 0; i < types.length; i++) {
		const type = types[i]!;
		end = encodeAck(bytes, 0, type, 513, Version.V5, 0, data, 0, to);
		check("sizeOfAck", sizeOfAck(Version.V5, 0, to), end);
		none("acknowledgement", decodeAck(ack, bytes, 2, end, type, Version.V5, text));
		check("Packet Identifier", ack.packetId, 513);
		end = encodeAck(bytes, 0, type, 514, Version.V311, 0, data, 0, 0);
		none("acknowledgement 3.1.1", decodeAck(ack, bytes, 2, end, type, Version.V311, text));
	}
}

function smokePublish(): void {
	const data = new Uint8Array(100);
	let to = putStringProperty(data, 0, PropertyId.ContentType, "text/plain; ü 🔥", text);
	to = putNumber(data, to, PropertyId.TopicAlias, 3);
	to = putNumber(data, to, PropertyId.MessageExpiryInterval, 3_000_000_000);
	const end = putPublish(Version.V5, 2, TOPIC, data.slice(0, to), 5);
	const packet = new PublishPacket(text);
	const framer = new Framer(partial, 0, 64, 1000);
	// byte by byte, so that the framer joins, and then in parts, as the packet is larger than its buffer
	let frame = Frame.More;
	let start = 0;
	let got = 0;
	while (start < end) {
		frame = framer.next(bytes, start, start + 1);
		start = framer.after;
		if (frame === Frame.Part || frame === Frame.LastPart) got += framer.end - framer.start;
	}
	check("parts", frame, Frame.LastPart);
	check("bytes in parts", got + 2, end);
	check("whole", framer.next(bytes, 0, end), Frame.Packet);
	none("PUBLISH", decodePublish(packet, bytes, framer.start, framer.end, framer.first & 15, Version.V5));
	check("Topic Name", text.decode(bytes, packet.topicStart, packet.topicEnd), TOPIC);
	check("QoS", packet.qos, 2);
	check("Packet Identifier", packet.packetId, 7);
	check("payload", packet.payloadEnd - packet.payloadStart, 5);
	check("Topic Alias", packet.properties.number(PropertyId.TopicAlias, 0), 3);
	check("Message Expiry", packet.properties.number(PropertyId.MessageExpiryInterval, 0), 3_000_000_000);
	const wrong = decodePublish(packet, bytes, framer.start, framer.end, PublishFlag.Qos, Version.V5);
	check("QoS 3", causeReason(wrong), 0x81);
}

function smokeSubscribe(): void {
	const data = new Uint8Array(20);
	const to = putNumber(data, 0, PropertyId.SubscriptionIdentifier, 268_435_455);
	const properties = data.slice(0, to);
	const entries = [
		{ filter: "Küche/+/🔥", options: 1 },
		{ filter: "#", options: 0 },
	];
	const subscribe = new SubscribePacket();
	const type = PacketType.Subscribe;
	let end = encodeSubscribe(bytes, 0, type, Version.V5, 9, entries, properties, text);
	none("SUBSCRIBE", subscribe.decode(bytes, 2, end, type, Version.V5, text));
	check("filters", subscribe.filterCount, 2);
	subscribe.rewind();
	subscribe.next();
	check("Topic Filter", text.decode(bytes, subscribe.filterStart, subscribe.filterEnd), "Küche/+/🔥");
	check("options", subscribe.options, 1);
	end = encodeSubscribe(bytes, 0, PacketType.Unsubscribe, Version.V311, 9, entries, undefined, text);
	none("UNSUBSCRIBE", subscribe.decode(bytes, 2, end, PacketType.Unsubscribe, Version.V311, text));
	const suback = new SubackPacket();
	end = encodeSubackHead(bytes, 0, PacketType.Suback, Version.V5, 9, 1, data, 0, 0);
	bytes[end++] = 0x87;
	check("sizeOfSuback", sizeOfSuback(PacketType.Suback, Version.V5, 1, 0), end);
	none("SUBACK", suback.decode(bytes, 2, end, PacketType.Suback, Version.V5, text));
	check("code", bytes[suback.codesStart], 0x87);
	end = encodeSubackHead(bytes, 0, PacketType.Unsuback, Version.V311, 9, 1, data, 0, 0);
	none("UNSUBACK", suback.decode(bytes, 2, end, PacketType.Unsuback, Version.V311, text));
}

function smokeTopics(): void {
	none("Topic Name", checkTopicName(TOPIC));
	check("with a NUL", checkTopicName("a\0b"), Cause.StringHasNul);
	check("with a wildcard", checkTopicName("a/+"), Cause.TopicWildcard);
	none("Topic Filter", checkTopicFilter("Küche/+/#"));
	check("wildcard within", checkTopicFilter("Küche+"), Cause.FilterInvalid);
	check("matches", topicMatches("Wohnküche/+/°C", TOPIC), true);
	check("does not match", topicMatches("+/°C", TOPIC), false);
	check("shared", sharedFilterAt("$share/Gruppe/ü"), 14);
	check("too deep", tooDeep("a/b/c", 2), true);
	const error = new HearthError("HEARTH_ERR_X", "what, where, what to do");
	check("name of an error", `${error}`, "HearthError: what, where, what to do");
}

measurePublish();
measureText();
smokeText();
smokeConnect();
smokeAnswers();
smokePublish();
smokeSubscribe();
smokeTopics();
report("done", { touched: host.touched() });
