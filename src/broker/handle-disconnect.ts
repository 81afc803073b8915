/** DISCONNECT and PINGREQ. Spec: sections 3.12 to 3.14 */
import { decodeReason, encodePing } from "../codec/connect.js";
import { PacketType, PropertyId, ReasonCode, Version } from "../codec/packet-types.js";
import { Cause } from "../errors.js";
import type { Broker } from "./broker.js";
import type { Connection } from "./connection.js";
import type { Session } from "./session.js";
import { dropWill } from "./will.js";

/** Spec: [MQTT-3.12.4-1] */
export function handlePing(broker: Broker, connection: Connection, start: number, end: number): void {
	if (start !== end) return connection.refuse(Cause.PacketTrailingBytes);
	const memory = broker.memory;
	const at = connection.output.stage(2);
	if (at >= 0) {
		connection.output.staged(encodePing(memory, at, PacketType.Pingresp));
		broker.touch(connection.output);
		return;
	}
	const scratch = broker.layout.scratch;
	broker.send(connection, scratch, encodePing(memory, scratch, PacketType.Pingresp));
}

/** The client ends the connection: without its Will Message, unless 5.0's reason 0x04 asks for it.
 *  Spec: [MQTT-3.14.4-3]; 5.0 3.14.2.2.2, [MQTT-3.14.2-2] */
export function handleDisconnect(
	broker: Broker,
	connection: Connection,
	session: Session,
	bytes: Uint8Array,
	start: number,
	end: number,
): void {
	const packet = broker.reasonPacket;
	const cause = decodeReason(packet, bytes, start, end, PacketType.Disconnect, connection.version, broker.text);
	if (cause !== Cause.None) return connection.refuse(cause);
	if (!isClientReason(packet.reason)) return connection.refuse(Cause.ReasonCodeUnknown);
	const properties = packet.properties;
	if (properties.has(PropertyId.ServerReference)) return connection.refuse(Cause.PropertyNotAllowed);
	if (properties.has(PropertyId.SessionExpiryInterval)) {
		const seconds = properties.number(PropertyId.SessionExpiryInterval, 0);
		if (session.expirySeconds === 0 && seconds !== 0) return connection.refuse(Cause.SessionExpiryRaised);
		session.expirySeconds = Math.min(seconds, connection.listener.limits.sessionExpirySeconds);
	}
	if (packet.reason === ReasonCode.Success || connection.version !== Version.V5) dropWill(broker, session);
	broker.close(connection, Cause.None);
}

/** Spec: 5.0, table 3-13: what a client may send [MQTT-3.14.2-1] */
function isClientReason(reason: number): boolean {
	switch (reason) {
		case ReasonCode.Success:
		case ReasonCode.DisconnectWithWill:
		case ReasonCode.UnspecifiedError:
		case ReasonCode.MalformedPacket:
		case ReasonCode.ProtocolError:
		case ReasonCode.ImplementationSpecificError:
		case ReasonCode.TopicNameInvalid:
		case ReasonCode.ReceiveMaximumExceeded:
		case ReasonCode.TopicAliasInvalid:
		case ReasonCode.PacketTooLarge:
		case ReasonCode.MessageRateTooHigh:
		case ReasonCode.QuotaExceeded:
		case ReasonCode.AdministrativeAction:
		case ReasonCode.PayloadFormatInvalid:
			return true;
		default:
			return false;
	}
}
