/** How a connection begins and ends: CONNECT, CONNACK, AUTH, DISCONNECT. Spec: sections 3.1, 3.2, 3.14; 5.0, 3.15 and
 *  4.12 */
import {
	type ConnectFields,
	decodeConnack,
	decodeReason,
	encodeConnect,
	encodeReason,
	RETURN_CODES,
} from "../codec/connect.js";
import { PacketType, PropertyId, ReasonCode, Version } from "../codec/packet-types.js";
import { type Properties, putDataProperty, putNumber, putStringProperty } from "../codec/properties.js";
import { sendControl } from "../delivery/output.js";
import { Cause } from "../errors.js";
import { frozen } from "../frozen.js";
import type { Client } from "./client.js";
import { ClientState } from "./client-state.js";

/** What the server said of itself. Spec: 5.0, 3.2.2.3 */
export class ServerLimits {
	receiveMaximum = 65_535;
	packetBytes = 0xffffffff;
	topicAliasMaximum = 0;
	qosMax = 2;
	retain = true;
	subscriptionIdentifiers = true;
	/** a Topic Name's beginning for answers; "": none. Spec: 5.0, 3.2.2.3.15 */
	responseInformation = "";

	/** @internal */
	take(client: Client, p: Properties): void {
		this.receiveMaximum = p.number(PropertyId.ReceiveMaximum, 65_535);
		this.packetBytes = p.number(PropertyId.MaximumPacketSize, 0xffffffff);
		this.topicAliasMaximum = p.number(PropertyId.TopicAliasMaximum, 0);
		this.qosMax = p.number(PropertyId.MaximumQos, 2);
		this.retain = p.number(PropertyId.RetainAvailable, 1) === 1;
		this.subscriptionIdentifiers =
			client.version === Version.V5 && p.number(PropertyId.SubscriptionIdentifierAvailable, 1) === 1;
		this.responseInformation = p.string(PropertyId.ResponseInformation, client.text) ?? "";
	}
}

/** Bytes for a CONNECT's properties that the client makes itself, without those of the authentication. */
const PROPERTY_BYTES = 32;

/** Sends CONNECT. Allocates some objects: once a connection. */
export function sendConnect(client: Client): void {
	const options = client.options;
	client.state = ClientState.Connecting;
	const version = client.version as Version;
	client.link.version = version;
	const fields: ConnectFields = {
		version,
		clientId: client.clientId,
		cleanStart: client.beginsAnew,
		keepAlive: options.keepAlive,
		userName: options.userName,
		password: options.password,
		will: options.will,
		properties: version === Version.V5 ? propertiesOfConnect(client) : undefined,
	};
	const scratch = client.layout.scratch;
	const end = encodeConnect(client.memory, scratch, fields, client.text);
	if (!sendControl(client.link.output, client.memory, scratch, end))
		client.lost(Cause.FullStore, 0, "the store is full");
	client.touch();
}

function propertiesOfConnect(client: Client): Uint8Array {
	const options = client.options;
	const limits = client.limits;
	const authentication = options.authentication;
	const data = authentication?.begin();
	const more = options.properties?.length ?? 0;
	const name = authentication === undefined ? 0 : client.text.size(authentication.name) + 6;
	const bytes = new Uint8Array(PROPERTY_BYTES + more + name + (data?.length ?? 0));
	let p = 0;
	const expiry = options.sessionExpirySeconds;
	if (expiry > 0) p = putNumber(bytes, p, PropertyId.SessionExpiryInterval, expiry);
	if (limits.receiveMaximum < 65_535) p = putNumber(bytes, p, PropertyId.ReceiveMaximum, limits.receiveMaximum);
	if (limits.packetBytes < 268_435_460) p = putNumber(bytes, p, PropertyId.MaximumPacketSize, limits.packetBytes);
	p = putNumber(bytes, p, PropertyId.RequestResponseInformation, 1);
	if (authentication !== undefined) {
		p = putStringProperty(bytes, p, PropertyId.AuthenticationMethod, authentication.name, client.text);
		if (data !== undefined) p = putDataProperty(bytes, p, PropertyId.AuthenticationData, data, 0, data.length);
	}
	if (options.properties !== undefined) bytes.set(options.properties, p);
	return bytes.subarray(0, p + more);
}

