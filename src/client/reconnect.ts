/** How connections follow one another: options, attempts, pauses, Keep Alive, and what ends with a connection. */
import { encodePing, encodeReason, sizeOfConnect } from "../codec/connect.js";
import { PacketType, PropertyId, Version } from "../codec/packet-types.js";
import { putNumber } from "../codec/properties.js";
import { checkTopicName } from "../codec/topic.js";
import { sendControl } from "../delivery/output.js";
import { Cause, causeName, causeReason, HearthError } from "../errors.js";
import { frozen } from "../frozen.js";
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

const DEFAULTS = frozen({
	version: 0,
	clientId: "",
	cleanStart: true,
	keepAlive: 60,
	connectTimeoutMs: 30_000,
	reconnectMinMs: 1_000,
	reconnectMaxMs: 60_000,
	resubscribe: true,
	queueQos0: true,
	whenQueueFull: "refuse",
	followRedirects: true,
} as const);

/** Fills in the defaults. Throws HearthError for what cannot be. */
export function fillOptions(options: ClientOptions, text: Text): FilledOptions {
	const filled = { ...DEFAULTS, ...options } as FilledOptions; // tidy: at start only
	const { cleanStart, keepAlive, reconnectMinMs } = filled;
	// a session that is not to begin anew is there for good, as before 5.0; one that is outlives cuts only
	filled.sessionExpirySeconds ??= cleanStart ? (reconnectMinMs > 0 ? SESSION_EXPIRY_SECONDS : 0) : 0xffffffff;
	filled.pingTimeoutMs ??= Math.min(30_000, Math.max(5_000, keepAlive * 500));
	filled.reconnectMaxMs = Math.max(reconnectMinMs, filled.reconnectMaxMs);
	checkOptions(filled, text);
	return filled;
}

function checkOptions(o: FilledOptions, text: Text): void {
	const { version, keepAlive, clientId, userName, will } = o;
	check(version === 0 || (version >= 3 && version <= 5), `version ${version}: give 3 (3.1), 4 (3.1.1) or 5 (5.0)`);
	check(keepAlive >= 0 && keepAlive <= 65_535, `keepAlive ${keepAlive}: give 0 to 65535 seconds`);
	check(
		o.password === undefined || userName !== undefined || version === 5,
		"a password needs a user name before 5.0: give userName",
	);
	check(clientId !== "" || o.cleanStart, "a session that is kept needs a name: give clientId");
	// [MQTT-1.5.3-2], 5.0 [MQTT-1.5.4-2]; a surrogate that stands alone is encoded as U+FFFD
	check(!clientId.includes("\0"), "clientId: give a text without U+0000");
	check(!userName?.includes("\0"), "userName: give a text without U+0000");
	if (will !== undefined) {
		const cause = checkTopicName(will.topic);
		const isGood = cause === Cause.None;
		const why = isGood ? "give 0, 1 or 2" : causeName(cause);
		check(isGood && will.qos >= 0 && will.qos <= 2, `will: topic "${will.topic}", QoS ${will.qos}: ${why}`);
	}
	const fields = { ...o, version: Version.V5 as Version }; // tidy: at start only
	const bytes = sizeOfConnect(fields, text) + CONNECT_BYTES + (o.authentication === undefined ? 0 : 320);
	const most = o.limits.controlBytes;
	check(bytes <= most, `a CONNECT of ${bytes} bytes: shorten it, or raise limits.controlBytes (${most})`);
}

function check(holds: boolean, what: string): void {
	if (!holds) throw new HearthError("HEARTH_ERR_OPTION", `client: ${what}`);
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
