/** The page in Chromium: from pairing to the first message, live values, thousands of topics, a hub that restarts, and
 *  how it looks: screenshots are left in build/screenshots. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { connect } from "../../../host-sim/client/index.js";
import { Hub } from "../../../host-sim/hub.js";
import { KeyFile } from "../../../host-sim/key-file.js";
import { crypto, nodePlatform } from "../../../host-sim/platform.js";
import { text } from "../../../host-sim/text.js";
import { Assets } from "../../../host-sim/web/assets.js";
import { ScramSha256Client } from "../../../src/auth/scram-client.js";
import { DeviceKeyStore } from "../../../src/hub/device-keys.js";
import { hasChromium, startChromium } from "../../interop/chromium.js";
import { Running, testLimits, until } from "../../interop/support.js";
import { assert, suite } from "../../support/test.js";

/** of the page, where some functions of these tests run */
declare const document: {
	querySelector(selector: string): { textContent: string } | null;
	documentElement: { scrollWidth: number };
};
declare const innerWidth: number;

const test = suite("the page");
const browsers = test.if(hasChromium, "Chromium is not installed");
const folder = mkdtempSync(join(tmpdir(), "hearth-page-"));
const shots = "build/screenshots";
mkdirSync(shots, { recursive: true });

async function start(mqttPort = 0, httpPort = 0) {
	const hub = new Hub({
		limits: { ...testLimits, authentications: 10, localSubscriptions: 4 },
		logLevel: 1,
		log: () => {},
		allowAnonymous: true,
		devices: { hubId: "K7Q2M9XD", assets: new Assets("dist/page") },
	});
	const mqtt = await hub.add({ mqtt: { port: mqttPort } });
	return { hub, mqtt, page: await hub.add({ http: { port: httpPort } }) };
}

let house = await start();
let browser: Browser | undefined;
test.before(async () => {
	if (hasChromium) browser = await startChromium();
});
test.after(async () => {
	await browser?.close();
	await house.hub.close();
	rmSync(folder, { recursive: true });
});

/** Opens the page; whatever goes wrong in it fails the test. */
async function open(options: { colorScheme?: "light" | "dark"; width?: number } = {}) {
	const { colorScheme = "light", width = 1_200 } = options;
	const context = await browser!.newContext({ colorScheme, viewport: { width, height: 800 } });
	const page = await context.newPage();
	page.setDefaultTimeout(20_000);
	const wrong: string[] = [];
	page.on("pageerror", (error) => wrong.push(String(error)));
	page.on("console", (message) => {
		if (message.type() === "error" && !message.text().includes("net::ERR")) wrong.push(message.text());
	});
	await page.goto(house.page);
	await page.waitForSelector(".link.online");
	return { page, context, wrong };
}

function view(page: Page, name: string): Promise<void> {
	return page.click(`nav >> text=${name}`);
}

browsers("a device is paired from the page, named, seen, heard, and revoked", async () => {
	const { page, context, wrong } = await open();
	await page.click("text=Pair a device");
	await page.fill("input[name=name]", "Desk lamp");
	await page.fill("input[name=room]", "Study");
	await page.click("text=Show the code");
	const shown = await page.textContent(".code");
	const code = shown!.replace(/\D/g, "");
	assert.match(code, /^\d{8}$/);
	assert.is(await page.locator(".qr").count(), 1);
	const { port } = new URL(house.mqtt);
	const keys = join(folder, "lamp.keys");
	const joined = new Running("node", ["bin/hearth.mjs", "join", code, "--port", port, "--id", "lamp", "--keys", keys]);
	assert.is((await joined.finished).code, 0);
	await page.waitForSelector("text=lamp is paired.");
	await page.click("text=Done");
	const kept = new DeviceKeyStore(text, new KeyFile(keys));
	const authentication = new ScramSha256Client({ ...nodePlatform(), crypto }, "lamp", kept.current!);
	const lamp = await connect(house.mqtt, { clientId: "lamp", version: 5, authentication, reconnect: false });
	await page.waitForSelector(".card.here >> text=Desk lamp");
	await lamp.publish("devices/lamp/state", "on", { qos: 1 });
	await view(page, "Topics");
	await page.fill("input[type=search]", "lamp state");
	await page.click(".leaf >> text=devices/lamp/state");
	assert.is(await page.textContent(".value-of pre"), "on");
	await view(page, "Devices");
	await page.click(".card >> text=Desk lamp");
	await page.fill("dialog input[name=name]", "Reading lamp");
	await page.click("dialog >> text=Save");
	await page.waitForSelector(".card >> text=Reading lamp");
	await page.click(".card >> text=Reading lamp");
	await page.click("text=Revoke this device");
	await page.click("dialog >> text=Revoke, and clear");
	await page.waitForSelector("text=No devices yet");
	await until(() => !lamp.isConnected, "the device is out");
	await lamp.end({ force: true });
	assert.equal(wrong, []);
	await context.close();
});

