/** hearth-mqtt/client in a browser. */
// tables of names lie beside one another, which compresses better
import "../src/promises/client-error.js";
import { HearthError } from "../src/errors.js";
import { AsyncClient } from "../src/promises/async-client.js";
import { type ConnectOptions, readSettings } from "../src/promises/settings.js";
import { BrowserConnector } from "./connector.js";
import { browserPlatform, text } from "./platform.js";

export * from "../src/promises/index.js";

/** Makes a client without connecting it: `open` does. Throws HearthError for an option that cannot be.
 *  @param log takes log lines: level 0 error, 1 event, 2 detail */
export function createClient(
	url: string | ConnectOptions,
	options: ConnectOptions = {},
	log?: (level: number, line: string) => void,
): AsyncClient {
	const settings = readSettings(url, options, text);
	if (!settings.address.scheme.startsWith("ws"))
		throw new HearthError("HEARTH_ERR_OPTION", "connect: a browser has WebSocket only: give a ws or wss URL");
	const platform = browserPlatform(log);
	const client = new AsyncClient(settings, platform, new BrowserConnector(settings.address), () => platform.detach());
	platform.attach(client);
	return client;
}

/** Connects to a server, such as ws://127.0.0.1:9001.
 *  @returns the client, once the server has accepted it. Rejects with ClientError, or HearthError for an option that
 *  cannot be */
export async function connect(url: string | ConnectOptions, options: ConnectOptions = {}): Promise<AsyncClient> {
	return createClient(url, options).open();
}
