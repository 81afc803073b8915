/** PUBLISH as a controller sees it. */
import { PropertyId, Version } from "../codec/packet-types.js";
import type { ReceivedPublish } from "../codec/packets.js";
import { decodePublish, type PublishPacket } from "../codec/publish.js";
import { checkTopicName, tooDeep } from "../codec/topic.js";
import { Cause } from "../errors.js";
import type { Broker } from "./broker.js";
import type { Connection } from "./connection.js";
import { View } from "./view.js";

export class PublishView extends View {
	readonly type = "publish";
	private name: Uint8Array;
	private nameStart = 0;
	private nameEnd = 0;

	constructor(
		broker: Broker,
		readonly parts: PublishPacket,
	) {
		super(broker);
		this.name = parts.bytes;
	}

	protected override decode(c: Connection, first: number, bytes: Uint8Array, start: number, end: number): Cause {
		const packet = this.parts;
		const cause = decodePublish(packet, bytes, start, end, first & 15, this.version as Version);
		if (cause !== Cause.None) return cause;
		this.name = packet.bytes;
		this.nameStart = packet.topicStart;
		this.nameEnd = packet.topicEnd;
		const alias = this.version === Version.V5 ? packet.properties.number(PropertyId.TopicAlias, 0) : 0;
		if (alias !== 0) {
			const cause = this.resolve(c, alias);
			if (cause !== Cause.None) return cause;
		}
		return this.checkTopic();
	}

	/** A Topic Alias is looked up or noted; done again by the handler, it is the same. */
	private resolve(connection: Connection, alias: number): Cause {
		const p = this.broker.publication;
		p.topic = this.name;
		p.topicStart = this.nameStart;
		p.topicEnd = this.nameEnd;
		const cause = this.broker.aliasesTaken.use(connection, alias, p);
		if (cause !== Cause.None || this.nameStart < this.nameEnd) return cause;
		// it lies where the next packet's will
		this.name = p.topic.slice(p.topicStart, p.topicEnd);
		this.nameStart = 0;
		this.nameEnd = this.name.length;
		return Cause.None;
	}

	/** @returns whether the topic has a route: then somebody published to it before */
	private wasChecked(): boolean {
		const { routes, text } = this.broker;
		try {
			return routes.find(text.key(this.name, this.nameStart, this.nameEnd), this.nameEnd - this.nameStart) !== 0;
		} catch {
			return false; // ill-formed
		}
	}

	private checkTopic(): Cause {
		if (this.wasChecked()) return Cause.None;
		const limits = this.broker.limits;
		if (this.nameEnd - this.nameStart > limits.topicBytes) return Cause.TopicTooLong;
		const topic = this.broker.text.decode(this.name, this.nameStart, this.nameEnd);
		if (topic === undefined) return Cause.StringIllFormed;
		return tooDeep(topic, limits.topicLevels) ? Cause.TopicTooLong : checkTopicName(topic);
	}

	override get id(): number {
		return this.parts.qos === 0 ? 0 : this.parts.packetId;
	}

	/** also where a Topic Alias stands for it */
	get topic(): string {
		return this.string(this.name, this.nameStart, this.nameEnd);
	}

	/** a copy */
	get payload(): Uint8Array {
		this.check();
		return this.parts.bytes.slice(this.parts.payloadStart, this.parts.payloadEnd);
	}

	/** the payload as UTF-8; undefined: it is ill-formed */
	get payloadText(): string | undefined {
		this.check();
		return this.broker.text.decode(this.parts.bytes, this.parts.payloadStart, this.parts.payloadEnd);
	}

	get payloadBytes(): number {
		this.check();
		return this.parts.payloadEnd - this.parts.payloadStart;
	}

	get qos(): number {
		this.check();
		return this.parts.qos;
	}

	get retain(): boolean {
		this.check();
		return this.parts.retain;
	}

	get dup(): boolean {
		this.check();
		return this.parts.dup;
	}

	/** 0 at QoS 0 */
	get packetId(): number {
		this.check();
		return this.id;
	}

	copy(): ReceivedPublish {
		return {
			type: "publish",
			topic: this.topic,
			payload: this.payload,
			qos: this.qos,
			retain: this.retain,
			dup: this.dup,
			packetId: this.packetId,
			properties: this.properties,
		};
	}
}
