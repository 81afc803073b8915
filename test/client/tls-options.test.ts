/** The options of TLS, by imi's names and Hearth's, against real certificates: who is believed, and who is not. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificate } from "../../host-sim/certificate.js";
import { type ClientError, connect, type NodeConnectOptions } from "../../host-sim/client/index.js";
import { listenTls, type TlsOptions } from "../../host-sim/tls.js";
import { TestHub } from "../interop/support.js";
import { assert, suite } from "../support/test.js";

const test = suite("the client's options of TLS");
const folder = mkdtempSync(join(tmpdir(), "hearth-client-tls-"));
const hub = await TestHub.start();
const listeners: { close(): unknown }[] = [];

function file(name: string, content: string): string {
	const path = join(folder, name);
	writeFileSync(path, content);
	return path;
}

const authority = makeCertificate({ commonName: "an authority", days: 9, usage: "authority" });
const other = makeCertificate({ commonName: "another authority", days: 9, usage: "authority" });
const named = { commonName: "hub", hosts: ["localhost"], days: 9, usage: "server" } as const;
const issued = makeCertificate({ ...named, issuer: authority });
const stranger = makeCertificate({ ...named, issuer: other });
const alone = makeCertificate(named);
const alice = makeCertificate({ commonName: "alice", days: 9, usage: "client", issuer: authority });
const ca = file("ca.crt", authority.cert);
const otherCa = file("other.pem.txt", other.cert);

/** @returns a listener's port, and what closes it */
async function listen(name: string, made: { cert: string; key: string }, more: Partial<TlsOptions> = {}) {
	const files = { cert: file(`${name}.crt.txt`, made.cert), key: file(`${name}.key`, made.key) };
	const listener = await listenTls(hub.broker, "127.0.0.1", 0, { ...files, ...more });
	listeners.push(listener);
	return (listener.address() as AddressInfo).port;
}

/** @returns "" when the client came in, or why it did not */
async function why(port: number, options: NodeConnectOptions, host = "localhost"): Promise<string> {
	try {
		const client = await connect({ host, port, ssl: true, ...options });
		await client.publish("a", "x", { qos: 1 });
		await client.end();
		return "";
	} catch (error) {
		const { message } = error as ClientError;
		assert.not.match(message, /\n/);
		return message;
	}
}

test("sslCafile and sslCapath say which authorities are believed, as paths or as text", async () => {
	const port = await listen("issued", issued);
	for (const options of [{ sslCafile: ca }, { ca: authority.cert }, { sslCapath: folder }, { capath: folder }])
		assert.is(await why(port, options), "", JSON.stringify(options));
	const byUrl = await connect(`mqtts://localhost:${port}`, { cafile: ca });
	await byUrl.end();
	assert.match(await why(port, {}), /nobody vouches for the server's certificate: give its authority with ca/);
	assert.match(await why(port, { sslCafile: otherCa }), /nobody vouches/);
	assert.match(await why(port, { ca: join(folder, "none") }), /^connect: ca: .*none: ENOENT; give a PEM file/);
	assert.match(await why(port, { capath: join(folder, "none") }), /^connect: capath: .*ENOENT; give a folder/);
});

test("sslHostName is the name that the certificate must have; without it the host is", async () => {
	const port = await listen("host", issued);
	assert.match(await why(port, { ca }, "127.0.0.1"), /altnames/);
	assert.is(await why(port, { ca, sslHostName: "localhost" }, "127.0.0.1"), "");
	assert.match(await why(port, { ca, serverName: "another.example" }), /altnames/);
});

test("sslVerifyPeer: false believes anybody", async () => {
	const port = await listen("stranger", stranger);
	assert.is(await why(port, { sslVerifyPeer: false }, "127.0.0.1"), "");
	assert.match(await why(port, { sslVerifyPeer: true }), /nobody vouches/);
});

test("sslAllowSelfSigned believes a certificate that signs itself, and none of an unknown authority", async () => {
	const port = await listen("alone", alone);
	assert.match(await why(port, {}), /signed by itself: give its authority with ca \(DEPTH_ZERO_SELF_SIGNED_CERT\)/);
	for (const host of ["localhost", "127.0.0.1"]) assert.is(await why(port, { sslAllowSelfSigned: true }, host), "");
	const strange = await listen("strange", stranger);
	assert.match(await why(strange, { sslAllowSelfSigned: true }), /the server's certificate is not believed/);
	assert.is(await why(await listen("known", issued), { ca, allowSelfSigned: true }), "");
});

test("sslCertFile and sslKeyFile show who the client is, and belong together", async () => {
	const port = await listen("mutual", issued, { ca, requireCertificate: true });
	const files = { sslCertFile: file("alice.crt", alice.cert), sslKeyFile: file("alice.key", alice.key) };
	assert.is(await why(port, { ca, ...files }), "");
	assert.is(await why(port, { ca, cert: alice.cert, key: alice.key }), "");
	assert.is.not(await why(port, { ca }), "");
	assert.match(await why(port, { ca, sslCertFile: files.sslCertFile }), /needs its key, too: give cert and key/);
});

test.after(async () => {
	for (const listener of listeners) listener.close();
	await hub.close();
	rmSync(folder, { recursive: true });
});
test.run();
