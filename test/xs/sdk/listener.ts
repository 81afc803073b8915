/** Stands for the SDK's module "embedded:io/socket/listener" on the XS host. */
import TCP, { sockets } from "./tcp.js";

export default class Listener {
	private readonly fd: number;

	constructor(private readonly options: { port: number; onReadable?: (this: Listener, count: number) => void }) {
		this.fd = host.listen(options.port);
		if (this.fd < 0) throw new Error("socket bind");
		sockets()[this.fd] = this;
		host.watch(this.fd, 1);
	}

	get port(): number {
		return host.port(this.fd);
	}

	read(): TCP | undefined {
		const fd = host.accept(this.fd);
		return fd < 0 ? undefined : new TCP().adopt(fd);
	}

	close(): void {
		sockets()[this.fd] = undefined;
		host.close(this.fd);
	}

	onIo(): void {
		this.options.onReadable?.call(this, 1);
	}
}
