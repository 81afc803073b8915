/** Transports of a client in a browser: WebSocket, with TLS or without. Spec: 6 */
import type { Connector, ConnectorTarget } from "../src/client/client-options.js";
import type { Transport, TransportTarget } from "../src/platform.js";
import { type Address, readReference } from "../src/promises/settings.js";

/** Bytes that wait for the browser to send them. */
const WAITING_BYTES_MAX = 1 << 16;

/** How often it is looked whether they were sent, ms: the browser tells nobody. */
const LOOK_MS = 10;

type Target = ConnectorTarget & TransportTarget;

class BrowserTransport implements Transport {
	private readonly chunks: Uint8Array[] = [];
	private paused = false;
	private timer: ReturnType<typeof setTimeout> | undefined = undefined;
	private target: Target | undefined;

	constructor(
		private readonly ws: WebSocket,
		readonly remoteAddress: string,
		target: Target,
	) {
		this.target = target;
		ws.onmessage = ({ data }) => {
			if (!(data instanceof ArrayBuffer)) return this.ended(); // [MQTT-6.0.0-1]
			this.chunks.push(new Uint8Array(data));
			this.bring();
		};
		ws.onclose = () => this.ended();
		ws.onerror = () => {}; // "close" follows
	}

	private bring(): void {
		while (!this.paused && this.target !== undefined) {
			const bytes = this.chunks.shift();
			if (bytes === undefined) return;
			this.paused = this.target.onReadable(bytes, 0, bytes.length) === 0;
		}
	}

	write(bytes: Uint8Array, start: number, end: number): number {
		if (this.ws.readyState === WebSocket.OPEN) this.ws.send(bytes.subarray(start, end) as Uint8Array<ArrayBuffer>);
		return this.room();
	}

	private room(): number {
		const room = Math.max(0, WAITING_BYTES_MAX - this.ws.bufferedAmount);
		if (room < WAITING_BYTES_MAX) {
			clearTimeout(this.timer);
			this.timer = setTimeout(() => this.target?.onWritable(this.room()), LOOK_MS);
		}
		return room;
	}

	resume(): void {
		this.paused = false;
		queueMicrotask(() => this.bring()); // not within the client's turn
	}

	close(): void {
		this.target = undefined;
		this.chunks.length = 0;
		clearTimeout(this.timer);
		this.ws.close();
	}

	private ended(): void {
		const target = this.target;
		this.target = undefined;
		target?.onError();
		this.ws.close();
	}
}

export class BrowserConnector implements Connector {
	private attempt: WebSocket | undefined = undefined;

	constructor(private readonly address: Address) {}

	open(target: ConnectorTarget, reference: string): void {
		const { scheme, host, port, path } = reference === "" ? this.address : readReference(reference, this.address);
		const name = host.includes(":") ? `[${host}]` : host;
		const url = `${scheme}://${name}:${port}${path}`;
		let ws: WebSocket;
		try {
			ws = new WebSocket(url, "mqtt");
		} catch (error) {
			setTimeout(() => target.failed(`${url}: ${error}`));
			return;
		}
		this.attempt = ws;
		ws.binaryType = "arraybuffer";
		ws.onopen = () => {
			this.attempt = undefined;
			target.opened(new BrowserTransport(ws, url, target as Target), WAITING_BYTES_MAX);
		};
		ws.onclose = () => {
			this.attempt = undefined;
			target.failed("the browser cannot connect: nobody listens there, or it does not believe the certificate");
		};
	}

	cancel(): void {
		const attempt = this.attempt;
		this.attempt = undefined;
		if (attempt === undefined) return;
		attempt.onopen = attempt.onclose = null;
		attempt.close();
	}
}
