/** SCRAM-SHA-256 by the vectors of RFC 7677 and against a client that is written with node:crypto. */
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { crypto, nodePlatform } from "../../host-sim/platform.js";
import { text } from "../../host-sim/text.js";
import type { AuthenticationExchange } from "../../src/auth/authentication-method.js";
import { type ScramCredentials, ScramSha256, scramCredentials } from "../../src/auth/scram.js";
import { assert, suite } from "../support/test.js";

const test = suite("SCRAM-SHA-256");
const platform = nodePlatform();
const SALT = Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64");
const pencil = scramCredentials(crypto, text, "pencil", SALT);
const users = new Map<string, ScramCredentials>([
	["user", pencil],
	["a,b=c", pencil],
]);

/** @returns a new exchange; the server's part of the nonce may be given */
function begin(nonce?: string): AuthenticationExchange {
	const method = new ScramSha256(platform, { credentials: (name) => users.get(name) });
	if (nonce !== undefined) method.nonce = () => nonce;
	return method.begin("client");
}

function take(exchange: AuthenticationExchange, message: string): string {
	const bytes = Buffer.from(`..${message}..`);
	return exchange.take(bytes, 2, bytes.length - 2);
}

function said(exchange: AuthenticationExchange): string {
	return Buffer.from(exchange.data ?? []).toString();
}

/** @returns client-final-message, as RFC 5802 section 3 makes it */
function clientFinal(bare: string, serverFirst: string, password: string, gs2 = "n,,"): string {
	const [r, s, i] = serverFirst.split(",").map((part) => part.slice(2)) as [string, string, string];
	const salted = pbkdf2Sync(password, Buffer.from(s, "base64"), Number(i), 32, "sha256");
	const hmac = (key: Buffer, data: string | Buffer) => createHmac("sha256", key).update(data).digest();
	const clientKey = hmac(salted, "Client Key");
	const storedKey = createHash("sha256").update(clientKey).digest();
	const withoutProof = `c=${Buffer.from(gs2).toString("base64")},r=${r}`;
	const signature = hmac(storedKey, `${bare},${serverFirst},${withoutProof}`);
	const proof = clientKey.map((byte, at) => byte ^ signature[at]!);
	return `${withoutProof},p=${Buffer.from(proof).toString("base64")}`;
}

test("the exchange of RFC 7677, section 3", () => {
	const exchange = begin("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
	assert.is(take(exchange, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"), "continue");
	const nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
	assert.is(said(exchange), `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`);
	const proof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
	assert.is(take(exchange, `c=biws,r=${nonce},p=${proof}`), "success");
	assert.is(said(exchange), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
	assert.is(exchange.userName, "user");
});

test("what is kept of a password is PBKDF2's, and no fewer than 4,096 iterations are taken", () => {
	const salted = pbkdf2Sync("p\u00e4ss", SALT, 5_000, 32, "sha256");
	const key = createHmac("sha256", salted).update("Client Key").digest();
	const made = scramCredentials(crypto, text, "p\u00e4ss", SALT, 5_000);
	assert.equal(Buffer.from(made.storedKey), createHash("sha256").update(key).digest());
	assert.equal(Buffer.from(made.serverKey), createHmac("sha256", salted).update("Server Key").digest());
	for (const iterations of [4_095, 0, Number.NaN])
		assert.throws(() => scramCredentials(crypto, text, "x", SALT, iterations), /4096 or more/);
});

test("right passwords pass, wrong ones and users who are not there fail at the same step", () => {
	const tries: [string, string, string, string][] = [
		["n,,", "user", "pencil", "success"],
		["y,,", "user", "pencil", "success"],
		["n,,", "a=2Cb=3Dc", "pencil", "success"],
		["n,,", "user", "pencil2", "failure"],
		["n,,", "nobody", "pencil", "failure"],
	];
	for (const [gs2, name, password, result] of tries) {
		const exchange = begin();
		const bare = `n=${name},r=abc`;
		assert.is(take(exchange, gs2 + bare), "continue", name);
		assert.match(said(exchange), /^r=abc[A-Za-z0-9+/]{24},s=[A-Za-z0-9+/]{22}==,i=4096$/);
		assert.is(take(exchange, clientFinal(bare, said(exchange), password, gs2)), result, `${name} ${password}`);
		if (result === "failure") assert.is(exchange.data, undefined);
	}
});

test("a user who is not there has the same salt each time, and another than others", () => {
	const method = new ScramSha256(platform, { credentials: () => undefined });
	const saltOf = (name: string) => {
		const exchange = method.begin("c");
		take(exchange, `n,,n=${name},r=x`);
		return said(exchange).split(",")[1];
	};
	assert.is(saltOf("a"), saltOf("a"));
	assert.is.not(saltOf("a"), saltOf("b"));
});

test("messages that are not SCRAM's are refused", () => {
	const firsts = [
		...["", "n", "n,", "n,,", "n=user,r=x", "p=tls-unique,,n=user,r=x", "n,a=admin,n=user,r=x", "n,,m=1,n=user,r=x"],
		...["n,,n=user", "n,,n=user,r=", "n,,n=,r=x", "n,,n=us=er,r=x", "n,,n=user=2,r=x", "n,,r=x,n=user"],
		...[`n,,n=user,r=${"x".repeat(97)}`, `n,,n=${"u".repeat(600)},r=x`],
	];
	for (const first of firsts) assert.is(take(begin(), first), "failure", first);
	const bytes = Uint8Array.from([0x6e, 0x2c, 0x2c, 0x6e, 0x3d, 0xff, 0x2c, 0x72, 0x3d, 0x78]);
	assert.is(begin().take(bytes, 0, bytes.length), "failure", "no UTF-8");
	const change: [string, (good: string) => string][] = [
		["another channel binding", (good) => good.replace("c=biws", "c=eSws")],
		["another nonce", (good) => good.replace(",r=abc", ",r=abd")],
		["no proof", (good) => good.slice(0, good.indexOf(",p="))],
		["a short proof", (good) => good.replace(/p=.*/, "p=AAAA")],
		["no Base64", (good) => `${good}=`],
		["a changed proof", (good) => good.replace(/p=./, (p) => (p === "p=A" ? "p=B" : "p=A"))],
		["an extension that was not proved", (good) => good.replace(",p=", ",x=1,p=")],
	];
	for (const [what, changed] of change) {
		const exchange = begin();
		take(exchange, "n,,n=user,r=abc");
		const good = clientFinal("n=user,r=abc", said(exchange), "pencil");
		assert.is(take(exchange, changed(good)), "failure", what);
	}
});

test("a proof is good for one exchange only", () => {
	const before = begin();
	take(before, "n,,n=user,r=abc");
	const proof = clientFinal("n=user,r=abc", said(before), "pencil");
	assert.is(take(before, proof), "success");
	const again = begin();
	take(again, "n,,n=user,r=abc");
	assert.is(take(again, proof), "failure");
});

test("a platform without hashes is told at once", () => {
	const { crypto: _none, ...bare } = platform;
	assert.throws(() => new ScramSha256(bare, { credentials: () => undefined }), /no crypto/);
});

test.run();
