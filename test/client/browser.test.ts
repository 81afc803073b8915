/** The browser's module: its size, and a page in Chromium that talks with the hub over ws and wss. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import type { Browser, Page } from "playwright-core";
import type * as ClientModule from "../../browser/index.js";
import type * as ScramModule from "../../browser/scram.js";
import { hasChromium, serve, startChromium } from "../interop/chromium.js";
import { within } from "../interop/support.js";
import { assert, suite } from "../support/test.js";
import { startHearth } from "./servers.js";

const test = suite("the client in a browser");
const inChromium = test.if(hasChromium, "chromium is not installed");
const built = (name: string) => readFileSync(join(process.cwd(), "dist", name));

test("its module has at most 20.9 % of MQTT.js's size, minified and compressed by gzip; by brotli 22.2 %", () => {
	const theirs = readFileSync(join(process.cwd(), "node_modules", "mqtt", "dist", "mqtt.min.js"));
	const ours = built("client-browser.mjs");
	for (const [compress, most] of [
		[gzipSync, 0.209],
		[brotliCompressSync, 0.222],
	] as const) {
		const share = compress(ours).length / compress(theirs).length;
		assert.ok(share <= most, `${compress(ours).length} of ${compress(theirs).length} bytes: ${share.toFixed(3)}`);
	}
});

const server = await startHearth();
let browser: Browser;
let page: Page;
let pages: Awaited<ReturnType<typeof serve>>;

test.before(async () => {
	if (!hasChromium) return;
	pages = await serve({
		"/": '<!doctype html><title>client</title><script type="module" src="/main.js"></script>',
		"/main.js": 'globalThis.hearth = import("/client.js"); globalThis.scram = import("/scram.js");',
		"/client.js": built("client-browser.mjs"),
		"/scram.js": built("scram-browser.mjs"),
	});
	browser = await within(startChromium(), "Chromium begins");
	page = await browser.newPage({ ignoreHTTPSErrors: true });
	await page.goto(pages.origin);
});

/** Runs in the page. @returns what came */
async function talk([url, version]: [string, number]): Promise<string[]> {
	const { connect } = await (globalThis as unknown as { hearth: Promise<typeof ClientModule> }).hearth;
	const client = await connect(url, { version });
	const got: string[] = [];
	const topic = `browser/${client.clientId}`;
	const sum = (payload: Uint8Array) => payload.reduce((total, byte) => (total * 31 + byte) % 1_000_003, 7);
	await client.publish(`${topic}/kept`, "before", { qos: 1, retain: true });
	const loop = client.messages(`${topic}/#`, { qos: 2 });
	const all = (async () => {
		for await (const { topic: name, qos, retain, payload } of loop) {
			got.push(`${name.split("/")[2]} ${qos}${retain ? " retained" : ""} ${payload.length} ${sum(payload)}`);
			if (got.length === 8) return;
		}
	})();
	for (const qos of [0, 1, 2]) {
		await client.publish(`${topic}/text`, "grüße 🔥", { qos });
		await client.publish(`${topic}/bytes`, new Uint8Array(600_000).fill(qos), { qos });
	}
	await client.publish(`${topic}/kept`, "", { qos: 1, retain: true });
	await all;
	if (version === 5) {
		await client.respond(`${topic}-ask`, (request) => `an answer to ${request.text}`);
		got.push((await client.request(`${topic}-ask`, "a question")).text);
	}
	await client.end();
	return got;
}

/** What the page must find. */
function expected(version: number): string[] {
	const sum = (payload: Uint8Array) => payload.reduce((total, byte) => (total * 31 + byte) % 1_000_003, 7);
	const line = (name: string, qos: number, payload: Uint8Array, retained = "") =>
		`${name} ${qos}${retained} ${payload.length} ${sum(payload)}`;
	const lines = [line("kept", 1, Buffer.from("before"), " retained")];
	for (const qos of [0, 1, 2])
		lines.push(line("text", qos, Buffer.from("grüße 🔥")), line("bytes", qos, Buffer.alloc(600_000, qos)));
	lines.push(line("kept", 1, Buffer.alloc(0)));
	if (version === 5) lines.push("an answer to a question");
	return lines.sort();
}

for (const scheme of ["ws", "wss"] as const)
	for (const version of [4, 5])
		inChromium(`${scheme}, ${version}: a page publishes, loops over messages, asks and answers`, async () => {
			const got = await within(page.evaluate(talk, [server.urls[scheme]!, version] as [string, number]), "the page");
			assert.equal(got.sort(), expected(version));
		});

inChromium("a page hears clearly that nobody listens, and that a browser has no TCP", async () => {
	const errors = await page.evaluate(async () => {
		const { connect } = await (globalThis as unknown as { hearth: Promise<typeof ClientModule> }).hearth;
		const wrong = [];
		for (const url of ["ws://127.0.0.1:1", "mqtt://127.0.0.1:1883"])
			wrong.push(await connect(url).then(String, (error: Error) => `${error.name}: ${error.message}`));
		return wrong;
	});
	assert.match(errors[0]!, /^ClientError: ws:\/\/127\.0\.0\.1:1: the browser cannot connect/);
	assert.is(errors[1], "HearthError: connect: a browser has WebSocket only: give a ws or wss URL");
});

inChromium("the password's proof is made in the page", async () => {
	const made = await page.evaluate(async () => {
		const { scramSha256 } = await (globalThis as unknown as { scram: Promise<typeof ScramModule> }).scram;
		const encoder = new TextEncoder();
		const decoder = new TextDecoder();
		const text = {
			decode: (bytes: Uint8Array, start: number, end: number) => decoder.decode(bytes.subarray(start, end)),
			key: () => "",
			size: (value: string) => encoder.encode(value).length,
			encode: (value: string, bytes: Uint8Array, at: number) =>
				at + encoder.encodeInto(value, bytes.subarray(at)).written,
		};
		const method = scramSha256("user", "pencil")({ text, now: () => 0, random: () => 0, wake: () => {} });
		const first = decoder.decode(method.begin());
		const nonce = /r=(.*)$/.exec(first)![1];
		const answer = encoder.encode(`r=${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`);
		const proof = method.take(answer, 0, answer.length, () => {}) as Uint8Array;
		return [first, decoder.decode(proof)];
	});
	assert.is(made[0], `n,,n=user,r=${"A".repeat(24)}`);
	assert.match(made[1]!, /^c=biws,r=A{24}%hvYDpWUa2RaTCAfuxFIlj\)hNlF,p=[A-Za-z0-9+/]{43}=$/);
});

test.after(async () => {
	await browser?.close();
	await pages?.stop();
	await server.close();
});

test.run();
