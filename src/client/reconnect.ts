/** How connections follow one another: options, attempts, pauses, Keep Alive, and what ends with a connection. */
import { encodePing, encodeReason, sizeOfConnect } from "../codec/connect.js";
import { PacketType, PropertyId, Version } from "../codec/packet-types.js";
import { putNumber } from "../codec/properties.js";
import { checkTopicName } from "../codec/topic.js";
import { sendControl } from "../delivery/output.js";
import { Cause, causeName, causeReason, HearthError } from "../errors.js";
import type { Text } from "../platform.js";
import type { Client } from "./client.js";
import type { ClientOptions, Connector } from "./client-options.js";
import { ClientState } from "./client-state.js";

/** ClientOptions with their defaults. */
export type FilledOptions = Required<
	Omit<ClientOptions, "listener" | "userName" | "password" | "will" | "properties" | "authentication">
> &
	Pick<ClientOptions, "userName" | "password" | "will" | "properties" | "authentication"> & { connector: Connector };

/** Seconds that a session outlives a connection, so that a cut costs nothing. */
const SESSION_EXPIRY_SECONDS = 300;

/** Bytes of CONNECT that are not in its fields: properties that the client makes, and the authentication's. */
const CONNECT_BYTES = 64;

/** Fills in the defaults. Throws HearthError for what cannot be. */
export function fillOptions(options: ClientOptions, text: Text): FilledOptions {
	const keepAlive = options.keepAlive ?? 60;
	const reconnectMinMs = options.reconnectMinMs ?? 1_000;
	const cleanStart = options.cleanStart ?? true;
	// a session that is not to begin anew is there for good, as before 5.0; one that is outlives cuts only
	const expiry = cleanStart ? (reconnectMinMs > 0 ? SESSION_EXPIRY_SECONDS : 0) : 0xffffffff;
	const filled: FilledOptions = {
		limits: options.limits,
		platform: options.platform,
		connector: options.connector,
		version: options.version ?? 0,
		clientId: options.clientId ?? "",
		cleanStart,
		sessionExpirySeconds: options.sessionExpirySeconds ?? expiry,
		keepAlive,
		connectTimeoutMs: options.connectTimeoutMs ?? 30_000,
		pingTimeoutMs: options.pingTimeoutMs ?? Math.min(30_000, Math.max(5_000, keepAlive * 500)),
		reconnectMinMs,
		reconnectMaxMs: Math.max(reconnectMinMs, options.reconnectMaxMs ?? 60_000),
		resubscribe: options.resubscribe ?? true,
		queueQos0: options.queueQos0 ?? true,
		whenQueueFull: options.whenQueueFull ?? "refuse",
		followRedirects: options.followRedirects ?? true,
	};
	if (options.userName !== undefined) filled.userName = options.userName;
	if (options.password !== undefined) filled.password = options.password;
	if (options.will !== undefined) filled.will = options.will;
	if (options.properties !== undefined) filled.properties = options.properties;
	if (options.authentication !== undefined) filled.authentication = options.authentication;
	checkOptions(filled, text);
	return filled;
}

function checkOptions(o: FilledOptions, text: Text): void {
	if (o.version !== 0 && (o.version < 3 || o.version > 5))
		throw new HearthError("HEARTH_ERR_OPTION", `client: version ${o.version}: give 3 (3.1), 4 (3.1.1) or 5 (5.0)`);
	if (!(o.keepAlive >= 0 && o.keepAlive <= 65_535))
		throw new HearthError("HEARTH_ERR_OPTION", `client: keepAlive ${o.keepAlive}: give 0 to 65535 seconds`);
	if (o.password !== undefined && o.userName === undefined && o.version !== 5)
		throw new HearthError("HEARTH_ERR_OPTION", "client: a password needs a user name before 5.0: give userName");
	if (o.clientId === "" && !o.cleanStart)
		throw new HearthError("HEARTH_ERR_OPTION", "client: a session that is kept needs a name: give clientId");
	checkText("clientId", o.clientId);
	checkText("userName", o.userName ?? "");
	const will = o.will;
	if (will !== undefined) {
		const cause = checkTopicName(will.topic);
		const why = cause === Cause.None ? "give 0, 1 or 2" : causeName(cause);
		if (cause !== Cause.None || !(will.qos >= 0 && will.qos <= 2))
			throw new HearthError("HEARTH_ERR_OPTION", `client: will: topic "${will.topic}", QoS ${will.qos}: ${why}`);
	}
	const fields = { ...o, version: Version.V5 as Version }; // tidy: at start only
	const bytes = sizeOfConnect(fields, text) + CONNECT_BYTES + (o.authentication === undefined ? 0 : 320);
	if (bytes > o.limits.controlBytes)
		throw new HearthError(
			"HEARTH_ERR_OPTION",
			`client: a CONNECT of ${bytes} bytes: shorten it, or raise limits.controlBytes (${o.limits.controlBytes})`,
		);
}

