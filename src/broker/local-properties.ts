/** The properties of a message that the program publishes or gets. Beside local.ts. Spec: 5.0, 3.3.2.3 */
import { putVariable } from "../codec/data-types.js";
import { PacketType, PropertyId } from "../codec/packet-types.js";
import { Properties, putDataProperty, putStringProperty, sizeOfProperties } from "../codec/properties.js";
import { checkTopicName } from "../codec/topic.js";
import { Cause, HearthError } from "../errors.js";
import type { Text } from "../platform.js";

/** What goes along with a message to clients of 5.0. */
export interface MessageProperties {
	/** where an answer is to go. Spec: 5.0, 3.3.2.3.5 */
	responseTopic?: string;
	/** says which request an answer is to; at most 65,535 bytes. Spec: 5.0, 3.3.2.3.6 */
	correlationData?: Uint8Array;
	/** what the payload is, such as "application/json". Spec: 5.0, 3.3.2.3.9 */
	contentType?: string;
}

/** Writes them to bytes[at..). @returns index after them. Throws HearthError for a Response Topic that cannot be */
export function putMessageProperties(text: Text, properties: MessageProperties, bytes: Uint8Array, at: number): number {
	const { responseTopic, correlationData, contentType } = properties;
	let end = at;
	if (contentType !== undefined) end = putStringProperty(bytes, end, PropertyId.ContentType, contentType, text);
	if (responseTopic !== undefined) {
		if (checkTopicName(responseTopic) !== Cause.None)
			throw new HearthError("HEARTH_ERR_TOPIC", `publish: responseTopic "${responseTopic}": give a Topic Name`);
		end = putStringProperty(bytes, end, PropertyId.ResponseTopic, responseTopic, text);
	}
	if (correlationData === undefined) return end;
	return putDataProperty(bytes, end, PropertyId.CorrelationData, correlationData, 0, correlationData.length);
}

/** @returns the most bytes that `putMessageProperties` writes */
export function sizeOfMessageProperties(text: Text, properties: MessageProperties | undefined): number {
	if (properties === undefined) return 0;
	const { responseTopic, correlationData, contentType } = properties;
	let bytes = 0;
	if (contentType !== undefined) bytes += 3 + text.size(contentType);
	if (responseTopic !== undefined) bytes += 3 + text.size(responseTopic);
	return correlationData === undefined ? bytes : bytes + 3 + correlationData.length;
}

/** @param encoded properties of a stored message, without the Property Length @param target gets them */
export function takeMessageProperties(text: Text, encoded: Uint8Array, target: MessageProperties): void {
	// with the length that a packet would have before them
	const bytes = new Uint8Array(sizeOfProperties(encoded.length));
	bytes.set(encoded, putVariable(bytes, 0, encoded.length));
	const properties = new Properties();
	if (properties.decode(bytes, 0, bytes.length, PacketType.Publish, text) !== Cause.None) return;
	const responseTopic = properties.string(PropertyId.ResponseTopic, text);
	const contentType = properties.string(PropertyId.ContentType, text);
	if (responseTopic !== undefined) target.responseTopic = responseTopic;
	if (contentType !== undefined) target.contentType = contentType;
	if (!properties.has(PropertyId.CorrelationData)) return;
	const start = properties.dataStart(PropertyId.CorrelationData);
	target.correlationData = bytes.slice(start, properties.dataEnd(PropertyId.CorrelationData));
}
