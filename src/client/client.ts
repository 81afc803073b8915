/** An MQTT client: wiring, turns, and the program's own interface. One for the device, Node and the browser: it knows
 *  neither sockets nor timers nor promises. Nothing of it allocates for a packet. */
import { ReasonPacket } from "../codec/connect.js";
import { ReasonCode, Version } from "../codec/packet-types.js";
import { AckPacket } from "../codec/publish.js";
import { SubackPacket } from "../codec/subscribe.js";
import { Cause, causeName } from "../errors.js";
import type { Platform, Text } from "../platform.js";
import { AckOrder } from "./ack-order.js";
import { checkClientLimits } from "./client-limits.js";
import { ClientListener } from "./client-listener.js";
import type { ClientOptions, ClientPublishOptions, ClientSubscribeOptions, PayloadSource } from "./client-options.js";
import { ClientCounters, ClientState } from "./client-state.js";
import { ServerLimits, sendAuth } from "./handle-connack.js";
import { PausedBy, sendAcks } from "./handle-publish.js";
import { IncomingMessage } from "./incoming-message.js";
import { Link } from "./link.js";
import { Outgoing } from "./outgoing.js";
import { Packets } from "./packets.js";
import { publish } from "./publish.js";
import { begin, checkAlive, end, type FilledOptions, fillOptions, pauseBefore, sendDisconnect } from "./reconnect.js";
import { type ClientSubscription, type Done, type MessageHandler, Subscriptions } from "./subscriptions.js";
import { TopicAliases } from "./topic-aliases.js";

export class Client extends Outgoing {
	/** @internal */
	readonly platform: Platform;
	/** @internal */
	readonly text: Text;
	/** @internal */
	readonly options: FilledOptions;
	/** hears of each packet; may be changed at any time */
	listener: ClientListener;
	readonly counters: ClientCounters = new ClientCounters();
	/** @internal */
	readonly ackOrder: AckOrder;
	/** @internal */
	readonly aliases: TopicAliases = new TopicAliases();
	/** @internal */
	readonly subscriptions: Subscriptions;
	/** @internal */
	readonly link: Link;
	/** a call for each packet */
	readonly packets: Packets;
	readonly server: ServerLimits = new ServerLimits();
	/** @internal */
	readonly message: IncomingMessage;
	/** @internal */
	readonly ackPacket: AckPacket;
	/** @internal */
	readonly reasonPacket: ReasonPacket;
	/** @internal */
	readonly subackPacket: SubackPacket = new SubackPacket();
	state: number = ClientState.Idle;
	/** ms on the platform's clock, as it was when the turn began @internal */
	now = 0;
	private turnIsOpen = false;
	/** Protocol Level that is spoken now */
	version: number;
	/** the server's choice, where it made one */
	clientId: string;
	/** connections so far, failed ones too; attempts that failed in a row @internal */
	connections = 0;
	/** @internal */
	attempts = 0;
	/** a connection was made since `connect()` @internal */
	wasConnected = false;
	/** when an attempt is given up, or begins; ms on the platform's clock @internal */
	dueAt = 0;
	/** @internal */
	keepAliveMs = 0;
	/** when PINGREQ was sent that has no answer; 0: none is @internal */
	pingedAt = 0;
	/** QoS 1 and 2 messages that may be in flight @internal */
	window = 0;
	/** Server Reference; "": the server that the connector is for. It holds for one connection, or from then on
	 *  @internal */
	reference = "";
	/** @internal */
	referenceLasts = false;
	/** @internal */
	redirects = 0;
	/** how often in a row another client has taken the session over. Spec: 5.0, 4.13 @internal */
	takeovers = 0;
	/** hears how the authentication that the program began has ended */
	private reauthentication: Done | undefined = undefined;

	/** Allocates all that the client will ever hold. Throws HearthError for limits or options that cannot be. */
	constructor(options: ClientOptions) {
		const limits = options.limits;
		checkClientLimits(limits);
		super(limits);
		this.platform = options.platform;
		this.text = options.platform.text;
		this.options = fillOptions(options, this.text);
		this.listener = options.listener ?? new ClientListener();
		this.version = this.options.version === 0 ? Version.V5 : this.options.version;
		this.clientId = this.options.clientId;
		this.ackOrder = new AckOrder(limits.received);
		this.subscriptions = new Subscriptions(this);
		this.message = new IncomingMessage(this.text);
		this.ackPacket = new AckPacket(this.message.properties);
		this.reasonPacket = new ReasonPacket(this.message.properties);
		this.link = new Link(this);
		this.packets = new Packets(this);
	}

