/** The page of a board over HTTP: its files from flash, who is let in, and what strangers, other pages and odd requests
 *  get. */
import { readdirSync, readFileSync } from "node:fs";
import { connectPacket } from "../interop/raw.js";
import { RawWebSocket } from "../interop/raw-websocket.js";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "../xs/support.js";
import { ask, endAll, type Fields, PageBoard, USER } from "./page-board.js";
import { bodyOf, fieldOf, raw, status } from "./raw-http.js";

const test = suite("boards: the page");
const missing = await whyNoXs();
const onXs = test.if(missing === undefined, missing ?? "");
test.after(endAll);

const signIn = (board: PageBoard, password = USER.password, fields: Fields = {}): Promise<string> =>
	ask(board, "POST", "/session", fields, JSON.stringify({ userName: USER.userName, password }));

const cookieOf = (answer: string): string => fieldOf(answer, "set-cookie")!.split(";")[0]!;

async function session(board: PageBoard, cookie?: string) {
	const answer = await ask(board, "GET", "/session", cookie === undefined ? {} : { Cookie: cookie });
	assert.is(status(answer), 200);
	return JSON.parse(bodyOf(answer));
}

onXs("each file is what the build has made, compressed, and not sent again to who has it", async () => {
	const board = await PageBoard.start();
	const names = readdirSync("dist/page").filter((name) => !name.endsWith(".gz"));
	assert.ok(names.includes("app.js"));
	for (const name of names) {
		const path = name === "index.html" ? "/" : `/${name}`;
		const answer = await ask(board, "GET", `${path}?v=1`, { "Accept-Encoding": "gzip, deflate, br" });
		assert.is(status(answer), 200, name);
		assert.is(fieldOf(answer, "content-encoding"), "gzip");
		assert.match(fieldOf(answer, "content-security-policy")!, /^default-src 'none'; script-src 'self';/);
		const expected = readFileSync(`dist/page/${name}.gz`);
		assert.ok(Buffer.from(bodyOf(answer), "latin1").equals(expected), name);
		assert.is(Number(fieldOf(answer, "content-length")), expected.length);
		const head = await ask(board, "HEAD", path);
		assert.equal([bodyOf(head), fieldOf(head, "content-length")], ["", `${expected.length}`]);
		const again = await ask(board, "GET", path, { "If-None-Match": fieldOf(answer, "etag")! });
		assert.equal([status(again), bodyOf(again), fieldOf(again, "content-length")], [304, "", undefined]);
	}
	assert.is(status(await ask(board, "GET", "/", { "Accept-Encoding": "identity" })), 406);
	await board.end();
});

