/** What comes of a controller's answer. After controlled-connection.ts, before send-packet.ts and the handlers. */

import { encodeProperties, type PacketProperties } from "../codec/packet-properties.js";
import { PacketType, ReasonCode, Version } from "../codec/packet-types.js";
import { reasonFor, type ServerPacket } from "../codec/packets.js";
import { Cause, causeName, HearthError } from "../errors.js";
import { Authentication } from "./authentication.js";
import { closeConnection } from "./close.js";
import { refuseConnect } from "./connack.js";
import { ConnectionOption } from "./connection.js";
import type { ControlledConnection, Request } from "./controlled-connection.js";
import { Refusal } from "./controller.js";
import { isBeingSent } from "./handle-acks.js";
import { concludeConnect, keepConnect } from "./handle-auth.js";
import { certifiedName, finishConnect, userNameOf } from "./handle-connect.js";
import { placeFor } from "./handle-publish.js";
import { keepReceived, releaseReceived } from "./received.js";
import { sendPacket } from "./send-packet.js";
import { pump } from "./send-publish.js";
import type { View } from "./view.js";
import { ConnectView } from "./view-connect.js";
import type { PublishView } from "./view-publish.js";
import type { AckView } from "./views.js";

/** What a method returned, or threw. */
export interface Conclusion {
	answer: unknown;
	thrown: unknown;
	threw: boolean;
}

/** Packets that are routed. */
const ROUTED = (1 << PacketType.Publish) | (1 << PacketType.Subscribe) | (1 << PacketType.Unsubscribe);

/** @returns whether the controller may be asked about a packet of the type now */
export function mayAsk(connection: ControlledConnection, type: PacketType): boolean {
	const { calls, routing } = connection.listener;
	if (((((routing ? 0 : ROUTED) | calls) >> type) & 1) === 0) return false;
	if (connection.session !== undefined) return type !== PacketType.Connect;
	return type === (connection.authentication === undefined ? PacketType.Connect : PacketType.Auth);
}

/** Takes the packet apart. @returns whether it is asked about: it is good, and not a message that came before */
export function isAsked(
	connection: ControlledConnection,
	view: View,
	first: number,
	bytes: Uint8Array,
	start: number,
	end: number,
): boolean {
	if (!view.begin(connection, first, bytes, start, end)) return false;
	if (first >> 4 !== PacketType.Publish) return true;
	const { qos, packetId } = (view as PublishView).parts;
	const { broker, listener } = connection;
	const session = connection.session!;
	const asked =
		qos <= listener.limits.qosMax &&
		(qos < 2 ||
			(!broker.received.has(session.index, packetId) && placeFor(broker, connection, session) === Cause.None));
	view.live = asked;
	return asked;
}

/** Does what the controller answered. @returns whether it left the packet to the broker, which handles it next */
export function conclude(connection: ControlledConnection, request: Request, conclusion: Conclusion): boolean {
	if (conclusion.threw) {
		refuseRequest(connection, request, conclusion.thrown);
		return false;
	}
	const reply = conclusion.answer;
	const type: PacketType = request.first >> 4;
	if (reply === undefined) {
		if (connection.listener.routing || ((ROUTED >> type) & 1) === 0) return true;
		answerUnrouted(connection, request);
		return false;
	}
	try {
		if (typeof reply !== "object") throw new TypeError(`answered ${describe(reply)}: return a packet, null or nothing`);
		send(connection, request, type, reply as ServerPacket | null);
	} catch (error) {
		refuseRequest(connection, request, error);
	}
	return false;
}

/** Sends the controller's packet; null: none. */
function send(connection: ControlledConnection, request: Request, type: PacketType, packet: ServerPacket | null): void {
	const { broker, session } = connection;
	switch (type) {
		case PacketType.Connect:
			return admit(connection, request, packet);
		case PacketType.Auth:
			if (session === undefined && (packet === null || (packet.type === "connack" && !packet.reasonCode)))
				return concludeConnect(broker, connection, packet);
			break;
		case PacketType.Disconnect:
			return connection.handle(request);
		case PacketType.Puback:
		case PacketType.Pubcomp:
			connection.handle(request);
			break;
		case PacketType.Pubrec:
			if (!settlePubrec(connection, request)) return;
			break;
		case PacketType.Pubrel:
			releaseReceived(broker, session!, request.view.id);
			break;
	}
	if (packet !== null && connection.session === session) sendChecked(connection, request, packet);
	if (connection.session !== undefined && connection.sending === 0) pump(broker, connection, connection.session);
}

