/** CONNECT: who comes in, with which session, and what CONNACK says. Spec: sections 3.1, 3.2 */
import { type ConnectPacket, decodeConnect } from "../codec/connect.js";
import { putBytes } from "../codec/data-types.js";
import { ConnectFlag, PropertyId, Version } from "../codec/packet-types.js";
import { checkTopicName, tooDeep } from "../codec/topic.js";
import { Cause } from "../errors.js";
import type { Broker } from "./broker.js";
import { endSession } from "./close.js";
import { refuseConnect, sendConnack } from "./connack.js";
import { type Connection, ConnectionOption, ConnectionState } from "./connection.js";
import { beginAuthentication } from "./handle-auth.js";
import { pump } from "./send-publish.js";
import { EXPIRY_NEVER, type Session } from "./session.js";
import { dropWill, keepWillProperties } from "./will.js";

export function handleConnect(
	broker: Broker,
	connection: Connection,
	bytes: Uint8Array,
	start: number,
	end: number,
): void {
	const packet = broker.connectPacket;
	const cause = decodeConnect(packet, bytes, start, end, broker.text);
	connection.version = packet.version;
	if (cause !== Cause.None) return refuseConnect(broker, connection, cause);
	if (packet.version === Version.V31) {
		connection.framer.flagMask = 7;
		connection.framer.lenient = !broker.strict;
	}
	connection.framer.shortestOnly = packet.version === Version.V5;
	const properties = packet.properties;
	connection.packetBytesMax = properties.number(PropertyId.MaximumPacketSize, 0xffffffff);
	if (properties.number(PropertyId.RequestProblemInformation, 1) === 0)
		connection.options |= ConnectionOption.NoProblemInformation;
	if (properties.has(PropertyId.AuthenticationMethod))
		return beginAuthentication(broker, connection, packet, bytes, start, end);
	if (properties.has(PropertyId.AuthenticationData))
		return refuseConnect(broker, connection, Cause.AuthenticationMethodMissing);
	finishConnect(broker, connection, packet);
}

/** Lets the client in, or refuses it: its CONNECT is checked, and where it chose a method of Enhanced Authentication
 *  that has said yes. */
export function finishConnect(broker: Broker, connection: Connection, packet: ConnectPacket): void {
	const given = broker.text.decode(packet.bytes, packet.clientIdStart, packet.clientIdEnd)!;
	const refused = admit(broker, connection, packet, given);
	if (refused !== Cause.None) return refuseConnect(broker, connection, refused);
	const clientId = given === "" ? broker.newClientId() : given;
	const session = enter(broker, connection, packet, clientId);
	if (session === undefined) return;
	sendConnack(broker, connection, session, packet, broker.resumed, given === "");
	if (broker.logs(1)) {
		const from = connection.output.transport?.remoteAddress ?? "?";
		broker.log(1, `${clientId}: connected from ${from}, MQTT ${versionName(packet.version)}`);
	}
	if (broker.events.connected !== undefined) broker.tell(broker.events.connected, clientId, "");
	session.outbox.reconnect();
	pump(broker, connection, session);
}

function versionName(version: number): string {
	return version === Version.V5 ? "5.0" : version === Version.V311 ? "3.1.1" : "3.1";
}

/** All that can speak against the client, before anything of another is touched. */
function admit(broker: Broker, connection: Connection, packet: ConnectPacket, clientId: string): Cause {
	const limits = broker.limits;
	const v5 = packet.version === Version.V5;
	if (packet.clientIdEnd - packet.clientIdStart > limits.clientIdBytes) return Cause.ClientIdRejected;
	if (clientId === "" && !v5 && (packet.version === Version.V31 || !packet.cleanStart)) return Cause.ClientIdRejected;
	if (connection.authentication === undefined) {
		const cause = broker.access.authenticate(clientId, userNameOf(broker, packet), passwordOf(packet));
		if (cause !== Cause.None) return cause;
	}
	if (packet.hasWill) {
		const cause = checkWill(broker, packet, clientId);
		if (cause !== Cause.None) return cause;
	}
	const existing = broker.sessions.find(clientId);
	if (existing?.connection === undefined) {
		if (broker.connectedCount >= limits.connections) return Cause.FullConnections;
		if (existing === undefined && broker.clientSessions >= limits.sessions) return Cause.FullSessions;
	}
	return Cause.None;
}

/** Spec: [MQTT-3.1.2-13] ff.; 5.0 [MQTT-3.2.2-12] [MQTT-3.2.2-13] */
function checkWill(broker: Broker, packet: ConnectPacket, clientId: string): Cause {
	const limits = broker.limits;
	const topic = broker.text.decode(packet.bytes, packet.willTopicStart, packet.willTopicEnd)!;
	const cause = checkTopicName(topic);
	if (cause !== Cause.None) return packet.version === Version.V5 ? cause : Cause.ConnectFlags;
	const bytes = packet.willTopicEnd - packet.willTopicStart;
	if (bytes > limits.topicBytes || tooDeep(topic, limits.topicLevels)) return Cause.TopicTooLong;
	if ((packet.flags & ConnectFlag.WillQos) >> 3 > limits.qosMax) return Cause.QosNotSupported;
	if (limits.retained === 0 && (packet.flags & ConnectFlag.WillRetain) !== 0) return Cause.RetainNotSupported;
	if (packet.will.has(PropertyId.ResponseTopic)) {
		const cause = checkTopicName(packet.will.string(PropertyId.ResponseTopic, broker.text)!);
		if (cause !== Cause.None) return Cause.TopicWildcard;
	}
	return broker.access.mayPublish(clientId, topic) ? Cause.None : Cause.NotAuthorized;
}

