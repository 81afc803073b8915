/** The examples, each run as a newcomer runs it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { connect } from "../../host-sim/client/index.js";
import { hasChromium, serve, startChromium } from "../interop/chromium.js";
import { Running, until, within } from "../interop/support.js";
import { assert, suite } from "../support/test.js";
import { startHearth } from "./servers.js";

const test = suite("examples");
const server = await startHearth();
const url = server.urls.mqtt!;
const root = process.cwd();
const example = (name: string, ...args: string[]) =>
	new Running(process.execPath, [join(root, "examples", "client", `${name}.mjs`), url, ...args]);

const built = test.if(existsSync(join(root, "dist", "client.mjs")), "npm run build makes dist/");

built("a sensor's values arrive, and are kept", async () => {
	const watcher = await connect(url);
	const got: string[] = [];
	await watcher.subscribe("sensors/attic/temperature", ({ text }) => got.push(text), { qos: 1 });
	const sensor = example("sensor", "attic", "50");
	await sensor.says(/attic measures/);
	await until(() => got.length >= 3, "three values");
	for (const value of got) assert.match(value, /^\d\d\.\d$/);
	sensor.kill("SIGINT");
	assert.is((await sensor.finished).code, 0);
	await watcher.end();
});

built("a switch does what it is told, and the hub says when it is gone", async () => {
	const watcher = await connect(url);
	const got: string[] = [];
	await watcher.subscribe("switches/fan/+", ({ topic, text }) => got.push(`${topic.split("/")[2]} ${text}`), {
		qos: 1,
	});
	const fan = example("switch", "fan");
	await until(() => got.includes("available online") && got.includes("state off"), "it is there");
	await watcher.publish("switches/fan/set", "on", { qos: 1 });
	await until(() => got.includes("state on"), "it is on");
	fan.kill("SIGKILL");
	await until(() => got.includes("available offline"), "it is gone");
	await fan.finished;
	const again = example("switch", "fan");
	await until(() => got.filter((line) => line === "available online").length >= 2, "it is there again");
	await again.says(/fan is off/);
	again.kill("SIGINT");
	assert.is((await again.finished).code, 0);
	await until(() => got.at(-1) === "available offline", "it has said so");
	await watcher.end();
});

built("a question gets its answer, and a clear word when nobody is there", async () => {
	const nobody = await example("request", "ask").finished;
	assert.is(nobody.code, 1);
	assert.is(nobody.stderr.trim(), "request questions: nobody has subscribed");
	const answering = example("request", "answer");
	await answering.says(/answers/);
	const asked = await example("request", "ask", "who is there").finished;
	assert.is(asked.stdout.toString().trim(), "you asked: who is there");
	answering.kill("SIGINT");
	await answering.finished;
});

test.if(hasChromium && existsSync(join(root, "dist", "client-browser.mjs")), "chromium is not installed, or no dist/")(
	"the page shows values, and switches the lamp",
	async () => {
		const pages = await serve({
			"/examples/client/page.html": readFileSync(join(root, "examples", "client", "page.html")),
			"/dist/client-browser.mjs": readFileSync(join(root, "dist", "client-browser.mjs")),
		});
		let browser: Browser | undefined;
		const lamp = await connect(url);
		try {
			await lamp.subscribe("switches/lamp/set", ({ text }) => lamp.publish("switches/lamp/state", text), { qos: 1 });
			await lamp.publish("switches/lamp/state", "off", { qos: 1, retain: true });
			await lamp.publish("sensors/cellar/temperature", "12.5", { qos: 1, retain: true });
			browser = await within(startChromium(), "Chromium begins");
			const page = await browser.newPage();
			await page.goto(`${pages.origin}/examples/client/page.html#${server.urls.ws}`);
			await page.waitForFunction(() =>
				/cellar: 12.5/.test(
					(globalThis as never as { document: { body: { innerText: string } } }).document.body.innerText,
				),
			);
			await page.click("#lamp");
			await page.waitForFunction(() =>
				/on/.test((globalThis as never as { state: { textContent: string } }).state.textContent),
			);
		} finally {
			await browser?.close();
			await pages.stop();
			await lamp.end();
		}
	},
);

test.after(() => server.close());
test.run();