	get isConnected(): boolean {
		return this.state === ClientState.Connected;
	}

	/** whether CONNECT asks for a new session. Spec: [MQTT-3.1.2-4] @internal */
	get beginsAnew(): boolean {
		if (this.clientId === "") return true;
		return this.options.cleanStart && !(this.version === Version.V5 && this.wasConnected);
	}

	/** Connects, and again whenever the connection is lost, until `disconnect()`. */
	connect(): void {
		if (this.state !== ClientState.Idle) return;
		this.beginTurn();
		this.wasConnected = false;
		this.attempts = this.redirects = 0;
		begin(this);
	}

	/** Publishes a message. At QoS 1 and 2 it is kept until the server has acknowledged it, over any number of
	 *  connections; without a connection, or when the server doesn't take it yet, it waits in the queue.
	 *  @param done told once how it ended; not called when nothing is returned but 0 or a refusal
	 *  @returns > 0: it is kept, and `done` will be called; 0: a QoS 0 message that has left; < 0: refused, a negated
	 *  Cause (a budget is used up, or topic or options are not valid) */
	publish(topic: string, payload: Uint8Array | string, options?: ClientPublishOptions, done?: Done): number {
		return publish(this, topic, payload, options, done);
	}

	/** Begins an authentication on the live connection. @param done hears how it ended
	 *  @returns false: there is no method, no connection, or no room. Spec: 5.0, 4.12.1 */
	authenticate(done?: Done): boolean {
		const method = this.options.authentication;
		if (method === undefined || !this.isConnected || this.version !== Version.V5) return false;
		this.reauthenticated(false, done);
		return sendAuth(this, ReasonCode.ReAuthenticate, method.begin());
	}

	/** Publishes a message whose payload the source brings as it is sent. See `publish`. */
	publishFrom(topic: string, source: PayloadSource, options?: ClientPublishOptions, done?: Done): number {
		return publish(this, topic, "", options, done, source);
	}

	/** Subscribes now, and again when the server has lost the session.
	 *  @param handler takes the messages; undefined: the listener does @param done hears SUBACK's Reason Code
	 *  @returns the subscription, or the Cause why there is none */
	subscribe(
		filter: string,
		handler?: MessageHandler,
		options?: ClientSubscribeOptions,
		done?: Done,
	): ClientSubscription | Cause {
		const subscription = this.subscriptions.add(filter, handler, options, done);
		if (typeof subscription !== "number") this.serve();
		return subscription;
	}

	/** Ends a subscription. @param done hears UNSUBACK's Reason Code, or None at once when the server need not know */
	unsubscribe(subscription: ClientSubscription, done?: Done): void {
		this.subscriptions.remove(subscription, done);
		this.serve();
	}

	/** Ends the connection and with it all that waits, without a Will Message.
	 *  @param reason 0, or 0x04: with the Will Message. Spec: 3.14, 5.0 3.14.2.1
	 *  @param properties encoded ones of 5.0 */
	disconnect(reason = 0, properties?: Uint8Array): void {
		if (this.state === ClientState.Idle) return;
		this.beginTurn();
		if (this.state === ClientState.Connected) sendDisconnect(this, reason, properties);
		this.lost(Cause.None, 0, "closed by this client", -1);
	}

	/** A handler had set `deferred` and has done with the message: it is acknowledged when those before it are. */
	acknowledge(ticket: number): void {
		this.ackOrder.done(ticket);
		if (!this.link.isOpen) return;
		this.beginTurn();
		sendAcks(this);
	}

	/** Stops reading: after the current packet, or part of one, no handler is called. Acknowledgements don't come
	 *  either. */
	pause(): void {
		this.link.pausedBy |= PausedBy.Application;
	}

	/** Reads on, at the end of the turn. */
	resume(): void {
		if ((this.link.pausedBy & PausedBy.Application) === 0) return;
		this.link.pausedBy &= ~PausedBy.Application;
		if (this.link.isOpen) this.touch();
	}

