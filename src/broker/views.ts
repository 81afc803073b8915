/** The other packets as a controller sees them, and what hands out the views. */
import { decodeReason, ReasonPacket } from "../codec/connect.js";
import { PacketType, SubscribeOption, type Version } from "../codec/packet-types.js";
import type { Auth, Disconnect, Pingreq, Puback, Subscribe, Subscription, Unsubscribe } from "../codec/packets.js";
import { Properties } from "../codec/properties.js";
import { AckPacket, decodeAck } from "../codec/publish.js";
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
	readonly parts: AckPacket;

	constructor(broker: Broker, properties: Properties) {
		super(broker);
		this.parts = new AckPacket(properties);
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
	readonly parts: SubscribePacket;

	constructor(broker: Broker, properties: Properties) {
		super(broker);
		this.parts = new SubscribePacket(properties);
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
	readonly parts: ReasonPacket;

	constructor(broker: Broker, properties: Properties) {
		super(broker);
		this.parts = new ReasonPacket(properties);
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
	readonly parts: ReasonPacket;

	constructor(broker: Broker, properties: Properties) {
		super(broker);
		this.parts = new ReasonPacket(properties);
		properties.clear();
	}

	protected override decode(_c: Connection, _first: number, _bytes: Uint8Array, start: number, end: number): Cause {
		return start === end ? Cause.None : Cause.PacketTrailingBytes;
	}

	copy(): Pingreq {
		this.check();
		return { type: "pingreq" };
	}
}

/** The views of a broker with controllers: one of each, or a new one for each call in development. */
export class Views {
	/** by PacketType; not in development */
	private readonly kept: (View | undefined)[];
	/** of all views that are kept: one packet is looked at at a time */
	private properties: Properties;

	constructor(
		private readonly broker: Broker,
		private readonly development: boolean,
	) {
		this.kept = [];
		for (let i = 0; i <= PacketType.Auth; i++) this.kept.push(undefined);
		this.properties = new Properties();
	}

	/** @returns a view for a packet of the type, to `begin` with */
	take(type: PacketType): View {
		if (this.development) return this.make(type, new Properties());
		const view = this.kept[type];
		if (view !== undefined && !view.live) return view;
		// made the first time, or when a controller is called while another call goes on
		if (view !== undefined) this.properties = new Properties();
		return (this.kept[type] = this.make(type, this.properties));
	}

	/** A view is another call's no more: its promise is open. */
	give(type: PacketType, view: View): void {
		if (this.kept[type] !== view) return;
		for (let i = 0; i <= PacketType.Auth; i++) this.kept[i] = undefined;
		this.properties = new Properties();
	}

	private make(type: PacketType, properties: Properties): View {
		const broker = this.broker;
		switch (type) {
			case PacketType.Connect:
				return new ConnectView(broker);
			case PacketType.Publish:
				return new PublishView(broker, properties);
			case PacketType.Subscribe:
				return new SubscribeView(broker, properties);
			case PacketType.Unsubscribe:
				return new UnsubscribeView(broker, properties);
			case PacketType.Pingreq:
				return new PingreqView(broker, properties);
			case PacketType.Disconnect:
			case PacketType.Auth:
				return new ReasonView(broker, properties);
			default:
				return new AckView(broker, properties);
		}
	}
}
