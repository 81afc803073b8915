/** The flags of `hearth pub` and `hearth sub` for TLS, and what Node is given for them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as tls from "node:tls";
import { HearthError } from "../../../src/errors.js";
import type { FlagGroup } from "./flags.js";
import type { PubSubSettings } from "./settings.js";

/** What the flags say. */
export interface TlsSettings {
	/** TLS without any of the other flags: mqtts:// or port 8883 */
	wanted?: boolean;
	cafile?: string;
	capath?: string;
	cert?: string;
	key?: string;
	insecure?: boolean;
	version?: tls.SecureVersion;
	alpn?: string;
	ciphers?: string;
	systemAuthorities?: boolean;
}

export const TLS: FlagGroup = {
	title: "TLS",
	flags: [
		{
			usage: "--cafile FILE",
			help: "use TLS, and believe the authorities in this PEM file",
			take: (settings, args) => void (settings.tls.cafile = args.next("FILE")),
		},
		{
			usage: "--capath FOLDER",
			help: "use TLS, and believe the authorities in the .crt and .pem files of this folder",
			take: (settings, args) => void (settings.tls.capath = args.next("FOLDER")),
		},
		{
			usage: "--tls-use-os-certs",
			help: "use TLS, and believe the authorities that this machine believes",
			take: (settings) => void (settings.tls.systemAuthorities = true),
		},
		{
			usage: "--cert FILE",
			help: "show this certificate (PEM) to the broker",
			take: (settings, args) => void (settings.tls.cert = args.next("FILE")),
		},
		{
			usage: "--key FILE",
			help: "its private key (PEM)",
			take: (settings, args) => void (settings.tls.key = args.next("FILE")),
		},
		{
			usage: "--keyform FORM",
			help: "the key's form: pem",
			take: (_settings, args) => {
				const form = args.next("FORM");
				if (form !== "pem") throw args.unusable(`--keyform ${form}: is not supported; give pem`);
			},
		},
		{
			usage: "--insecure",
			help: "take a certificate that is another host's: anybody with one of its authority can listen in",
			take: (settings) => void (settings.tls.insecure = true),
		},
		{
			usage: "--tls-version VERSION",
			help: "the oldest version: tlsv1.3, tlsv1.2 or tlsv1.1 (default tlsv1.2)",
			take: (settings, args) => {
				const given = args.next("VERSION");
				if (!/^tlsv1\.[123]$/.test(given))
					throw args.unusable(`--tls-version ${given}: give tlsv1.3, tlsv1.2 or tlsv1.1`);
				settings.tls.version = given.replace("tls", "TLS") as tls.SecureVersion;
			},
		},
		{
			usage: "--tls-alpn PROTOCOL",
			help: "ask for this protocol (ALPN), such as mqtt",
			take: (settings, args) => void (settings.tls.alpn = args.next("PROTOCOL")),
		},
		{
			usage: "--ciphers LIST",
			help: "OpenSSL's list of ciphers for TLS 1.2",
			take: (settings, args) => void (settings.tls.ciphers = args.next("LIST")),
		},
	],
};

/** @returns whether the connection uses TLS */
export function usesTls({ tls, port }: PubSubSettings): boolean {
	return [tls.wanted, tls.cafile, tls.capath, tls.systemAuthorities].some(Boolean) || port === 8883;
}

/** @returns what Node's TLS takes; the files are read. Throws HearthError for those that can't be used. */
export function tlsOptions(command: string, given: TlsSettings): tls.ConnectionOptions {
	const { cafile, capath, cert, key, insecure, version, alpn, ciphers } = given;
	const options: tls.ConnectionOptions = {};
	const authorities: (string | Buffer)[] = [];
	if (cafile !== undefined) authorities.push(read(command, "--cafile", cafile));
	if (capath !== undefined) authorities.push(...readFolder(command, capath));
	if (given.systemAuthorities || authorities.length === 0) authorities.push(...systemAuthorities());
	if (authorities.length > 0) options.ca = authorities;
	if (cert !== undefined) options.cert = read(command, "--cert", cert);
	if (key !== undefined) options.key = read(command, "--key", key);
	if (insecure) options.checkServerIdentity = () => undefined;
	if (version !== undefined) options.minVersion = version;
	if (alpn !== undefined) options.ALPNProtocols = [alpn];
	if (ciphers !== undefined) options.ciphers = ciphers;
	try {
		tls.createSecureContext(options); // before anything is connected: what can't be used is the arguments' fault
	} catch (error) {
		const why = error instanceof Error ? error.message : error;
		const flags = Object.entries({
			"--cafile": cafile,
			"--capath": capath,
			"--cert": cert,
			"--key": key,
			"--ciphers": ciphers,
		});
		const where = flags.flatMap(([flag, value]) => (value === undefined ? [] : `${flag} ${value}`)).join(" ");
		throw new HearthError("HEARTH_ERR_TLS", `${command}: ${where}: can't be used (${why}); give PEM files that fit`);
	}
	return options;
}

function read(command: string, flag: string, path: string): Buffer {
	try {
		return readFileSync(path);
	} catch (error) {
		const why = (error as NodeJS.ErrnoException).code ?? String(error);
		throw new HearthError("HEARTH_ERR_FILE", `${command}: ${flag} ${path}: can't be read (${why}); give a PEM file`);
	}
}

function readFolder(command: string, path: string): Buffer[] {
	let names: string[];
	try {
		names = readdirSync(path);
	} catch (error) {
		const why = (error as NodeJS.ErrnoException).code ?? String(error);
		throw new HearthError("HEARTH_ERR_FILE", `${command}: --capath ${path}: can't be read (${why}); give a folder`);
	}
	// .0 and so on are the names that `openssl rehash` gives: links to the others
	const wanted = names.filter((name) => /\.(crt|pem|\d+)$/.test(name));
	if (wanted.length === 0)
		throw new HearthError("HEARTH_ERR_FILE", `${command}: --capath ${path}: has no .crt or .pem file; give another`);
	return wanted.map((name) => read(command, "--capath", join(path, name)));
}

/** Where systems keep what they believe. */
const BUNDLES = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/** @returns the machine's authorities; none: Node's own */
function systemAuthorities(): (string | Buffer)[] {
	// from Node 22.15 on
	const getCACertificates = (tls as { getCACertificates?: (type: string) => string[] }).getCACertificates;
	if (getCACertificates !== undefined) return getCACertificates("system");
	for (const path of [process.env.SSL_CERT_FILE, ...BUNDLES]) {
		try {
			if (path !== undefined) return [readFileSync(path)];
		} catch {
			// the next one
		}
	}
	return [];
}
