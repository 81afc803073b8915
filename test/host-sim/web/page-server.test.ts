/** The page's server: what it gives to whom, and what other pages, strangers and odd requests get. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { WebSocket } from "ws";
import { Hub } from "../../../host-sim/hub.js";
import { Assets } from "../../../host-sim/web/assets.js";
import { Cause } from "../../../src/errors.js";
import { testLimits } from "../../interop/support.js";
import { assert, suite } from "../../support/test.js";

const test = suite("the page's server");
const folder = mkdtempSync(join(tmpdir(), "hearth-page-"));
for (const [name, text] of [
	["index.html", "<!doctype html><title>page</title>"],
	["app.js", "let a = 1;".repeat(100)],
	["secret.txt", "not for anybody"],
] as const) {
	writeFileSync(join(folder, name), text);
	writeFileSync(join(folder, `${name}.gz`), gzipSync(text));
}
const assets = new Assets(folder);

/** users that are no more */
const gone = new Set<string>();

async function start(host = "127.0.0.1") {
	const hub = new Hub({
		limits: { ...testLimits, authentications: 10 },
		logLevel: -1,
		log: () => {},
		access: {
			mayStay: ({ userName }) => !gone.has(userName ?? ""),
			authenticate: ({ userName }, password, _address, answer) => {
				const right = userName === "ann" && `${Buffer.from(password ?? [])}` === "pw";
				setImmediate(() => answer(right ? Cause.None : Cause.BadUserNameOrPassword));
				return undefined;
			},
		},
		devices: { hubId: "K7Q2M9XD", admins: ["ann"], assets },
	});
	const address = await hub.add({ http: { host, port: 0 } });
	return { hub, port: Number(new URL(address).port) };
}

const { hub, port } = await start();
test.after(async () => {
	await hub.close();
	rmSync(folder, { recursive: true });
});

interface Answer {
	status: number;
	headers: Record<string, string | string[] | undefined>;
	text: string;
	body: Buffer;
}

/** A request as it is: headers and path are not made better. */
function ask(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
	return new Promise((resolve, reject) => {
		const request = httpRequest({ host: "127.0.0.1", port, method, path, headers, setHost: !("host" in headers) });
		request.on("error", reject);
		request.on("response", (response) => {
			const chunks: Buffer[] = [];
			response.on("data", (chunk: Buffer) => chunks.push(chunk));
			response.on("end", () => {
				const all = Buffer.concat(chunks);
				resolve({ status: response.statusCode!, headers: response.headers, text: all.toString(), body: all });
			});
		});
		request.end(body);
	});
}

const JSON_TYPE = { "content-type": "application/json" };
const ELSEWHERE = { host: "192.168.1.9:8080" };

async function signIn(password = "pw"): Promise<Answer> {
	return ask("POST", "/session", { ...ELSEWHERE, ...JSON_TYPE }, JSON.stringify({ userName: "ann", password }));
}

test("files: as they are, compressed, and not again when the browser has them", async () => {
	const page = await ask("GET", "/");
	assert.is(page.status, 200);
	assert.match(page.text, "<title>page</title>");
	assert.match(`${page.headers["content-security-policy"]}`, "default-src 'none'; script-src 'self'");
	const script = await ask("GET", "/app.js?v=1", { "accept-encoding": "br, gzip" });
	assert.is(script.headers["content-encoding"], "gzip");
	assert.equal(script.body, gzipSync("let a = 1;".repeat(100)));
	const again = await ask("GET", "/app.js", { "if-none-match": `${script.headers["etag"]}` });
	assert.is(again.status, 304);
	assert.is(again.text, "");
	const head = await ask("HEAD", "/");
	assert.is(head.status, 200);
	assert.is(head.text, "");
});

test("there is nothing but the page's files", async () => {
	for (const path of [
		"/secret.txt",
		"/../secret.txt",
		"/..%2fsecret.txt",
		"/%2e%2e/secret.txt",
		"//etc/passwd",
		"/app.js.gz",
		"/app.js/",
		"/index.html",
		"/toString",
		"/__proto__",
	])
		assert.is((await ask("GET", path)).status, 404, path);
	assert.is((await ask("PUT", "/", {})).status, 404);
	assert.is((await ask("GET toString", "/session").catch(() => ({ status: 0 }))).status, 0);
});

