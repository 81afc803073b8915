/** The face of ECMA-419's MQTTClient over Hearth's client: a program that was written for Moddable's runs with its
 *  import changed. Acknowledgements, resending and Keep Alive are the client's; `id`s that the program gives are told
 *  back. See boards/mqtt-client.ts for what it is on a device. */

import { Client } from "../client/client.js";
import { type ClientLimits, deviceClientLimits } from "../client/client-limits.js";
import type { ClientWill, Connector, ConnectorTarget } from "../client/client-options.js";
import { ping } from "../client/reconnect.js";
import type { ClientSubscription } from "../client/subscriptions.js";
import { PacketType, ReasonCode, Version } from "../codec/packet-types.js";
import type { AckPacket } from "../codec/publish.js";
import { Cause, causeName } from "../errors.js";
import { ReceiveBuffer } from "../memory/receive-buffer.js";
import type { Platform } from "../platform.js";
import { FaceListener } from "./face-listener.js";
import { type IoClass, IoTransport } from "./io-transport.js";
import { PushedPayload } from "./pushed-payload.js";

type Bytes = ArrayBuffer | Uint8Array | string;

/** What a device's clock and timers do for the client. */
export interface FacePlatform extends Platform {
	/** Begins turns and ticks. */
	attach(client: { tick(): void; endTurn(): void }): void;
	/** Ends them. */
	detach(): void;
}

/** What onControl is told. */
export interface ControlMessage {
	operation: number;
	id?: number;
	/** CONNACK's */
	returnCode?: number;
	/** SUBACK's */
	payload?: number[];
}

export interface ReadableOptions {
	/** with a message's first bytes only */
	topic?: string;
	/** bytes of the whole payload */
	byteLength?: number;
	QoS?: number;
	/** more of the message follows */
	more: boolean;
}

export interface MqttClientOptions {
	host: string;
	/** default: 1883 */
	port?: number;
	/** the socket's class and its own options; `{ io: TLSSocket, secure }` for TLS */
	socket: { io: IoClass } & Record<string, unknown>;
	/** finds the host's address; absent: the host is one */
	dns?: { io: new (options: unknown) => Resolver } & Record<string, unknown>;
	id?: string;
	user?: Bytes;
	password?: Bytes;
	clean?: boolean;
	/** ms; 0: none. Default: 0 */
	keepAlive?: number;
	keepalive?: number;
	will?: { topic: string; message: Bytes; QoS?: number; retain?: boolean | number };
	target?: unknown;
	format?: string;
	onReadable?: (this: MqttClient, count: number, options: ReadableOptions) => void;
	onWritable?: (this: MqttClient, count: number) => void;
	onControl?: (this: MqttClient, message: ControlMessage) => void;
	onError?: (this: MqttClient) => void;
	onClose?: (this: MqttClient) => void;
	/** beyond ECMA-419: Protocol Level, 5 for 5.0. Default: 4 */
	version?: number;
	/** beyond ECMA-419: ms to the first attempt to connect again; 0: a lost connection is the end. Default: 0 */
	reconnectMinMs?: number;
	limits?: Partial<ClientLimits>;
}

interface Resolver {
	resolve(options: { host: string; onResolved: (host: string, address: string) => void; onError: () => void }): void;
}

export interface WriteOptions {
	/** default: PUBLISH */
	operation?: number;
	id?: number;
	topic?: string;
	QoS?: number;
	retain?: boolean | number;
	/** bytes of the whole payload, of which `data` is the beginning */
	byteLength?: number;
	items?: readonly { topic: string; QoS?: number }[];
}

/** Bytes that onWritable's count leaves for a packet's header. */
const OVERHEAD = 8;

export class MqttClient {
	static readonly CONNECT = 1;
	static readonly CONNACK = 2;
	static readonly PUBLISH = 3;
	static readonly PUBACK = 4;
	static readonly PUBREC = 5;
	static readonly PUBREL = 6;
	static readonly PUBCOMP = 7;
	static readonly SUBSCRIBE = 8;
	static readonly SUBACK = 9;
	static readonly UNSUBSCRIBE = 10;
	static readonly UNSUBACK = 11;
	static readonly PINGREQ = 12;
	static readonly PINGRESP = 13;
	static readonly DISCONNECT = 14;

	target: unknown;
	/** Hearth's client: all that ECMA-419 has no words for */
	readonly core: Client;
	private readonly listener: FaceListener;
	private readonly transports: { last: IoTransport | undefined } = { last: undefined };
	private pushed: PushedPayload | undefined = undefined;
	private closed = false;

