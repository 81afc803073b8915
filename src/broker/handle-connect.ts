/** CONNECT: who comes in, with which session, and what CONNACK says. Spec: sections 3.1, 3.2 */
import { type ConnectPacket, decodeConnect } from "../codec/connect.js";
import { ConnectFlag, PropertyId, Version } from "../codec/packet-types.js";
import type { Connack } from "../codec/packets.js";
import { checkTopicName, tooDeep } from "../codec/topic.js";
import { Cause } from "../errors.js";
import { MessageFlag } from "../memory/message-store.js";
import type { Client } from "./access.js";
import type { Broker } from "./broker.js";
import { endSession } from "./close.js";
import { refuseConnect, sendConnack, sendConnackOf } from "./connack.js";
import { type Connection, ConnectionOption, ConnectionState } from "./connection.js";
import { beginAuthentication } from "./handle-auth.js";
import { loseSubscriptions } from "./handle-subscribe.js";
import type { Listener } from "./listener.js";
import { logIn } from "./login.js";
import { pump } from "./send-publish.js";
import type { Session } from "./session.js";
import { isSysFilter } from "./sys-topics.js";
import { dropWill, keepWillProperties } from "./will.js";

export function handleConnect(
	broker: Broker,
	connection: Connection,
	bytes: Uint8Array,
	start: number,
	end: number,
): void {
	if (!takeConnect(broker, connection, bytes, start, end)) return;
	const packet = broker.connectPacket;
	const properties = packet.properties;
	if (properties.has(PropertyId.AuthenticationMethod))
		return beginAuthentication(broker, connection, packet, bytes, start, end);
	if (properties.has(PropertyId.AuthenticationData))
		return refuseConnect(broker, connection, Cause.AuthenticationMethodMissing);
	logIn(broker, connection, packet, bytes, start, end);
}

/** Takes the body at bytes[start..end) apart, to `broker.connectPacket`, and notes what the client said of itself.
 *  @returns false: it was refused */
export function takeConnect(
	broker: Broker,
	connection: Connection,
	bytes: Uint8Array,
	start: number,
	end: number,
): boolean {
	const packet = broker.connectPacket;
	let cause = decodeConnect(packet, bytes, start, end, broker.text);
	connection.version = packet.version;
	if (cause === Cause.None) {
		noteOptions(connection, packet);
		cause = checkClientId(broker, packet);
	}
	if (cause === Cause.None) return true;
	refuseConnect(broker, connection, cause);
	return false;
}

function noteOptions(connection: Connection, packet: ConnectPacket): void {
	const properties = packet.properties;
	connection.packetBytesMax = properties.number(PropertyId.MaximumPacketSize, 0xffffffff);
	if (properties.number(PropertyId.RequestProblemInformation, 1) === 0)
		connection.options |= ConnectionOption.NoProblemInformation;
}

/** Spec: [MQTT-3.1.3-5] to [MQTT-3.1.3-9] */
function checkClientId(broker: Broker, packet: ConnectPacket): Cause {
	const bytes = packet.clientIdEnd - packet.clientIdStart;
	if (bytes > broker.limits.clientIdBytes) return Cause.ClientIdRejected;
	if (bytes > 0 || packet.version === Version.V5) return Cause.None;
	return packet.version === Version.V31 || !packet.cleanStart ? Cause.ClientIdRejected : Cause.None;
}

/** Lets the client in, whose login was judged, or refuses it for want of room or rights.
 *  @param connack what it is told in place of the broker's own CONNACK; null: nothing */
