/** The broker: wiring, turns, counters and the program's own interface. No protocol is in here. */

import type { AuthenticationMethod } from "../auth/authentication-method.js";
import { connectionSlots, type Layout, layOut } from "../budget.js";
import { ConnectPacket, encodePing, ReasonPacket } from "../codec/connect.js";
import { Framer } from "../codec/framer.js";
import { PacketType } from "../codec/packet-types.js";
import { AckPacket, PublishPacket } from "../codec/publish.js";
import { SubscribePacket } from "../codec/subscribe.js";
import { Deliveries } from "../delivery/deliveries.js";
import { Busy, type Output, Outputs, sendControl } from "../delivery/output.js";
import type { ReceivedIds } from "../delivery/received-ids.js";
import { Cause } from "../errors.js";
import { checkLimits, type Limits } from "../limits.js";
import { BlockPool } from "../memory/block-pool.js";
import { ByteChains } from "../memory/byte-chains.js";
import { Deadlines } from "../memory/deadlines.js";
import type { MessageStore } from "../memory/message-store.js";
import { type UintArray, uintArray } from "../memory/typed-array.js";
import type { Platform, Text, Transport } from "../platform.js";
import { Access } from "./access.js";
import { AliasesGiven } from "./aliases-given.js";
import { AliasesTaken } from "./aliases-taken.js";
import { checkTexts } from "./authentication.js";
import { type BrokerOptions, ownListener } from "./broker-options.js";
import { closeConnection } from "./close.js";
import { type Connection, ConnectionState, type Way, widestWay } from "./connection.js";
import { ControlledConnection } from "./controlled-connection.js";
import { Counters } from "./counters.js";
import { Publication } from "./deliver.js";
import { type BrokerEvents, Teller } from "./events.js";
import { Guesses } from "./guesses.js";
import { Listener, type ListenerOptions, oldestStranger } from "./listener.js";
import { Local, type LocalSubscription, type PublishOptions } from "./local.js";
import { PacketCopy } from "./packet-copy.js";
import { Persist } from "./persist.js";
import type { Retained } from "./retained.js";
import { Rights } from "./rights.js";
import { RouteCache } from "./route-cache.js";
import { IDENTIFIER_BYTES_MAX } from "./send-publish.js";
import { Server } from "./server.js";
import type { MessageHandler, Sessions } from "./session.js";
import { Shared } from "./shared.js";
import { SysTopics } from "./sys-topics.js";
import { makeConnection, makeReceivedIds, makeRetained, makeSessions, makeStore } from "./tables.js";
import { tick } from "./tick.js";
import { TopicTable } from "./topic-table.js";
import { Wills } from "./will.js";

export class Broker {
	// what each packet asks for stands first: XS looks fields up one after the other, here and in other classes
	readonly counters: Counters;
	readonly routes: RouteCache;
	readonly text: Text;
	readonly rights: Rights;
	readonly sessions: Sessions;
	readonly outputs: Outputs;
	readonly limits: Limits;
	readonly layout: Layout;
	/** every byte that the broker holds (see Layout) */
	readonly memory: Uint8Array;
	readonly store: MessageStore;
	readonly deliveries: Deliveries;
	readonly platform: Platform;
	readonly pool: BlockPool;
	readonly received: ReceivedIds;
	readonly table: TopicTable;
	readonly retained: Retained;
	readonly shared: Shared;
	readonly aliasesTaken: AliasesTaken;
	readonly aliasesGiven: AliasesGiven;
	/** the rules of listeners that have none of their own, and the listener of transports that name none */
	readonly access: Access;
	readonly listener: Listener;
	readonly sys: SysTopics | undefined;
	readonly guesses: Guesses;
	readonly copy: PacketCopy;
	readonly local: Local;
	/** by connection: a packet that its buffer cannot hold, as far as it has come */
	readonly parts: ByteChains;
	readonly wills: Wills;
	/** what outlives a restart; undefined: nothing does */
	readonly persist: Persist | undefined;
	/** when each connection is over: the time for CONNECT, then Keep Alive */
	readonly deadlines: Deadlines;
	readonly connections: Connection[];
	/** cuts the bytes of all connections, one after the other */
	readonly framer: Framer;
	readonly events: BrokerEvents;
	readonly connectPacket: ConnectPacket;
	readonly publishPacket: PublishPacket;
	readonly ackPacket: AckPacket;
	readonly subscribePacket: SubscribePacket;
	readonly reasonPacket: ReasonPacket;
	readonly publication: Publication;
	/** ms on the platform's clock, read once a turn */
	now = 0;
	readonly authenticationMethods: readonly AuthenticationMethod[];
	/** exchanges of Enhanced Authentication that are going on */
	authenticating = 0;
	readonly responseInformation: string;
	/** the lowest qosMax of all listeners: no PUBLISH of it or less is refused for its QoS */
	qosOfAll = 2;
	readonly strict: boolean;
	/** how far packets may go short ways (forward.ts) */
	readonly way: Way;
	/** clients with a CONNACK of success, and the most of them at once */
	connectedCount = 0;
	connectedMax = 0;
	private readonly startedAt: number;
	/** the last CONNECT found its session */
	resumed = false;
	stopping = false;
	private readonly freeConnections: UintArray;
	private freeConnectionCount = 0;
	/** places from this one on were never used */
	connectionsUsed = 0;
	private inTurn = false;
	private anyClosing = false;
	private firstDirty: Output | undefined = undefined;
	private readonly teller: Teller;
	private serverMade: Server | undefined = undefined;
	private readonly logLevel: number;

