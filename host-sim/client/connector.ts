/** Transports of a client on Node: TCP, TLS, and WebSocket on both. */
import { readdirSync, readFileSync } from "node:fs";
import { connect as connectTcp, type IpcNetConnectOpts, isIP, type Socket, type TcpNetConnectOpts } from "node:net";
import { join } from "node:path";
import { type ConnectionOptions, connect as connectTls, TLSSocket } from "node:tls";
import type { Connector, ConnectorTarget } from "../../src/client/client-options.js";
import { HearthError } from "../../src/errors.js";
import type { TransportTarget } from "../../src/platform.js";
import { type Address, readReference } from "../../src/promises/settings.js";
import { TcpTransport, WRITABLE } from "../tcp.js";
import { TlsTransport, WAITING_BYTES_MAX } from "../tls.js";
import type { TlsSettings } from "./tls-options.js";

const RECEIVE_BYTES = 65_536;

/** Packets in one read from which on more are waited for, a millisecond: servers send each packet by itself, and a read
 *  costs ten times what a message does. Who waits for one answer after the other never has as many in a read. */
const BURST = 4;

/** Answers that the server owes from which on a read is put off in the same way: they follow one another, each in a
 *  segment of its own where the server has switched Nagle's algorithm off. */
const ANSWERS = 8;

/** Bytes in one read from which on two milliseconds are waited. */
const FLOOD_BYTES = 2_048;

/** The client's link: what a connector calls, and what a transport does. */
type Target = ConnectorTarget & TransportTarget & { readonly packetsRead: number; readonly answersDue: number };

/** What Node's sockets are told beside the address. */
export interface NodeSocketOptions {
	/** for TLS, over what the settings say */
	tls?: ConnectionOptions;
	/** a Unix domain socket in place of host and port */
	path?: string;
	/** the address to connect from */
	localAddress?: string;
}

export class NodeConnector implements Connector {
	private readonly tls: ConnectionOptions;
	/** what a TCP connection reads into; no Buffer: pieces of those are slow */
	private readonly receive: Uint8Array = new Uint8Array(RECEIVE_BYTES);
	/** ends the attempt that is being made */
	private giveUp: (() => void) | undefined = undefined;

	/** Throws HearthError for certificates that cannot be read. */
	constructor(
		private readonly address: Address,
		private readonly settings: TlsSettings,
		private readonly more: NodeSocketOptions = {},
	) {
		const secure = address.scheme === "mqtts" || address.scheme === "wss";
		this.tls = secure ? { ...tlsOptions(settings), ...more.tls } : {};
	}

	open(target: ConnectorTarget, reference: string): void {
		const address = reference === "" ? this.address : readReference(reference, this.address);
		if (address.scheme === "mqtt") this.openTcp(target as Target, address);
		else if (address.scheme === "mqtts") this.openTls(target as Target, address);
		else this.openWebSocket(target as Target, address);
	}

	cancel(): void {
		const giveUp = this.giveUp;
		this.giveUp = undefined;
		giveUp?.();
	}

	private openTcp(target: Target, address: Address): void {
		let transport: TcpTransport | undefined;
		// one buffer for all that comes: Node would make a new one for each read
		const readOn = () => transport?.readOn();
		const onread = {
			buffer: this.receive,
			callback: (count: number, bytes: Uint8Array) => {
				if (transport === undefined) return true;
				if (!transport.bring(bytes, count)) return false;
				if (target.packetsRead < BURST && target.answersDue < ANSWERS) return true;
				if (count === RECEIVE_BYTES) return true; // the rest is there already
				setTimeout(readOn, count < FLOOD_BYTES ? 1 : 2);
				return false;
			},
		};
		const socket = connectTcp({ ...this.placeOf(address), noDelay: true, onread });
		this.watch(socket, target, () => {
			transport = new TcpTransport(socket, { count: 0, most: 1 });
			transport.target = target;
			target.opened(transport, WRITABLE);
		});
		socket.once("connect", this.arrived);
	}

	private openTls(target: Target, address: Address): void {
		const socket = connectTls({ ...this.tlsFor(address), ...this.placeOf(address) });
		this.watch(socket, target, () => {
			const refused = this.judge(socket);
			if (refused !== undefined) {
				socket.destroy();
				return target.failed(refused);
			}
			const transport = new TlsTransport(socket);
			transport.target = target;
			target.opened(transport, WAITING_BYTES_MAX);
		});
		socket.once("secureConnect", this.arrived);
	}

	private openWebSocket(target: Target, address: Address): void {
		const host = isIP(address.host) === 6 ? `[${address.host}]` : address.host;
		const url = `${address.scheme}://${host}:${address.port}${address.path}`;
		const failed = (error: Error) => {
			this.giveUp = undefined;
			target.failed(reasonOf(error));
		};
		let wanted = true;
		this.giveUp = () => {
			wanted = false;
		};
		// loaded where it is wanted: it takes as long as all the rest
		import("./web-socket.js").then(({ openWebSocket }) => {
			if (!wanted) return;
			this.giveUp = openWebSocket(url, this.tlsFor(address), failed, (transport, socket, terminate) => {
				this.giveUp = undefined;
				const refused = this.judge(socket);
				if (refused !== undefined) {
					terminate();
					return target.failed(refused);
				}
				transport.target = target;
				target.opened(transport, WAITING_BYTES_MAX);
			});
		}, failed);
	}

