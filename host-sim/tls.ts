/** MQTT over TLS on Node: the listener, the certificates that it reads, and the transport of one connection. */
import { createPrivateKey, type KeyObject, randomBytes, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Server as NetServer, Socket } from "node:net";
import {
	createSecureContext,
	createServer,
	type TlsOptions as NodeTlsOptions,
	type SecureContext,
	type SecureContextOptions,
	type Server,
	type TLSSocket,
} from "node:tls";
import type { Broker } from "../src/broker/broker.js";
import type { Listener } from "../src/broker/listener.js";
import { HearthError } from "../src/errors.js";
import type { Transport, TransportTarget } from "../src/platform.js";
import { fromEnvironment } from "./environment.js";
import { endGently, startListening } from "./tcp.js";

/** Paths of PEM files; env:NAME is what a variable of the environment holds. */
export interface CertificateFiles {
	/** the certificate, and those between it and the authority */
	cert: string;
	/** its private key, not encrypted */
	key: string;
}

export interface TlsOptions extends CertificateFiles {
	/** path of the authorities whose client certificates are believed; absent: clients are not asked for any */
	ca?: string;
	/** clients without a certificate that an authority of `ca` vouches for are refused */
	requireCertificate?: boolean;
	/** other certificates, by the host name that the client asks for: `hub.example` or `*.example` */
	sni?: Readonly<Record<string, CertificateFiles>>;
}

/** What a TLS listener has in addition to Node's server. */
export interface TlsControl {
	/** Reads the files again; connections that are there go on. What cannot be used is one error line, and the old
	 *  certificates stay. @returns whether the new ones are in use */
	reload(): boolean;
	/** how many came and did not get through the handshake */
	readonly handshakeFailures: number;
}

/** Bytes that wait for a peer at most. They are copies: TLS writes later than it is told to, and the broker's last
 *  packet must not go with the buffer that it lay in. */
export const WAITING_BYTES_MAX = 1 << 16;

/** The oldest version that is spoken. */
const MIN_VERSION = "TLSv1.2";

export class TlsTransport implements Transport {
	readonly remoteAddress: string;
	/** the Common Name of a client certificate that an authority vouches for */
	readonly certificateUserName: string | undefined;
	target: TransportTarget | undefined;
	/** the broker was told less than WAITING_BYTES_MAX */
	private full = false;

	constructor(private readonly socket: TLSSocket) {
		this.remoteAddress = addressOf(socket);
		this.certificateUserName = userNameOf(socket);
		socket.setNoDelay(true);
		socket.on("data", (chunk: Buffer) => {
			if (this.target?.onReadable(chunk, 0, chunk.length) === 0) socket.pause();
		});
		socket.on("error", () => {}); // "close" follows
		socket.on("end", () => this.ended());
		socket.on("close", () => this.ended());
	}

	write(bytes: Uint8Array, start: number, end: number): number {
		this.socket.write(Buffer.from(bytes.subarray(start, end)), this.written);
		return this.room();
	}

	private room(): number {
		const room = Math.max(0, WAITING_BYTES_MAX - this.socket.writableLength);
		this.full = room < WAITING_BYTES_MAX;
		return room;
	}

	private readonly written = (): void => {
		if (this.full) this.target?.onWritable(this.room());
	};

	resume(): void {
		this.socket.resume();
	}

	/** Ends the connection gently, see tcp.ts. */
	close(): void {
		const socket = this.socket;
		this.target = undefined;
		endGently(socket);
	}

	private ended(): void {
		const target = this.target;
		this.target = undefined;
		target?.onError();
		this.socket.destroy();
	}
}

/** @returns where the peer is, as log lines show it */
export function addressOf(socket: Socket): string {
	return `${socket.remoteAddress ?? "?"}:${socket.remotePort ?? 0}`;
}

/** @returns the Common Name of the peer's certificate, if an authority vouches for it */
export function userNameOf(socket: TLSSocket): string | undefined {
	const name: unknown = socket.authorized ? socket.getPeerCertificate().subject?.CN : undefined;
	return typeof name === "string" && name !== "" ? name : undefined; // several: none
}

/** Sockets that the broker does not know yet, because TLS or HTTP comes first: each has limits.connectTimeoutMs for it,
 *  and beyond the broker's number of connections the oldest goes. A server that closes does not wait for them. */
