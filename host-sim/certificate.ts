/** Makes X.509 certificates: node:crypto reads them, but writes none. The packages that do (`selfsigned` 5, by way of
 *  `@peculiar/x509`) bring some twenty others; what is needed here is a page of DER. Spec: RFC 5280, X.690 */
import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign, X509Certificate } from "node:crypto";
import { isIP, isIPv4 } from "node:net";
import { domainToASCII } from "node:url";
import { HearthError } from "../src/errors.js";

export interface CertificateRequest {
	/** the subject's Common Name, at most 64 characters: a client's is its user name */
	commonName: string;
	/** host names and IP addresses, for subjectAltName */
	hosts?: readonly string[];
	/** how long it is valid from now on */
	days: number;
	/** "authority" may sign others and nothing else */
	usage: "server" | "client" | "authority";
	/** an authority that signs it; absent: it signs itself */
	issuer?: MadeCertificate;
}

export interface MadeCertificate {
	readonly commonName: string;
	/** PEM */
	readonly cert: string;
	/** PEM, PKCS #8, not encrypted */
	readonly key: string;
	/** SHA-256 of the certificate, as AB:CD:… */
	readonly fingerprint: string;
	/** the last moment that it is valid */
	readonly validTo: Date;
}

const DAY_MS = 86_400_000;

/** It is valid from a little earlier on, for peers whose clocks are late. */
const EARLIER_MS = 3_600_000;

/** RFC 5280, upper bound of a Common Name */
const COMMON_NAME_MAX = 64;

/** Object identifiers, as their DER bytes in hex. */
const enum Oid {
	EcdsaSha256 = "2a8648ce3d040302",
	CommonName = "550403",
	SubjectKeyIdentifier = "551d0e",
	KeyUsage = "551d0f",
	SubjectAltName = "551d11",
	BasicConstraints = "551d13",
	AuthorityKeyIdentifier = "551d23",
	ExtendedKeyUsage = "551d25",
	ServerAuth = "2b06010505070301",
	ClientAuth = "2b06010505070302",
}

const enum Tag {
	Boolean = 0x01,
	Integer = 0x02,
	BitString = 0x03,
	OctetString = 0x04,
	ObjectIdentifier = 0x06,
	Utf8String = 0x0c,
	UtcTime = 0x17,
	GeneralizedTime = 0x18,
	Sequence = 0x30,
	Set = 0x31,
	/** [0] and [3], with what they tag within */
	Explicit0 = 0xa0,
	Explicit3 = 0xa3,
	/** GeneralName's dNSName and iPAddress, AuthorityKeyIdentifier's keyIdentifier */
	DnsName = 0x82,
	IpAddress = 0x87,
	KeyIdentifier = 0x80,
}

/** One value: its tag, its length, and its parts one after another. */
function der(tag: Tag, ...parts: Uint8Array[]): Buffer {
	const content = Buffer.concat(parts);
	const length = content.length;
	const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 255];
	return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: Uint8Array[]) => der(Tag.Sequence, ...parts);
const oid = (id: Oid) => der(Tag.ObjectIdentifier, Buffer.from(id, "hex"));

function nameOf(commonName: string): Buffer {
	return sequence(der(Tag.Set, sequence(oid(Oid.CommonName), der(Tag.Utf8String, Buffer.from(commonName)))));
}

/** UTCTime has two digits for the year and ends with 2049. */
function time(moment: Date): Buffer {
	const digits = moment.toISOString().replace(/\.\d+|[-:T]/g, "");
	const late = moment.getUTCFullYear() >= 2050;
	return der(late ? Tag.GeneralizedTime : Tag.UtcTime, Buffer.from(late ? digits : digits.slice(2)));
}

function extension(id: Oid, critical: boolean, value: Uint8Array): Buffer {
	const flag = critical ? [der(Tag.Boolean, Buffer.of(0xff))] : [];
	return sequence(oid(id), ...flag, der(Tag.OctetString, value));
}

/** RFC 7093: any digest of the public key does */
function keyIdentifier(publicKey: Uint8Array): Buffer {
	return createHash("sha256").update(publicKey).digest().subarray(0, 20);
}

