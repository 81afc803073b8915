/** A connection whose listener has a controller, or does not route: the program is asked before a packet is handled.
 *  The packet path of other connections has nothing of it. After connection.ts, before the handlers. */
import { PacketType, PropertyId, ReasonCode } from "../codec/packet-types.js";
import { Cause } from "../errors.js";
import { type Conclusion, conclude, isAsked, mayAsk, refuseRequest } from "./conclude.js";
import { refuseConnect } from "./connack.js";
import { type Connection, ConnectionState, Way } from "./connection.js";
import { type Context, callMethod, Refusal, type Reply } from "./controller.js";
import { DurableConnection } from "./durable-connection.js";
import { First, forward } from "./forward.js";
import { certifiedName, takeConnect, userNameOf } from "./handle-connect.js";
import { type ClientConnection, ClientSession, type Server } from "./server.js";
import type { View } from "./view.js";
import type { ConnectView } from "./view-connect.js";

/** Who a controller is called for: one for a Network Connection. */
class ConnectionContext implements Context {
	private known: ClientSession | undefined = undefined;

	constructor(
		readonly server: Server,
		readonly connection: ClientConnection,
		private readonly internal: Connection,
	) {}

	get session(): ClientSession | undefined {
		if (this.known !== undefined || !this.connection.open) return this.known;
		const session = this.internal.session;
		if (session !== undefined) this.known = new ClientSession(this.server.broker, session);
		return this.known;
	}
}

/** A packet that a controller is asked about: its body is at bytes[start..end). */
export interface Request {
	readonly view: View;
	/** the fixed header's first byte */
	readonly first: number;
	readonly bytes: Uint8Array;
	readonly start: number;
	readonly end: number;
}

/** A packet that waits, with what came behind it. */
class Pending {
	/** a copy; undefined: nothing came */
	held: Uint8Array | undefined = undefined;

	constructor(
		readonly request: Request,
		/** ms on the platform's clock: when the promise should have been settled, or the login of who guesses is judged */
		readonly until: number,
		/** a login that is not judged yet: of this user */
		readonly guesser: string | undefined,
		readonly promised: boolean,
	) {}

	get bytes(): number {
		return this.request.end + (this.held?.length ?? 0);
	}
}

export class ControlledConnection extends DurableConnection {
	private context: ConnectionContext | undefined = undefined;
	/** nothing behind it is looked at; undefined: nothing waits */
	private pending: Pending | undefined = undefined;

	override wayOf(): Way {
		return this.pending !== undefined || this.listener.seesAll ? Way.Long : super.wayOf();
	}

	protected override take(bytes: Uint8Array, start: number, end: number): void {
		if (this.pending === undefined) super.take(bytes, start, end);
		else this.hold(bytes, start, end);
	}

	protected override dispatch(first: number, bytes: Uint8Array, start: number, end: number): void {
		const type: PacketType = first >> 4;
		if (!mayAsk(this, type)) return super.dispatch(first, bytes, start, end);
		const broker = this.broker;
		if (type === PacketType.Connect && !takeConnect(broker, this, bytes, start, end)) return;
		if (bytes === broker.memory && start === broker.layout.assembly) {
			bytes = bytes.slice(start, end); // the program may need the assembly buffer
			end -= start;
			start = 0;
		}
		const view = broker.server.views.take(type);
		if (!isAsked(this, view, first, bytes, start, end)) return super.dispatch(first, bytes, start, end);
		const request = { view, first, bytes, start, end };
		const waits = type === PacketType.Connect && this.mustWait(request);
		// the handlers are called from here, not from within: a device's stack is small
		if (waits || !this.ask(request)) broker.counters.packetsReceived++;
		else if (first !== First.Publish || !this.forwards(bytes, start, end)) super.dispatch(first, bytes, start, end);
	}

