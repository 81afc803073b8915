/** The login of a client without Enhanced Authentication: user name and password are judged at once, or the
 *  CONNECT waits
 *  for the answer, and before it where somebody guesses. Between handle-connect.ts and access.ts. Spec: 3.1.4 */
import { type ConnectPacket, decodeConnect } from "../codec/connect.js";
import { putBytes } from "../codec/data-types.js";
import { Cause } from "../errors.js";
import { Authentication } from "./authentication.js";
import type { Broker } from "./broker.js";
import { refuseConnect } from "./connack.js";
import { type Connection, ConnectionState } from "./connection.js";
import { endExchange, keepConnect, recallConnect } from "./handle-auth.js";
import { certifiedName, finishConnect, userNameOf } from "./handle-connect.js";

/** A CONNECT whose body is at bytes[start..end) was taken apart. */
export function logIn(
	broker: Broker,
	connection: Connection,
	packet: ConnectPacket,
	bytes: Uint8Array,
	start: number,
	end: number,
): void {
	if (certifiedName(connection) !== undefined) return finishConnect(broker, connection, packet);
	const userName = userNameOf(broker, connection, packet);
	const delay = broker.guesses.delay(connection.address, userName, broker.now);
	if (delay < 0) return refuseConnect(broker, connection, Cause.FullAuthentications);
	if (delay === 0) return ask(broker, connection, packet, bytes, start, end);
	if (!wait(broker, connection, userName, bytes, start, end))
		return broker.guesses.waited(connection.address, userName);
	connection.authentication!.exchange!.until = broker.now + delay;
	broker.deadlines.set(connection.index, broker.now + delay + broker.limits.connectTimeoutMs);
}

/** The CONNECT is kept in blocks, and nothing more of this client is looked at. @returns false: it was refused */
function wait(
	broker: Broker,
	connection: Connection,
	userName: string | undefined,
	bytes: Uint8Array,
	start: number,
	end: number,
): boolean {
	const authentication = new Authentication(undefined);
	authentication.userName = userName;
	const cause = keepConnect(broker, connection, authentication, bytes, start, end);
	if (cause !== Cause.None) {
		refuseConnect(broker, connection, cause);
		return false;
	}
	connection.state = ConnectionState.Waiting;
	broker.deadlines.set(connection.index, broker.now + broker.limits.connectTimeoutMs);
	return true;
}

/** Asks the rules; the answer comes at once or later. */
function ask(
	broker: Broker,
	connection: Connection,
	packet: ConnectPacket,
	bytes: Uint8Array,
	start: number,
	end: number,
): void {
	const userName = userNameOf(broker, connection, packet);
	const clientId = broker.text.decode(packet.bytes, packet.clientIdStart, packet.clientIdEnd)!;
	let asked: Authentication | undefined;
	const answer = (cause: Cause): void => {
		const waits = asked !== undefined && connection.authentication === asked;
		asked = undefined;
		if (waits) answered(broker, connection, cause); // else it is said twice, or the client has gone
	};
	const password = passwordOf(packet);
	broker.guesses.began(connection.address, userName, broker.now);
	const cause = connection.listener.access.authenticate({ clientId, userName }, password, connection.address, answer);
	const waiting = connection.state === ConnectionState.Waiting;
	if (cause !== undefined) {
		if (waiting) resume(broker, connection, packet, cause);
		else conclude(broker, connection, packet, cause);
	} else if (waiting || wait(broker, connection, userName, bytes, start, end)) asked = connection.authentication;
}

/** @returns a copy of the password; undefined: none */
function passwordOf(packet: ConnectPacket): Uint8Array | undefined {
	if (packet.passwordStart < 0) return undefined;
	const password = new Uint8Array(packet.passwordEnd - packet.passwordStart);
	putBytes(password, 0, packet.bytes, packet.passwordStart, packet.passwordEnd);
	return password;
}

/** A client that guessed has waited long enough. */
export function askNow(broker: Broker, connection: Connection): void {
	const { exchange, userName } = connection.authentication!;
	exchange!.until = 0;
	broker.guesses.waited(connection.address, userName);
	broker.deadlines.set(connection.index, broker.now + broker.limits.connectTimeoutMs);
	const at = broker.layout.assembly;
	const end = recallConnect(broker, exchange!);
	decodeConnect(broker.connectPacket, broker.memory, at, end, broker.text);
	ask(broker, connection, broker.connectPacket, broker.memory, at, end);
}

/** The rules have answered. */
function answered(broker: Broker, connection: Connection, cause: Cause): void {
	broker.beginTurn();
	try {
		const end = recallConnect(broker, connection.authentication!.exchange!);
		const packet = broker.connectPacket;
		decodeConnect(packet, broker.memory, broker.layout.assembly, end, broker.text);
		resume(broker, connection, packet, cause);
	} catch (error) {
		broker.failed(connection, error);
	}
}

/** The client goes on where it stopped: its CONNECT is concluded, then what came behind it. */
function resume(broker: Broker, connection: Connection, packet: ConnectPacket, cause: Cause): void {
	const exchange = connection.authentication!.exchange!;
	const held = exchange.heldFirst;
	exchange.heldFirst = 0;
	endExchange(broker, connection);
	connection.authentication = undefined;
	connection.state = ConnectionState.Opened;
	conclude(broker, connection, packet, cause);
	connection.takeHeld(held, exchange.heldBytes);
}

function conclude(broker: Broker, connection: Connection, packet: ConnectPacket, cause: Cause): void {
	const userName = userNameOf(broker, connection, packet);
	if (cause === Cause.None) broker.guesses.succeeded(connection.address, userName);
	else if (userName !== undefined) broker.guesses.failed(connection.address, userName, broker.now);
	if (cause === Cause.None) finishConnect(broker, connection, packet);
	else refuseConnect(broker, connection, cause);
}