	/** Allocates all that the broker will ever hold. Throws HearthError when the limits don't fit together. */
	constructor(options: BrokerOptions) {
		const limits = options.limits;
		checkLimits(limits);
		this.limits = limits;
		this.platform = options.platform;
		this.text = options.platform.text;
		this.events = options.events ?? {};
		this.logLevel = options.logLevel ?? 1;
		this.strict = options.strict ?? false;
		this.way = widestWay(options);
		this.responseInformation = options.responseInformation ?? "response/%c";
		this.authenticationMethods = options.authentication ?? [];
		checkTexts(this.text, this.responseInformation, this.authenticationMethods);
		this.layout = layOut(limits);
		this.memory = new Uint8Array(this.layout.bytes);
		encodePing(this.memory, this.layout.pingresp, PacketType.Pingresp);
		const slots = connectionSlots(limits);
		const sessions = limits.sessions + limits.localSubscriptions;
		const subscriptions = limits.subscriptions + limits.localSubscriptions;
		this.access = new Access(options.access ?? {});
		this.rights = new Rights(this, sessions);
		this.connections = [];
		this.freeConnections = uintArray(slots, slots);
		this.listener = this.addListener(ownListener(options));
		this.sys = options.sysInterval ? new SysTopics(this, options.sysInterval) : undefined;
		this.startedAt = this.platform.now();
		this.pool = new BlockPool(this.memory, this.layout.blocks, limits.blockBytes, limits.blocks);
		this.persist = options.storage === undefined ? undefined : new Persist(this, options.storage);
		this.store = makeStore(this);
		const identifierBytes = IDENTIFIER_BYTES_MAX * subscriptions;
		this.deliveries = new Deliveries(limits.deliveries, this.store, identifierBytes, limits.filterNodes);
		this.received = makeReceivedIds(this, sessions);
		this.table = new TopicTable(subscriptions, limits.filterNodes, limits.filterBytes, sessions);
		const { routes, routeReceivers, routeTopicBytes } = limits;
		this.routes = new RouteCache(this.table, routes, routeReceivers, routeTopicBytes, sessions, this.rights);
		this.retained = makeRetained(this);
		this.sessions = makeSessions(this, sessions);
		this.shared = new Shared(this);
		this.guesses = new Guesses(limits.guesses);
		const { outputBytes, outputBuffers, packetBytes, partialBytes } = limits;
		const backlogs = new ByteChains(this.pool, slots);
		this.outputs = new Outputs(this.memory, this.layout.outputs, outputBytes, outputBuffers, backlogs);
		this.copy = new PacketCopy(this.outputs);
		this.counters = new Counters();
		this.deadlines = new Deadlines(slots);
		this.aliasesTaken = new AliasesTaken(this, limits.topicAliases, slots);
		this.aliasesGiven = new AliasesGiven(limits.topicAliasesGiven, slots);
		this.local = new Local(this);
		this.parts = new ByteChains(this.pool, slots);
		this.wills = new Wills(this);
		this.connectPacket = new ConnectPacket();
		const properties = this.connectPacket.properties; // one packet is looked at at a time
		this.publishPacket = new PublishPacket(this.text, properties);
		this.ackPacket = new AckPacket(properties);
		this.subscribePacket = new SubscribePacket(properties);
		this.reasonPacket = new ReasonPacket(properties);
		this.publication = new Publication(this.memory);
		this.teller = new Teller(this);
		this.framer = new Framer(this.memory, this.layout.partials, partialBytes, packetBytes, slots, this.strict);
		for (let i = 0; i < slots; i++) {
			this.connections.push(makeConnection(this, i, this.listener));
			this.freeConnections[this.freeConnectionCount++] = slots - 1 - i;
		}
		this.persist?.restore();
	}

