/** A board without a network: its set-up page on XS, by what browsers, strangers and a person send. */
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { connect } from "node:net";
import { startOnXs, type XsResult } from "../../scripts/xs.mjs";
import { hasChromium, startChromium } from "../interop/chromium.js";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "../xs/support.js";
import { raw, status } from "./raw-http.js";

const test = suite("boards: the set-up page");
const missing = await whyNoXs();
const onXs = test.if(missing === undefined, missing ?? "");

interface Board {
	lines: string[];
	port: number;
	done: Promise<XsResult>;
	end(): void;
}

async function start(setup = "1"): Promise<Board> {
	let heard = (_port: number): void => {};
	const port = new Promise<number>((resolve) => {
		heard = resolve;
	});
	const lines: string[] = [];
	const onLine = (line: string): void => {
		lines.push(line);
		const found = /^set up: join the Wi-Fi "Hearth", then http:\/\/127\.0\.0\.1:(\d+)/.exec(line);
		if (found !== null) heard(Number(found[1]));
	};
	const config = { setup, setupHost: "127.0.0.1", setupPort: 0 };
	const { child, done } = await startOnXs("boards/main.ts", { config, onLine, timeoutMs: 60_000 });
	const failed = done.then(({ errors }) => Promise.reject(new Error(`it did not listen: ${errors}`)));
	failed.catch(() => {});
	return { lines, port: await Promise.race([port, failed]), done, end: () => child.kill() };
}

/** A form as a browser sends it. @returns the answer */
function post(port: number, form: string, fields: Record<string, string> = {}): Promise<string> {
	const all = {
		Host: `127.0.0.1:${port}`,
		Origin: `http://127.0.0.1:${port}`,
		"Content-Type": "application/x-www-form-urlencoded",
		"Content-Length": `${Buffer.byteLength(form)}`,
		...fields,
	};
	const lines = Object.entries(all).filter(([, value]) => value !== "-");
	return raw(port, `POST / HTTP/1.1\r\n${lines.map(([n, v]) => `${n}: ${v}\r\n`).join("")}\r\n${form}`);
}

const GOOD = "ssid=My+home%20%26+caf%C3%A9&password=12345678&name=kitchen-hub";

onXs("strangers' requests, oversized ones, other names and other pages' forms change nothing", async () => {
	const board = await start();
	const { port } = board;
	const host = `Host: 127.0.0.1:${port}\r\n`;
	const page = await raw(port, `GET / HTTP/1.1\r\n${host}\r\n`);
	assert.is(status(page), 200);
	assert.match(page, /Content-Security-Policy: default-src 'none'/);
	assert.match(page, /<form method="post"/);
	const cases: [string, number][] = [
		[`GET /../etc/passwd HTTP/1.1\r\n${host}\r\n`, 404],
		[`GET /%2e%2e/x HTTP/1.1\r\n${host}\r\n`, 404],
		["GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421],
		["GET / HTTP/1.1\r\n\r\n", 400],
		[`GET / HTTP/1.1\r\n${host}${host}\r\n`, 400],
		[`GET / HTTP/1.1\r\n${host}X: ${"x".repeat(3_000)}`, 431],
		[`POST / HTTP/1.1\r\n${host}Content-Length: 999999999\r\n\r\n`, 413],
		[`POST / HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`, 411],
		[`POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 411],
		[`DELETE / HTTP/1.1\r\n${host}\r\n`, 405],
		["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400],
	];
	for (const [request, expected] of cases) assert.is(status(await raw(port, request)), expected, request.slice(0, 60));
	assert.is(status(await post(port, GOOD, { Origin: "http://evil.example" })), 403);
	assert.is(status(await post(port, GOOD, { Origin: "-" })), 403);
	assert.is(status(await post(port, GOOD, { Host: "evil.example", Origin: "http://evil.example" })), 421);
	assert.is(status(await post(port, GOOD, { "Content-Type": "text/plain" })), 415);
	for (const form of [
		"",
		"ssid=",
		"ssid=a&password=short",
		`ssid=${"x".repeat(33)}`,
		"ssid=a&name=no%20name",
		"ssid=%ff",
	])
		assert.is(status(await post(port, form)), 422, form);
	assert.match(await post(port, "ssid=a&password=short&name=<script>"), /role="alert">Password: Wi-Fi passwords/);
	assert.not(board.lines.some((line) => line.includes("restart")));
	board.end();
});

onXs("silent connections don't keep a person out for longer than their time", async () => {
	const board = await start();
	const silent = [connect(board.port, "127.0.0.1"), connect(board.port, "127.0.0.1")];
	for (const socket of silent) socket.on("error", () => {});
	await Promise.all(silent.map((socket) => once(socket, "close")));
	assert.is(status(await raw(board.port, `GET / HTTP/1.1\r\nHost: 127.0.0.1:${board.port}\r\n\r\n`)), 200);
	board.end();
});

onXs("what a person fills in is kept whole, once, and the board starts anew", async () => {
	const board = await start("a password");
	assert.ok(board.lines.includes("access point Hearth, a password"));
	const answer = await post(board.port, GOOD);
	assert.is(status(answer), 200);
	assert.match(Buffer.from(answer, "latin1").toString(), /joins <b>My home &amp; café<\/b>/);
	assert.match(answer, /<b>kitchen-hub\.local<\/b>/);
	assert.is(status(await post(board.port, "ssid=other")), 409);
	const result = await board.done;
	assert.is(result.errors, "");
	assert.equal(result.results.at(-1).kept, ["My home & café", "12345678", "kitchen-hub"]);
	assert.is(result.statistics!.aliasesTouched, 0, "nothing that is in ROM was written to");
});

const inBrowser = test.if(missing === undefined && hasChromium, missing ?? "chromium is not installed");

inBrowser("in a browser as wide as a phone, dark and light", async () => {
	const board = await start();
	const browser = await startChromium();
	try {
		for (const colorScheme of ["dark", "light"] as const) {
			const page = await browser.newPage({ viewport: { width: 360, height: 640 }, colorScheme });
			const problems: string[] = [];
			page.on("console", (message) => problems.push(message.text()));
			await page.goto(`http://127.0.0.1:${board.port}/`);
			const wide = await page.evaluate<number>("document.documentElement.scrollWidth");
			assert.ok(wide <= 360, `${wide} pixels wide`);
			mkdirSync("build/screenshots", { recursive: true });
			await page.screenshot({ path: `build/screenshots/set-up-${colorScheme}.png` });
			assert.equal(problems, []);
			if (colorScheme === "light") {
				await page.getByLabel("Network", { exact: true }).fill("My home");
				await page.getByLabel("Password").fill("12345678");
				await page.getByRole("button").click();
				await page.getByText("Hearth starts anew and joins").waitFor();
			}
			await page.close();
		}
	} catch (error) {
		board.end();
		throw error;
	} finally {
		await browser.close();
	}
	assert.equal((await board.done).results.at(-1).kept, ["My home", "12345678", "hearth"]);
});

test.run();