	/** Connects. Throws Error for options that cannot be. */
	constructor(
		readonly options: MqttClientOptions,
		private readonly platform: FacePlatform,
	) {
		if (!options.host) throw new Error("host required");
		this.target = options.target;
		this.format = options.format ?? "buffer";
		this.listener = new FaceListener(this, options);
		const keepAlive = options.keepAlive ?? options.keepalive ?? 0;
		this.core = new Client({
			limits: { ...deviceClientLimits, ...options.limits },
			platform,
			connector: this.connector(),
			listener: this.listener,
			version: options.version ?? Version.V311,
			clientId: options.id ?? "",
			cleanStart: options.clean ?? true,
			keepAlive: Math.ceil(keepAlive / 1000),
			reconnectMinMs: options.reconnectMinMs ?? 0,
			...this.identity(options),
		});
		platform.attach(this);
		this.core.connect();
	}

	private identity(options: MqttClientOptions) {
		const { user, password, will } = options;
		const identity: { userName?: string; password?: Uint8Array; will?: ClientWill } = {};
		if (user !== undefined) identity.userName = this.textOf(user);
		if (password !== undefined) identity.password = this.bytesOf(password);
		if (will !== undefined)
			identity.will = {
				topic: will.topic,
				payload: this.bytesOf(will.message),
				qos: will.QoS ?? 0,
				retain: !!will.retain,
			};
		return identity;
	}

	private connector(): Connector {
		const { options, transports } = this;
		const receive = (client: Client) => {
			this.receive ??= new ReceiveBuffer(new Uint8Array(client.limits.heldBytes), 0, client.limits.heldBytes);
			return this.receive;
		};
		const begin = (target: ConnectorTarget, host: string, address: string) => {
			const { io, ...more } = options.socket;
			const port = options.port ?? 1883;
			try {
				const socket = { ...more, address, host, port };
				transports.last = new IoTransport(target as never, receive(this.core), io, socket, `${host}:${port}`);
			} catch (error) {
				target.failed(String(error));
			}
		};
		let attempts = 0;
		return {
			open: (target) => {
				const { host, dns } = options;
				const attempt = ++attempts;
				if (dns === undefined) return begin(target, host, host);
				new dns.io(dns).resolve({
					host,
					onResolved: (name, address) => {
						if (attempt === attempts) begin(target, name, address);
					},
					onError: () => target.failed(`${host}: there is no such host`),
				});
			},
			cancel: () => {
				attempts++;
				transports.last?.close();
			},
		};
	}
	private receive: ReceiveBuffer | undefined = undefined;

	get format(): string {
		return "buffer";
	}

	set format(value: string) {
		if (value !== "buffer") throw new RangeError("format");
	}

	/** Ends the connection without DISCONNECT, so that the Will Message is published. No callback comes any more. */
	close(): void {
		if (this.closed) return;
		this.closed = true;
		this.listener.close();
		this.transports.last?.close();
		this.core.disconnect();
		this.platform.detach();
	}

	/** Sends a message, or another packet. @param data the payload, or its beginning when options.byteLength is larger:
	 *  the rest comes by further calls without options
	 *  @returns bytes of payload that may be written now. Throws Error when there is no room for so many */
	write(data: ArrayBuffer | Uint8Array | null, options?: WriteOptions): number {
		if (!this.core.isConnected) throw new Error("not connected");
		if (options === undefined) return this.more(data);
		if (this.pushed !== undefined) throw new Error("a message is not complete");
		switch (options.operation ?? PacketType.Publish) {
			case PacketType.Publish:
				this.publish(this.bytesOf(data ?? new Uint8Array(0)), options);
				break;
			case PacketType.Subscribe:
				this.subscribe(options);
				break;
			case PacketType.Unsubscribe:
				this.unsubscribe(options);
				break;
			case PacketType.Pingreq:
				ping(this.core);
				break;
			case PacketType.Disconnect:
				this.core.disconnect();
				break;
			case PacketType.Puback:
			case PacketType.Pubrec:
			case PacketType.Pubrel:
			case PacketType.Pubcomp:
				break; // the client has sent it, or will
			default:
				throw new Error("unknown");
		}
		return this.writable;
	}

	/** bytes of payload that may be written now */
	get writable(): number {
		const { output } = this.core.link;
		if (!this.core.isConnected || (!output.free && this.pushed === undefined)) return 0;
		return Math.max(0, output.room - OVERHEAD);
	}