browsers("somebody who knocked is let in, and a password is made, which works", async () => {
	const { page, context, wrong } = await open();
	await page.click("text=Add by password");
	await page.fill("dialog input[name=id]", "plug");
	await page.fill("dialog input[name=name]", "Plug");
	await page.click("text=Make a password");
	await page.waitForSelector("text=plug is added");
	const password = await page.inputValue("dialog label:nth-of-type(2) input");
	await page.click("dialog >> text=Done");
	await page.waitForSelector(".card >> text=Plug");
	const plug = await connect(house.mqtt, {
		userName: "plug",
		password,
		clientId: "DVES",
		version: 4,
		reconnect: false,
	});
	await page.waitForSelector(".card.here >> text=Plug");
	await plug.end();
	await page.waitForSelector(".card:not(.here) >> text=Plug");
	const outcome = await connect(house.mqtt, { userName: "plug", password: "wrong", reconnect: false }).catch((e) => e);
	assert.instance(outcome, Error);
	assert.equal(wrong, []);
	await context.close();
});

browsers("values are live, and five thousand topics are shown without a freeze", async () => {
	const { page, context, wrong } = await open();
	await view(page, "Topics");
	const client = await connect(house.mqtt, { clientId: "many" });
	for (let i = 0; i < 5_000; i++) void client.publish(`house/${i % 50}/sensor-${i}/temperature`, `${i % 40}.5`);
	await client.publish("house/last", "1", { qos: 1 });
	await page.waitForFunction(() => Number(document.querySelector("h2 small")?.textContent) >= 5_001);
	await page.click("button.fold >> text=house");
	// the tree answers while more comes in
	const more = setInterval(() => {
		for (let i = 0; i < 200; i++) void client.publish(`house/${i % 50}/sensor-${i}/temperature`, `${Math.random()}`);
	}, 20);
	await page.click("button.fold >> text=/^▸7 /");
	await page.fill("input[type=search]", "sensor-4999");
	await page.waitForSelector(".leaf >> text=house/49/sensor-4999/temperature");
	clearInterval(more);
	for (const value of [1, 5, 2]) await client.publish("house/power", `${value}`, { qos: 1 });
	await page.fill("input[type=search]", "house/power");
	await page.click(".leaf >> text=house/power");
	await page.waitForSelector(".plot polyline");
	assert.is(await page.textContent(".value-of pre"), "2");
	await page.fill(".publish textarea", "7");
	await page.click(".publish >> button");
	await page.waitForFunction(() => document.querySelector(".value-of pre")?.textContent === "7");
	await client.end();
	assert.equal(wrong, []);
	await context.close();
});

browsers("the page comes back by itself when the hub does", async () => {
	const { page, context, wrong } = await open();
	const ports = [house.mqtt, house.page].map((url) => Number(new URL(url).port));
	await house.hub.close();
	await page.waitForSelector(".link.offline");
	house = await start(...ports);
	await page.waitForSelector(".link.online");
	await page.waitForSelector("text=No devices yet"); // this hub keeps nothing
	assert.equal(wrong, []);
	await context.close();
});

for (const [colorScheme, width] of [
	["light", 1_200],
	["dark", 1_200],
	["light", 390],
	["dark", 390],
] as const)
	browsers(`${colorScheme}, ${width} pixels: nothing is wider than the screen`, async () => {
		const { page, context, wrong } = await open({ colorScheme, width });
		for (const name of ["Devices", "Topics", "Hub"]) {
			await view(page, name);
			await page.waitForSelector("main h2");
			const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
			assert.ok(wide <= 0, `${name} is ${wide} pixels too wide`);
			await page.screenshot({ path: `${shots}/${name.toLowerCase()}-${colorScheme}-${width}.png` });
		}
		await view(page, "Devices");
		await page.click("text=Pair a device");
		await page.keyboard.press("Tab");
		await page.click("text=Show the code");
		await page.waitForSelector(".qr");
		await page.screenshot({ path: `${shots}/pairing-${colorScheme}-${width}.png` });
		await page.keyboard.press("Escape");
		await until(() => house.hub.devices!.hub.pairing.window === undefined, "Escape closes the window");
		assert.equal(wrong, []);
		await context.close();
	});

test("all files together are at most 60 KB, compressed", () => {
	const assets = new Assets("dist/page");
	assert.is(assets.count, 4);
	assert.ok(assets.bytes <= 60 * 1024, `${assets.bytes} bytes`);
});

test.run();
