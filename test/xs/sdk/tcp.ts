/** Stands for the SDK's module "embedded:io/socket/tcp" on the XS host, with its manners: reading more than there is
 *  throws, writing more than is writable throws, what lies in the socket is told of once, and the end comes last. */
import Timer from "./timer.js";

const enum Io {
	Read = 1,
	Write = 4,
	Broken = 8,
}

interface Options {
	from?: TCP;
	port?: number;
	onReadable?: (this: TCP, count: number) => void;
	onWritable?: (this: TCP, count: number) => void;
	onError?: (this: TCP) => void;
}

/** Modules are preloaded, so what changes hangs on the global object. */
interface Holder {
	sockets?: ({ onIo(events: number): void } | undefined)[];
	/** taken over, and not told yet that they are writable */
	fresh?: TCP[];
}

/** By descriptor: who hears of its events. */
export function sockets(): ({ onIo(events: number): void } | undefined)[] {
	const holder = globalThis as Holder;
	holder.sockets ??= [];
	globalThis.onIo ??= dispatch;
	return holder.sockets;
}

function dispatch(fd: number, events: number): void {
	sockets()[fd]?.onIo(events);
}

/** One timer for all: a closed socket must leave nothing behind. */
function tellLater(socket: TCP): void {
	const holder = globalThis as Holder;
	holder.fresh ??= [];
	holder.fresh.push(socket);
	if (holder.fresh.length === 1) Timer.set(tellFresh);
}

function tellFresh(): void {
	const holder = globalThis as Holder;
	const fresh = holder.fresh!;
	holder.fresh = [];
	for (let i = 0; i < fresh.length; i++) fresh[i]!.onIo(Io.Write);
}

export default class TCP {
	private fd = -1;
	private failed = false;
	/** of our callbacks; a bare socket of a listener has none */
	private readonly options: Options | undefined;

	constructor(options?: Options) {
		this.options = options;
		if (options === undefined) return;
		if (options.from !== undefined) {
			this.fd = options.from.detach();
			tellLater(this); // the SDK posts it, too
		} else {
			this.fd = host.connect(options.port!);
			if (this.fd < 0) throw new Error("no socket");
		}
		sockets()[this.fd] = this;
		host.watch(this.fd, Io.Read);
	}

	/** Of a listener: the bare socket. */
	adopt(fd: number): this {
		this.fd = fd;
		return this;
	}

	detach(): number {
		const fd = this.fd;
		if (fd < 0) throw new Error("invalid from");
		this.fd = -1;
		return fd;
	}

	get remoteAddress(): string {
		return host.remote(this.fd).split(":")[0]!;
	}

	get remotePort(): number {
		return Number(host.remote(this.fd).split(":")[1]);
	}

	read(bytes: Uint8Array): number | undefined {
		const readable = host.readable(this.fd);
		if (readable === 0) return undefined;
		if (bytes.byteLength > readable) throw new Error("invalid");
		host.watch(this.fd, Io.Read);
		return host.read(this.fd, bytes, 0, bytes.byteLength);
	}

	write(bytes: Uint8Array): number | undefined {
		if (this.failed) throw new Error("not ready");
		return host.write(this.fd, bytes, 0, bytes.byteLength);
	}

	close(): void {
		if (this.fd < 0) return;
		sockets()[this.fd] = undefined;
		host.close(this.fd);
		this.fd = -1;
		const fresh = (globalThis as Holder).fresh;
		const index = fresh === undefined ? -1 : fresh.indexOf(this);
		if (index > 0) fresh!.splice(index, 1); // the first one has set the timer
	}

	onIo(events: number): void {
		if ((events & Io.Write) !== 0) this.tellWritable();
		if ((events & Io.Read) !== 0 && this.fd >= 0) this.tellReadable();
		if ((events & Io.Broken) !== 0 && this.fd >= 0) this.tellError();
	}

	private tellWritable(): void {
		if (this.fd >= 0 && !this.failed) this.options?.onWritable?.call(this, host.writable(this.fd));
	}

	private tellReadable(): void {
		const readable = host.readable(this.fd);
		if (readable === 0) return this.tellError();
		host.watch(this.fd, 0); // until some of it is read, as the SDK tells only of more
		this.options?.onReadable?.call(this, readable);
	}

	private tellError(): void {
		this.failed = true;
		host.watch(this.fd, 0);
		this.options?.onError?.call(this);
	}
}
