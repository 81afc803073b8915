/** CONNACK: what the client gets, or why it gets nothing. After handle-connect.ts. Spec: section 3.2 */
import { type ConnectPacket, encodeConnack } from "../codec/connect.js";
import { putVariable, sizeOfVariable } from "../codec/data-types.js";
import { readProperties } from "../codec/packet-properties.js";
import { PacketType, PropertyId, ReasonCode, ReturnCode, Version } from "../codec/packet-types.js";
import type { Connack } from "../codec/packets.js";
import { Properties, putDataProperty, putNumber, putStringProperty } from "../codec/properties.js";
import { checkTopicName } from "../codec/topic.js";
import { Cause, causeReason } from "../errors.js";
import type { Broker } from "./broker.js";
import type { Connection } from "./connection.js";
import { putAnyReasonString, REASON_STRING_BYTES } from "./reason-string.js";
import { sendPacket } from "./send-packet.js";
import type { Session } from "./session.js";

/** Sends CONNACK with success. What it advertises are the limits. Spec: [MQTT-3.2.2-1] to [MQTT-3.2.2-3]; 5.0 3.2.2.3
 *  @param present the session was there @param assigned its Client Identifier is the broker's choice */
export function sendConnack(
	broker: Broker,
	connection: Connection,
	session: Session,
	packet: ConnectPacket,
	present: boolean,
	assigned: boolean,
): void {
	const memory = broker.memory;
	const from = broker.layout.scratch;
	const p = packet.version === Version.V5 ? putOwn(broker, connection, session, packet, assigned, from) : from;
	const told = present && packet.version !== Version.V31; // 3.1 does not use that byte
	const end = encodeConnack(memory, p, packet.version, told, ReasonCode.Success, memory, from, p);
	broker.persist?.gate(connection);
	broker.send(connection, p, end);
}

/** Sends a program's CONNACK of success. A 5.0 client is told by it what it must know in any case: the limits, and the
 *  Client Identifier that it was given. Throws HearthError for one that cannot be made */
export function sendConnackOf(
	broker: Broker,
	connection: Connection,
	session: Session,
	packet: ConnectPacket,
	connack: Connack,
	assigned: boolean,
): void {
	const sessionPresent = connack.sessionPresent ?? broker.resumed;
	const properties: Record<string, unknown> = {};
	if (packet.version === Version.V5) {
		const memory = broker.memory;
		const first = broker.layout.scratch + 4; // room for their length
		const end = putOwn(broker, connection, session, packet, assigned, first);
		const at = first - sizeOfVariable(end - first);
		putVariable(memory, at, end - first);
		const own = new Properties();
		own.decode(memory, at, end, PacketType.Connack, broker.text);
		Object.assign(properties, readProperties(own, broker.text), connack.properties);
	}
	broker.persist?.gate(connection);
	const cause = sendPacket(broker, connection, { type: "connack", sessionPresent, reasonCode: 0, properties }, 0);
	if (cause !== Cause.None) broker.closeLater(connection, cause);
}

/** Writes the properties of the broker's own CONNACK. */
function putOwn(
	broker: Broker,
	connection: Connection,
	session: Session,
	packet: ConnectPacket,
	assigned: boolean,
	at: number,
): number {
	let p = putLimits(broker, connection, session, packet, at);
	if (assigned)
		p = putStringProperty(broker.memory, p, PropertyId.AssignedClientIdentifier, session.clientId, broker.text);
	p = putResponseInformation(broker, session, packet, p);
	return connection.authentication === undefined ? p : putAuthentication(broker, connection, p);
}