export function finishConnect(
	broker: Broker,
	connection: Connection,
	packet: ConnectPacket,
	connack?: Connack | null,
): void {
	const given = broker.text.decode(packet.bytes, packet.clientIdStart, packet.clientIdEnd)!;
	// who proved to be somebody by a method is that one; others are who they said
	const userName = connection.authentication?.userName ?? userNameOf(broker, connection, packet);
	const refused = admit(broker, connection.listener, packet, { clientId: given, userName });
	if (refused !== Cause.None) return refuseConnect(broker, connection, refused);
	const clientId = given === "" ? newClientId(broker) : given;
	const session = enter(broker, connection, packet, clientId);
	if (session === undefined) return;
	const access = connection.listener.access;
	broker.rights.identify(session, userName, access);
	// rules may have changed while the hub was off, or be another listener's
	if (broker.resumed && access.rules.authorizeSubscribe !== undefined) loseSubscriptions(broker, session);
	if (connack === undefined) sendConnack(broker, connection, session, packet, broker.resumed, given === "");
	else if (connack === null) broker.persist?.gate(connection);
	else sendConnackOf(broker, connection, session, packet, connack, given === "");
	if (broker.logs(1)) {
		const from = connection.output.transport?.remoteAddress ?? "?";
		broker.log(1, `${clientId}: connected from ${from}, MQTT ${versionName(packet.version)}`);
	}
	if (broker.events.connected !== undefined) broker.tell(broker.events.connected, clientId, "");
	session.outbox.reconnect();
	pump(broker, connection, session);
}

/** @returns an identifier for a client that has none. Spec: [MQTT-3.1.3-6]; 5.0 [MQTT-3.1.3-7] */
function newClientId(broker: Broker): string {
	for (;;) {
		const id = `hearth-${broker.platform.random().toString(36)}${broker.platform.random().toString(36)}`;
		if (broker.sessions.find(id) === undefined) return id;
	}
}

function versionName(version: number): string {
	return version === Version.V5 ? "5.0" : version === Version.V311 ? "3.1.1" : "3.1";
}

/** All that can speak against the client, before anything of another is touched. */
function admit(broker: Broker, listener: Listener, packet: ConnectPacket, client: Client): Cause {
	const limits = broker.limits;
	if (packet.hasWill) {
		const cause = checkWill(broker, listener, packet, client);
		if (cause !== Cause.None) return cause;
	}
	const existing = broker.sessions.find(client.clientId);
	const before = existing?.connection; // its place becomes free
	if (before?.listener !== listener && listener.connectedCount >= listener.limits.connections)
		return Cause.FullConnections;
	if (before === undefined) {
		if (broker.connectedCount >= limits.connections) return Cause.FullConnections;
		if (existing === undefined && broker.clientSessions >= limits.sessions) return Cause.FullSessions;
		if (existing === undefined && broker.persist?.refuses && expiryOf(listener, packet) !== 0) return Cause.FullStorage;
	}
	return Cause.None;
}

/** Spec: [MQTT-3.1.2-13] ff.; 5.0 [MQTT-3.2.2-12] [MQTT-3.2.2-13] */
function checkWill(broker: Broker, listener: Listener, packet: ConnectPacket, client: Client): Cause {
	const limits = broker.limits;
	const topic = broker.text.decode(packet.bytes, packet.willTopicStart, packet.willTopicEnd)!;
	const cause = checkTopicName(topic);
	if (cause !== Cause.None) return packet.version === Version.V5 ? cause : Cause.ConnectFlags;
	const bytes = packet.willTopicEnd - packet.willTopicStart;
	if (bytes > limits.topicBytes || tooDeep(topic, limits.topicLevels)) return Cause.TopicTooLong;
	if ((packet.flags & ConnectFlag.WillQos) >> 3 > listener.limits.qosMax) return Cause.QosNotSupported;
	if (limits.retained === 0 && (packet.flags & ConnectFlag.WillRetain) !== 0) return Cause.RetainNotSupported;
	if (packet.will.has(PropertyId.ResponseTopic)) {
		const cause = checkTopicName(packet.will.string(PropertyId.ResponseTopic, broker.text)!);
		if (cause !== Cause.None) return Cause.TopicWildcard;
	}
	if (broker.sys !== undefined && isSysFilter(topic)) return Cause.NotAuthorized;
	return listener.access.mayWill(client, topic) ? Cause.None : Cause.NotAuthorized;
}

