/** Certificates that Hearth makes, held against OpenSSL and Node; and `hearth cert`. */
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CertificateRequest, makeCertificate } from "../../host-sim/certificate.js";
import { cert } from "../../host-sim/cli/cert.js";
import { has } from "../interop/support.js";
import { assert, suite } from "../support/test.js";

const test = suite("hearth cert");
const openSsl = test.if(has("openssl"), "openssl is not installed");
const root = mkdtempSync(join(tmpdir(), "hearth-cert-"));
let folders = 0;

function folder(): string {
	return join(root, `${++folders}`);
}

function openssl(...args: string[]): string {
	const { status, stdout, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
	if (status !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}${stdout}`);
	return stdout;
}

/** Runs the command. @returns what it printed */
async function run(...args: string[]): Promise<string[]> {
	const lines: string[] = [];
	const { log } = console;
	console.log = (line: string) => lines.push(line);
	try {
		assert.is(await cert(args), 0);
	} finally {
		console.log = log;
	}
	return lines;
}

async function refuses(args: string[], pattern: RegExp): Promise<void> {
	let message = "";
	await run(...args).catch((error: Error) => {
		assert.is(error.name, "HearthError", String(error));
		message = error.message;
	});
	assert.match(message, pattern);
	assert.not.match(message, /\n/);
}

const HOSTS = ["hub.local", "*.home.example", "192.168.1.2", "::1", "fe80::1:2", "::ffff:1.2.3.4", "bücher.example"];

test("Node reads a certificate for names and addresses as it was meant", () => {
	const made = makeCertificate({ commonName: "hub.local", hosts: HOSTS, days: 30, usage: "server" });
	const read = new X509Certificate(made.cert);
	for (const host of ["hub.local", "HUB.local", "lamp.home.example", "xn--bcher-kva.example"])
		assert.ok(read.checkHost(host), host);
	for (const host of ["other.local", "home.example", "a.b.home.example"]) assert.not.ok(read.checkHost(host), host);
	for (const address of ["192.168.1.2", "::1", "fe80::1:2", "::ffff:1.2.3.4"])
		assert.ok(read.checkIP(address), address);
	for (const address of ["192.168.1.3", "::2", "1.2.3.4"]) assert.not.ok(read.checkIP(address), address);
	assert.is(read.subject, "CN=hub.local");
	assert.is(read.issuer, "CN=hub.local");
	assert.is(read.ca, false);
	assert.equal(read.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
	assert.ok(read.verify(read.publicKey));
	assert.is(read.publicKey.asymmetricKeyDetails?.namedCurve, "prime256v1");
	assert.is(read.fingerprint256, made.fingerprint);
	assert.is(new Date(read.validTo).getTime(), made.validTo.getTime());
	assert.ok(new Date(read.validFrom).getTime() < Date.now() - 1_800_000);
	const days = (made.validTo.getTime() - Date.now()) / 86_400_000;
	assert.ok(days > 29.99 && days <= 30, `${days}`);
});

openSsl("OpenSSL verifies each sort, strictly, for its purpose and no other", () => {
	const out = folder();
	const authority = makeCertificate({ commonName: "an authority", days: 30, usage: "authority" });
	const other = makeCertificate({ commonName: "an authority", days: 30, usage: "authority" });
	const request: CertificateRequest = { commonName: "x", hosts: ["x"], days: 9, usage: "server" };
	const pems = {
		authority,
		other,
		alone: makeCertificate(request),
		server: makeCertificate({ ...request, issuer: authority }),
		client: makeCertificate({ commonName: "x", days: 9, usage: "client", issuer: authority }),
		// signed by a certificate that is none of an authority
		beneath: makeCertificate({ ...request, issuer: makeCertificate({ ...request, issuer: authority }) }),
	};
	const path = (name: keyof typeof pems) => `${out}-${name}.pem`;
	for (const name of Object.keys(pems) as (keyof typeof pems)[]) writeFileSync(path(name), pems[name].cert);
	const verify = (purpose: string, by: keyof typeof pems, name: keyof typeof pems) =>
		openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", path(by), path(name));
	assert.match(verify("sslserver", "alone", "alone"), /: OK/);
	assert.match(verify("sslserver", "authority", "server"), /: OK/);
	assert.match(verify("sslclient", "authority", "client"), /: OK/);
	assert.match(verify("any", "authority", "authority"), /: OK/);
	assert.throws(() => verify("sslclient", "authority", "server"), /purpose/);
	assert.throws(() => verify("sslserver", "authority", "client"), /purpose/);
	assert.throws(() => verify("sslserver", "other", "server"), /error 20/);
	assert.throws(() => verify("sslserver", "authority", "beneath"), /error 20/);
	const shown = openssl("x509", "-in", path("server"), "-noout", "-text");
	for (const part of [/Version: 3 /, /ecdsa-with-SHA256/, /Constraints: critical\s+CA:FALSE/, /NIST CURVE: P-256/])
		assert.match(shown, part);
	assert.match(shown, /Key Usage: critical\s+Digital Signature\n/);
	const signs = openssl("x509", "-in", path("authority"), "-noout", "-text");
	assert.match(signs, /CA:TRUE[\s\S]*Key Usage: critical\s+Certificate Sign, CRL Sign\n/);
});

openSsl("valid beyond 2049, with a long name, and a thousand times with serial numbers of one length", () => {
	const path = `${folder()}.pem`;
	const made = makeCertificate({ commonName: "ä".repeat(100), days: 36_500, usage: "authority" });
	writeFileSync(path, made.cert);
	assert.match(openssl("verify", "-CAfile", path, path), /: OK/);
	const read = new X509Certificate(made.cert);
	assert.is(new Date(read.validTo).getTime(), made.validTo.getTime());
	assert.is(read.subject, `CN=${"ä".repeat(64)}`);
	const serials = new Set<string>();
	for (let i = 0; i < 1000; i++) {
		const one = new X509Certificate(makeCertificate({ commonName: "x", days: 1, usage: "client" }).cert);
		assert.is(one.serialNumber.length, 32);
		assert.ok(one.verify(one.publicKey));
		serials.add(one.serialNumber);
	}
	assert.is(serials.size, 1000);
});

test("what is neither a host name nor an address is refused", () => {
	for (const host of [
		"",
		" ",
		"a b",
		"a..b",
		"-a",
		"a/b",
		"a:1",
		"1.2.3.4.5",
		"fe80::1%eth0",
		"*",
		"x".repeat(64),
		"a.*",
	])
		assert.throws(
			() => makeCertificate({ commonName: "x", hosts: [host], days: 1, usage: "server" }),
			/is no host name/,
			host,
		);
});

test("it writes both files, the key for its owner alone, and says where", async () => {
	const out = join(folder(), "deep");
	const lines = await run("hub.local", "192.168.1.2", "--out", out, "--days", "10");
	const read = new X509Certificate(readFileSync(join(out, "cert.pem")));
	assert.is(lines[0], `certificate  ${join(out, "cert.pem")}`);
	assert.is(lines[1], `key          ${join(out, "key.pem")}`);
	assert.is(lines[2], `SHA-256      ${read.fingerprint256}`);
	assert.is(lines[3], "for          hub.local, 192.168.1.2");
	assert.is(statSync(join(out, "key.pem")).mode & 0o777, 0o600);
	assert.equal(readdirSync(out).sort(), ["cert.pem", "key.pem"]);
	assert.ok(read.checkHost("hub.local") && read.checkIP("192.168.1.2"));
	assert.match(readFileSync(join(out, "key.pem"), "utf8"), /^-----BEGIN PRIVATE KEY-----\n/);
});

test("without hosts it is for this machine", async () => {
	const out = folder();
	await run("--out", out);
	const read = new X509Certificate(readFileSync(join(out, "cert.pem")));
	assert.ok(read.checkHost("localhost") && read.checkIP("127.0.0.1") && read.checkIP("::1"));
});

test("it overwrites nothing unless it is told to", async () => {
	const out = folder();
	await run("a.example", "--out", out);
	const before = readFileSync(join(out, "key.pem"), "utf8");
	await refuses(["a.example", "--out", out], /cert\.pem: is there already; --force overwrites it/);
	rmSync(join(out, "cert.pem"));
	await refuses(["a.example", "--out", out], /key\.pem: is there already/);
	assert.equal(readdirSync(out), ["key.pem"]);
	assert.is(readFileSync(join(out, "key.pem"), "utf8"), before);
	await run("b.example", "--out", out, "--force");
	assert.is.not(readFileSync(join(out, "key.pem"), "utf8"), before);
	assert.is(statSync(join(out, "key.pem")).mode & 0o777, 0o600);
	assert.equal(readdirSync(out).sort(), ["cert.pem", "key.pem"]);
});

test("unusable arguments: one line names the argument", async () => {
	const out = folder();
	await refuses(["a b", "--out", out], /a b: is no host name/);
	for (const days of ["0", "x", "1.5", "1e3", "40000"])
		await refuses(["--days", days, "--out", out], /--days .*: give a number from 1 to 36500/);
	await refuses(["--nothing"], /--nothing.*hearth cert --help/);
	writeFileSync(out, "a file");
	await refuses(["a.example", "--out", out], /cannot be written \(EEXIST\); give another with --out/);
	await refuses(["a.example", "--out", join(out, "x")], /cannot be written \(ENOTDIR\)/);
	assert.match((await run("--help")).join(), /usage: hearth cert/);
});

test("nothing is left behind where one of the files cannot be put in place", async () => {
	const out = folder();
	await run("a.example", "--out", out);
	const taken = join(out, "cert.pem");
	rmSync(taken);
	mkdirSync(taken);
	await refuses(["a.example", "--out", out, "--force"], /cannot be written/);
	assert.equal(readdirSync(out).sort(), ["cert.pem", "key.pem"]);
});

test.after(() => rmSync(root, { recursive: true }));
test.run();