	/** Makes a listener for transports that come with rules or limits of their own; at start. Its clients share the
	 *  broker's topic space. Throws HearthError for a limit beyond the broker's */
	addListener(options: ListenerOptions): Listener {
		const listener = new Listener(this, options);
		this.rights.add(listener.access);
		if (listener.limits.qosMax < this.qosOfAll) this.qosOfAll = listener.limits.qosMax;
		if (listener.isControlled)
			for (let i = 0; i < this.connections.length; i++)
				if (this.connections[i]!.state === ConnectionState.Free) this.connectionFor(i, listener);
		return listener;
	}

	/** @returns the connection of a free place, of the class that the listener needs */
	private connectionFor(index: number, listener: Listener): Connection {
		const connection = this.connections[index]!;
		if (!listener.isControlled || connection instanceof ControlledConnection) return connection;
		return (this.connections[index] = makeConnection(this, index, listener));
	}

	/** What a program has in hand of the broker; made when it is first asked for. */
	get server(): Server {
		return (this.serverMade ??= new Server(this));
	}

	/** Takes a transport that a listener accepted.
	 *  @param writable bytes that it takes at once
	 *  @returns what the transport calls from now on; undefined: full, and the caller closes the transport */
	accept(transport: Transport, writable: number, listener: Listener = this.listener): Connection | undefined {
		this.beginTurn();
		if (this.freeConnectionCount === 0 || listener.isFull) {
			const stranger = oldestStranger(this, listener.isFull ? listener : undefined);
			if (stranger !== undefined) this.close(stranger, Cause.ConnectTimeout);
		}
		if (this.stopping || listener.isFull || this.freeConnectionCount === 0) {
			this.counters.count(Cause.FullConnections);
			return undefined;
		}
		const index = this.freeConnections[--this.freeConnectionCount]!;
		if (index >= this.connectionsUsed) this.connectionsUsed = index + 1;
		const connection = this.connectionFor(index, listener);
		connection.open(transport, writable, listener);
		listener.openCount++;
		this.deadlines.set(index, this.now + this.limits.connectTimeoutMs);
		this.counters.connectionsOpened++;
		return connection;
	}

	/** Something happens: the clock is read, and the platform asked for `endTurn`. */
	beginTurn(): void {
		if (this.inTurn) return;
		this.inTurn = true;
		this.now = this.platform.now();
		this.platform.wake();
	}

	/** The platform calls this after events and before it waits again: one flush each for all that was written. */
	endTurn(): void {
		if (!this.inTurn) return;
		while (this.anyClosing || this.wills.any || this.shared.moved) {
			this.wills.publish();
			this.closePending();
			this.shared.serve();
		}
		for (let output = this.firstDirty; output !== undefined; output = this.firstDirty) {
			this.firstDirty = output.nextDirty;
			output.nextDirty = undefined;
			output.busy &= ~Busy.Dirty;
			output.flush();
		}
		this.inTurn = false;
		if (this.teller.waiting.length > 0) this.teller.run();
		if (this.local.pending) this.local.run();
	}

	/** The platform calls this once a second, or more often. */
	tick(): void {
		this.beginTurn();
		tick(this);
	}

	/** The output has bytes that leave at the end of the turn. */
	touch(output: Output): void {
		if ((output.busy & Busy.Dirty) !== 0) return;
		output.busy |= Busy.Dirty;
		output.nextDirty = this.firstDirty;
		this.firstDirty = output;
	}