/** @returns who the client says that it is, or its certificate where that counts; undefined: an anonymous one */
export function userNameOf(broker: Broker, connection: Connection, packet: ConnectPacket): string | undefined {
	const certified = certifiedName(connection);
	if (certified !== undefined) return certified;
	if (packet.userNameStart < 0) return undefined;
	return broker.text.decode(packet.bytes, packet.userNameStart, packet.userNameEnd);
}

/** @returns the name that the client's certificate gives it, where the listener lets that count */
export function certifiedName(connection: Connection): string | undefined {
	return connection.listener.certificateUserName ? connection.output.transport?.certificateUserName : undefined;
}

/** Stores the Will Message. @returns its number; 0: the store is full */
function storeWill(broker: Broker, packet: ConnectPacket): number {
	const will = packet.will;
	const flags = MessageFlag.Will | ((packet.flags & ConnectFlag.WillQos) >> 3);
	const retain = (packet.flags & ConnectFlag.WillRetain) !== 0 ? 4 : 0;
	// Will Delay Interval and Message Expiry Interval are kept apart from the properties that go on
	const end = keepWillProperties(will);
	// its interval begins when it is published: until then the store has the interval, and one, instead of a time
	const expiry = will.has(PropertyId.MessageExpiryInterval);
	broker.publication.refusable = false;
	return broker.store.add(
		flags | retain,
		expiry ? will.number(PropertyId.MessageExpiryInterval, 0) + 1 : 0,
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
	if (packet.hasWill && connection.listener.routing) {
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
	session.expirySeconds = expiryOf(connection.listener, packet);
	if (session.expirySeconds === 0) connection.options |= ConnectionOption.SessionEnds;
	session.will = will;
	session.willDelaySeconds = packet.will.number(PropertyId.WillDelayInterval, 0);
	connection.session = session;
	connection.state = ConnectionState.Connected;
	connection.way = connection.wayOf();
	broker.persist?.entered(session);
	connection.listener.connectedCount++;
	if (++broker.connectedCount > broker.connectedMax) broker.connectedMax = broker.connectedCount;
	const limits = broker.limits;
	const asked = packet.properties.number(PropertyId.ReceiveMaximum, 65_535);
	connection.receiveMaximum = Math.min(v5 ? asked : limits.inFlight, limits.inFlight);
	if (v5 && broker.aliasesGiven.open(connection.index, packet.properties.number(PropertyId.TopicAliasMaximum, 0)))
		connection.options |= ConnectionOption.TakesAliases;
	// Spec: [MQTT-3.1.2-24]; 5.0 [MQTT-3.1.2-22]
	connection.keepAliveMs = keepAliveOf(connection.listener, packet) * 1500;
	if (connection.keepAliveMs === 0) broker.deadlines.clear(connection.index);
	else broker.deadlines.set(connection.index, broker.now + connection.keepAliveMs);
	return session;
}

/** @returns seconds; 0: none. Only a 5.0 client can be told another than its own. Spec: 5.0, 3.2.2.3.14 */
function keepAliveOf(listener: Listener, packet: ConnectPacket): number {
	const max = listener.limits.keepAliveMaxSeconds;
	const asked = packet.keepAlive;
	return packet.version === Version.V5 && max > 0 && (asked === 0 || asked > max) ? max : asked;
}

/** Seconds that the session may outlive this connection. Before 5.0, Clean Session says it. */
function expiryOf(listener: Listener, packet: ConnectPacket): number {
	const max = listener.limits.sessionExpirySeconds;
	if (packet.version !== Version.V5) return packet.cleanStart ? 0 : max;
	return Math.min(packet.properties.number(PropertyId.SessionExpiryInterval, 0), max);
}
