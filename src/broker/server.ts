/** What a program has in hand of a broker: its clients, and packets for any of them. */
import { PacketType, ReasonCode } from "../codec/packet-types.js";
import { reasonFor, type ServerPacket, typeOf } from "../codec/packets.js";
import { Cause, causeReason, HearthError } from "../errors.js";
import type { Broker } from "./broker.js";
import { closeConnection } from "./close.js";
import type { Connection } from "./connection.js";
import { subscribe, unsubscribe } from "./handle-subscribe.js";
import type { LocalSubscription, PublishOptions } from "./local.js";
import { publishToAll, sendPacket, sendPublish } from "./send-packet.js";
import { pump } from "./send-publish.js";
import type { MessageHandler, Session } from "./session.js";
import { Views } from "./views.js";

/** A client's Network Connection. It may be kept: once the connection has ended, `open` is false for good, and what is
 *  sent goes nowhere. */
export class ClientConnection {
	/** the program's own */
	data: unknown = undefined;

	/** @param internal its place in the broker, which is another's later; undefined: the connection has ended */
	constructor(
		private readonly broker: Broker,
		private internal: Connection | undefined,
	) {}

	/** @returns whether it has not ended */
	get open(): boolean {
		return this.internal !== undefined;
	}

	/** "" before CONNACK, and after the end */
	get clientId(): string {
		return this.internal?.session?.clientId ?? "";
	}

	/** undefined: an anonymous client, or none yet */
	get userName(): string | undefined {
		return this.internal?.session?.userName;
	}

	/** Protocol Level: 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0; 0 after the end */
	get protocolVersion(): number {
		return this.internal?.version ?? 0;
	}

	/** where the client is, as the platform says it; "?" after the end */
	get address(): string {
		return this.internal?.address ?? "?";
	}

	/** the name of the listener that it came in at */
	get listener(): string {
		return this.internal?.listener.name ?? "";
	}

	/** Sends a packet; see `Server.send`. */
	send(packet: ServerPacket): Cause {
		this.broker.beginTurn();
		typeOf(packet);
		return this.internal === undefined ? Cause.TransportClosed : sendPacket(this.broker, this.internal, packet, 0);
	}

	/** Ends the connection; 5.0 clients hear why. @param reason Reason Code, by default 0x98: administrative action */
	close(reason: number = ReasonCode.AdministrativeAction): void {
		if (this.internal === undefined) return;
		this.broker.beginTurn();
		const said = reasonFor(PacketType.Disconnect, reason);
		closeConnection(this.broker, this.internal, Cause.AdministrativeAction, said);
	}

	/** The connection has ended: the broker says so. */
	ended(): void {
		this.internal = undefined;
	}
}

/** A client's Session State. It may be kept: once the session has ended, `alive` is false, and it has nothing. */
export class ClientSession {
	readonly clientId: string;

	constructor(
		private readonly broker: Broker,
		private readonly internal: Session,
	) {
		this.clientId = internal.clientId;
	}

	/** @returns whether there is a session of the client, this one or one after it */
	get alive(): boolean {
		return this.internal.clientId === this.clientId;
	}

	get userName(): string | undefined {
		return this.alive ? this.internal.userName : undefined;
	}

	/** seconds that it outlives its connection; 0xffffffff: for good */
	get expirySeconds(): number {
		return this.alive ? this.internal.expirySeconds : 0;
	}

	/** messages that wait for the client, or for its acknowledgement */
	get queued(): number {
		return this.alive ? this.internal.outbox.count : 0;
	}

	/** @returns its Topic Filters. Allocates */
	get filters(): string[] {
		const filters: string[] = [];
		if (!this.alive) return filters;
		const table = this.broker.table;
		for (let s = table.firstOfSession[this.internal.index]!; s !== 0; s = table.nextOfSession[s]!)
			filters.push(table.filterOf(s));
		return filters;
	}

	/** Subscribes for the client, whose rights are asked. Retained Messages follow what the client is told in this call.
	 *  @param qos the highest that messages come with, 0 to 2
	 *  @returns what SUBACK says: the granted QoS, or the Reason Code ≥ 0x80 of why not */
	subscribe(filter: string, qos: number): number {
		if (!Number.isInteger(qos) || qos < 0 || qos > 2)
			throw new HearthError("HEARTH_ERR_PACKET", `subscribe: ${filter}: qos ${qos}: give 0, 1 or 2`);
		if (!this.alive) return ReasonCode.UnspecifiedError;
		const { broker, internal } = this;
		broker.beginTurn();
		const granted = subscribe(broker, internal, filter, broker.text.size(filter), qos, 0, 0);
		if (granted < 0) return causeReason(-granted);
		const connection = internal.connection;
		if (connection !== undefined && connection.sending === 0 && broker.server.calling !== connection)
			pump(broker, connection, internal);
		return granted;
	}

