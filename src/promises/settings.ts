/** Options of a connection by any of the names that people know: Hearth's own, imi's, MQTT.js's, Moddable's and
 *  mosquitto's (docs/client.md has the table), and URLs. */

import type { ClientAuthentication } from "../auth/authentication-method.js";
import { type ClientLimits, hostClientLimits } from "../client/client-limits.js";
import type { ClientOptions, ClientWill } from "../client/client-options.js";
import { PacketType } from "../codec/packet-types.js";
import { WILL } from "../codec/properties.js";
import { frozen } from "../frozen.js";
import type { Platform, Text } from "../platform.js";
import { bad, protocolOf, type Rule, readOptions } from "./option-table.js";
import { encodeProperties, type PropertyRecord } from "./property-record.js";

/** A method, or what makes one on the platform that the client has. */
export type Authentication = ClientAuthentication | ((platform: Platform) => ClientAuthentication);

/** AbortSignal, as far as it is used. */
export interface Signal {
	readonly aborted: boolean;
	readonly reason: unknown;
	addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
	removeEventListener(type: "abort", listener: () => void): void;
}

export interface WillOptions {
	topic: string;
	payload?: string | Uint8Array;
	qos?: number;
	retain?: boolean;
	properties?: PropertyRecord;
	/** other names of qos */
	QoS?: number;
	qosLevel?: number;
	/** other names of payload */
	message?: string | Uint8Array;
	/** understood, and without a meaning: MQTT has no DUP in a Will */
	duplicate?: boolean;
}

/** Everything that a connection may be told. Names on one line mean the same. */
export interface ConnectOptions {
	/** mqtt, mqtts, ws or wss URL, user name and password included */
	url?: string;
	/** mqtt, mqtts, ws or wss, over what the URL says; 3.1, 3.1.1 or 5 is the version */
	protocol?: string | number;
	host?: string;
	hostname?: string;
	/** default: 1883, 8883 with TLS, 80 and 443 for WebSocket */
	port?: number | string;
	/** of a WebSocket URL, with or without its first slash. Default: /mqtt */
	path?: string;
	/** 3 or 3.1, 4 or 3.1.1, 5. Default: 5.0, and 3.1.1 when the server does not speak it */
	version?: number | string;
	protocolVersion?: number | string;
	clientId?: string;
	id?: string;
	/** default: true */
	clean?: boolean;
	cleanStart?: boolean;
	cleanSession?: boolean;
	/** seconds. Default: 60; pingTimespan is imi's name */
	keepAlive?: number;
	keepalive?: number;
	pingTimespan?: number;
	userName?: string;
	username?: string;
	user?: string;
	password?: string | Uint8Array;
	will?: WillOptions;
	/** seconds that the session outlives a connection (5.0). Default: 300; with `clean: false` for good */
	sessionExpirySeconds?: number;
	/** properties of CONNECT (5.0) */
	properties?: PropertyRecord;
	/** seconds for a connection to be made. Default: 30 */
	timeout?: number;
	/** the same in ms */
	connectTimeoutMs?: number;
	connectTimeout?: number;
	/** ms that the server may be silent after PINGREQ */
	pingTimeoutMs?: number;
	/** false: never. Default: true */
	reconnect?: boolean;
	/** ms before the first attempt and the most. Defaults: 1,000 and 60,000; reconnectPeriod is MQTT.js's name */
	reconnectMinMs?: number;
	reconnectPeriod?: number;
	reconnectMaxMs?: number;
	/** go on when the first attempt fails. Default: false: `connect` rejects */
	retry?: boolean;
	resubscribe?: boolean;
	queueQos0?: boolean;
	queueQoSZero?: boolean;
	whenQueueFull?: "refuse" | "drop-oldest";
	/** messages and bytes that may wait */
	queueMessages?: number;
	queueBytes?: number;
	/** bytes of the largest packet that is taken. Default: 64 MiB */
	packetBytes?: number;
	followRedirects?: boolean;
	/** a method of Enhanced Authentication (5.0), such as `scramSha256("ann", "her password")` */
	authentication?: Authentication;
	/** budgets beyond those above */
	limits?: Partial<ClientLimits>;
	/** TLS: on with mqtts and wss */
	ssl?: boolean;
	/** from here on, for Node: a browser has its own way with certificates; paths of PEM files, or the PEM text itself */
	cert?: string;
	sslCertFile?: string;
	key?: string;
	sslKeyFile?: string;
	ca?: string;
	sslCafile?: string;
	cafile?: string;
	/** a folder of PEM files */
	capath?: string;
	sslCapath?: string;
	/** false: any certificate is believed, which protects from nobody who is in between */
	verify?: boolean;
	sslVerifyPeer?: boolean;
	rejectUnauthorized?: boolean;
	/** a certificate that signs itself is believed */
	allowSelfSigned?: boolean;
	sslAllowSelfSigned?: boolean;
	/** the name that the certificate must have. Default: the host */
	serverName?: string;
	servername?: string;
	sslHostName?: string;
	/** ends the attempt to connect */
	signal?: Signal;
}