	/** Where to connect to, and where from. */
	private placeOf({ host, port }: Address): TcpNetConnectOpts | IpcNetConnectOpts {
		const { path, localAddress } = this.more;
		if (path !== undefined) return { path };
		return localAddress === undefined ? { host, port } : { host, port, localAddress };
	}

	/** Until the connection is there: its errors are the attempt's. */
	private watch(socket: Socket | TLSSocket, target: Target, opened: () => void): void {
		const failed = (error: Error) => {
			this.giveUp = undefined;
			socket.destroy();
			target.failed(reasonOf(error));
		};
		const closed = () => failed(new Error("the connection was closed"));
		socket.once("error", failed);
		socket.once("close", closed);
		this.giveUp = () => {
			socket.off("error", failed);
			socket.off("close", closed);
			socket.on("error", () => {});
			socket.destroy();
		};
		this.arrived = () => {
			socket.off("error", failed);
			socket.off("close", closed);
			this.giveUp = undefined;
			opened();
		};
	}
	private arrived: () => void = () => {};

	/** @returns why the server is not believed, where certificates that sign themselves are; undefined: it is */
	private judge(socket: Socket | TLSSocket): string | undefined {
		if (!this.settings.allowSelfSigned || !this.settings.verify || !(socket instanceof TLSSocket)) return undefined;
		// as a string in practice
		const error = socket.authorizationError as unknown as string | undefined;
		if (socket.authorized || error === "DEPTH_ZERO_SELF_SIGNED_CERT") return undefined;
		return `the server's certificate is not believed (${error})`;
	}

	private tlsFor(address: Address): ConnectionOptions {
		if (address.scheme !== "mqtts" && address.scheme !== "wss") return {};
		// a name that Server Name Indication may have is never an address
		const servername = this.tls.servername ?? (isIP(address.host) === 0 ? address.host : "");
		return { ...this.tls, servername };
	}
}

function tlsOptions(settings: TlsSettings): ConnectionOptions {
	const options: ConnectionOptions = { minVersion: "TLSv1.2", rejectUnauthorized: settings.verify };
	if (settings.cert !== undefined) options.cert = pem(settings.cert, "cert");
	if (settings.key !== undefined) options.key = pem(settings.key, "key");
	if ((options.cert === undefined) !== (options.key === undefined))
		throw new HearthError("HEARTH_ERR_TLS", "connect: a client certificate needs its key, too: give cert and key");
	const authorities: string[] = [];
	if (settings.ca !== undefined) authorities.push(pem(settings.ca, "ca"));
	if (settings.capath !== undefined) authorities.push(...folder(settings.capath));
	if (authorities.length > 0) options.ca = authorities;
	if (settings.serverName !== undefined) {
		options.servername = settings.serverName;
		options.host = settings.serverName;
	}
	if (settings.allowSelfSigned) options.rejectUnauthorized = false; // judged when the handshake is done
	return options;
}

/** @returns the text of a PEM file, or the text that was given instead of a path */
function pem(value: string, name: string): string {
	if (value.includes("-----BEGIN ")) return value;
	try {
		return readFileSync(value, "utf8");
	} catch (error) {
		const code = (error as NodeJS.ErrnoException).code ?? String(error);
		throw new HearthError("HEARTH_ERR_TLS", `connect: ${name}: ${value}: ${code}; give a PEM file that can be read`);
	}
}

function folder(path: string): string[] {
	try {
		return readdirSync(path)
			.filter((name) => /\.(pem|crt|cer|\d)$/.test(name))
			.map((name) => pem(join(path, name), "capath"));
	} catch (error) {
		if (error instanceof HearthError) throw error;
		const code = (error as NodeJS.ErrnoException).code ?? String(error);
		throw new HearthError("HEARTH_ERR_TLS", `connect: capath: ${path}: ${code}; give a folder of PEM files`);
	}
}

/** @returns one line for a person */
function reasonOf(error: Error): string {
	const { code, errors } = error as NodeJS.ErrnoException & { errors?: Error[] };
	if (errors !== undefined && errors.length > 0) return reasonOf(errors[0]!);
	switch (code) {
		case "ECONNREFUSED":
			return "connection refused: nobody listens there (ECONNREFUSED)";
		case "ENOTFOUND":
			return "there is no such host (ENOTFOUND)";
		case "EAI_AGAIN":
			return "the host's address cannot be found now (EAI_AGAIN)";
		case "EHOSTUNREACH":
		case "ENETUNREACH":
			return `there is no way to the host (${code})`;
		case "ETIMEDOUT":
			return "the host does not answer (ETIMEDOUT)";
		case "DEPTH_ZERO_SELF_SIGNED_CERT":
		case "SELF_SIGNED_CERT_IN_CHAIN":
			return `the server's certificate is signed by itself: give its authority with ca (${code})`;
		case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
		case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
			return `nobody vouches for the server's certificate: give its authority with ca (${code})`;
		default:
			return code === undefined || error.message.includes(code) ? error.message : `${error.message} (${code})`;
	}
}