/** @returns CONNECT's user name; undefined: none */
export function userNameOf(broker: Broker, packet: ConnectPacket): string | undefined {
	if (packet.userNameStart < 0) return undefined;
	return broker.text.decode(packet.bytes, packet.userNameStart, packet.userNameEnd);
}

/** @returns a copy of the password; undefined: none */
function passwordOf(packet: ConnectPacket): Uint8Array | undefined {
	if (packet.passwordStart < 0) return undefined;
	const password = new Uint8Array(packet.passwordEnd - packet.passwordStart);
	putBytes(password, 0, packet.bytes, packet.passwordStart, packet.passwordEnd);
	return password;
}

/** Stores the Will Message. @returns its number; 0: the store is full */
function storeWill(broker: Broker, packet: ConnectPacket): number {
	const will = packet.will;
	const flags = (packet.flags & ConnectFlag.WillQos) >> 3;
	const retain = (packet.flags & ConnectFlag.WillRetain) !== 0 ? 4 : 0;
	// Will Delay Interval and Message Expiry Interval are kept apart from the properties that go on
	const end = keepWillProperties(will);
	return broker.store.add(
		flags | retain,
		0,
		packet.bytes,
		packet.willTopicStart,
		packet.willTopicEnd,
		will.bytes,
		will.start,
		end,
		packet.bytes,
		packet.willPayloadStart,
		packet.willPayloadEnd,
	);
}

/** Takes the session over or makes it. @returns undefined when the client was refused after all */
function enter(broker: Broker, connection: Connection, packet: ConnectPacket, clientId: string): Session | undefined {
	const v5 = packet.version === Version.V5;
	let will = 0;
	if (packet.hasWill) {
		will = storeWill(broker, packet);
		if (will === 0) {
			refuseConnect(broker, connection, Cause.FullStore);
			return undefined;
		}
	}
	const before = broker.sessions.find(clientId);
	// Spec: [MQTT-3.1.4-2]; 5.0 [MQTT-3.1.4-3]
	if (before?.connection !== undefined) broker.close(before.connection, Cause.SessionTakenOver);
	let session = broker.sessions.find(clientId);
	if (session !== undefined && packet.cleanStart) {
		endSession(broker, session); // Spec: [MQTT-3.1.2-6]; 5.0 [MQTT-3.1.2-4]
		session = undefined;
	}
	broker.resumed = session !== undefined;
	session ??= broker.sessions.add(clientId);
	if (session === undefined) {
		if (will !== 0) broker.store.release(will);
		refuseConnect(broker, connection, Cause.FullSessions);
		return undefined;
	}
	broker.sessions.expiries.clear(session.index);
	dropWill(broker, session); // one that waits for its delay: the client is back [5:MQTT-3.1.3-9]
	session.connection = connection;
	session.version = packet.version;
	session.expirySeconds = expiryOf(broker, packet);
	session.will = will;
	session.willDelaySeconds = packet.will.number(PropertyId.WillDelayInterval, 0);
	session.willExpirySeconds = packet.will.number(PropertyId.MessageExpiryInterval, EXPIRY_NEVER);
	connection.session = session;
	connection.state = ConnectionState.Connected;
	broker.connectedCount++;
	const limits = broker.limits;
	const asked = packet.properties.number(PropertyId.ReceiveMaximum, 65_535);
	connection.receiveMaximum = Math.min(v5 ? asked : limits.inFlight, limits.inFlight);
	if (v5 && broker.aliasesGiven.open(connection.index, packet.properties.number(PropertyId.TopicAliasMaximum, 0)))
		connection.options |= ConnectionOption.TakesAliases;
	connection.keepAliveMs = keepAliveOf(broker, packet) * 1500; // Spec: [MQTT-3.1.2-24]; 5.0 [MQTT-3.1.2-22]
	if (connection.keepAliveMs === 0) broker.deadlines.clear(connection.index);
	else broker.deadlines.set(connection.index, broker.now + connection.keepAliveMs);
	return session;
}

/** @returns seconds; 0: none. Only a 5.0 client can be told another than its own. Spec: 5.0, 3.2.2.3.14 */
function keepAliveOf(broker: Broker, packet: ConnectPacket): number {
	const max = broker.limits.keepAliveMaxSeconds;
	const asked = packet.keepAlive;
	return packet.version === Version.V5 && max > 0 && (asked === 0 || asked > max) ? max : asked;
}

/** Seconds that the session may outlive this connection. Before 5.0, Clean Session says it. */
function expiryOf(broker: Broker, packet: ConnectPacket): number {
	const max = broker.limits.sessionExpirySeconds;
	if (packet.version !== Version.V5) return packet.cleanStart ? 0 : max;
	return Math.min(packet.properties.number(PropertyId.SessionExpiryInterval, 0), max);
}
