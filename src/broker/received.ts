/** QoS 2 messages whose answer is the program's: what handle-publish.ts and handle-acks.ts do where it is the broker's.
 *  (There it is written out: a call costs opcodes on each message.) Spec: 4.3.3 */
import type { Broker } from "./broker.js";
import type { Session } from "./session.js";

/** The client's QoS 2 message is here: the same Packet Identifier is a duplicate until PUBREL. The caller asked whether
 *  there is a place. */
export function keepReceived(broker: Broker, session: Session, id: number): void {
	broker.received.add(session.index, id);
	session.receivedCount++;
}

/** PUBREL came. */
export function releaseReceived(broker: Broker, session: Session, id: number): void {
	if (broker.received.delete(session.index, id)) session.receivedCount--;
}
