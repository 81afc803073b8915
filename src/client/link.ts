/** One Network Connection of a client: a transport that comes and goes, and one flush a turn. What outlives it is the
 *  client's. After the transport; `Incoming` reads, before the handlers. */
import { Output } from "../delivery/output.js";
import { Cause } from "../errors.js";
import type { Transport, TransportTarget } from "../platform.js";
import type { Client } from "./client.js";
import type { ConnectorTarget } from "./client-options.js";
import { ClientState } from "./client-state.js";
import { sendConnect } from "./handle-connack.js";
import { Incoming } from "./incoming.js";

export class Link extends Incoming implements TransportTarget, ConnectorTarget {
	readonly output: Output;
	/** a transport is there, or is being made */
	isOpen = false;
	/** PausedBy bits */
	pausedBy = 0;
	/** when the server was last heard, or took bytes, and when it was last spoken to; ms on the platform's clock */
	heardAt = 0;
	spokeAt = 0;

	constructor(client: Client) {
		super(client);
		this.output = new Output(client.outputs, 0);
	}

	opened(transport: Transport, writable: number): void {
		const client = this.client;
		if (client.state !== ClientState.Opening) return transport.close();
		client.beginTurn();
		this.output.open(transport, writable);
		this.heardAt = this.spokeAt = client.now;
		sendConnect(client);
	}

	failed(why: string): void {
		const client = this.client;
		if (client.state !== ClientState.Opening) return;
		client.beginTurn();
		client.lost(Cause.TransportClosed, 0, why);
	}

	onWritable(count: number): void {
		if (!this.isOpen) return;
		this.client.beginTurn();
		this.client.touch();
		this.heardAt = this.client.now;
		this.output.onWritable(count);
		this.serve();
		this.client.listener.writable();
	}

	/** Sends what waits. */
	serve(): void {
		if (!this.isOpen) return;
		try {
			if (this.client.state === ClientState.Connected) this.client.pump();
			else this.output.drainBacklog();
		} catch (error) {
			this.client.broken(error);
		}
	}

	onError(): void {
		if (!this.isOpen) return;
		this.client.beginTurn();
		this.client.lost(Cause.TransportClosed, 0, "the connection was closed");
	}

	/** Gives back all that the Network Connection held. */
	close(): void {
		const transport = this.output.transport;
		this.isOpen = false;
		this.output.close();
		this.pausedBy = 0;
		this.forget();
		transport?.close();
	}
}