export class Strangers {
	private readonly sockets = new Map<string, { socket: Socket; timer: NodeJS.Timeout }>();
	/** those that this side has ended, and said so */
	private readonly told = new WeakSet<Socket>();

	constructor(
		server: NetServer,
		private readonly broker: Broker,
	) {
		const { connections, spareConnections, connectTimeoutMs } = broker.limits;
		server.on("connection", (socket: Socket) => {
			const address = addressOf(socket);
			const late = () => this.end(address, `is silent for ${connectTimeoutMs} ms`);
			this.sockets.set(address, { socket, timer: setTimeout(late, connectTimeoutMs).unref() });
			socket.once("close", () => {
				if (this.sockets.get(address)?.socket === socket) this.leave(address);
			});
			const [oldest] = this.sockets.keys();
			if (this.sockets.size > connections + spareConnections) this.end(oldest!, "makes room for others");
		});
		const close = server.close.bind(server);
		server.close = (callback) => {
			for (const { socket } of [...this.sockets.values()]) socket.destroy();
			return close(callback);
		};
	}

	/** The broker knows it, or it is gone. @param address as `addressOf` says it, of the socket or of what is above it */
	leave(address: string): void {
		clearTimeout(this.sockets.get(address)?.timer);
		this.sockets.delete(address);
	}

	private end(address: string, why: string): void {
		const socket = this.sockets.get(address)?.socket;
		this.leave(address);
		if (socket === undefined) return;
		this.told.add(socket);
		socket.destroy();
		this.broker.log(1, `${address}: refused before CONNECT: ${why}`);
	}

	/** Says why a handshake failed, unless this side has ended it. */
	refused(socket: TLSSocket, why: string): void {
		// Node's own, and the only one that knows the address after the end
		const below = (socket as { _parent?: Socket })._parent ?? socket;
		if (!this.told.has(below)) this.broker.log(1, `${addressOf(below)}: refused: no TLS handshake: ${why}`);
	}
}

/** The certificates of a listener, read from their files. */
export class Credentials {
	private context: SecureContextOptions = {};
	private byName = new Map<string, SecureContext>();
	private handshakeFailures = 0;

	/** Throws HearthError when the files cannot be used. */
	constructor(
		private readonly broker: Broker,
		private readonly options: TlsOptions,
	) {
		if (options.requireCertificate && options.ca === undefined)
			throw new HearthError(
				"HEARTH_ERR_TLS",
				"tls: client certificates are required, but no authority for them is named; name a file with ca",
			);
		this.read();
	}

	private read(): void {
		const warn = (line: string) => this.broker.log(0, line);
		const { ca, sni = {} } = this.options;
		const authorities = ca === undefined ? {} : { ca: readCertificate(ca, "--ca", warn).text };
		const contextOf = (files: CertificateFiles) => ({
			...readPair(files, warn),
			...authorities,
			minVersion: MIN_VERSION as "TLSv1.2",
		});
		const context = contextOf(this.options);
		const byName = new Map<string, SecureContext>();
		for (const [name, files] of Object.entries(sni))
			byName.set(name.toLowerCase(), createSecureContext(contextOf(files)));
		createSecureContext(context); // throws before anything is changed
		this.context = context;
		this.byName = byName;
	}

	/** What Node's servers are made with. */
	get serverOptions(): NodeTlsOptions {
		return {
			...this.context,
			requestCert: this.options.ca !== undefined,
			rejectUnauthorized: this.options.requireCertificate === true,
			handshakeTimeout: 2 * this.broker.limits.connectTimeoutMs, // Strangers bounds it, whether idle or not
			SNICallback: (name, done) => done(null, this.contextFor(name)),
		};
	}

	private contextFor(name: string): SecureContext | undefined {
		const host = name.toLowerCase();
		return this.byName.get(host) ?? this.byName.get(host.replace(/^[^.]*/, "*"));
	}

