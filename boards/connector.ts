/** A client's connections on a device: TCP to one server, whose name is looked up each time. */
// biome-ignore lint/style/useNodejsImportProtocol: the SDK's module of this name
import Net from "net";
import Timer from "timer";
import type { Connector, ConnectorTarget } from "../src/client/client-options.js";
import type { TransportTarget } from "../src/platform.js";
import type { DevicePlatform } from "./platform.js";
import { TcpTransport } from "./tcp.js";

/** The client's link: what a connector calls, and what a transport does. */
type Target = ConnectorTarget & TransportTarget;

export class TcpConnector implements Connector {
	private opening: Opening | undefined = undefined;

	/** @param host a name or an IP address */
	constructor(
		private readonly platform: DevicePlatform,
		private readonly host: string,
		private readonly port = 1883,
	) {}

	open(target: ConnectorTarget, reference: string): void {
		const [host, port] = reference === "" ? [this.host, this.port] : addressOf(reference, this.port);
		this.opening = new Opening(this.platform, target as Target, host, port);
	}

	cancel(): void {
		this.opening?.cancel();
		this.opening = undefined;
	}
}

/** @returns what a Server Reference names: "host", "host:port". Spec: 5.0, 4.13 */
function addressOf(reference: string, port: number): [string, number] {
	const colon = reference.lastIndexOf(":");
	return colon < 0 ? [reference, port] : [reference.slice(0, colon), Number(reference.slice(colon + 1))];
}

/** An attempt: until the socket is writable for the first time, it is the socket's target. */
class Opening implements TransportTarget {
	private transport: TcpTransport | undefined = undefined;
	private wanted = true;

	constructor(
		private readonly platform: DevicePlatform,
		private readonly target: Target,
		private readonly host: string,
		private readonly port: number,
	) {
		try {
			Net.resolve(host, (_name: string, address?: string) => this.resolved(address));
		} catch {
			Timer.set(() => this.resolved(undefined)); // too many names are being looked up
		}
	}

	cancel(): void {
		this.wanted = false;
		this.transport?.close();
	}

	private resolved(address: string | undefined): void {
		if (!this.wanted) return;
		this.platform.beginEvent();
		try {
			if (address === undefined) this.target.failed(`${this.host} has no address`);
			else this.connect(address);
		} catch (error) {
			this.target.failed(`${this.host}:${this.port}: ${error}`);
		}
		this.platform.endEvent();
	}

	private connect(address: string): void {
		const peer = `${address}:${this.port}`;
		this.transport = new TcpTransport(this.platform, { address, port: this.port }, peer);
		this.transport.target = this;
	}

	onReadable(): number {
		return 0;
	}

	onWritable(count: number): void {
		const transport = this.transport!;
		transport.target = this.target;
		this.target.opened(transport, count);
	}

	onError(): void {
		this.target.failed(`${this.host}:${this.port} does not answer`);
	}
}
