/** The core's ports on the XS host (test/xs/host), as a board has them: a send buffer in C, bytes read into the
 *  broker's own memory, one turn an event. Runs on XS only. */
import { DeviceCrypto } from "../../boards/crypto.js";
import { DeviceText } from "../../boards/text.js";
import type { Broker } from "../../src/broker/broker.js";
import type { Crypto, Platform, Text, Transport, TransportTarget } from "../../src/platform.js";

/** What `onIo` tells. */
const enum Io {
	Read = 1,
	Write = 4,
	Broken = 8,
}

/** How often the broker looks at its deadlines, ms. */
const TICK_MS = 250;

/** One connection. Reads as much as the broker last asked for, straight into the broker's memory. */
export class XsTransport implements Transport {
	target: TransportTarget | undefined = undefined;
	readonly remoteAddress: string;
	private wanted: number;

	constructor(
		private readonly platform: XsPlatform,
		private readonly fd: number,
		wanted: number,
	) {
		this.remoteAddress = host.remote(fd);
		this.wanted = wanted;
	}

	write(bytes: Uint8Array, start: number, end: number): number {
		return host.write(this.fd, bytes, start, end);
	}

	resume(): void {
		this.want(this.platform.receiveBytes);
	}

	close(): void {
		this.target = undefined;
		this.platform.forget(this.fd);
		host.close(this.fd);
	}

	/** An event of the host. */
	onIo(events: number): void {
		if ((events & Io.Write) !== 0) this.target?.onWritable(host.writable(this.fd));
		if ((events & Io.Read) !== 0 && this.target !== undefined) this.read(this.target);
		if ((events & Io.Broken) !== 0) this.end();
	}

	private read(target: TransportTarget): void {
		const platform = this.platform;
		const start = platform.receiveStart;
		const most = platform.receiveBytes;
		const count = host.read(this.fd, platform.memory, start, Math.min(this.wanted, most));
		if (count > 0) {
			const wanted = target.onReadable(platform.memory, start, start + count);
			if (wanted !== this.wanted && this.target !== undefined) this.want(wanted);
		} else if (count !== -1) this.end();
	}

	private want(count: number): void {
		if ((count === 0) !== (this.wanted === 0)) host.watch(this.fd, count === 0 ? 0 : Io.Read);
		this.wanted = count;
	}

	private end(): void {
		const target = this.target;
		if (target === undefined) return;
		this.close();
		target.onError();
	}
}

/** `const platform = new XsPlatform(); platform.attach(new Broker({ limits, platform })); platform.listen(0)` */
export class XsPlatform implements Platform {
	readonly text: Text = new DeviceText();
	readonly crypto: Crypto = new DeviceCrypto();
	readonly copiesWrites = true;
	/** where transports read to: receiveBytes from index receiveStart on */
	memory: Uint8Array = new Uint8Array(0);
	receiveStart = 0;
	receiveBytes = 0;
	private broker: Broker | undefined = undefined;
	private woken = false;
	private readonly listeners: number[] = [];
	private readonly transports: (XsTransport | undefined)[] = [];

	now(): number {
		return host.now();
	}

	random(): number {
		return host.random();
	}

	wake(): void {
		this.woken = true;
	}

	log(level: number, line: string): void {
		host.print(`log ${level} ${line}`);
	}

	/** Takes over the host's events for a broker that was made with this platform and whose limits have receiveBytes. */
	attach(broker: Broker): void {
		this.broker = broker;
		this.memory = broker.memory;
		this.receiveStart = broker.layout.receive;
		this.receiveBytes = broker.limits.receiveBytes;
		globalThis.onIo = (fd, events) => this.onIo(fd, events);
		globalThis.onTimer = () => this.onTimer();
		host.setTimer(TICK_MS);
	}

	/** @param port 0: a free one @returns the port. Throws when it can't be had */
	listen(port: number): number {
		const fd = host.listen(port);
		if (fd < 0) throw new Error(`port ${port} can't be had`);
		this.listeners.push(fd);
		host.watch(fd, Io.Read);
		return host.port(fd);
	}

	/** Ends listeners and timer; with its connections closed the process ends. */
	detach(): void {
		for (let i = 0; i < this.listeners.length; i++) host.close(this.listeners[i]!);
		this.listeners.length = 0;
		host.setTimer(-1);
	}

	/** The transport was closed. */
	forget(fd: number): void {
		this.transports[fd] = undefined;
	}

	/** Ends the turn when one began: the broker flushes what it has to say. A board does this after each event, too. */
	endTurn(): void {
		if (!this.woken) return;
		this.woken = false;
		this.broker?.endTurn();
	}

	private onIo(fd: number, events: number): void {
		const transport = this.transports[fd];
		if (transport !== undefined) transport.onIo(events);
		else if (this.listeners.indexOf(fd) >= 0) this.accept(fd);
		this.endTurn();
	}

	private accept(listener: number): void {
		const fd = host.accept(listener);
		if (fd < 0 || this.broker === undefined) return;
		const transport = new XsTransport(this, fd, this.receiveBytes);
		const connection = this.broker.accept(transport, host.writable(fd));
		if (connection === undefined) return host.close(fd);
		transport.target = connection;
		this.transports[fd] = transport;
		host.watch(fd, Io.Read);
	}

	private onTimer(): void {
		host.setTimer(TICK_MS);
		this.broker?.tick();
		this.endTurn();
	}
}