	/** Counts and logs failures. @returns the server with its control */
	control<S extends Server>(server: S, strangers: Strangers): S & TlsControl {
		server.on("tlsClientError", (error: NodeJS.ErrnoException & { reason?: string }, socket) => {
			this.handshakeFailures++;
			const refused = socket.authorizationError as unknown as string | undefined;
			const why = refused ? `client certificate: ${refused}` : (error.reason ?? error.code ?? error.message);
			strangers.refused(socket, why);
			socket.destroy();
		});
		const credentials = this;
		const control: TlsControl = {
			reload: () => this.reload(server),
			get handshakeFailures() {
				return credentials.handshakeFailures;
			},
		};
		return Object.defineProperties(server, Object.getOwnPropertyDescriptors(control)) as S & TlsControl;
	}

	private reload(server: Server): boolean {
		try {
			this.read();
			server.setSecureContext(this.context);
			server.setTicketKeys(randomBytes(48)); // nobody comes in with what an authority of before vouched for
			return true;
		} catch (error) {
			const line = error instanceof Error ? error.message : String(error);
			this.broker.log(0, `${line}; the certificates of before stay`);
			return false;
		}
	}
}

function unusable(file: string, what: string, remedy: string): HearthError {
	return new HearthError("HEARTH_ERR_TLS", `tls: ${file}: ${what}; ${remedy}`);
}

function readPem(file: string, option: string): string {
	const remedy = `make them with hearth cert, or give another file with ${option}`;
	try {
		return fromEnvironment(file) ?? readFileSync(file, "utf8");
	} catch (error) {
		if (error instanceof HearthError) throw error;
		const { code } = error as NodeJS.ErrnoException;
		if (code === "ENOENT") throw unusable(file, "there is no such file", remedy);
		throw unusable(file, `cannot be read (${code})`, "let this user read it");
	}
}

function readCertificate(file: string, option: string, warn: (line: string) => void) {
	const text = readPem(file, option);
	const remedy = `give a PEM file with ${option}, such as hearth cert makes`;
	if (!text.includes("-----BEGIN CERTIFICATE-----")) throw unusable(file, "holds no PEM certificate", remedy);
	let certificate: X509Certificate;
	try {
		certificate = new X509Certificate(text);
	} catch {
		throw unusable(file, "its certificate is damaged", remedy);
	}
	const now = Date.now();
	if (now > Date.parse(certificate.validTo)) warn(`tls: ${file}: expired on ${certificate.validTo}; make another`);
	if (now < Date.parse(certificate.validFrom))
		warn(`tls: ${file}: is valid from ${certificate.validFrom} on; look at this machine's clock`);
	return { text, certificate };
}

function readPair(files: CertificateFiles, warn: (line: string) => void): { cert: string; key: string } {
	const { text: cert, certificate } = readCertificate(files.cert, "--cert", warn);
	const key = readPem(files.key, "--key");
	if (/ENCRYPTED/.test(key))
		throw unusable(files.key, "the key is encrypted", "give one that is not: openssl pkey -in FILE -out FILE");
	let privateKey: KeyObject;
	try {
		privateKey = createPrivateKey(key);
	} catch {
		throw unusable(files.key, "holds no PEM private key", "give one with --key, such as hearth cert makes");
	}
	if (!certificate.checkPrivateKey(privateKey))
		throw unusable(files.key, `the key does not belong to ${files.cert}`, "give the two that were made together");
	try {
		createSecureContext({ cert, key });
	} catch (error) {
		throw unusable(files.cert, (error as Error).message.replaceAll("\n", " "), "make another");
	}
	return { cert, key };
}

/** Listens for MQTT over TLS 1.2 and 1.3. A client is the broker's only once its handshake is done.
 *  @param port 0: a free one @param listener of the broker, where clients come in
 *  @returns the server, listening. Rejects with a HearthError when a file cannot be used, and with the system's error
 *  when it cannot listen. */
export async function listenTls(
	broker: Broker,
	host: string,
	port: number,
	options: TlsOptions,
	listener: Listener = broker.listener,
): Promise<Server & TlsControl> {
	const credentials = new Credentials(broker, options);
	const server = createServer({ ...credentials.serverOptions, ALPNProtocols: ["mqtt"] });
	const strangers = new Strangers(server, broker);
	server.on("secureConnection", (socket) => {
		strangers.leave(addressOf(socket));
		const transport = new TlsTransport(socket);
		const connection = broker.accept(transport, WAITING_BYTES_MAX, listener);
		if (connection === undefined) transport.close();
		else transport.target = connection;
	});
	return startListening(credentials.control(server, strangers), broker, host, port);
}
