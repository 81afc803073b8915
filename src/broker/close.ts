/** How connections and sessions end. Spec: 5.0 and 3.1.1, sections 3.14, 4.1, 4.13 */
import { encodeReason, sizeOfReason } from "../codec/connect.js";
import { PacketType, Version } from "../codec/packet-types.js";
import { Cause, causeName, causeReason } from "../errors.js";
import type { Broker } from "./broker.js";
import { type Connection, ConnectionState } from "./connection.js";
import { endExchange } from "./handle-auth.js";
import { removeSubscription } from "./handle-subscribe.js";
import { putAnyReasonString } from "./reason-string.js";
import { EXPIRY_NEVER, type Session } from "./session.js";
import { dropWill, releaseWill } from "./will.js";

/** Ends a Network Connection: 5.0 clients hear the reason first, the Will Message goes its way, the session waits
 *  or ends.
 *  @param cause Cause.None: the client said DISCONNECT @param reason Reason Code; -1: the client has heard
 *  Spec: [MQTT-4.8.0-1]; 5.0 [MQTT-4.13.1-1] [MQTT-3.14.4-2] */
export function closeConnection(
	broker: Broker,
	connection: Connection,
	cause: Cause,
	reason: number = causeReason(cause),
): void {
	if (connection.state === ConnectionState.Free) return;
	const session = connection.session;
	const connected = session !== undefined;
	const transport = connection.output.transport;
	const who = broker.logs(1) ? (session?.clientId ?? transport?.remoteAddress ?? "?") : "";
	broker.counters.count(cause);
	if (cause !== Cause.TransportClosed && transport !== undefined) {
		const tells = connected && cause !== Cause.None && reason >= 0 && connection.version === Version.V5;
		if (tells && connection.sending === 0) sendDisconnect(broker, connection, cause, reason);
		connection.output.flush();
	}
	if (connection.sending !== 0) session?.outbox.endSending(connection.sending);
	broker.aliasesTaken.clear(connection);
	endExchange(broker, connection);
	broker.forget(connection);
	broker.persist?.closed(connection);
	connection.reset();
	if (cause !== Cause.TransportClosed) transport?.close(cause === Cause.None);
	if (broker.logs(1)) broker.log(1, `${who}: ${connected ? "disconnected" : "refused"}: ${reasonText(cause)}`);
	if (session === undefined) return;
	broker.connectedCount--;
	connection.listener.connectedCount--;
	session.connection = undefined;
	broker.counters.dropsQueue += session.outbox.disconnect();
	if (broker.events.disconnected !== undefined)
		broker.tell(broker.events.disconnected, session.clientId, reasonText(cause));
	if (broker.stopping) return dropWill(broker, session);
	// one that comes back at once finds its messages
	if (cause !== Cause.SessionTakenOver) broker.shared.handOn(session, false);
	releaseWill(broker, session);
	if (session.expirySeconds === 0) endSession(broker, session);
	else if (session.expirySeconds !== EXPIRY_NEVER)
		broker.sessions.expiries.set(session.index, broker.now + session.expirySeconds * 1000);
	broker.persist?.left(session);
}

/** DISCONNECT, with the Reason String where there is room for it. Spec: 5.0, 3.14.2.2.3 */
function sendDisconnect(broker: Broker, connection: Connection, cause: Cause, reason: number): void {
	const memory = broker.memory;
	const string = broker.layout.head;
	const end = putAnyReasonString(broker, connection, string, cause, 3);
	const output = connection.output;
	let from = string;
	let at = output.stage(sizeOfReason(Version.V5, reason, end - from));
	if (at < 0) at = output.stage(sizeOfReason(Version.V5, reason, end - (from = end)));
	if (at >= 0) output.staged(encodeReason(memory, at, PacketType.Disconnect, Version.V5, reason, memory, from, end));
}

function reasonText(cause: Cause): string {
	return cause === Cause.None ? "by the client" : causeName(cause);
}

/** Ends a session without a connection: subscriptions, queue, Packet Identifiers; a Will Message that waits for
 *  its delay
 *  is published. Spec: [MQTT-3.1.2-6]; 5.0 [MQTT-4.1.0-2], 3.1.3.2.2 */
export function endSession(broker: Broker, session: Session): void {
	broker.shared.handOn(session, true);
	const table = broker.table;
	for (let s = table.firstOfSession[session.index]!; s !== 0; s = table.firstOfSession[session.index]!)
		removeSubscription(broker, s);
	session.outbox.clear();
	if (session.receivedCount > 0) broker.received.clear(session.index);
	session.receivedCount = 0;
	broker.wills.add(session, -1);
	broker.persist?.ended(session);
	broker.sessions.remove(session);
}