/** The client has the message. @returns false: it was not sent whole yet, and the connection was ended */
function settlePubrec(connection: ControlledConnection, request: Request): boolean {
	const { broker, session } = connection;
	const { packetId, reason } = (request.view as AckView).parts;
	if (connection.sending !== 0 && isBeingSent(broker, connection.sending, packetId)) {
		connection.handle(request);
		return false;
	}
	if (reason >= ReasonCode.UnspecifiedError) session!.outbox.complete(packetId, 2, false);
	else session!.outbox.receive(packetId);
	return true;
}

/** A CONNECT was answered. */
function admit(connection: ControlledConnection, request: Request, packet: ServerPacket | null): void {
	const { broker } = connection;
	const connect = (request.view as ConnectView).parts;
	if (packet !== null && (packet.type !== "connack" || (packet.reasonCode ?? 0) !== 0)) {
		if (packet.type === "auth" && !keep(connection, request)) return;
		return sendChecked(connection, request, packet);
	}
	encodeProperties(packet?.properties, PacketType.Connack, "connack", broker.text); // throws now or never
	if (certifiedName(connection) === undefined)
		broker.guesses.succeeded(connection.address, userNameOf(broker, connection, connect));
	finishConnect(broker, connection, connect, packet);
}

/** The CONNECT waits until the controller's exchange of AUTH packets ends with a CONNACK. Spec: 5.0, 4.12
 *  @returns false: no room, and it was refused */
function keep(connection: ControlledConnection, request: Request): boolean {
	const { broker } = connection;
	const { bytes, start, end } = request;
	const cause = keepConnect(broker, connection, new Authentication(undefined), bytes, start, end);
	if (cause !== Cause.None) refuseConnect(broker, connection, cause);
	return cause === Cause.None;
}

/** Sends a packet that the controller made. Throws HearthError for one that cannot be sent to this client. */
function sendChecked(connection: ControlledConnection, request: Request, packet: ServerPacket): void {
	const { view } = request;
	const filters = packet.type === "suback" || packet.type === "unsuback" ? view.count : 0;
	if (filters > 0 && (packet as { reasonCodes?: unknown[] }).reasonCodes?.length !== filters)
		throw new HearthError("HEARTH_ERR_PACKET", `${packet.type}: reasonCodes: give ${filters}, one for each filter`);
	const cause = sendPacket(connection.broker, connection, packet, view.id);
	if (cause !== Cause.None && cause !== Cause.FullQueue && connection.closing === Cause.None)
		throw new HearthError("HEARTH_ERR_PACKET", `${packet.type}: ${causeName(cause)}: not sent`);
}

/** Does what the specification says of a packet that is not routed, and that the controller left to it. */
function answerUnrouted(connection: ControlledConnection, request: Request): void {
	const { broker, version } = connection;
	const session = connection.session!;
	const { view } = request;
	const v5 = version === Version.V5;
	if (request.first >> 4 === PacketType.Publish) {
		const { qos } = (view as PublishView).parts;
		broker.counters.publishesReceived++;
		if (qos === 2) keepReceived(broker, session, view.id);
		const reason = v5 ? ReasonCode.NoMatchingSubscribers : ReasonCode.Success;
		if (qos > 0) connection.answer(qos === 1 ? PacketType.Puback : PacketType.Pubrec, view.id, reason);
		return;
	}
	const subscribes = request.first >> 4 === PacketType.Subscribe;
	const code = subscribes ? ReasonCode.ImplementationSpecificError : ReasonCode.NoSubscriptionExisted;
	const reasonCodes: number[] = [];
	for (let i = 0; i < view.count; i++) reasonCodes.push(code);
	sendChecked(connection, request, { type: subscribes ? "suback" : "unsuback", reasonCodes });
}