	/** @returns what UNSUBACK says: 0, or 0x11 for what was not subscribed */
	unsubscribe(filter: string): number {
		if (!this.alive) return ReasonCode.NoSubscriptionExisted;
		this.broker.beginTurn();
		return unsubscribe(this.broker, this.internal, filter);
	}
}

/** The broker as a server that the program speaks through: `Broker.server`, and `server` of a controller's context.
 *  Not for access rules, which only answer. */
export class Server {
	/** a controller is asked for a packet of this connection now */
	calling: Connection | undefined = undefined;
	/** bytes of packets that wait for controllers' promises */
	waitingBytes = 0;
	readonly views: Views;
	/** by connection: what the program knows it by; undefined: nobody asked yet */
	private readonly known: (ClientConnection | undefined)[];

	/** See `Broker.server`. */
	constructor(readonly broker: Broker) {
		this.views = new Views(broker);
		this.known = [];
		for (let i = 0; i < broker.connections.length; i++) this.known.push(undefined);
	}

	/** @returns what the program knows a connection by */
	clientOf(connection: Connection): ClientConnection {
		return (this.known[connection.index] ??= new ClientConnection(this.broker, connection));
	}

	/** The connection has ended. */
	forget(connection: Connection): void {
		this.known[connection.index]?.ended();
		this.known[connection.index] = undefined;
	}

	/** @returns the connections of clients with a CONNACK of success. Allocates */
	get connections(): ClientConnection[] {
		const list: ClientConnection[] = [];
		const all = this.broker.connections;
		for (let i = 0; i < all.length; i++) if (all[i]!.session !== undefined) list.push(this.clientOf(all[i]!));
		return list;
	}

	/** @returns a client's connection; undefined: it is not connected */
	connection(clientId: string): ClientConnection | undefined {
		const connection = this.broker.sessions.find(clientId)?.connection;
		return connection === undefined ? undefined : this.clientOf(connection);
	}

	/** @returns a client's session; undefined: it has none */
	session(clientId: string): ClientSession | undefined {
		const session = this.broker.sessions.find(clientId);
		return session === undefined ? undefined : new ClientSession(this.broker, session);
	}

	/** Sends a packet to a client. A PUBLISH of QoS 1 or 2 goes through the client's queue, gets its Packet Identifier
	 *  there, is sent again until it is acknowledged, and waits for a client that is away.
	 *  @param to a connection, or a Client Identifier
	 *  @returns Cause.None, or why it was not sent: TransportClosed (there is no such client), PacketTooLarge, FullQueue,
	 *  SlowReceiver, PacketNotAllowed. Throws HearthError for a packet that cannot be made */
	send(to: ClientConnection | string, packet: ServerPacket): Cause {
		if (typeof to !== "string") return to.send(packet);
		const broker = this.broker;
		broker.beginTurn();
		typeOf(packet);
		const session = broker.sessions.find(to);
		if (session === undefined || session.handler !== undefined) return Cause.TransportClosed;
		if (packet.type === "publish") return sendPublish(broker, session, packet);
		const connection = session.connection;
		return connection === undefined ? Cause.TransportClosed : sendPacket(broker, connection, packet, 0);
	}

	/** Sends a packet to all clients that are connected. @returns how many get it. Throws as `send` */
	sendAll(packet: ServerPacket): number {
		const broker = this.broker;
		broker.beginTurn();
		typeOf(packet);
		if (packet.type === "publish") return publishToAll(broker, packet);
		let count = 0;
		for (let i = 0; i < broker.connections.length; i++) {
			const connection = broker.connections[i]!;
			if (connection.session !== undefined && sendPacket(broker, connection, packet, 0) === Cause.None) count++;
		}
		return count;
	}

	/** Publishes as a client would; see `Broker.publish`. */
	publish(topic: string, payload: Uint8Array | string, options?: PublishOptions): Cause {
		return this.broker.publish(topic, payload, options);
	}

	/** Hears of messages; see `Broker.subscribe`. */
	subscribe(filter: string, handler: MessageHandler): LocalSubscription {
		return this.broker.subscribe(filter, handler);
	}
}