/** CONNACK. Spec: 3.2 */
export function handleConnack(client: Client, bytes: Uint8Array, start: number, end: number): void {
	const packet = client.reasonPacket;
	// who does not speak 5.0 answers as its own version does
	const mine = client.version as Version;
	const version = end - start === 2 && mine === Version.V5 ? Version.V311 : mine;
	const cause = decodeConnack(packet, bytes, start, end, version, client.text);
	if (cause !== Cause.None) return client.fail(cause);
	if (packet.reason !== ReasonCode.Success) {
		client.listener.connectAck(packet);
		return refused(client, packet.reason, version);
	}
	if (version !== client.version) return client.fail(Cause.PropertyLength);
	if (packet.sessionPresent && client.beginsAnew && client.version !== Version.V31)
		return client.fail(Cause.PacketNotAllowed); // [MQTT-3.2.2-1]
	const properties = packet.properties;
	client.server.take(client, properties);
	const assigned = properties.string(PropertyId.AssignedClientIdentifier, client.text);
	if (assigned !== undefined) client.clientId = assigned;
	client.keepAliveMs = properties.number(PropertyId.ServerKeepAlive, client.options.keepAlive) * 1000;
	if (client.options.authentication !== undefined && client.version === Version.V5) {
		const believed = finishAuthentication(client, properties);
		if (!believed) return client.fail(Cause.AuthenticationFailed);
	}
	client.connected(packet.sessionPresent);
	client.listener.connectAck(packet);
	if (client.isConnected) client.pump();
}

function finishAuthentication(client: Client, p: Properties): boolean {
	const method = client.options.authentication!;
	if (p.string(PropertyId.AuthenticationMethod, client.text) !== method.name) return false;
	if (!p.has(PropertyId.AuthenticationData)) return method.finish(p.bytes, 0, 0);
	return method.finish(p.bytes, p.dataStart(PropertyId.AuthenticationData), p.dataEnd(PropertyId.AuthenticationData));
}

/** The server says no. */
function refused(client: Client, code: number, version: number): void {
	const v5 = version === Version.V5;
	const reason = v5 ? code : RETURN_CODES[code]!;
	if (
		reason === ReasonCode.UnsupportedProtocolVersion &&
		client.options.version === 0 &&
		client.version === Version.V5
	) {
		client.version = Version.V311;
		return client.lost(Cause.ProtocolVersion, code, "the server does not speak 5.0: again with 3.1.1", 0);
	}
	if (redirect(client, code, client.reasonPacket.properties)) return;
	const why = withReason(client, "the server refused the connection");
	client.lost(Cause.NotAuthorized, reason, why, LASTING.includes(reason) && !client.wasConnected ? -1 : undefined);
}

/** @returns what happened, with the Reason String where the packet has one: before 5.0 none has */
function withReason(client: Client, what: string): string {
	const told = client.reasonPacket.properties.string(PropertyId.ReasonString, client.text);
	return told === undefined ? what : `${what}: ${told}`;
}

/** Where the same CONNECT would be refused again. */
const LASTING: readonly ReasonCode[] = frozen([
	ReasonCode.MalformedPacket,
	ReasonCode.ProtocolError,
	ReasonCode.UnsupportedProtocolVersion,
	ReasonCode.ClientIdentifierNotValid,
	ReasonCode.BadUserNameOrPassword,
	ReasonCode.NotAuthorized,
	ReasonCode.Banned,
	ReasonCode.BadAuthenticationMethod,
	ReasonCode.TopicNameInvalid,
	ReasonCode.PacketTooLarge,
	ReasonCode.PayloadFormatInvalid,
	ReasonCode.RetainNotSupported,
	ReasonCode.QosNotSupported,
]);

/** Redirections in a row, before an ordinary pause between two attempts. */
const REDIRECTS_MAX = 5;

