/** Reason String: why something was refused, by the name that counters and log lines have for the cause.
 *  Spec: 5.0, 3.1.2.11.7, 3.2.2.3.9, 3.14.2.2.3 and the like */
import { sizeOfVariable } from "../codec/data-types.js";
import { PropertyId, Version } from "../codec/packet-types.js";
import { putStringProperty } from "../codec/properties.js";
import { type Cause, causeName } from "../errors.js";
import type { Broker } from "./broker.js";
import { type Connection, ConnectionOption } from "./connection.js";

/** Bytes of the longest Reason String property. */
export const REASON_STRING_BYTES = 64;

/** Writes the property to the broker's memory at `at`, for an acknowledgement, where the client wants it.
 *  See `putAnyReasonString`. Spec: [5:MQTT-3.1.2-29] */
export function putReasonString(
	broker: Broker,
	connection: Connection,
	at: number,
	cause: Cause,
	otherBytes: number,
): number {
	if ((connection.options & ConnectionOption.NoProblemInformation) !== 0) return at;
	return putAnyReasonString(broker, connection, at, cause, otherBytes);
}

/** The same for CONNACK and DISCONNECT: it is left out before 5.0, and where the packet would be larger than the
 *  client takes.
 *  @param otherBytes of the whole packet without it
 *  @returns index after it; `at`: left out. Spec: [5:MQTT-3.2.2-19] [5:MQTT-3.4.2-2] [5:MQTT-3.14.2-3] and the like */
export function putAnyReasonString(
	broker: Broker,
	connection: Connection,
	at: number,
	cause: Cause,
	otherBytes: number,
): number {
	if (connection.version !== Version.V5) return at;
	const end = putStringProperty(broker.memory, at, PropertyId.ReasonString, causeName(cause), broker.text);
	const bytes = end - at;
	// Property Length, and Remaining Length that may get longer by it
	return otherBytes + sizeOfVariable(bytes) + bytes + 1 <= connection.packetBytesMax ? end : at;
}
