/** CONNECT: who comes in, with which session, and what CONNACK says. Spec: sections 3.1, 3.2 */
import { type ConnectPacket, decodeConnect, encodeConnack } from "../codec/connect.js";
import { putBytes } from "../codec/data-types.js";
import { ConnectFlag, PropertyId, ReasonCode, ReturnCode, Version } from "../codec/packet-types.js";
import { putNumber, putStringProperty } from "../codec/properties.js";
import { checkTopicName, tooDeep } from "../codec/topic.js";
import { Cause, causeReason } from "../errors.js";
import type { Broker } from "./broker.js";
import { endSession } from "./close.js";
import { type Connection, ConnectionState } from "./connection.js";
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
	if (packet.version === Version.V31) connection.framer.flagMask = 7;
	connection.framer.shortestOnly = packet.version === Version.V5;
	const given = broker.text.decode(packet.bytes, packet.clientIdStart, packet.clientIdEnd)!;
	const refused = admit(broker, packet, given);
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
function admit(broker: Broker, packet: ConnectPacket, clientId: string): Cause {
	const limits = broker.limits;
	const v5 = packet.version === Version.V5;
	if (packet.clientIdEnd - packet.clientIdStart > limits.clientIdBytes) return Cause.ClientIdRejected;
	if (clientId === "" && !v5 && (packet.version === Version.V31 || !packet.cleanStart)) return Cause.ClientIdRejected;
	if (packet.properties.has(PropertyId.AuthenticationMethod)) return Cause.AuthenticationMethodUnknown;
	if (packet.properties.has(PropertyId.AuthenticationData)) return Cause.AuthenticationMethodMissing;
	if (packet.hasWill) {
		const topic = broker.text.decode(packet.bytes, packet.willTopicStart, packet.willTopicEnd)!;
		const cause = checkTopicName(topic);
		if (cause !== Cause.None) return v5 ? cause : Cause.ConnectFlags;
		const bytes = packet.willTopicEnd - packet.willTopicStart;
		if (bytes > limits.topicBytes || tooDeep(topic, limits.topicLevels)) return Cause.TopicTooLong;
		if (limits.retained === 0 && (packet.flags & ConnectFlag.WillRetain) !== 0) return Cause.RetainNotSupported;
		if (!broker.access.mayPublish(clientId, topic)) return Cause.NotAuthorized;
	}
	const userName =
		packet.userNameStart < 0 ? undefined : broker.text.decode(packet.bytes, packet.userNameStart, packet.userNameEnd);
	const cause = broker.access.authenticate(clientId, userName, passwordOf(packet));
	if (cause !== Cause.None) return cause;
	const existing = broker.sessions.find(clientId);
	if (existing?.connection === undefined) {
		if (broker.connectedCount >= limits.connections) return Cause.FullConnections;
		if (existing === undefined && broker.clientSessions >= limits.sessions) return Cause.FullSessions;
	}
	return Cause.None;
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
	connection.packetBytesMax = packet.properties.number(PropertyId.MaximumPacketSize, 0xffffffff);
	connection.keepAliveMs = packet.keepAlive * 1500; // Spec: [MQTT-3.1.2-24]; 5.0 [MQTT-3.1.2-22]
	if (packet.keepAlive === 0) broker.deadlines.clear(connection.index);
	else broker.deadlines.set(connection.index, broker.now + connection.keepAliveMs);
	return session;
}

/** Seconds that the session may outlive this connection. Before 5.0, Clean Session says it. */
function expiryOf(broker: Broker, packet: ConnectPacket): number {
	const max = broker.limits.sessionExpirySeconds;
	if (packet.version !== Version.V5) return packet.cleanStart ? 0 : max;
	return Math.min(packet.properties.number(PropertyId.SessionExpiryInterval, 0), max);
}

/** Spec: section 3.2; [MQTT-3.2.2-1] to [MQTT-3.2.2-3]; 5.0 3.2.2.3: what is advertised are the limits */
function sendConnack(
	broker: Broker,
	connection: Connection,
	session: Session,
	packet: ConnectPacket,
	present: boolean,
	assigned: boolean,
): void {
	const memory = broker.memory;
	const from = broker.layout.scratch;
	let p = from;
	if (packet.version === Version.V5) {
		const limits = broker.limits;
		if (session.expirySeconds !== packet.properties.number(PropertyId.SessionExpiryInterval, 0))
			p = putNumber(memory, p, PropertyId.SessionExpiryInterval, session.expirySeconds);
		if (limits.receiveMaximum < 65_535) p = putNumber(memory, p, PropertyId.ReceiveMaximum, limits.receiveMaximum);
		if (limits.retained === 0) p = putNumber(memory, p, PropertyId.RetainAvailable, 0);
		p = putNumber(memory, p, PropertyId.MaximumPacketSize, limits.packetBytes);
		if (limits.topicAliases > 0) p = putNumber(memory, p, PropertyId.TopicAliasMaximum, limits.topicAliases);
		if (assigned) p = putStringProperty(memory, p, PropertyId.AssignedClientIdentifier, session.clientId, broker.text);
	}
	const told = present && packet.version !== Version.V31; // 3.1 does not use that byte
	const end = encodeConnack(memory, p, packet.version, told, ReasonCode.Success, memory, from, p);
	broker.send(connection, p, end);
}

/** CONNACK with the reason where one may be sent, then the end. Spec: [MQTT-3.2.2-4] [MQTT-3.2.2-5] [MQTT-3.1.4-1] */
function refuseConnect(broker: Broker, connection: Connection, cause: Cause): void {
	const version = connection.version;
	const code = version === Version.V5 ? causeReason(cause) : returnCode(cause);
	if (code !== 0 && cause !== Cause.ProtocolName) {
		const memory = broker.memory;
		const from = broker.layout.scratch;
		broker.send(connection, from, encodeConnack(memory, from, version, false, code, memory, from, from));
	}
	broker.close(connection, cause);
}

/** @returns the return code of 3.1.1; 0: none fits, and the connection is closed without CONNACK [MQTT-3.2.2-6] */
function returnCode(cause: Cause): number {
	switch (cause) {
		case Cause.ProtocolVersion:
			return ReturnCode.UnacceptableProtocolVersion;
		case Cause.ClientIdRejected:
			return ReturnCode.IdentifierRejected;
		case Cause.FullConnections:
		case Cause.FullSessions:
		case Cause.FullStore:
			return ReturnCode.ServerUnavailable;
		case Cause.BadUserNameOrPassword:
			return ReturnCode.BadUserNameOrPassword;
		case Cause.NotAuthorized:
			return ReturnCode.NotAuthorized;
		default:
			return 0;
	}
}