export type Scheme = "mqtt" | "mqtts" | "ws" | "wss";

/** Where a server is. */
export interface Address {
	scheme: Scheme;
	host: string;
	port: number;
	/** of WebSocket */
	path: string;
}

export interface Settings {
	/** all of them, by Hearth's own names */
	options: ConnectOptions;
	address: Address;
	retry: boolean;
	limits: Partial<ClientLimits>;
	client: Omit<ClientOptions, "limits" | "platform" | "connector" | "listener" | "authentication">;
	authentication: Authentication | undefined;
	signal: Signal | undefined;
}

const PORTS: Readonly<Record<Scheme, number>> = frozen({ mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 });

/** Reads a URL such as mqtts://ann:secret@hub.example:8883. @returns its parts as options. Throws HearthError */
export function readUrl(url: string): ConnectOptions {
	const pattern = /^([a-z]+):\/\/(?:([^:@/]*)(?::([^@/]*))?@)?(\[[^\]]+\]|[^:/?#[\]]*)(?::(\d{1,5}))?([/?][^#]*)?$/i;
	const parts = pattern.exec(url.trim());
	if (parts === null) throw bad(`${withoutPassword(url)}: not a URL such as mqtt://host:1883`);
	const [, scheme = "", userName, password, host = "", port, path] = parts;
	if (protocolOf(scheme) === undefined) throw bad(`${scheme}: give a URL that begins with mqtt, mqtts, ws or wss`);
	const result: ConnectOptions = { protocol: scheme.toLowerCase(), host: host === "" ? "localhost" : host };
	try {
		if (userName) result.userName = decodeURIComponent(userName);
		if (password !== undefined) result.password = decodeURIComponent(password);
	} catch {
		throw bad(`${withoutPassword(url)}: write % as %25 in user name and password`);
	}
	if (port !== undefined) result.port = Number(port);
	if (path !== undefined && path !== "/") result.path = path;
	return result;
}

function withoutPassword(url: string): string {
	return url.replace(/:[^:@/]*@/, ":…@");
}

/** Reads all that a connection is told. @param rules options that only some platforms have
 *  Throws HearthError, one line, for what cannot be. */
export function readSettings(
	url: string | ConnectOptions,
	more: ConnectOptions,
	text: Text,
	rules: readonly Rule[] = [],
): Settings {
	const given = readOptions(typeof url === "string" ? { ...more, url } : { ...url, ...more }, text, rules);
	const fromUrl: ConnectOptions = given.url === undefined ? {} : readUrl(given.url);
	const o = { ...fromUrl, ...given };
	// the scheme, as MQTT.js has it, or the version, as imi has
	const protocol = protocolOf(given.protocol);
	let scheme = (typeof protocol === "string" ? protocol : (protocolOf(fromUrl.protocol) ?? "mqtt")) as Scheme;
	const secure = `${scheme}s` as Scheme;
	if (o.ssl === true && secure in PORTS) scheme = secure;
	const version = protocolOf(o.version) ?? protocol;
	const port = Number(o.port ?? PORTS[scheme]);
	if (!(Number.isInteger(port) && port >= 1 && port <= 65_535)) throw bad(`port ${o.port}: give 1 to 65535`);
	return {
		options: o,
		address: {
			scheme,
			host: withoutBrackets(o.host ?? "localhost"),
			port,
			path: (o.path ?? "/mqtt").replace(/^\/?/, "/"),
		},
		retry: o.retry ?? false,
		limits: readLimits(o),
		client: readClient(o, typeof version === "number" ? version : 0, text),
		authentication: o.authentication,
		signal: o.signal,
	};
}

function withoutBrackets(host: string): string {
	return host.replace(/^\[|\]$/g, "");
}

/** Properties of CONNECT that the client writes itself, as its limits and options say; it takes no Topic Aliases, and
 *  always asks for Response Information. */
const OWN: readonly (keyof PropertyRecord)[] = frozen([
	"sessionExpiryInterval",
	"receiveMaximum",
	"maximumPacketSize",
	"topicAliasMaximum",
	"requestResponseInformation",
]);

function readLimits(o: ConnectOptions): Partial<ClientLimits> {
	const limits: Partial<ClientLimits> = { packetBytes: 64 * 1024 * 1024, ...o.limits };
	const { maximumPacketSize, receiveMaximum } = o.properties ?? {};
	if (maximumPacketSize !== undefined) limits.packetBytes = Math.min(maximumPacketSize, hostClientLimits.packetBytes);
	if (o.packetBytes !== undefined) limits.packetBytes = o.packetBytes;
	if (receiveMaximum !== undefined) {
		limits.receiveMaximum = receiveMaximum;
		limits.received ??= Math.max(receiveMaximum, hostClientLimits.received);
	}
	if (o.queueMessages !== undefined) limits.queueMessages = o.queueMessages;
	if (o.queueBytes !== undefined) {
		limits.queueBytes = o.queueBytes;
		// a block is not always full
		limits.blocks ??= Math.max(64, Math.ceil((1.35 * o.queueBytes) / 512) + (o.queueMessages ?? 64));
	}
	return limits;
}

/** Options that the client's core has by the same name. */
const SAME_IN_CORE = frozen([
	"clientId",
	"keepAlive",
	"userName",
	"sessionExpirySeconds",
	"connectTimeoutMs",
	"pingTimeoutMs",
	"reconnectMinMs",
	"reconnectMaxMs",
	"resubscribe",
	"queueQos0",
	"whenQueueFull",
	"followRedirects",
] as const);

function readClient(o: ConnectOptions, version: number, text: Text): Settings["client"] {
	const client: Settings["client"] = { version };
	for (const name of SAME_IN_CORE) if (o[name] !== undefined) client[name] = o[name] as never;
	const record = o.properties;
	Object.assign(client, {
		password: o.password === undefined ? undefined : bytesOf(o.password, text),
		will: o.will === undefined ? undefined : readWill(o.will, text),
		properties: encodeProperties(record, text, PacketType.Connect, "connect", OWN),
	});
	if (record?.sessionExpiryInterval !== undefined) client.sessionExpirySeconds = record.sessionExpiryInterval;
	if (o.timeout !== undefined) client.connectTimeoutMs ??= o.timeout * 1000;
	if (o.clean !== undefined) client.cleanStart = o.clean;
	if (o.reconnect === false) client.reconnectMinMs = 0;
	return client;
}

function readWill(will: WillOptions, text: Text): ClientWill {
	return {
		topic: will.topic,
		payload: bytesOf(will.payload ?? "", text),
		qos: will.qos ?? 0,
		retain: will.retain ?? false,
		properties: encodeProperties(will.properties, text, WILL, "will"),
	};
}

/** @returns a text's UTF-8, or the bytes themselves */
export function bytesOf(value: string | Uint8Array, text: Text): Uint8Array {
	if (typeof value !== "string") return value;
	const bytes = new Uint8Array(text.size(value));
	text.encode(value, bytes, 0);
	return bytes;
}

/** @returns where a Server Reference leads: host or host:port, with the scheme that is in use. Spec: 5.0, 4.11 */
export function readReference(reference: string, from: Address): Address {
	try {
		const o = readUrl(reference.includes("://") ? reference : `${from.scheme}://${reference}`);
		return {
			...from,
			scheme: protocolOf(o.protocol) as Scheme,
			host: withoutBrackets(o.host!),
			port: (o.port ?? from.port) as number,
		};
	} catch {
		return from;
	}
}