/** Refuses a packet. @param why a Refusal, a Reason Code, or an exception, which is logged and refused as 0x80 */
export function refuseRequest(connection: ControlledConnection, request: Request, why: unknown): void {
	const { broker } = connection;
	const type: PacketType = request.first >> 4;
	const meant = why instanceof Refusal || typeof why === "number";
	if (!meant) {
		broker.counters.handlerErrors++;
		const who = connection.session?.clientId ?? connection.address;
		broker.log(0, `controller: ${request.view.type} of ${who}: ${describe(why)}`);
	}
	const reason = meant ? reasonOf(why) : ReasonCode.UnspecifiedError;
	const properties = why instanceof Refusal ? reasonString(connection, type, why) : {};
	try {
		if (connection.session === undefined) refuseLogin(connection, request, reason, properties);
		else if (type === PacketType.Publish) refusePublish(connection, request, reason, properties, meant);
		else if (type === PacketType.Subscribe || type === PacketType.Unsubscribe) {
			const reasonCodes: number[] = [];
			for (let i = 0; i < request.view.count; i++) reasonCodes.push(reasonFor(type + 1, reason));
			if (type === PacketType.Subscribe) broker.counters.refusedSubscriptions += reasonCodes.length;
			const kind = type === PacketType.Subscribe ? "suback" : "unsuback";
			sendPacket(broker, connection, { type: kind, reasonCodes, properties }, request.view.id);
		} else if (type === PacketType.Disconnect) closeConnection(broker, connection, Cause.ControllerRefused, -1);
		else disconnect(connection, reason, properties);
	} catch (error) {
		broker.failed(connection, error);
	}
}

/** Anything may be thrown. */
function describe(why: unknown): string {
	try {
		return String(why);
	} catch {
		return "something that is no text";
	}
}

function reasonOf(why: Refusal | number): number {
	const reason = typeof why === "number" ? why : why.reasonCode;
	return Number.isInteger(reason) && reason >= 0x80 && reason <= 0xff ? reason : ReasonCode.UnspecifiedError;
}

/** Spec: [5:MQTT-3.1.2-29] */
function reasonString(connection: ControlledConnection, type: PacketType, why: Refusal): PacketProperties {
	const wanted = (connection.options & ConnectionOption.NoProblemInformation) === 0;
	const told = wanted || ((ROUTED >> type) & 1) === 0; // CONNACK and DISCONNECT tell in any case
	return told && typeof why.reasonString === "string" && why.reasonString !== ""
		? { reasonString: why.reasonString }
		: {};
}

/** A CONNECT, or an AUTH before CONNACK. Who is not let in counts as one who guesses. */
function refuseLogin(
	connection: ControlledConnection,
	request: Request,
	reasonCode: number,
	properties: PacketProperties,
): void {
	const { broker } = connection;
	if (reasonCode !== ReasonCode.UnspecifiedError) {
		const { view } = request;
		const userName = view instanceof ConnectView ? userNameOf(broker, connection, view.parts) : undefined;
		const proves = userName !== undefined || !(view instanceof ConnectView); // by AUTH
		if (proves) broker.guesses.failed(connection.address, userName, broker.now);
	}
	sendPacket(
		broker,
		connection,
		{ type: "connack", reasonCode: reasonFor(PacketType.Connack, reasonCode), properties },
		0,
	);
	closeConnection(broker, connection, Cause.ControllerRefused, -1); // where CONNACK found no room
}

/** Before 5.0 nothing can be refused: acknowledged and dropped, or closed [MQTT-3.3.5-2] */
function refusePublish(
	connection: ControlledConnection,
	request: Request,
	reason: number,
	properties: PacketProperties,
	meant: boolean,
): void {
	const { broker, listener, session } = connection;
	const { qos } = (request.view as PublishView).parts;
	const { id } = request.view;
	broker.counters.refusedPublishes++;
	if (connection.version !== Version.V5 && (!meant || listener.access.rules.refusedPublish === "close"))
		return connection.refuse(Cause.ControllerRefused);
	if (qos === 0) return;
	const type = qos === 1 ? PacketType.Puback : PacketType.Pubrec;
	if (connection.version === Version.V5) {
		const reasonCode = reasonFor(type, reason);
		sendPacket(broker, connection, { type: qos === 1 ? "puback" : "pubrec", reasonCode, properties }, id);
		return;
	}
	if (qos === 2) keepReceived(broker, session!, id);
	connection.answer(type, id, ReasonCode.Success);
}

function disconnect(connection: ControlledConnection, reason: number, properties: PacketProperties): void {
	const { broker } = connection;
	const reasonCode = reasonFor(PacketType.Disconnect, reason);
	sendPacket(broker, connection, { type: "disconnect", reasonCode, properties }, 0);
	closeConnection(broker, connection, Cause.ControllerRefused, -1);
}
