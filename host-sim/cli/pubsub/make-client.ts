/** The client of `hearth pub` and `hearth sub`, as their settings want it. */
import { randomBytes } from "node:crypto";
import { ScramSha256Client } from "../../../src/auth/scram-client.js";
import { Client } from "../../../src/client/client.js";
import { type ClientLimits, hostClientLimits } from "../../../src/client/client-limits.js";
import type { ClientListener } from "../../../src/client/client-listener.js";
import type { ClientOptions } from "../../../src/client/client-options.js";
import { PropertyId } from "../../../src/codec/packet-types.js";
import type { Address } from "../../../src/promises/settings.js";
import { NodeConnector, type NodeSocketOptions } from "../../client/connector.js";
import { clientPlatform } from "../../client/platform.js";
import type { Command } from "./arguments.js";
import { encodeGiven } from "./property-option.js";
import type { PubSubSettings, Scheme } from "./settings.js";
import { tlsOptions, usesTls } from "./tls-flags.js";

/** ms between attempts to connect again, as in Mosquitto's commands */
const RECONNECT_MS = 1_000;

/** Properties of CONNECT that the client makes itself from its options and limits. */
const OWN: readonly PropertyId[] = [
	PropertyId.SessionExpiryInterval,
	PropertyId.ReceiveMaximum,
	PropertyId.MaximumPacketSize,
	PropertyId.RequestResponseInformation,
];

/** Of a random Client Identifier: in hexadecimal, and with its beginning, 23 letters, which every broker takes.
 *  Spec: [MQTT-3.1.3-5] */
const RANDOM_BYTES = 8;

/** Where brokers listen. */
const STANDARD_PORTS = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 } as const;

/** Where brokers that speak MQTT over WebSocket expect it. */
const WEB_SOCKET_PATH = "/mqtt";

export interface MadeClient {
	client: Client;
	/** ends its turns and ticks */
	detach: () => void;
}

/** Makes a client that is not connected yet. Throws HearthError for files that can't be used. */
export function makeClient(
	command: Command,
	settings: PubSubSettings,
	listener: ClientListener,
	reconnects: boolean,
): MadeClient {
	const { version, will, clean } = settings;
	const given = settings.properties.connect;
	const number = (id: PropertyId): number | undefined => given.find((property) => property.id === id)?.value as number;
	const limits: ClientLimits = { ...hostClientLimits, inFlight: settings.maxInflight };
	limits.receiveMaximum = number(PropertyId.ReceiveMaximum) ?? limits.receiveMaximum;
	limits.packetBytes = Math.min(limits.packetBytes, number(PropertyId.MaximumPacketSize) ?? limits.packetBytes);
	const options: Partial<ClientOptions> = {
		listener,
		limits,
		version,
		clientId: clientIdOf(settings),
		cleanStart: clean,
		keepAlive: settings.keepAlive,
		sessionExpirySeconds:
			settings.sessionExpiry ?? number(PropertyId.SessionExpiryInterval) ?? (clean ? 0 : 0xffff_ffff),
		reconnectMinMs: reconnects ? RECONNECT_MS : 0,
		reconnectMaxMs: RECONNECT_MS,
		followRedirects: false,
	};
	const proves = given.some(({ id, value }) => id === PropertyId.AuthenticationMethod && value === "SCRAM-SHA-256");
	const platform = clientPlatform();
	const own = proves ? [...OWN, PropertyId.AuthenticationMethod] : OWN;
	const properties = encodeGiven(given.filter(({ id }) => !own.includes(id)));
	if (properties !== undefined) options.properties = properties;
	const { username, password } = settings;
	if (proves)
		options.authentication = new ScramSha256Client(platform, username ?? "", `${Buffer.from(password ?? [])}`);
	else {
		if (username !== undefined) options.userName = username;
		if (password !== undefined) options.password = password;
	}
	if (will.topic !== undefined) {
		const { topic, payload = new Uint8Array(0), qos = 0, retain = false } = will;
		options.will = { topic, payload, qos, retain };
		const willProperties = encodeGiven(settings.properties.will);
		if (willProperties !== undefined) options.will.properties = willProperties;
	}
	const client = new Client({ ...options, platform, limits, connector: connectorOf(command, settings) });
	platform.attach(client);
	return { client, detach: () => platform.detach() };
}

/** With 5.0 the broker names who has no name. */
function clientIdOf(settings: PubSubSettings): string {
	if (settings.clientId !== undefined) return settings.clientId;
	if (settings.idPrefix !== undefined) return `${settings.idPrefix}${process.pid}`;
	return settings.version === 5 ? "" : `hearth-${randomBytes(RANDOM_BYTES).toString("hex")}`;
}

function schemeOf(settings: PubSubSettings): Scheme {
	const secure = usesTls(settings);
	if (settings.scheme.startsWith("ws")) return secure ? "wss" : "ws";
	return secure ? "mqtts" : "mqtt";
}

/** @returns the port that was given, or the usual one */
export function portOf(settings: PubSubSettings): number {
	return settings.port ?? STANDARD_PORTS[schemeOf(settings)];
}

/** @returns what makes connections to the broker. Throws HearthError for files that can't be used. */
function connectorOf(command: Command, settings: PubSubSettings): NodeConnector {
	const { host, unixPath, bindAddress } = settings;
	const address: Address = { scheme: schemeOf(settings), host, port: portOf(settings), path: WEB_SOCKET_PATH };
	const more: NodeSocketOptions = usesTls(settings) ? { tls: tlsOptions(command, settings.tls) } : {};
	if (unixPath !== undefined) more.path = unixPath;
	if (bindAddress !== undefined) more.localAddress = bindAddress;
	return new NodeConnector(address, { verify: true, allowSelfSigned: false }, more);
}
