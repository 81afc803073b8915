/** The other packets as a controller sees them, and what hands out the views. */
import { ConnectPacket, decodeReason, ReasonPacket } from "../codec/connect.js";
import { PacketType, SubscribeOption, type Version } from "../codec/packet-types.js";
import type { Auth, Disconnect, Pingreq, Puback, Subscribe, Subscription, Unsubscribe } from "../codec/packets.js";
import { Properties } from "../codec/properties.js";
import { AckPacket, decodeAck, PublishPacket } from "../codec/publish.js";
import { SubscribePacket } from "../codec/subscribe.js";
import { Cause } from "../errors.js";
import type { Broker } from "./broker.js";
import type { Connection } from "./connection.js";
import { View } from "./view.js";
import { ConnectView } from "./view-connect.js";
import { PublishView } from "./view-publish.js";

/** A PUBACK, PUBREC, PUBREL or PUBCOMP. */
export class AckView extends View {
	type: "puback" | "pubrec" | "pubrel" | "pubcomp" = "puback";

	constructor(
		broker: Broker,
		readonly parts: AckPacket,
	) {
		super(broker);
	}

	protected override decode(_c: Connection, first: number, bytes: Uint8Array, start: number, end: number): Cause {
		const type: PacketType = first >> 4;
		this.type =
			type === PacketType.Puback
				? "puback"
				: type === PacketType.Pubrec
					? "pubrec"
					: type === PacketType.Pubrel
						? "pubrel"
						: "pubcomp";
		return decodeAck(this.parts, bytes, start, end, type, this.version as Version, this.broker.text);
	}

	override get id(): number {
		return this.parts.packetId;
	}

	get packetId(): number {
		this.check();
		return this.id;
	}

	/** 0 before 5.0 */
	get reasonCode(): number {
		this.check();
		return this.parts.reason;
	}

	copy(): Required<Pick<Puback, "packetId" | "reasonCode" | "properties">> & { type: AckView["type"] } {
		return {
			type: this.type,
			packetId: this.packetId,
			reasonCode: this.reasonCode,
			properties: this.properties,
		};
	}
}

/** What SUBSCRIBE and UNSUBSCRIBE have in common. */
abstract class FilterView extends View {
	constructor(
		broker: Broker,
		readonly parts: SubscribePacket,
	) {
		super(broker);
	}

	override get id(): number {
		return this.parts.packetId;
	}

	override get count(): number {
		return this.parts.filterCount;
	}

	get packetId(): number {
		this.check();
		return this.id;
	}

	/** @returns the next Topic Filter, after `parts.rewind` */
	protected nextFilter(): string {
		this.parts.next();
		return this.string(this.parts.bytes, this.parts.filterStart, this.parts.filterEnd);
	}
}

export class SubscribeView extends FilterView {
	readonly type = "subscribe";

	protected override decode(_c: Connection, _first: number, bytes: Uint8Array, start: number, end: number): Cause {
		const { broker, version } = this;
		return this.parts.decode(bytes, start, end, PacketType.Subscribe, version as Version, broker.text);
	}

	/** copies; whether the Topic Filters are well-formed is not known yet */
	get subscriptions(): Subscription[] {
		this.check();
		const list: Subscription[] = [];
		this.parts.rewind();
		for (let i = 0; i < this.parts.filterCount; i++) {
			const filter = this.nextFilter();
			const options = this.parts.options;
			list.push({
				filter,
				qos: options & SubscribeOption.Qos,
				noLocal: (options & SubscribeOption.NoLocal) !== 0,
				retainAsPublished: (options & SubscribeOption.RetainAsPublished) !== 0,
				retainHandling: (options & SubscribeOption.RetainHandling) >> 4,
			});
		}
		return list;
	}

	copy(): Subscribe {
		return {
			type: "subscribe",
			packetId: this.packetId,
			subscriptions: this.subscriptions,
			properties: this.properties,
		};
	}
}

export class UnsubscribeView extends FilterView {
	readonly type = "unsubscribe";