/** @returns the address's 4 or 16 bytes */
function addressBytes(address: string): Buffer {
	if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
	const plain = new URL(`http://[${address}]`).hostname.slice(1, -1); // an IPv4 tail becomes groups too
	const [head = [], tail = []] = plain.split("::").map((part) => part.split(":").filter((group) => group !== ""));
	const zeros = new Array<string>(8 - head.length - tail.length).fill("0");
	return Buffer.from([...head, ...zeros, ...tail].map((group) => group.padStart(4, "0")).join(""), "hex");
}

/** One host of subjectAltName. Throws HearthError when it is neither a host name nor an address. */
function generalName(host: string): Buffer {
	if (isIP(host) !== 0 && !host.includes("%")) return der(Tag.IpAddress, addressBytes(host));
	const strange = /[^\w.*\-\u{80}-\u{10ffff}]/u.test(host); // such as a/b, of which domainToASCII takes a
	const name = strange ? "" : domainToASCII(host);
	if (!/^(?!.{254})(\*\.)?[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*$/.test(name) || isIP(name) !== 0)
		throw new HearthError("HEARTH_ERR_HOST", `certificate: ${host}: is no host name and no IP address; give one`);
	return der(Tag.DnsName, Buffer.from(name));
}

function extensions(request: CertificateRequest, publicKey: Uint8Array): Buffer {
	const { usage, issuer, hosts = [] } = request;
	const authority = usage === "authority";
	const constraints = authority ? [der(Tag.Boolean, Buffer.of(0xff))] : [];
	const list = [
		extension(Oid.BasicConstraints, true, sequence(...constraints)),
		extension(Oid.SubjectKeyIdentifier, false, der(Tag.OctetString, keyIdentifier(publicKey))),
	];
	// keyCertSign and cRLSign, or digitalSignature. A server's that signs itself has none: OpenSSL 1.1 does not trust one
	// whose usage lacks keyCertSign, and later ones (Python's checks too) none that has it without being an authority
	if (authority) list.push(extension(Oid.KeyUsage, true, der(Tag.BitString, Buffer.of(1, 0x06))));
	else if (issuer !== undefined) list.push(extension(Oid.KeyUsage, true, der(Tag.BitString, Buffer.of(7, 0x80))));
	if (issuer !== undefined) {
		const id = keyIdentifier(createPublicKey(issuer.cert).export({ type: "spki", format: "der" }));
		list.push(extension(Oid.AuthorityKeyIdentifier, false, sequence(der(Tag.KeyIdentifier, id))));
	}
	if (!authority) {
		const purpose = oid(usage === "server" ? Oid.ServerAuth : Oid.ClientAuth);
		list.push(extension(Oid.ExtendedKeyUsage, false, sequence(purpose)));
	}
	if (hosts.length > 0) list.push(extension(Oid.SubjectAltName, false, sequence(...hosts.map(generalName))));
	return der(Tag.Explicit3, sequence(...list));
}

function pem(bytes: Buffer): string {
	const lines = bytes.toString("base64").replace(/.{64}(?=.)/g, "$&\n");
	return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

/** Makes an EC P-256 key and a certificate of version 3 for it, signed with ECDSA and SHA-256. Throws HearthError
 *  when a host is neither a name nor an address. Spec: RFC 5280, 4.1 */
export function makeCertificate(request: CertificateRequest): MadeCertificate {
	const commonName = [...request.commonName].slice(0, COMMON_NAME_MAX).join("");
	const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
	const spki = publicKey.export({ type: "spki", format: "der" });
	const algorithm = sequence(oid(Oid.EcdsaSha256));
	const serial = randomBytes(16);
	serial[0] = (serial[0]! & 0x3f) | 0x40; // positive, and without a zero in front
	const now = Date.now();
	const validTo = new Date(Math.floor((now + request.days * DAY_MS) / 1000) * 1000);
	const toBeSigned = sequence(
		der(Tag.Explicit0, der(Tag.Integer, Buffer.of(2))), // version 3
		der(Tag.Integer, serial),
		algorithm,
		nameOf(request.issuer?.commonName ?? commonName),
		sequence(time(new Date(now - EARLIER_MS)), time(validTo)),
		nameOf(commonName),
		spki,
		extensions(request, spki),
	);
	const signature = sign("sha256", toBeSigned, request.issuer?.key ?? privateKey);
	const cert = pem(sequence(toBeSigned, algorithm, der(Tag.BitString, Buffer.of(0), signature)));
	const key = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
	return { commonName, cert, key, fingerprint: new X509Certificate(cert).fingerprint256, validTo };
}