	/** A PUBLISH of QoS 0 that the controller left as it is goes the short way, if it lies as it came.
	 *  @returns false: the handler has to take it */
	private forwards(bytes: Uint8Array, start: number, end: number): boolean {
		if (super.wayOf() <= Way.Long) return false;
		const length = end - start;
		let at = start - 2;
		if (length > 127) {
			at--;
			if (length >> 14 !== 0 || bytes[at + 1] !== ((length & 127) | 128) || bytes[at + 2] !== length >> 7) return false;
		} else if (bytes[at + 1] !== length) return false;
		return bytes[at] === First.Publish && forward(this.broker, this, bytes, at, end) === end;
	}

	/** As the handlers do, without the controller; for a packet that is counted already, or will be. */
	handle(request: Request): void {
		this.broker.counters.packetsReceived--;
		super.dispatch(request.first, request.bytes, request.start, request.end);
	}

	/** Who guesses passwords is not asked about at once. @returns whether the packet waits, or was refused */
	private mustWait(request: Request): boolean {
		if (certifiedName(this) !== undefined) return false;
		const guesses = this.broker.guesses;
		const packet = (request.view as ConnectView).parts;
		if (packet.properties.has(PropertyId.AuthenticationMethod)) {
			if (!guesses.blocks(this.address, undefined, this.broker.now)) return false;
			request.view.live = false;
			refuseConnect(this.broker, this, Cause.FullAuthentications);
			return true;
		}
		const userName = userNameOf(this.broker, this, packet);
		const delay = guesses.delay(this.address, userName, this.broker.now);
		if (delay === 0) return false;
		if (delay < 0) {
			request.view.live = false;
			refuseConnect(this.broker, this, Cause.FullAuthentications);
		} else if (!this.park(request, this.broker.now + delay, userName, false)) guesses.waited(this.address, userName);
		return true;
	}

	/** Calls the controller's method, if it has one, and does what it answers. @returns whether the broker is to handle
	 *  the packet */
	private ask(request: Request): boolean {
		const server = this.broker.server;
		const context = (this.context ??= new ConnectionContext(server, server.clientOf(this), this));
		let reply: Reply;
		let thrown: unknown;
		let threw = false;
		server.calling = this;
		try {
			reply = this.call(context, request);
		} catch (error) {
			threw = true;
			thrown = error;
		}
		server.calling = undefined;
		if (this.context !== context) {
			request.view.live = false; // the connection was ended
			if (isPromised(reply)) ignore(reply);
			return false;
		}
		if (isPromised(reply)) {
			this.wait(reply, request);
			return false;
		}
		return this.conclude(request, { answer: reply, thrown, threw });
	}

	private call(context: Context, request: Request): Reply {
		const type: PacketType = request.first >> 4;
		const { calls, controller } = this.listener;
		if (((calls >> type) & 1) === 0) return undefined;
		return callMethod(controller!, type, context, request.view);
	}

	private conclude(request: Request, conclusion: Conclusion): boolean {
		request.view.live = false;
		return this.closing === Cause.None && conclude(this, request, conclusion);
	}

	/** The packet waits for a promise. */
	private wait(reply: PromiseLike<unknown>, request: Request): void {
		const { broker } = this;
		if (request.first >> 4 === PacketType.Connect) {
			const packet = (request.view as ConnectView).parts;
			broker.guesses.began(this.address, userNameOf(broker, this, packet), broker.now);
		}
		const timeout = this.broker.limits.connectTimeoutMs;
		if (!this.park(request, this.broker.now + timeout, undefined, true)) return ignore(reply);
		const pending = this.pending!;
		const settle = (answer: unknown, thrown: unknown, threw: boolean): void => {
			if (this.pending === pending) this.settled(pending, { answer, thrown, threw }); // else the client has gone
		};
		try {
			reply.then(
				(answer) => settle(answer, undefined, false),
				(error: unknown) => settle(undefined, error, true),
			);
		} catch (error) {
			settle(undefined, error, true);
		}
	}