/** Goes to the first server of Server Reference. @returns whether there is one. Spec: 5.0, 4.13 */
function redirect(client: Client, reason: number, properties: Properties): boolean {
	if (reason !== ReasonCode.UseAnotherServer && reason !== ReasonCode.ServerMoved) return false;
	const reference = properties.string(PropertyId.ServerReference, client.text);
	if (reference === undefined || !client.options.followRedirects) return false;
	const space = reference.indexOf(" ");
	client.reference = space < 0 ? reference : reference.slice(0, space);
	client.referenceLasts = reason === ReasonCode.ServerMoved;
	const atOnce = client.redirects++ < REDIRECTS_MAX;
	client.lost(Cause.NotAuthorized, reason, `the server sends to ${client.reference}`, atOnce ? 0 : undefined);
	return true;
}

/** AUTH: the next step of an authentication. Spec: 5.0, 4.12 */
export function handleAuth(client: Client, bytes: Uint8Array, start: number, end: number): void {
	const packet = client.reasonPacket;
	const method = client.options.authentication;
	if (client.version !== Version.V5 || method === undefined) return client.fail(Cause.PacketNotAllowed);
	const cause = decodeReason(packet, bytes, start, end, PacketType.Auth, Version.V5, client.text);
	if (cause !== Cause.None) return client.fail(cause);
	client.listener.auth(packet);
	const properties = packet.properties;
	if (packet.reason === ReasonCode.Success && client.state === ClientState.Connected) {
		const believed = finishAuthentication(client, properties);
		client.reauthenticated(believed);
		if (!believed) client.fail(Cause.AuthenticationFailed);
		return;
	}
	if (packet.reason !== ReasonCode.ContinueAuthentication) return client.fail(Cause.PacketNotAllowed);
	const from = properties.has(PropertyId.AuthenticationData) ? properties.dataStart(PropertyId.AuthenticationData) : 0;
	const to = properties.has(PropertyId.AuthenticationData) ? properties.dataEnd(PropertyId.AuthenticationData) : 0;
	const transport = client.link.output.transport;
	const data = method.take(properties.bytes, from, to, (later) => {
		if (client.link.output.transport !== transport) return; // another connection, or none
		client.beginTurn();
		answerAuth(client, later);
	});
	if (data !== "later") answerAuth(client, data);
}

function answerAuth(client: Client, data: Uint8Array | undefined): void {
	if (data === undefined) return client.fail(Cause.AuthenticationFailed);
	sendAuth(client, ReasonCode.ContinueAuthentication, data);
}

/** Sends AUTH. @returns false: no room */
export function sendAuth(client: Client, reason: number, data: Uint8Array | undefined): boolean {
	const method = client.options.authentication!;
	const memory = client.memory;
	const from = client.layout.scratch;
	let p = putStringProperty(memory, from, PropertyId.AuthenticationMethod, method.name, client.text);
	if (data !== undefined) p = putDataProperty(memory, p, PropertyId.AuthenticationData, data, 0, data.length);
	const end = encodeReason(memory, p, PacketType.Auth, Version.V5, reason, memory, from, p);
	client.touch();
	return sendControl(client.link.output, memory, p, end);
}

/** The server ends the connection. Spec: 5.0, 3.14 */
export function handleDisconnect(client: Client, bytes: Uint8Array, start: number, end: number): void {
	if (client.version !== Version.V5) return client.fail(Cause.PacketNotAllowed);
	const packet = client.reasonPacket;
	const cause = decodeReason(packet, bytes, start, end, PacketType.Disconnect, Version.V5, client.text);
	if (cause !== Cause.None) return client.fail(cause);
	client.listener.disconnect(packet);
	if (redirect(client, packet.reason, packet.properties)) return;
	const why = withReason(client, "the server ended the connection");
	const taken = packet.reason === ReasonCode.SessionTakenOver;
	// who took the session over would lose it to this client again, and so on: ever less often
	if (taken) client.attempts = ++client.takeovers;
	client.lost(taken ? Cause.SessionTakenOver : Cause.TransportClosed, packet.reason, why);
}