	/** Sends a control packet that lies at memory[start..end). One that finds no room anywhere, or is larger than the
	 *  client takes, costs the connection. Spec: [5:MQTT-3.1.2-24] */
	send(connection: Connection, start: number, end: number): void {
		if (end - start > connection.packetBytesMax) this.closeLater(connection, Cause.PacketTooLarge);
		else if (sendControl(connection.output, this.memory, start, end)) this.touch(connection.output);
		else this.closeLater(connection, Cause.SlowReceiver);
	}

	/** Ends a connection now. Not while a message is handed out: then `closeLater`. */
	close(connection: Connection, cause: Cause): void {
		closeConnection(this, connection, cause);
	}

	/** Ends a connection at the end of the turn. */
	closeLater(connection: Connection, cause: Cause): void {
		if (connection.closing !== Cause.None) return;
		connection.closing = cause;
		this.anyClosing = true;
	}

	private closePending(): void {
		if (!this.anyClosing) return;
		this.anyClosing = false;
		const connections = this.connections;
		for (let i = 0; i < connections.length; i++) {
			const connection = connections[i]!;
			if (connection.closing !== Cause.None) closeConnection(this, connection, connection.closing);
		}
	}

	/** An exception that should not be costs the connection at whose edge it was caught. */
	failed(connection: Connection, error: unknown): void {
		const p = this.publication;
		const publishing = this.framer.type === PacketType.Publish;
		if (publishing && this.text.decode(p.topic, p.topicStart, p.topicEnd) === undefined)
			return closeConnection(this, connection, Cause.StringIllFormed); // Text.key threw
		this.counters.internalErrors++;
		this.log(0, `${connection.session?.clientId ?? connection.output.transport?.remoteAddress}: ${error}`);
		this.copy.clear();
		this.publication.message = 0;
		if (connection.state !== ConnectionState.Free) closeConnection(this, connection, Cause.InternalError);
	}

	/** The rules answer differently from now on: who may not stay is disconnected, and who may not subscribe any more
	 *  loses the subscription. @returns how many subscriptions were lost */
	accessChanged(): number {
		this.beginTurn();
		return this.rights.changed();
	}

	/** The connection's place is free from now on. */
	forget(connection: Connection): void {
		this.deadlines.clear(connection.index);
		connection.listener.openCount--;
		this.serverMade?.forget(connection);
		this.freeConnections[this.freeConnectionCount++] = connection.index;
	}

	/** ms since the broker was made */
	get uptime(): number {
		return this.platform.now() - this.startedAt;
	}

	/** sessions of clients, with and without a connection */
	get clientSessions(): number {
		return this.sessions.count - this.local.count;
	}

	/** @returns when a message that lives so many seconds from now is over, ms on the platform's clock, > 0 */
	expiryOf(seconds: number): number {
		return this.now + seconds * 1000 || 1;
	}

	/** Calls a function of the program at the end of the turn. */
	tell(event: (a: string, b: string) => void, a: string, b: string): void {
		this.teller.tell(event, a, b);
	}

	/** Publishes from the program. @param payload bytes, or text that is sent as UTF-8
	 *  @returns Cause.None, or the budget that is used up. Throws HearthError for an invalid topic */
	publish(topic: string, payload: Uint8Array | string, options?: PublishOptions): Cause {
		return this.local.publish(topic, payload, options);
	}

	/** Calls `handler` with each message that matches the filter, retained ones first. Throws HearthError when it
	 *  cannot. */
	subscribe(filter: string, handler: MessageHandler): LocalSubscription {
		return this.local.subscribe(filter, handler);
	}

	/** Ends a client's connection. @returns whether it had one */
	disconnect(clientId: string): boolean {
		const connection = this.sessions.find(clientId)?.connection;
		if (connection === undefined) return false;
		this.beginTurn();
		this.closeLater(connection, Cause.AdministrativeAction);
		return true;
	}

	/** Ends all connections, without Will Messages. 5.0 clients hear 0x8B. */
	stop(): void {
		this.beginTurn();
		this.stopping = true;
		for (let i = 0; i < this.connections.length; i++) this.close(this.connections[i]!, Cause.ServerShuttingDown);
		this.endTurn();
		this.persist?.close();
	}

	logs(level: number): boolean {
		return this.platform.log !== undefined && level <= this.logLevel;
	}

	log(level: number, line: string): void {
		if (level <= this.logLevel) this.platform.log?.(level, line);
	}
}