	/** Keeps a copy of the packet; nothing more is read of the client. @returns false: no room, and it was refused */
	private park(request: Request, until: number, guesser: string | undefined, promised: boolean): boolean {
		const broker = this.broker;
		const { view, first, bytes, start, end } = request;
		if (broker.server.waitingBytes + end - start > bytesMax(this)) {
			view.live = false;
			refuseRequest(this, request, new Refusal(ReasonCode.QuotaExceeded));
			return false;
		}
		const copy = bytes.slice(start, end);
		view.begin(this, first, copy, 0, copy.length);
		broker.server.views.give();
		this.pending = new Pending({ view, first, bytes: copy, start: 0, end: copy.length }, until, guesser, promised);
		broker.server.waitingBytes += copy.length;
		this.state = ConnectionState.Waiting;
		this.way = this.wayOf();
		broker.deadlines.clear(this.index);
		return true;
	}

	protected override hold(bytes: Uint8Array, start: number, end: number): void {
		const pending = this.pending;
		if (pending === undefined) return super.hold(bytes, start, end);
		if (start === end) return;
		const server = this.broker.server;
		if (server.waitingBytes + end - start > bytesMax(this)) return this.refuse(Cause.FullStore);
		server.waitingBytes += end - start;
		const before = pending.held?.length ?? 0;
		const held = new Uint8Array(before + end - start);
		if (pending.held !== undefined) held.set(pending.held);
		held.set(bytes.subarray(start, end), before);
		pending.held = held;
	}

	/** The packet waits no more. */
	private unpark(): void {
		const pending = this.pending;
		if (pending === undefined) return;
		const broker = this.broker;
		this.pending = undefined;
		pending.request.view.live = false;
		broker.server.waitingBytes -= pending.bytes;
		if (!pending.promised) broker.guesses.waited(this.address, pending.guesser);
	}

	/** A promise is settled, or its time is over: the client goes on where it stopped. */
	private settled(pending: Pending, conclusion: Conclusion | undefined): void {
		const broker = this.broker;
		broker.beginTurn();
		try {
			this.unpark();
			const connected = this.session !== undefined;
			this.state = connected ? ConnectionState.Connected : ConnectionState.Opened;
			this.way = this.wayOf();
			const time = connected ? this.keepAliveMs : broker.limits.connectTimeoutMs;
			if (time > 0) broker.deadlines.set(this.index, broker.now + time);
			pending.request.view.live = conclusion === undefined;
			const handles = conclusion === undefined ? this.ask(pending.request) : this.conclude(pending.request, conclusion);
			if (handles) this.handle(pending.request);
			this.goOn(pending.held);
		} catch (error) {
			broker.failed(this, error);
		}
	}

	/** Takes what came behind. */
	private goOn(held: Uint8Array | undefined): void {
		if (held !== undefined && this.state !== ConnectionState.Free && this.closing === Cause.None) {
			if (this.state === ConnectionState.Waiting) this.hold(held, 0, held.length);
			else this.take(held, 0, held.length);
		}
		if (this.state !== ConnectionState.Free) this.serve();
	}

	override check(): void {
		const pending = this.pending;
		if (pending !== undefined && this.broker.now >= pending.until) {
			const late = new Error(`no answer within ${this.broker.limits.connectTimeoutMs} ms`);
			this.settled(pending, pending.promised ? { answer: undefined, thrown: late, threw: true } : undefined);
		}
		super.check();
	}

	override reset(): void {
		this.unpark();
		this.context = undefined;
		super.reset();
	}
}

function isPromised(reply: unknown): reply is PromiseLike<unknown> {
	return typeof reply === "object" && reply !== null && typeof (reply as PromiseLike<unknown>).then === "function";
}

/** Nobody waits for the promise: that it fails must not stop the process. */
function ignore(reply: PromiseLike<unknown>): void {
	try {
		reply.then(nothing, nothing);
	} catch {
		// whose promise it is has made it so
	}
}

function nothing(): void {}

/** Bytes that may wait for all promises together. */
function bytesMax(connection: Connection): number {
	const { blocks, blockBytes } = connection.broker.limits;
	return blocks * blockBytes;
}