onXs("there is nothing but the page, and nobody gets it by a name that may lead anywhere", async () => {
	const board = await PageBoard.start();
	for (const path of [
		...["/../etc/passwd", "/..%2f", "//app.js", "/app.js.gz", "/app.js/", "/index.html", "/page-app.js.gz"],
		...["/toString", "/__proto__", "/constructor", "/length", "/0", "/pairing"],
	])
		assert.is(status(await ask(board, "GET", path)), 404, path);
	assert.is(status(await ask(board, "PUT", "/app.js")), 404);
	for (const host of ["evil.example", "kitchen.local.evil.example", "kitchen.evil", "1.2.3.4.nip.io", "[::1]"])
		assert.is(status(await ask(board, "GET", "/", { Host: host })), 421, host);
	for (const host of ["kitchen", "kitchen.local", "Kitchen.local:80", "10.0.0.7", "localhost:8080"])
		assert.is(status(await ask(board, "GET", "/", { Host: host })), 200, host);
	const host = `Host: 127.0.0.1:${board.pagePort}\r\n`;
	const cases: [string | Buffer, number][] = [
		["GET / HTTP/1.1\r\n\r\n", 400],
		[`GET / HTTP/1.1\r\n${host}${host}\r\n`, 400],
		["GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400],
		[`GET  / HTTP/1.1\r\n${host}\r\n`, 400],
		[`GET / HTTP/1.1\n${host.trim()}\n\n`, 400],
		[`GET http://127.0.0.1/ HTTP/1.1\r\n${host}\r\n`, 400],
		[`GET / HTTP/1.1\r\n${host}X: ${"x".repeat(3_000)}`, 431],
		[`GET /${"x".repeat(3_000)}`, 431],
		[`GET / HTTP/1.1\r\n${"X: y\r\n".repeat(500)}\r\n`, 431],
		[`POST /session HTTP/1.1\r\n${host}Content-Length: 513\r\n\r\n`, 413],
		[`POST /session HTTP/1.1\r\n${host}Content-Length: 1e2\r\n\r\n`, 411],
		[`POST /session HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 411],
		[Buffer.from("16030102000100fc0303ff0d0a0d0a", "hex"), 400],
		[Buffer.from(`GET / HTTP/1.1\r\n${host}X: \u0000\r\n\r\n`), 200],
	];
	for (const [request, expected] of cases)
		assert.is(status(await raw(board.pagePort, request)), expected, `${request}`);
	await board.end();
});

onXs("signing in gives a cookie that scripts cannot read, and signing out takes it back", async () => {
	const board = await PageBoard.start();
	const stranger = { hubId: "", signedIn: false, admin: false, userName: "", local: false, devices: false, kinds: [] };
	assert.equal(await session(board), stranger);
	assert.is(status(await signIn(board, "wrong")), 401);
	const answer = await signIn(board);
	assert.is(status(answer), 200);
	assert.match(
		fieldOf(answer, "set-cookie")!,
		/^hearth=[\w-]{43}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Strict$/,
	);
	const cookie = cookieOf(answer);
	assert.equal(await session(board, `a=b; ${cookie}`), { ...stranger, signedIn: true, userName: "ann" });
	for (const wrong of ["hearth=", "hearth=x", `x${cookie}`, `${cookie}x`])
		assert.is((await session(board, wrong)).signedIn, false, wrong);
	assert.is(status(await ask(board, "DELETE", "/session", { Cookie: cookie })), 200);
	assert.is((await session(board, cookie)).signedIn, false);
	// four people at a time: who was away for longest makes room
	const cookies: string[] = [];
	for (let i = 0; i < 5; i++) cookies.push(cookieOf(await signIn(board)));
	assert.is(new Set(cookies).size, 5);
	for (const [i, one] of cookies.entries()) assert.is((await session(board, one)).signedIn, i > 0);
	await board.end();
});

onXs("guessing is slowed, and what strangers send takes no memory that stays", async () => {
	const board = await PageBoard.start();
	const odd = ["{", "[]", "null", '{"userName":5,"password":""}', '{"userName":"a\\u0000","password":""}'];
	for (const body of odd) assert.is(status(await ask(board, "POST", "/session", {}, body)), 400, body);
	for (let i = 0; i < 40; i++) {
		const body = JSON.stringify({ [`name-${i}`]: i, nested: { [`in-${i}`]: 1 }, userName: "ann" });
		assert.is(status(await ask(board, "POST", "/session", {}, body)), 400);
	}
	const statuses: number[] = [];
	for (let i = 0; i < 4; i++) statuses.push(status(await signIn(board, `${i}`)));
	assert.equal(statuses, [401, 401, 401, 429]);
	await board.line(/^127\.0\.0\.1:\d+: ann: signing in to the page failed$/);
	await board.end({ username: USER.userName, password: USER.password, connectTimeoutMs: 10_000 });
});

onXs("another page can do nothing, not even with the browser of somebody who has signed in", async () => {
	const board = await PageBoard.start();
	const own = `http://127.0.0.1:${board.pagePort}`;
	const Cookie = cookieOf(await signIn(board, USER.password, { Origin: own }));
	for (const fields of [
		{ Origin: "https://evil.example" },
		{ Origin: "null" },
		{ Origin: `http://127.0.0.1:${board.pagePort + 1}` },
		{ "Sec-Fetch-Site": "cross-site" },
	]) {
		assert.is(status(await signIn(board, USER.password, fields)), 403, JSON.stringify(fields));
		assert.is(status(await ask(board, "DELETE", "/session", { Cookie, ...fields })), 403);
		if (fields.Origin === undefined) continue;
		const ws = await RawWebSocket.ask(board.pagePort, { Origin: fields.Origin, Cookie });
		assert.is(ws.status, 403, fields.Origin);
	}
	// a name that was made to lead here has its own Origin, and no cookie
	const rebound = await RawWebSocket.ask(board.pagePort, { Origin: "http://evil.example", Host: "evil.example" });
	assert.is(rebound.status, 421);
	for (const type of ["text/plain", "application/x-www-form-urlencoded"])
		assert.is(status(await signIn(board, USER.password, { "Content-Type": type })), 415, type);
	assert.is((await session(board, Cookie)).signedIn, true);
	await board.end();
});

onXs("its WebSocket is who signed in; without that a client logs in as on any listener", async () => {
	const board = await PageBoard.start();
	const Cookie = cookieOf(await signIn(board));
	const Host = `127.0.0.1:${board.pagePort}`;
	const own = { Host, Origin: `http://${Host}` };
	/** @returns CONNACK's code */
	const comesIn = async (fields: Fields, login = {}): Promise<unknown> => {
		const ws = await RawWebSocket.ask(board.pagePort, { "Sec-WebSocket-Protocol": "mqtt", ...fields });
		assert.is(ws.status, 101);
		ws.send(ws.encode(connectPacket(4, "page", login)));
		await ws.count(1);
		ws.socket.destroy();
		return (ws.packets[0] as { returnCode?: number }).returnCode;
	};
	assert.is(await comesIn({ ...own, Cookie }), 0);
	assert.is(await comesIn(own), 5);
	assert.is(await comesIn({ ...own, Cookie: `${Cookie}x` }), 5);
	assert.is(await comesIn({}, { username: USER.userName, password: Buffer.from(USER.password) }), 0);
	assert.is((await RawWebSocket.ask(board.pagePort, { ...own, Cookie }, "/other")).status, 404);
	assert.is((await RawWebSocket.ask(board.pagePort, { ...own, Cookie })).status, 400, "MQTT was not offered");
	assert.is(status(await ask(board, "GET", "/mqtt", { Cookie })), 426);
	await board.end();
});

onXs("a board without a user, where everybody may come in, shows its page to everybody", async () => {
	const board = await PageBoard.start({ guests: 1 });
	const seen = await session(board);
	assert.equal([seen.signedIn, seen.local, seen.admin], [true, true, false]);
	await board.end({});
});

onXs("a board without random numbers that can be trusted has no page, and says so", async () => {
	const board = await PageBoard.start({ entropy: "none" });
	assert.is(board.pagePort, undefined as unknown as number);
	await board.line(/^error: page, goes on without: .*no random numbers/);
	await board.end();
});

test.run();