/** Spec: [MQTT-1.5.3-2], 5.0 [MQTT-1.5.4-2]. A surrogate that stands alone is encoded as U+FFFD. */
function checkText(what: string, value: string): void {
	if (value.includes("\0")) throw new HearthError("HEARTH_ERR_OPTION", `client: ${what}: give a text without U+0000`);
}

/** Begins an attempt to connect. */
export function begin(client: Client): void {
	client.beginTurn();
	client.state = ClientState.Opening;
	client.connections++;
	client.dueAt = client.now + client.options.connectTimeoutMs;
	client.link.isOpen = true;
	client.options.connector.open(client.link, client.reference);
}

/** @returns ms until the next attempt, which grow with each that fails, less a random part, so that not all clients of
 *  a server that comes back come at once; -1: none */
export function pauseBefore(client: Client): number {
	const options = client.options;
	if (options.reconnectMinMs <= 0) return -1;
	const most = Math.min(options.reconnectMaxMs, options.reconnectMinMs * 2 ** Math.min(client.attempts, 30));
	client.attempts++;
	return Math.ceil(most * (0.5 + client.platform.random() / 0x200000000));
}

/** What ends with a connection. @param againMs until the next attempt; -1: none, and nothing is waited for any more */
export function end(client: Client, againMs: number): void {
	const opening = client.state === ClientState.Opening;
	const redirected = againMs === 0 && client.reference !== "";
	if (!redirected && !client.referenceLasts) client.reference = "";
	client.state = againMs < 0 ? ClientState.Idle : ClientState.Waiting;
	client.dueAt = client.now + Math.max(0, againMs);
	client.pingedAt = 0;
	client.link.close();
	if (opening) client.options.connector.cancel();
	client.ackOrder.clear();
	client.subscriptions.disconnected();
	client.stopSending(againMs < 0);
	if (againMs < 0) client.subscriptions.clear(Cause.TransportClosed);
	client.touch(); // an attempt that is due at once begins at its end
}

/** Sends DISCONNECT and what was gathered before it, if the transport takes it.
 *  @param reason a Reason Code; -1: that of the cause */
export function sendDisconnect(
	client: Client,
	reason: number,
	properties: Uint8Array | undefined,
	cause: Cause = Cause.None,
): void {
	const output = client.link.output;
	if (output.free && (reason >= 0 || client.version === Version.V5)) {
		const memory = client.memory;
		const from = client.layout.scratch;
		let p = from;
		const options = client.options;
		// a session that was to outlive connections only does not outlive the client
		if (reason === 0 && properties === undefined && options.cleanStart && options.sessionExpirySeconds > 0)
			p = putNumber(memory, p, PropertyId.SessionExpiryInterval, 0);
		if (properties !== undefined) {
			memory.set(properties, p);
			p += properties.length;
		}
		const code = reason >= 0 ? reason : causeReason(cause);
		const end = encodeReason(memory, p, PacketType.Disconnect, client.version, code, memory, from, p);
		sendControl(output, memory, p, end);
	}
	output.flush();
}

/** Keep Alive: a silent server is asked, and given up when it doesn't answer. Spec: 3.1.2.10, [MQTT-3.1.2-23] */
export function checkAlive(client: Client): void {
	const link = client.link;
	const now = client.now;
	if (link.output.stalled || !link.output.free) link.serve();
	if (client.keepAliveMs === 0 || client.state !== ClientState.Connected) return;
	if (client.pingedAt !== 0) {
		if (link.pausedBy !== 0)
			client.pingedAt = now; // this side does not read: the answer may be there
		else if (now - Math.max(client.pingedAt, link.heardAt) > client.options.pingTimeoutMs)
			return client.lost(Cause.KeepAliveTimeout, 0, `the server is silent for ${now - link.heardAt} ms`);
		if (now - link.spokeAt < client.keepAliveMs * 0.75) return;
	} else if (now - link.spokeAt < client.keepAliveMs * 0.75 && now - link.heardAt < client.keepAliveMs) return;
	ping(client);
}

/** Sends PINGREQ. */
export function ping(client: Client): void {
	const memory = client.memory;
	const at = client.layout.scratch;
	client.touch();
	if (client.pingedAt === 0) client.pingedAt = client.now;
	if (client.link.output.free) sendControl(client.link.output, memory, at, encodePing(memory, at, PacketType.Pingreq));
}
