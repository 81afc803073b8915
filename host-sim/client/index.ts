/** hearth-mqtt/client on Node. */
import { AsyncClient } from "../../src/promises/async-client.js";
import { type ConnectOptions, readSettings } from "../../src/promises/settings.js";
import { text } from "../text.js";
import { NodeConnector } from "./connector.js";
import { clientPlatform } from "./platform.js";

export { type ScramClientKeys, ScramSha256Client, scramSha256 } from "../../src/auth/scram-client.js";
export * from "../../src/promises/index.js";

/** Makes a client without connecting it: `open` does. Throws HearthError for an option that cannot be.
 *  @param log takes log lines: level 0 error, 1 event, 2 detail */
export function createClient(
	url: string | ConnectOptions,
	options: ConnectOptions = {},
	log?: (level: number, line: string) => void,
): AsyncClient {
	const settings = readSettings(url, options, text);
	const platform = clientPlatform(log);
	const connector = new NodeConnector(settings.address, settings.tls);
	const client = new AsyncClient(settings, platform, connector, () => platform.detach());
	platform.attach(client);
	return client;
}

/** Connects to a server, such as mqtt://127.0.0.1:1883.
 *  @returns the client, once the server has accepted it. Rejects with ClientError, or HearthError for an option that
 *  cannot be */
export async function connect(url: string | ConnectOptions, options: ConnectOptions = {}): Promise<AsyncClient> {
	return createClient(url, options).open();
}
