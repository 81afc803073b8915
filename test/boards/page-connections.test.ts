/** The page's server on a board and connections that come in numbers, say nothing, are cut, or don't read. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "../xs/support.js";
import { ask, endAll, PageBoard } from "./page-board.js";
import { bodyOf, fieldOf, raw, status } from "./raw-http.js";

const test = suite("boards: the page's connections");
const missing = await whyNoXs();
const onXs = test.if(missing === undefined, missing ?? "");
test.after(endAll);

/** Opens connections that say nothing, or only `text`. */
async function silent(board: PageBoard, count: number, text = ""): Promise<Socket[]> {
	const sockets: Socket[] = [];
	for (let i = 0; i < count; i++) {
		const socket = connectTcp(board.pagePort, "127.0.0.1");
		socket.on("error", () => {});
		await once(socket, "connect");
		if (text !== "") socket.write(text);
		sockets.push(socket.resume());
	}
	return sockets;
}

onXs("a browser that asks for everything at once gets everything", async () => {
	const board = await PageBoard.start();
	const paths = ["/", "/app.css", "/app.js", "/icon.svg", "/session", "/app.js"];
	const answers = await Promise.all(paths.map((path) => ask(board, "GET", path)));
	assert.equal(answers.map(status), [200, 200, 200, 200, 200, 200]);
	assert.is(bodyOf(answers[5]!).length, Number(fieldOf(answers[5]!, "content-length")));
	await board.end();
});

onXs(
	"who says nothing, or stops in the midst of it, makes room; one more than there are places is closed",
	async () => {
		const board = await PageBoard.start();
		const sockets = await silent(board, 6);
		const seventh = await raw(board.pagePort, "");
		assert.is(seventh, "");
		await Promise.race(sockets.map((socket) => once(socket, "close")));
		assert.is(status(await ask(board, "GET", "/")), 200);
		for (const socket of sockets) socket.destroy();
		const halves = await silent(board, 2, "POST /session HTTP/1.1\r\nContent-Length: 100\r\n\r\n{");
		await Promise.all(halves.map((socket) => once(socket, "close")));
		assert.is(status(await ask(board, "GET", "/")), 200);
		await board.end();
	},
);

onXs("connections that are cut in the midst of a file, at any byte of the request, cost nothing", async () => {
	const board = await PageBoard.start();
	const request = `GET /app.js HTTP/1.1\r\nHost: 127.0.0.1:${board.pagePort}\r\n\r\n`;
	for (let i = 0; i < 20; i++) {
		const socket = connectTcp(board.pagePort, "127.0.0.1");
		socket.on("error", () => {});
		await once(socket, "connect");
		socket.write(request);
		await once(socket, "data");
		socket.resetAndDestroy();
	}
	for (let at = 0; at < request.length; at += 3) {
		const socket = connectTcp(board.pagePort, "127.0.0.1");
		socket.on("error", () => {});
		await once(socket, "connect");
		socket.end(request.slice(0, at));
		await once(socket.resume(), "close");
	}
	const whole = bodyOf(await raw(board.pagePort, request));
	assert.ok(Buffer.from(whole, "latin1").equals(readFileSync("dist/page/app.js.gz")));
	await board.end();
});

onXs("who stops reading in the midst of a file is ended, and keeps nobody from anything meanwhile", async () => {
	const folder = mkdtempSync(join(tmpdir(), "hearth-page-"));
	// more than the systems between them take
	const large = randomBytes(16 << 20);
	writeFileSync(join(folder, "app.js.gz"), large);
	writeFileSync(join(folder, "icon.svg.gz"), "icon");
	const board = await PageBoard.start({}, folder);
	const socket = connectTcp(board.pagePort, "127.0.0.1");
	socket.on("error", () => {});
	await once(socket, "connect");
	socket.write(`GET /app.js HTTP/1.1\r\nHost: 127.0.0.1:${board.pagePort}\r\n\r\n`);
	await once(socket, "readable");
	assert.is(bodyOf(await ask(board, "GET", "/icon.svg")), "icon");
	// another one takes the second place, until both are over: then who waits has a turn
	const second = connectTcp(board.pagePort, "127.0.0.1");
	second.on("error", () => {});
	await once(second, "connect");
	second.write(`GET /app.js HTTP/1.1\r\nHost: 127.0.0.1:${board.pagePort}\r\n\r\n`);
	await once(second, "readable");
	assert.is(bodyOf(await ask(board, "GET", "/icon.svg")), "icon");
	let bytes = 0;
	socket.on("data", (chunk) => {
		bytes += chunk.length;
	});
	if (!socket.closed) await once(socket, "close");
	assert.ok(bytes < large.length, `${bytes} bytes`);
	second.destroy();
	await board.end();
	rmSync(folder, { recursive: true });
});

test.run();