	protected override decode(_c: Connection, _first: number, bytes: Uint8Array, start: number, end: number): Cause {
		const { broker, version } = this;
		return this.parts.decode(bytes, start, end, PacketType.Unsubscribe, version as Version, broker.text);
	}

	/** copies */
	get filters(): string[] {
		this.check();
		const list: string[] = [];
		this.parts.rewind();
		for (let i = 0; i < this.parts.filterCount; i++) list.push(this.nextFilter());
		return list;
	}

	copy(): Unsubscribe {
		return { type: "unsubscribe", packetId: this.packetId, filters: this.filters, properties: this.properties };
	}
}

/** A DISCONNECT or AUTH. */
export class ReasonView extends View {
	type: "disconnect" | "auth" = "disconnect";

	constructor(
		broker: Broker,
		readonly parts: ReasonPacket,
	) {
		super(broker);
	}

	protected override decode(_c: Connection, first: number, bytes: Uint8Array, start: number, end: number): Cause {
		const type = first >> 4 === PacketType.Auth ? PacketType.Auth : PacketType.Disconnect;
		this.type = type === PacketType.Auth ? "auth" : "disconnect";
		return decodeReason(this.parts, bytes, start, end, type, this.version as Version, this.broker.text);
	}

	/** 0 before 5.0 */
	get reasonCode(): number {
		this.check();
		return this.parts.reason;
	}

	copy(): Required<Disconnect> | Required<Auth> {
		const { reasonCode, properties } = this;
		return this.type === "auth"
			? { type: "auth", reasonCode, properties }
			: { type: "disconnect", reasonCode, properties };
	}
}

export class PingreqView extends View {
	readonly type = "pingreq";

	constructor(
		broker: Broker,
		readonly parts: ReasonPacket,
	) {
		super(broker);
		parts.properties.clear();
	}

	protected override decode(_c: Connection, _first: number, _bytes: Uint8Array, start: number, end: number): Cause {
		return start === end ? Cause.None : Cause.PacketTrailingBytes;
	}

	copy(): Pingreq {
		this.check();
		return { type: "pingreq" };
	}
}

/** Makes the views of a broker with controllers: a view is a small object, what it reads with is shared by all. */
export class Views {
	/** one packet is looked at at a time; undefined: it is not made yet, or a promise's view has it */
	private connect: ConnectPacket | undefined = undefined;
	private publish: PublishPacket | undefined = undefined;
	private ack: AckPacket | undefined = undefined;
	private subscribe: SubscribePacket | undefined = undefined;
	private reason: ReasonPacket | undefined = undefined;
	private properties: Properties | undefined = undefined;

	constructor(private readonly broker: Broker) {}

	/** @returns a view for a packet of the type, to `begin` with. The ones before are over, or were given away */
	take(type: PacketType): View {
		const broker = this.broker;
		if (type === PacketType.Connect) return new ConnectView(broker, (this.connect ??= new ConnectPacket()));
		const properties = (this.properties ??= new Properties());
		switch (type) {
			case PacketType.Publish:
				return new PublishView(broker, (this.publish ??= new PublishPacket(broker.text, properties)));
			case PacketType.Subscribe:
				return new SubscribeView(broker, (this.subscribe ??= new SubscribePacket(properties)));
			case PacketType.Unsubscribe:
				return new UnsubscribeView(broker, (this.subscribe ??= new SubscribePacket(properties)));
			case PacketType.Pingreq:
				return new PingreqView(broker, (this.reason ??= new ReasonPacket(properties)));
			case PacketType.Disconnect:
			case PacketType.Auth:
				return new ReasonView(broker, (this.reason ??= new ReasonPacket(properties)));
			default:
				return new AckView(broker, (this.ack ??= new AckPacket(properties)));
		}
	}

	/** The view that was taken last keeps what it reads with: its promise is open. */
	give(): void {
		this.connect = undefined;
		this.publish = undefined;
		this.ack = undefined;
		this.subscribe = undefined;
		this.reason = undefined;
		this.properties = undefined;
	}
}
