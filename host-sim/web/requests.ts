/** A Node server's requests as the page looks at them: where they come from, and how large they may be. */
import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import { hostNameOf, type PageRequest, Refused } from "../../src/hub/page-requests.js";
import { isLoopback } from "../loopback.js";

/** The most bytes that a request may bring. */
const BODY_BYTES_MAX = 4_096;

/** A request of Node's HTTP server. */
export class NodeRequest implements PageRequest {
	readonly path: string;

	constructor(private readonly request: IncomingMessage) {
		this.path = (request.url ?? "/").split("?")[0]!;
	}

	get method(): string {
		return this.request.method ?? "GET";
	}

	get address(): string {
		return `${this.request.socket.remoteAddress}:${this.request.socket.remotePort}`;
	}

	get isSecure(): boolean {
		return this.request.socket instanceof TLSSocket;
	}

	field(name: string): string | undefined {
		const value = this.request.headers[name];
		return typeof value === "string" ? value : value?.join(", ");
	}

	/** It comes from this machine and asks for it by a name that is nobody else's: a page elsewhere whose host name leads
	 *  to 127.0.0.1 asks by its own ("DNS rebinding"). */
	get isTrusted(): boolean {
		const peer = this.request.socket.remoteAddress?.replace(/^::ffff:/, "") ?? "";
		const host = hostNameOf(this.field("host"));
		return isLoopback(peer) && host !== undefined && isLoopback(host);
	}

	/** Reads what came with it. Rejects with Refused when it is too large. */
	async body(): Promise<string> {
		const chunks: Buffer[] = [];
		let bytes = 0;
		for await (const chunk of this.request) {
			bytes += (chunk as Buffer).length;
			if (bytes > BODY_BYTES_MAX) throw new Refused(413, `send at most ${BODY_BYTES_MAX} bytes`);
			chunks.push(chunk as Buffer);
		}
		return Buffer.concat(chunks).toString();
	}
}
