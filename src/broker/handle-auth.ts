/** Enhanced Authentication: the exchange of AUTH packets at CONNECT, and again on a live connection. The CONNECT waits
 *  in blocks of the store until its method has said yes. Spec: 5.0, 3.15, 4.12 */
import { AUTHENTICATION_DATA_MAX, type AuthenticationMethod, type Step } from "../auth/authentication-method.js";
import { type ConnectPacket, decodeConnect, decodeReason, encodeReason } from "../codec/connect.js";
import { PacketType, PropertyId, ReasonCode, Version } from "../codec/packet-types.js";
import type { Connack } from "../codec/packets.js";
import type { Properties } from "../codec/properties.js";
import { Cause } from "../errors.js";
import { Authentication, Exchange } from "./authentication.js";
import type { Broker } from "./broker.js";
import { putAuthentication, refuseConnect } from "./connack.js";
import { type Connection, ConnectionState } from "./connection.js";
import { finishConnect, userNameOf } from "./handle-connect.js";

/** A CONNECT names its method; its body is at bytes[start..end). Spec: 5.0, 4.12 [MQTT-4.12.0-1] */
export function beginAuthentication(
	broker: Broker,
	connection: Connection,
	packet: ConnectPacket,
	bytes: Uint8Array,
	start: number,
	end: number,
): void {
	const method = methodOf(broker, packet.properties);
	if (method === undefined) return refuseConnect(broker, connection, Cause.AuthenticationMethodUnknown);
	const clientId = broker.text.decode(packet.bytes, packet.clientIdStart, packet.clientIdEnd)!;
	if (broker.guesses.blocks(connection.address, clientId, broker.now))
		return refuseConnect(broker, connection, Cause.FullAuthentications);
	const cause = keepConnect(broker, connection, new Authentication(method), bytes, start, end);
	if (cause !== Cause.None) return refuseConnect(broker, connection, cause);
	beginSteps(broker, connection, method, clientId, userNameOf(broker, connection, packet));
	takeData(broker, connection, packet.properties);
}

/** Lets the method begin; what it says later goes on here, if the same exchange still waits for it. */
function beginSteps(
	broker: Broker,
	connection: Connection,
	method: AuthenticationMethod,
	clientId: string,
	userName: string | undefined,
): void {
	const exchange = connection.authentication!.exchange!;
	exchange.until = broker.now + (method.timeoutMs ?? broker.limits.connectTimeoutMs);
	// after that, so that the client is told why
	if (connection.state === ConnectionState.Opened) broker.deadlines.set(connection.index, exchange.until + 1_000);
	exchange.steps = method.begin(clientId, userName, connection.address, (step) => {
		if (connection.authentication?.exchange !== exchange || !exchange.pending) return;
		broker.beginTurn();
		exchange.pending = false;
		try {
			concludeStep(broker, connection, step);
		} catch (error) {
			broker.failed(connection, error);
		}
	});
}

/** Keeps a CONNECT in blocks until it may be concluded. */
export function keepConnect(
	broker: Broker,
	connection: Connection,
	authentication: Authentication,
	bytes: Uint8Array,
	start: number,
	end: number,
): Cause {
	if (broker.authenticating >= broker.limits.authentications) return Cause.FullAuthentications;
	const pool = broker.pool;
	const first = pool.take(Math.ceil((end - start) / pool.blockBytes));
	if (first === 0) return Cause.FullStore;
	pool.write(first, 0, bytes, start, end);
	const exchange = new Exchange();
	exchange.connectFirst = first;
	exchange.connectBytes = end - start;
	authentication.exchange = exchange;
	connection.authentication = authentication;
	broker.authenticating++;
	return Cause.None;
}

/** Puts a CONNECT that was kept into the assembly buffer. @returns index after it */
export function recallConnect(broker: Broker, exchange: Exchange): number {
	return broker.pool.read(exchange.connectFirst, 0, exchange.connectBytes, broker.memory, broker.layout.assembly);
}

/** AUTH: the next step of an exchange, or the first one of another. Spec: 5.0, 3.15, 4.12.1 */
export function handleAuth(
	broker: Broker,
	connection: Connection,
	bytes: Uint8Array,
	start: number,
	end: number,
): void {
	const authentication = connection.authentication;
	const method = authentication?.method;
	if (authentication === undefined || method === undefined) return connection.refuse(Cause.PacketNotAllowed);
	const packet = broker.reasonPacket;
	let cause = decodeReason(packet, bytes, start, end, PacketType.Auth, connection.version, broker.text);
	if (cause === Cause.None) cause = checkAuth(broker, connection, packet.reason, packet.properties);
	if (cause !== Cause.None) return refuse(broker, connection, cause);
	if (packet.reason === ReasonCode.ReAuthenticate) {
		if (broker.authenticating >= broker.limits.authentications)
			return refuse(broker, connection, Cause.FullAuthentications);
		authentication.exchange = new Exchange();
		broker.authenticating++;
		beginSteps(broker, connection, method, connection.session!.clientId, undefined);
	}
	takeData(broker, connection, packet.properties);
}

/** Spec: [MQTT-3.15.2-1] [MQTT-4.12.0-3] [MQTT-4.12.0-5] [MQTT-4.12.1-1] */
function checkAuth(broker: Broker, connection: Connection, reason: number, properties: Properties): Cause {
	if (!properties.has(PropertyId.AuthenticationMethod)) return Cause.AuthenticationMethodMissing;
	if (methodOf(broker, properties) !== connection.authentication!.method) return Cause.AuthenticationMethodChanged;
	const exchange = connection.authentication!.exchange;
	if (exchange?.pending) return Cause.PacketNotAllowed; // it is this side's turn
	const running = exchange !== undefined;
	if (reason === ReasonCode.ContinueAuthentication) return running ? Cause.None : Cause.PacketNotAllowed;
	if (reason !== ReasonCode.ReAuthenticate) return Cause.ReasonCodeUnknown;
	return running || connection.state !== ConnectionState.Connected ? Cause.PacketNotAllowed : Cause.None;
}