	private publish(bytes: Uint8Array, options: WriteOptions): void {
		const { core } = this;
		const topic = options.topic ?? "";
		const given = { qos: options.QoS ?? 0, retain: !!options.retain };
		const total = options.byteLength ?? bytes.length;
		if (bytes.length > total) throw new Error("invalid");
		if (bytes.length > this.writable + OVERHEAD) throw new Error("overflow");
		let entry = 0;
		const done = (cause: Cause) => {
			this.listener.ids.delete(entry);
			if (whole) return;
			this.pushed = undefined;
			if (cause !== Cause.None) core.log(0, `${topic}: ${causeName(cause)}`);
		};
		const whole = bytes.length === total;
		if (whole) entry = core.publish(topic, bytes, given, done);
		else {
			this.pushed = new PushedPayload(total, bytes);
			entry = core.publishFrom(topic, this.pushed, given, done);
		}
		if (entry < 0) {
			this.pushed = undefined;
			throw new Error(causeName(-entry));
		}
		if (entry > 0 && options.id !== undefined) this.listener.ids.set(entry, options.id);
		this.completed();
	}

	/** The next bytes of a payload. */
	private more(data: ArrayBuffer | Uint8Array | null): number {
		const { pushed } = this;
		if (pushed === undefined || data === null) throw new Error("there is no message to go on with");
		pushed.push(this.bytesOf(data));
		this.core.serve();
		this.completed();
		return this.writable;
	}

	private completed(): void {
		if (this.pushed?.isComplete) this.pushed = undefined;
	}

	private subscribe({ items = [], id }: WriteOptions): void {
		const payload: number[] = [];
		let left = items.length;
		for (const [i, { topic, QoS }] of items.entries()) {
			const done = (cause: Cause, reason: number) => {
				// one that the program has ended before its SUBACK came is told as granted
				const ended = cause === Cause.AdministrativeAction;
				payload[i] = cause === Cause.None || ended ? reason : ReasonCode.UnspecifiedError;
				if (--left === 0) this.listener.control({ operation: PacketType.Suback, id: id ?? 0, payload });
			};
			const added = this.core.subscribe(topic, undefined, { qos: QoS ?? 0 }, done);
			if (typeof added === "number") throw new Error(causeName(added));
		}
	}

	private unsubscribe({ items = [], id }: WriteOptions): void {
		let left = items.length;
		const done = () => {
			if (--left === 0) this.listener.later({ operation: PacketType.Unsuback, id: id ?? 0 });
		};
		for (const { topic } of items) {
			const found: ClientSubscription | undefined = this.core.subscriptions.byFilter(topic);
			if (found === undefined) done();
			else this.core.unsubscribe(found, done);
		}
	}

	/** Takes bytes of the message that onReadable told of.
	 *  @param count how many, or what to fill. Default: all that are here
	 *  @returns the bytes, or how many were written to the buffer; undefined: there are none */
	read(count?: number | ArrayBuffer | Uint8Array): ArrayBuffer | number | undefined {
		const { listener } = this;
		if (typeof count === "object") {
			const target = count instanceof ArrayBuffer ? new Uint8Array(count) : count;
			if (target.BYTES_PER_ELEMENT > 1) throw new Error("invalid buffer");
			const most = Math.min(target.length, listener.unread);
			return listener.unread === 0 ? undefined : listener.take(target, most);
		}
		const most = Math.min(count ?? listener.unread, listener.unread);
		if (most === 0) return count === 0 ? new ArrayBuffer(0) : undefined;
		const buffer = new ArrayBuffer(most);
		listener.take(new Uint8Array(buffer), most);
		return buffer;
	}

	/** For the listener: the program's Packet Identifier of an acknowledged message, or its real one. */
	idOf(packet: AckPacket): number {
		const entry = this.core.outbox.findSent(packet.packetId);
		return this.listener.ids.get(entry) ?? packet.packetId;
	}

	tick(): void {
		this.core.tick();
	}

	endTurn(): void {
		this.core.endTurn();
		this.transports.last?.afterTurn();
	}

	/** The connection is over for good. */
	ended(): void {
		this.closed = true;
		this.platform.detach();
	}

	private bytesOf(value: Bytes): Uint8Array {
		if (value instanceof Uint8Array) return value;
		if (typeof value !== "string") return new Uint8Array(value);
		const bytes = new Uint8Array(this.platform.text.size(value));
		this.platform.text.encode(value, bytes, 0);
		return bytes;
	}

	private textOf(value: Bytes): string {
		if (typeof value === "string") return value;
		const bytes = this.bytesOf(value);
		return this.platform.text.decode(bytes, 0, bytes.length) ?? "";
	}
}
