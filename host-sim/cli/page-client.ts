/** How commands talk with a running hub: by its page, over HTTP for the pairing code and over MQTT for all else. */
import { randomBytes } from "node:crypto";
import { HearthError } from "../../src/errors.js";
import { type AsyncClient, connect } from "../client/index.js";

/** Options of every command that talks with a hub. */
export const HUB_OPTIONS = {
	hub: { type: "string", default: "http://127.0.0.1:8080" },
	user: { type: "string", short: "u" },
	pw: { type: "string", short: "P" },
	verbose: { type: "boolean", default: false },
	help: { type: "boolean", short: "h", default: false },
} as const;

export const HUB_HELP = `      --hub URL        the hub's page (default http://127.0.0.1:8080)
  -u, --user NAME      an admin's user name; not needed on the hub's own machine
  -P, --pw PASSWORD    its password; without -P it is taken from HEARTH_PASSWORD`;

/** Something that the hub did not do: exit code 1. */
export class HubRefused extends Error {}

interface HubValues {
	hub: string;
	user?: string | undefined;
	pw?: string | undefined;
}

export class PageClient {
	private cookie = "";

	private constructor(
		readonly url: URL,
		private readonly user: string | undefined,
		private readonly password: string,
	) {}

	/** Signs in where the options say a user. Throws HearthError for a URL that is none; HubRefused */
	static async open(command: string, values: HubValues): Promise<PageClient> {
		let url: URL;
		try {
			url = new URL(values.hub);
		} catch {
			throw new HearthError("HEARTH_ERR_OPTION", `${command}: --hub ${values.hub}: give a URL such as http://hub:8080`);
		}
		if (url.protocol !== "http:" && url.protocol !== "https:")
			throw new HearthError("HEARTH_ERR_OPTION", `${command}: --hub ${values.hub}: give a URL such as http://hub:8080`);
		const password = values.pw ?? process.env["HEARTH_PASSWORD"] ?? "";
		const client = new PageClient(url, values.user, password);
		if (values.user === undefined) return client;
		await client.ask("POST", "/session", { userName: values.user, password });
		return client;
	}

	/** Makes a request. @returns the answer. Throws HubRefused with what the hub says */
	async ask(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
		let response: Response;
		try {
			response = await fetch(new URL(path, this.url), {
				method,
				headers: { cookie: this.cookie, ...(body === undefined ? {} : { "content-type": "application/json" }) },
				...(body === undefined ? {} : { body: JSON.stringify(body) }),
			});
		} catch (error) {
			const { cause } = error as { cause?: { code?: string } };
			throw new HubRefused(
				`${this.url.origin}: ${cause?.code ?? error}; is the hub running, with its page? --hub says where`,
			);
		}
		this.cookie = response.headers.get("set-cookie")?.split(";")[0] ?? this.cookie;
		const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
		if (response.ok) return answer;
		const remedy = response.status === 401 && this.cookie === "" ? "; give an admin's --user" : "";
		throw new HubRefused(`${this.url.origin}: ${answer["error"] ?? response.statusText}${remedy}`);
	}

	/** @returns an MQTT client that may use $HEARTH/#. Rejects with HubRefused */
	async mqtt(): Promise<AsyncClient> {
		const url = `${this.url.protocol === "https:" ? "wss" : "ws"}://${this.url.host}/mqtt`;
		try {
			return await connect(url, {
				clientId: `hearth-cli-${randomBytes(6).toString("hex")}`,
				reconnect: false,
				version: 5,
				...(this.user === undefined ? {} : { userName: this.user, password: this.password }),
			});
		} catch (error) {
			throw new HubRefused(`${url}: ${error instanceof Error ? error.message : error}`);
		}
	}
}
