/** Random packets of all kinds and versions, as npm's mqtt-packet takes them. */
import fc from "fast-check";
import { Version } from "../../src/codec/packet-types.js";
import { mayCarry, WILL } from "../../src/codec/properties.js";
import { type Fields, PACKET_TYPES, PROPERTY_NAMES } from "./codec.js";

const characters = fc.constantFrom(..."abcXYZ012 -_.äöü€中𝄞😀\ufeff\ufffd");
const string = (minLength = 0): fc.Arbitrary<string> =>
	fc.array(characters, { minLength, maxLength: 12 }).map((list) => list.join(""));
const topic = fc.array(string(1), { minLength: 1, maxLength: 4 }).map((levels) => levels.join("/"));
const filter = fc.tuple(topic, fc.constantFrom("", "/#", "/+", "/+/x")).map(([start, end]) => start + end);
const data = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const id = fc.integer({ min: 1, max: 65_535 });
const two = fc.nat(65_535);
const four = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 0xffffffff }));
const flag = fc.boolean();

/** Values by the property's name. */
const VALUES: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
	payloadFormatIndicator: flag,
	messageExpiryInterval: four,
	contentType: string(),
	responseTopic: topic,
	correlationData: data,
	subscriptionIdentifier: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 268_435_455 })),
	sessionExpiryInterval: four,
	assignedClientIdentifier: string(),
	serverKeepAlive: two,
	authenticationMethod: string(),
	authenticationData: data,
	requestProblemInformation: flag,
	willDelayInterval: four,
	requestResponseInformation: flag,
	responseInformation: string(),
	serverReference: string(),
	reasonString: string(),
	receiveMaximum: id,
	topicAliasMaximum: two,
	topicAlias: id,
	maximumQoS: fc.constantFrom(0, 1),
	retainAvailable: flag,
	userProperties: fc
		.array(fc.tuple(string(1), fc.oneof(string(), fc.array(string(1), { minLength: 2, maxLength: 3 }))), {
			maxLength: 3,
		})
		.map((entries) => Object.fromEntries(entries.filter(([key]) => key !== "__proto__"))),
	maximumPacketSize: fc.integer({ min: 1, max: 0xffffffff }),
	wildcardSubscriptionAvailable: flag,
	subscriptionIdentifiersAvailable: flag,
	sharedSubscriptionAvailable: flag,
};

function properties(version: Version, packet: number): fc.Arbitrary<object> {
	if (version !== Version.V5) return fc.constant({});
	const all: Record<string, fc.Arbitrary<unknown>> = {};
	for (const [name, value] of Object.entries(VALUES))
		if (mayCarry(packet, PROPERTY_NAMES[name]!)) all[name] = fc.option(value, { nil: undefined, freq: 2 });
	return fc.record(all).map((record) => {
		const present = Object.entries(record).filter(([, value]) => value !== undefined);
		const kept = present.filter(([, value]) => typeof value !== "object" || Object.keys(value as object).length > 0);
		return Object.fromEntries(kept);
	});
}

/** @returns random packets of a kind that a version has */
export function packetOf(cmd: string, version: Version): fc.Arbitrary<Fields> {
	const v5 = version === Version.V5;
	const props = properties(version, PACKET_TYPES[cmd]!);
	const reasons = (...codes: number[]) => fc.constantFrom(...(v5 ? codes : [0]));
	const more = (record: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Fields> =>
		fc.record({ cmd: fc.constant(cmd), properties: props, ...record }) as fc.Arbitrary<Fields>;
	switch (cmd) {
		case "connect":
			return more({
				protocolId: fc.constant(version === Version.V31 ? "MQIsdp" : "MQTT"),
				protocolVersion: fc.constant(version),
				clean: fc.constant(true),
				keepalive: two,
				clientId: string(1),
				login: fc.constantFrom("none", "user", "both"),
				username: string(1),
				password: data,
				will: fc.option(
					fc.record({
						topic,
						payload: data,
						qos: fc.nat(2),
						retain: flag,
						properties: properties(version, WILL),
					}),
					{ nil: undefined },
				),
			}).map(({ login, username, password, will, ...rest }) => ({
				...rest,
				...(login === "none" ? {} : { username }),
				...(login === "both" && password.length > 0 ? { password } : {}),
				...(will !== undefined && will.payload.length > 0 ? { will } : {}),
			}));
		case "connack":
			return more({
				sessionPresent: flag,
				...(v5 ? { reasonCode: reasons(0, 0x80, 0x87, 0x95, 0x9f) } : { returnCode: fc.nat(5) }),
			});
		case "publish":
			return more({ topic, payload: data, qos: fc.nat(2), retain: flag, dup: flag, messageId: id }).map((p) => {
				const { messageId, ...rest } = p;
				return p.qos === 0 ? { ...rest, dup: false } : { ...rest, messageId };
			});
		case "subscribe":
			return more({
				messageId: id,
				subscriptions: fc.array(
					fc.record({
						topic: filter,
						qos: fc.nat(2),
						...(v5 ? { nl: flag, rap: flag, rh: fc.nat(2) } : {}),
					}),
					{ minLength: 1, maxLength: 5 },
				),
			});
		case "unsubscribe":
			return more({ messageId: id, unsubscriptions: fc.array(filter, { minLength: 1, maxLength: 5 }) });
		case "suback":
			return more({
				messageId: id,
				granted: fc.array(fc.constantFrom(0, 1, 2, 0x80, ...(v5 ? [0x87, 0x97] : [])), { minLength: 1, maxLength: 5 }),
			});
		case "unsuback":
			return more({ messageId: id, granted: fc.array(fc.constantFrom(0, 0x11, 0x80), { minLength: 1, maxLength: 5 }) });
		case "pingreq":
		case "pingresp":
			return fc.constant({ cmd });
		case "disconnect":
			return more({ reasonCode: reasons(0, 4, 0x80, 0x8e, 0x98) });
		case "auth":
			return more({ reasonCode: reasons(0, 0x18, 0x19) });
		case "pubrel":
		case "pubcomp":
			return more({ messageId: id, reasonCode: reasons(0, 0x92) });
		default:
			return more({ messageId: id, reasonCode: reasons(0, 0x10, 0x80, 0x87, 0x91, 0x97, 0x99) });
	}
}

/** @returns random packets of all kinds of a version */
export function anyPacket(version: Version): fc.Arbitrary<Fields> {
	const kinds = Object.keys(PACKET_TYPES).filter((cmd) => version === Version.V5 || cmd !== "auth");
	return fc.oneof(...kinds.map((cmd) => packetOf(cmd, version)));
}

export const VERSIONS = [Version.V31, Version.V311, Version.V5] as const;