test("on this machine the page needs no signing in; by another name it does", async () => {
	assert.equal(JSON.parse((await ask("GET", "/session")).text), {
		hubId: "K7Q2M9XD",
		signedIn: true,
		admin: true,
		userName: "",
		local: true,
		devices: true,
		kinds: ["device", "controller", "viewer", "admin"],
	});
	// a page elsewhere whose host name was made to lead here
	for (const host of ["evil.example:8080", "192.168.1.9:8080"]) {
		assert.is(JSON.parse((await ask("GET", "/session", { host })).text).signedIn, false, host);
		assert.is((await ask("GET", "/pairing", { host })).status, 401, host);
	}
	for (const host of ["localhost:1", "127.0.0.1", "[::1]:80"])
		assert.is(JSON.parse((await ask("GET", "/session", { host })).text).signedIn, true, host);
	for (const host of ["", "a b", "x/y"]) assert.is((await ask("GET", "/session", { host })).status, 400, host);
});

test("signing in gives a cookie that scripts cannot read, and signing out takes it back", async () => {
	assert.is((await signIn("wrong")).status, 401);
	const signedIn = await signIn();
	assert.is(signedIn.status, 200);
	const [set] = signedIn.headers["set-cookie"] as unknown as string[];
	assert.match(set!, /^hearth=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
	const cookie = set!.split(";")[0]!;
	const headers = { ...ELSEWHERE, cookie };
	const session = JSON.parse((await ask("GET", "/session", headers)).text);
	assert.equal([session.signedIn, session.admin, session.userName, session.local], [true, true, "ann", false]);
	assert.is((await ask("GET", "/pairing", headers)).status, 200);
	assert.is((await ask("DELETE", "/session", headers)).status, 200);
	assert.is((await ask("GET", "/pairing", headers)).status, 401);
	assert.is((await ask("GET", "/pairing", { ...ELSEWHERE, cookie: "hearth=x; hearth=" })).status, 401);
});

test("the window is opened and closed, and its code is for admins' eyes", async () => {
	const body = JSON.stringify({ name: "Lamp", kind: "device", seconds: 60 });
	assert.is((await ask("POST", "/pairing", { ...ELSEWHERE, ...JSON_TYPE }, body)).status, 401);
	const opened = JSON.parse((await ask("POST", "/pairing", JSON_TYPE, body)).text);
	assert.match(opened.code, /^\d{8}$/);
	assert.is(opened.code, hub.devices!.hub.pairing.window?.code);
	assert.is(opened.secondsLeft, 60);
	assert.match(opened.qr, /^HEARTH:1:\d{8}:K7Q2M9XD:[\d.]+:1883$/);
	assert.equal(JSON.parse((await ask("GET", "/pairing")).text).code, opened.code);
	assert.equal(JSON.parse((await ask("DELETE", "/pairing")).text), { open: false, end: "closed", device: "" });
	for (const [sent, status] of [
		['{"seconds":0}', 400],
		['{"seconds":901}', 400],
		['{"kind":"king"}', 400],
		['{"name":5}', 400],
		["[]", 400],
		["{", 400],
		[JSON.stringify({ name: "x".repeat(5_000) }), 413],
	] as const)
		assert.is((await ask("POST", "/pairing", JSON_TYPE, sent)).status, status, sent.slice(0, 20));
	assert.is(hub.devices!.hub.pairing.window, undefined);
});

test("requests that are too large, or never whole, are refused or ended, and the page lives", async () => {
	const second = await start();
	const talk = (text: string, close: boolean) =>
		new Promise<string>((resolve) => {
			const socket = connectTcp(second.port, "127.0.0.1", () => (close ? socket.end(text) : socket.write(text)));
			socket.on("data", (bytes) => {
				resolve(`${bytes}`);
				socket.destroy();
			});
			socket.on("error", () => {});
			socket.on("close", () => resolve("nothing"));
		});
	const head = `host: 127.0.0.1:${second.port}\r\n`;
	const post = `POST /pairing HTTP/1.1\r\n${head}content-type: application/json\r\n`;
	const chunk = `ffff\r\n${"x".repeat(0xffff)}\r\n`;
	for (const [what, sent, expected] of [
		["a long path", `GET /${"a".repeat(100_000)} HTTP/1.1\r\n${head}\r\n`, /^HTTP\/1.1 4(14|31) /],
		["a long field", `GET / HTTP/1.1\r\n${head}x: ${"a".repeat(100_000)}\r\n\r\n`, /^HTTP\/1.1 431 /],
		["many fields", `GET / HTTP/1.1\r\n${head}${"x: y\r\n".repeat(50_000)}\r\n`, /^HTTP\/1.1 431 /],
		["a long body", `${post}content-length: 9999999\r\n\r\n${"x".repeat(100_000)}`, /^HTTP\/1.1 413 /],
		["a body without an end", `${post}transfer-encoding: chunked\r\n\r\n${chunk.repeat(20)}`, /^HTTP\/1.1 413 /],
		["two lengths", `${post}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}`, /^HTTP\/1.1 400 /],
		["no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(100), /^HTTP\/1.1 400 /],
	] as const)
		assert.match(await talk(sent, what === "no HTTP"), expected, what);
	assert.is((await fetch(`http://127.0.0.1:${second.port}/`)).status, 200);
	await second.hub.close();
});

test("another page can do nothing, not even with the browser of an admin", async () => {
	const body = "{}";
	const forged: Record<string, string>[] = [
		{ origin: "https://evil.example" },
		{ origin: "null" },
		{ origin: `http://127.0.0.1:${port + 1}` },
		{ "sec-fetch-site": "cross-site" },
		{ "sec-fetch-site": "same-site" },
	];
	for (const headers of forged) {
		const sent = { ...headers, ...JSON_TYPE, host: `127.0.0.1:${port}` };
		assert.is((await ask("POST", "/pairing", sent, body)).status, 403, JSON.stringify(headers));
		assert.is((await ask("POST", "/session", sent, body)).status, 403);
	}
	// what a form can send without asking
	for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
		assert.is((await ask("POST", "/pairing", { "content-type": type }, body)).status, 415, type);
	assert.is(hub.devices!.hub.pairing.window, undefined);
});

test("guessing is slowed: after three wrong passwords the next one waits", async () => {
	const second = await start();
	const all = [];
	for (let i = 0; i < 4; i++)
		all.push(
			await fetch(`http://127.0.0.1:${second.port}/session`, {
				method: "POST",
				headers: JSON_TYPE,
				body: JSON.stringify({ userName: "ann", password: `${i}` }),
			}),
		);
	assert.equal(
		all.map((answer) => answer.status),
		[401, 401, 401, 429],
	);
	assert.match(all[3]!.headers.get("retry-after") ?? "", /^\d+$/);
	for (const answer of all) await answer.arrayBuffer();
	await second.hub.close();
});

/** @returns what became of a WebSocket: "open", or the status that refused it */
function webSocket(path: string, headers: Record<string, string> = {}): Promise<string> {
	return new Promise((resolve) => {
		const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, ["mqtt"], { headers });
		ws.on("open", () => {
			ws.close();
			resolve("open");
		});
		ws.on("unexpected-response", (_request, response) => {
			ws.terminate();
			resolve(`${response.statusCode}`);
		});
		ws.on("error", () => {});
	});
}

test("MQTT is on the same address: for the page's own scripts and for programs, not for other pages", async () => {
	assert.is(await webSocket("/mqtt"), "open");
	assert.is(await webSocket("/mqtt", { origin: `http://127.0.0.1:${port}` }), "open");
	assert.is(await webSocket("/mqtt", { origin: "https://evil.example" }), "403");
	assert.is(await webSocket("/mqtt", { origin: `http://127.0.0.1:${port + 1}` }), "403");
	assert.is(await webSocket("/other"), "404");
});

test("who is no user any more when users are read again is signed out; the others stay", async () => {
	const cookie = String((await signIn()).headers["set-cookie"]).split(";")[0]!;
	const who = async () => JSON.parse((await ask("GET", "/session", { ...ELSEWHERE, cookie })).text);
	hub.accessChanged();
	assert.is((await who()).userName, "ann");
	gone.add("ann");
	hub.accessChanged();
	assert.is((await who()).signedIn, false);
	gone.clear();
	assert.is((await who()).signedIn, false, "a session does not come back with its user");
});

test.run();