function methodOf(broker: Broker, properties: Properties): AuthenticationMethod | undefined {
	const name = properties.string(PropertyId.AuthenticationMethod, broker.text);
	const methods = broker.authenticationMethods;
	for (let i = 0; i < methods.length; i++) if (methods[i]!.name === name) return methods[i];
	return undefined;
}

/** Gives the place back, and the CONNECT that waited. */
export function endExchange(broker: Broker, connection: Connection): void {
	const authentication = connection.authentication;
	const exchange = authentication?.exchange;
	if (authentication === undefined || exchange === undefined) return;
	broker.authenticating--;
	authentication.exchange = undefined;
	exchange.steps?.end?.();
	if (exchange.connectFirst !== 0) broker.pool.giveBack(exchange.connectFirst);
	if (exchange.heldFirst !== 0) broker.pool.giveBack(exchange.heldFirst);
	if (exchange.until !== 0 && exchange.steps === undefined)
		broker.guesses.waited(connection.address, authentication.userName);
}

/** Brings the client's data to its method and tells the client what came of it. */
function takeData(broker: Broker, connection: Connection, properties: Properties): void {
	const exchange = connection.authentication!.exchange!;
	const steps = exchange.steps!;
	const has = properties.has(PropertyId.AuthenticationData);
	const start = has ? properties.dataStart(PropertyId.AuthenticationData) : 0;
	const end = has ? properties.dataEnd(PropertyId.AuthenticationData) : 0;
	const step = steps.take(properties.bytes, start, end);
	if (step === "later") exchange.pending = true;
	else concludeStep(broker, connection, step);
}

/** Tells the client what came of its data. */
function concludeStep(broker: Broker, connection: Connection, step: Exclude<Step, "later">): void {
	const authentication = connection.authentication!;
	const exchange = authentication.exchange!;
	const steps = exchange.steps!;
	if ((steps.data?.length ?? 0) > AUTHENTICATION_DATA_MAX)
		throw new RangeError(`${authentication.method!.name}: more than ${AUTHENTICATION_DATA_MAX} bytes of data`);
	if (step === "continue") return sendAuth(broker, connection, ReasonCode.ContinueAuthentication);
	const again = connection.state === ConnectionState.Connected;
	// who comes again as another would have the session and the rights of the one before
	const same = !again || steps.userName === authentication.userName;
	if (step === "failure") {
		// a method with causes of its own counts for itself
		if (steps.cause === undefined) {
			broker.guesses.failed(connection.address, undefined, broker.now);
			broker.guesses.forget(connection.address, clientIdOf(broker, connection, exchange));
		}
		return refuse(broker, connection, steps.cause ?? Cause.AuthenticationFailed);
	}
	if (!same) return refuse(broker, connection, Cause.AuthenticationFailed);
	authentication.userName = steps.userName;
	broker.guesses.succeeded(connection.address, steps.userName);
	if (again) sendAuth(broker, connection, ReasonCode.Success);
	else connectAgain(broker, connection, exchange);
	endExchange(broker, connection);
}

/** @returns who began the exchange, by what it calls itself */
function clientIdOf(broker: Broker, connection: Connection, exchange: Exchange): string | undefined {
	if (connection.session !== undefined) return connection.session.clientId;
	if (exchange.connectFirst === 0) return undefined;
	const packet = broker.connectPacket;
	const end = recallConnect(broker, exchange);
	decodeConnect(packet, broker.memory, broker.layout.assembly, end, broker.text);
	return broker.text.decode(packet.bytes, packet.clientIdStart, packet.clientIdEnd);
}

/** The CONNECT that waited is handled now. */
function connectAgain(broker: Broker, connection: Connection, exchange: Exchange): void {
	const packet = broker.connectPacket;
	const end = recallConnect(broker, exchange);
	broker.pool.giveBack(exchange.connectFirst); // a Will Message may need the room
	exchange.connectFirst = 0;
	decodeConnect(packet, broker.memory, broker.layout.assembly, end, broker.text);
	finishConnect(broker, connection, packet);
}

/** The exchange that a controller had with a client is over, and its CONNECT is handled now.
 *  @param connack what the client is told; null: nothing */
export function concludeConnect(broker: Broker, connection: Connection, connack: Connack | null): void {
	const packet = broker.connectPacket;
	const end = recallConnect(broker, connection.authentication!.exchange!);
	endExchange(broker, connection);
	connection.authentication = undefined;
	decodeConnect(packet, broker.memory, broker.layout.assembly, end, broker.text);
	finishConnect(broker, connection, packet, connack);
}

/** Spec: [MQTT-4.12.0-2] [MQTT-4.12.0-5] */
function sendAuth(broker: Broker, connection: Connection, reason: number): void {
	const memory = broker.memory;
	const from = broker.layout.scratch;
	const p = putAuthentication(broker, connection, from);
	broker.send(connection, p, encodeReason(memory, p, PacketType.Auth, Version.V5, reason, memory, from, p));
}

/** Before CONNACK the refusal is a CONNACK, after it DISCONNECT. Spec: [MQTT-4.12.0-4] [MQTT-4.12.1-2]
 *  [MQTT-3.14.0-1] */
export function refuse(broker: Broker, connection: Connection, cause: Cause): void {
	if (connection.state === ConnectionState.Opened && connection.authentication !== undefined)
		refuseConnect(broker, connection, cause);
	else connection.refuse(cause);
}