/** Writes the properties that say what this broker does for this client. Spec: 5.0, 3.2.2.3.2 to 3.2.2.3.14 */
function putLimits(
	broker: Broker,
	connection: Connection,
	session: Session,
	packet: ConnectPacket,
	at: number,
): number {
	const memory = broker.memory;
	const limits = broker.limits;
	const own = connection.listener.limits;
	let p = at;
	if (session.expirySeconds !== packet.properties.number(PropertyId.SessionExpiryInterval, 0))
		p = putNumber(memory, p, PropertyId.SessionExpiryInterval, session.expirySeconds);
	if (limits.receiveMaximum < 65_535) p = putNumber(memory, p, PropertyId.ReceiveMaximum, limits.receiveMaximum);
	if (own.qosMax < 2) p = putNumber(memory, p, PropertyId.MaximumQos, own.qosMax); // [5:MQTT-3.2.2-9]
	if (limits.retained === 0) p = putNumber(memory, p, PropertyId.RetainAvailable, 0);
	p = putNumber(memory, p, PropertyId.MaximumPacketSize, own.packetBytes);
	if (limits.topicAliases > 0) p = putNumber(memory, p, PropertyId.TopicAliasMaximum, limits.topicAliases);
	if (!limits.wildcardSubscriptions) p = putNumber(memory, p, PropertyId.WildcardSubscriptionAvailable, 0);
	if (!limits.subscriptionIdentifiers) p = putNumber(memory, p, PropertyId.SubscriptionIdentifierAvailable, 0);
	if (!limits.sharedSubscriptions) p = putNumber(memory, p, PropertyId.SharedSubscriptionAvailable, 0);
	if (connection.keepAliveMs !== packet.keepAlive * 1500)
		p = putNumber(memory, p, PropertyId.ServerKeepAlive, connection.keepAliveMs / 1500);
	return p;
}

/** Writes where the client may let others answer to, when it asks. A Client Identifier that makes no Topic Name gets
 *  none. Spec: 5.0, 3.2.2.3.15 [5:MQTT-3.1.2-28] */
function putResponseInformation(broker: Broker, session: Session, packet: ConnectPacket, at: number): number {
	if (packet.properties.number(PropertyId.RequestResponseInformation, 0) === 0) return at;
	const topic = broker.responseInformation.replace("%c", () => session.clientId);
	if (topic === "" || checkTopicName(topic) !== Cause.None) return at;
	return putStringProperty(broker.memory, at, PropertyId.ResponseInformation, topic, broker.text);
}

/** Writes Authentication Method and Data of the connection's exchange. @returns index after them.
 *  Spec: [5:MQTT-4.12.0-5] */
export function putAuthentication(broker: Broker, connection: Connection, at: number): number {
	const authentication = connection.authentication!;
	const name = authentication.method!.name;
	const p = putStringProperty(broker.memory, at, PropertyId.AuthenticationMethod, name, broker.text);
	const data = authentication.exchange?.steps?.data;
	if (data === undefined) return p;
	return putDataProperty(broker.memory, p, PropertyId.AuthenticationData, data, 0, data.length);
}

/** CONNACK with the reason where one may be sent, then the end. Spec: [MQTT-3.2.2-4] [MQTT-3.2.2-5] [MQTT-3.1.4-1] */
export function refuseConnect(broker: Broker, connection: Connection, cause: Cause): void {
	const version = connection.version;
	const code = version === Version.V5 ? causeReason(cause) : returnCode(cause);
	if (code !== 0 && cause !== Cause.ProtocolName) {
		const memory = broker.memory;
		const string = broker.layout.scratch;
		const start = string + REASON_STRING_BYTES;
		const end = putAnyReasonString(broker, connection, string, cause, 5);
		broker.send(connection, start, encodeConnack(memory, start, version, false, code, memory, string, end));
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
		case Cause.FullAuthentications:
		case Cause.FullStorage:
		case Cause.LoginTimeout:
			return ReturnCode.ServerUnavailable;
		case Cause.BadUserNameOrPassword:
			return ReturnCode.BadUserNameOrPassword;
		case Cause.NotAuthorized:
			return ReturnCode.NotAuthorized;
		default:
			return 0;
	}
}
