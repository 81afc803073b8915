/** hearth-mqtt/client on Node. */

import { scramSha256 } from "../../src/auth/scram-client.js";
import type { Connector } from "../../src/client/client-options.js";
import { HearthError } from "../../src/errors.js";
import { DeviceKeyStore } from "../../src/hub/device-keys.js";
import { AsyncClient } from "../../src/promises/async-client.js";
import { type ConnectOptions, readSettings, type Settings } from "../../src/promises/settings.js";
import { KeyFile, keyFileOf } from "../key-file.js";
import { text } from "../text.js";
import { NodeConnector } from "./connector.js";
import { DiscoveringConnector } from "./discovering-connector.js";
import { clientPlatform } from "./platform.js";
import { readTls, TLS_OPTIONS } from "./tls-options.js";

export { type ScramClientKeys, ScramSha256Client, scramSha256 } from "../../src/auth/scram-client.js";
export { deviceClientLimits } from "../../src/client/client-limits.js";
export * from "../../src/promises/index.js";

/** What a connection on Node may be told. */
export interface NodeConnectOptions extends ConnectOptions {
	/** a hub's identifier: it is found by mDNS before each connection, in place of host and port. What answers proves
	 *  nothing: log in with `scramSha256`, or by TLS, which do. true: the hub that `hearth join` has paired `clientId`
	 *  with; the client logs in with the keys of that, which prove both sides to one another */
	discover?: string | true;
	/** the file in which `hearth join` keeps the keys. Default: its own for `clientId` */
	keys?: string;
}

/** Makes a client without connecting it: `open` does. Throws HearthError for an option that cannot be.
 *  @param log takes log lines: level 0 error, 1 event, 2 detail */
export function createClient(
	url: string | NodeConnectOptions,
	options: NodeConnectOptions = {},
	log?: (level: number, line: string) => void,
): AsyncClient {
	const { discover, keys, ...given } = typeof url === "string" ? { ...options, url } : { ...url, ...options };
	const record = discover === true ? recordOf(given.clientId, keys) : undefined;
	const settings = readSettings({ ...record?.login, ...given }, {}, text, TLS_OPTIONS);
	const platform = clientPlatform(log);
	const connector = connectorOf(settings, record?.hubId ?? (discover as string | undefined));
	const client = new AsyncClient(settings, platform, connector, () => platform.detach());
	platform.attach(client);
	return client;
}

/** Connects to a server, such as mqtt://127.0.0.1:1883.
 *  @returns the client, once the server has accepted it. Rejects with ClientError, or HearthError for an option that
 *  cannot be */
export async function connect(
	url: string | NodeConnectOptions,
	options: NodeConnectOptions = {},
): Promise<AsyncClient> {
	return createClient(url, options).open();
}

/** @returns the hub that a device is paired with, and how it logs in there. Throws HearthError when it is not */
function recordOf(clientId: string | undefined, keys: string | undefined) {
	if (clientId === undefined)
		throw new HearthError("HEARTH_ERR_OPTION", "connect: discover: give the clientId that is paired with a hub, too");
	const file = new KeyFile(keys ?? keyFileOf(clientId));
	const store = new DeviceKeyStore(text, file);
	const found = store.current ?? store.pending;
	if (found === undefined)
		throw new HearthError(
			"HEARTH_ERR_OPTION",
			`connect: discover: ${file.path}: has no keys: pair with \`hearth join\``,
		);
	const login: ConnectOptions = { version: 5, authentication: scramSha256(clientId, found) };
	return { hubId: found.hubId, login };
}

function connectorOf({ address, options }: Settings, discover: string | undefined): Connector {
	const connector = new NodeConnector(address, readTls(options));
	if (discover === undefined) return connector;
	if (!/^[A-Z2-7]{8}$/.test(discover))
		throw new HearthError("HEARTH_ERR_OPTION", `connect: discover ${discover}: give a hub's identifier, 8 of A-Z 2-7`);
	if (address.scheme === "ws" || address.scheme === "wss")
		throw new HearthError("HEARTH_ERR_OPTION", `connect: discover finds mqtt and mqtts, not ${address.scheme}`);
	return new DiscoveringConnector(discover, address.scheme === "mqtts", connector);
}
