/** Controllers: the program's own answers to control packets. After connection.ts, in place of the handlers. */
import { PacketType } from "../codec/packet-types.js";
import type { ServerPacket } from "../codec/packets.js";
import type { ClientConnection, ClientSession, Server } from "./server.js";
import type { View } from "./view.js";
import type { ConnectView } from "./view-connect.js";
import type { PublishView } from "./view-publish.js";
import type { AckView, PingreqView, ReasonView, SubscribeView, UnsubscribeView } from "./views.js";

/** Who sent the packet that a method is called for. */
export interface Context {
	readonly connection: ClientConnection;
	/** undefined before CONNACK */
	readonly session: ClientSession | undefined;
	readonly server: Server;
}

/** What a method answers:
 *  - undefined: the broker does what the specification says;
 *  - a packet: it is sent, and nothing else is done for the client's packet;
 *  - null: nothing is sent or done;
 *  - it throws a `Refusal`, or a Reason Code: the client's packet is refused with that reason. */
// biome-ignore lint/suspicious/noConfusingVoidType: most methods return nothing
export type Answer = ServerPacket | null | undefined | void;

/** An answer, now or later: until then nothing more is read of that client. */
export type Reply = Answer | PromiseLike<Answer>;

/** A program's answers to the packets of a listener's clients: each method is called with a packet before anything is
 *  done for it. Packets that are not well-formed, and QoS 2 messages that came before, don't get so far. A method that
 *  is not there costs nothing. The view of the packet is good until the method returns, or its promise is settled. */
export class Controller {
	/** CONNECT. A CONNACK of success lets the client in without another login; null does so silently. */
	connect?(context: Context, packet: ConnectView): Reply;
	/** DISCONNECT: nothing can be sent; refused, the connection counts as lost, and its Will Message is published */
	disconnect?(context: Context, packet: ReasonView): Reply;
	/** PINGREQ */
	ping?(context: Context, packet: PingreqView): Reply;
	/** PUBLISH. One that is answered by a packet or null goes to nobody: `server.publish` routes. */
	publish?(context: Context, packet: PublishView): Reply;
	/** PUBACK. What was acknowledged is settled in any case, here and in the next three. */
	publishAck?(context: Context, packet: AckView): Reply;
	/** PUBREC */
	publishReceived?(context: Context, packet: AckView): Reply;
	/** PUBREL */
	publishRelease?(context: Context, packet: AckView): Reply;
	/** PUBCOMP */
	publishComplete?(context: Context, packet: AckView): Reply;
	/** SUBSCRIBE. One that is answered by a packet or null subscribes to nothing: `session.subscribe` does. */
	subscribe?(context: Context, packet: SubscribeView): Reply;
	/** UNSUBSCRIBE; see `subscribe` */
	unsubscribe?(context: Context, packet: UnsubscribeView): Reply;
	/** AUTH of 5.0 */
	auth?(context: Context, packet: ReasonView): Reply;
}

/** What a controller throws to refuse a packet. How the client hears of it is said by packet and version:
 *  docs/controllers.md */
export class Refusal extends Error {
	override name = "Refusal";

	/** @param reasonCode of 5.0, 0x80 to 0xff @param reasonString for 5.0 clients that want to know; "": none */
	constructor(
		readonly reasonCode: number,
		readonly reasonString = "",
	) {
		super(`refused with 0x${reasonCode.toString(16)}`);
	}
}

/** @returns a bit for each packet type that the controller has a method for: 1 << PacketType */
export function callsOf(controller: Controller | undefined): number {
	let calls = 0;
	for (let type = PacketType.Connect; type <= PacketType.Auth; type++)
		if (controller !== undefined && typeof methodOf(controller, type) === "function") calls |= 1 << type;
	return calls;
}

// Written out: a name that is looked up by a string may become a new property name, of which a device has few.
function methodOf(controller: Controller, type: PacketType): unknown {
	switch (type) {
		case PacketType.Connect:
			return controller.connect;
		case PacketType.Publish:
			return controller.publish;
		case PacketType.Puback:
			return controller.publishAck;
		case PacketType.Pubrec:
			return controller.publishReceived;
		case PacketType.Pubrel:
			return controller.publishRelease;
		case PacketType.Pubcomp:
			return controller.publishComplete;
		case PacketType.Subscribe:
			return controller.subscribe;
		case PacketType.Unsubscribe:
			return controller.unsubscribe;
		case PacketType.Pingreq:
			return controller.ping;
		case PacketType.Disconnect:
			return controller.disconnect;
		case PacketType.Auth:
			return controller.auth;
		default:
			return undefined;
	}
}

/** Calls the controller's method for a packet of the type, which it has. @param view of a packet of this type */
export function callMethod(controller: Controller, type: PacketType, context: Context, view: View): Reply {
	switch (type) {
		case PacketType.Connect:
			return controller.connect!(context, view as ConnectView);
		case PacketType.Publish:
			return controller.publish!(context, view as PublishView);
		case PacketType.Puback:
			return controller.publishAck!(context, view as AckView);
		case PacketType.Pubrec:
			return controller.publishReceived!(context, view as AckView);
		case PacketType.Pubrel:
			return controller.publishRelease!(context, view as AckView);
		case PacketType.Pubcomp:
			return controller.publishComplete!(context, view as AckView);
		case PacketType.Subscribe:
			return controller.subscribe!(context, view as SubscribeView);
		case PacketType.Unsubscribe:
			return controller.unsubscribe!(context, view as UnsubscribeView);
		case PacketType.Pingreq:
			return controller.ping!(context, view as PingreqView);
		case PacketType.Disconnect:
			return controller.disconnect!(context, view as ReasonView);
		default:
			return controller.auth!(context, view as ReasonView);
	}
}