	/** Sends what can be sent: there is something new, or a PayloadSource has more. */
	serve(): void {
		if (!this.link.isOpen) return;
		this.beginTurn();
		this.touch();
		this.link.serve();
	}

	/** Something happens: what time is it? @internal */
	beginTurn(): void {
		this.now = this.platform.now();
	}

	/** There is something to do at the end of the turn, as bytes that were staged. @internal */
	touch(): void {
		if (this.turnIsOpen) return;
		this.turnIsOpen = true;
		this.platform.wake();
	}

	/** Hands what was gathered to the transport, and reads on where reading was paused. Called by the platform, once for
	 *  each `Platform.wake`. */
	endTurn(): void {
		this.turnIsOpen = false;
		this.beginTurn();
		if (this.state === ClientState.Waiting && this.dueAt <= this.now) begin(this);
		const link = this.link;
		link.goOn();
		const before = this.outputs.bytesSent;
		link.output.flush();
		if (this.outputs.bytesSent !== before) {
			link.spokeAt = this.now;
			// what found no room may find some now
			if (this.hasWaiting) this.serve();
		}
		this.listener.flushed();
	}

	/** Looks at what is due. Called by the platform every 250 ms or so. */
	tick(): void {
		if (this.state === ClientState.Idle) return;
		this.beginTurn();
		if (this.state === ClientState.Connected) return checkAlive(this);
		if (this.now < this.dueAt) return;
		if (this.state === ClientState.Waiting) begin(this);
		else this.lost(Cause.ConnectTimeout, 0, `no answer in ${this.options.connectTimeoutMs} ms`);
	}

	/** CONNACK with success. @internal */
	connected(sessionPresent: boolean): void {
		this.state = ClientState.Connected;
		this.counters.connections++;
		this.wasConnected = true;
		this.attempts = this.redirects = 0;
		this.pingedAt = 0;
		this.window = Math.min(this.limits.inFlight, this.server.receiveMaximum);
		this.aliases.begin(Math.min(this.limits.topicAliases, this.server.topicAliasMaximum));
		this.sendAgain(sessionPresent);
		this.subscriptions.connected(sessionPresent);
	}

	/** The server broke the protocol or a budget: the connection ends, with the reason where 5.0 can tell it.
	 *  @internal */
	fail(cause: Cause): void {
		this.log(0, `${this.link.output.transport?.remoteAddress ?? "?"}: ${causeName(cause)}`);
		if (this.isConnected) sendDisconnect(this, -1, undefined, cause);
		this.lost(cause, 0, causeName(cause));
	}

	/** Our own mistake, or a listener's: this connection ends. @internal */
	broken(error: unknown): void {
		this.counters.internalErrors++;
		this.log(0, `internal error: ${error}`);
		this.lost(Cause.InternalError, 0, String(error));
	}

	/** The connection is over, or could not be made.
	 *  @param againMs until the next attempt; -1: none; absent: as the options say @internal */
	lost(cause: Cause, reason: number, why: string, againMs?: number): void {
		if (this.state === ClientState.Idle || (this.state === ClientState.Waiting && againMs !== -1)) return;
		if (cause !== Cause.SessionTakenOver) this.takeovers = 0;
		const pause = againMs ?? pauseBefore(this);
		end(this, pause);
		this.reauthenticated(false);
		this.listener.disconnected(cause, reason, why, pause);
	}

	/** The authentication that the program began is over. @param done hears how, at the end @internal */
	reauthenticated(believed: boolean, done?: Done): void {
		const before = this.reauthentication;
		this.reauthentication = done;
		before?.(believed ? Cause.None : Cause.AuthenticationFailed, 0);
	}

	/** Calls a program's callback; what it throws is counted and logged. @internal */
	tell(done: Done, cause: Cause, reason: number): void {
		try {
			done(cause, reason);
		} catch (error) {
			this.handlerFailed(error);
		}
	}

	/** @internal */
	handlerFailed(error: unknown): void {
		this.counters.handlerErrors++;
		this.log(0, `a handler failed: ${error}`);
	}

	/** @internal */
	log(level: number, line: string): void {
		this.platform.log?.(level, line);
	}
}
