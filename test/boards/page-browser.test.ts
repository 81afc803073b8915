/** The page of a board in Chromium, as a person uses it: on a phone, dark and light. Screenshots are left in
 *  build/screenshots. */
import { mkdirSync } from "node:fs";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { type AsyncClient, connect } from "../../host-sim/client/index.js";
import { hasChromium, startChromium } from "../interop/chromium.js";
import { pairWith } from "../support/join.js";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "../xs/support.js";
import { endAll, PageBoard, USER } from "./page-board.js";

/** of the page, where some functions of these tests run */
declare const document: { documentElement: { scrollWidth: number } };
declare const innerWidth: number;

const test = suite("boards: the page in a browser");
const missing = (await whyNoXs()) ?? (hasChromium ? undefined : "chromium is not installed");
const inBrowser = test.if(missing === undefined, missing ?? "");
const shots = "build/screenshots";
mkdirSync(shots, { recursive: true });

let browser: Browser | undefined;
test.before(async () => {
	if (missing === undefined) browser = await startChromium();
});
test.after(async () => {
	await browser?.close();
	endAll();
});

/** What a person has in front of them; whatever goes wrong in the page fails the test. */
interface Window {
	page: Page;
	context: BrowserContext;
	wrong: string[];
}

async function open(board: PageBoard, colorScheme: "dark" | "light" = "light", width = 360): Promise<Window> {
	const context = await browser!.newContext({ colorScheme, viewport: { width, height: 740 } });
	const page = await context.newPage();
	page.setDefaultTimeout(20_000);
	const wrong: string[] = [];
	page.on("pageerror", (error) => wrong.push(String(error)));
	page.on("console", (message) => {
		if (message.type() === "error" && !/status of 401|net::ERR/.test(message.text())) wrong.push(message.text());
	});
	await page.goto(`http://127.0.0.1:${board.pagePort}/`);
	return { page, context, wrong };
}

async function signIn({ page }: Window, password = USER.password): Promise<void> {
	await page.fill("input[name=user]", USER.userName);
	await page.fill("input[name=password]", password);
	await page.click("text=Sign in");
}

async function close({ context, wrong }: Window): Promise<void> {
	assert.equal(wrong, []);
	await context.close();
}

async function shoot(page: Page, name: string): Promise<void> {
	const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
	assert.ok(wide <= 0, `${name} is ${wide} pixels too wide`);
	await page.screenshot({ path: `${shots}/board-${name}.png` });
}

function asUser(board: PageBoard, clientId: string): Promise<AsyncClient> {
	return connect({ port: board.port, clientId, username: USER.userName, password: USER.password });
}

inBrowser("signing in, values that are live, publishing, a reload that costs nothing, signing out", async () => {
	const board = await PageBoard.start();
	const window = await open(board, "dark");
	const { page } = window;
	await signIn(window, "wrong");
	await page.waitForSelector("text=user name or password are wrong");
	await shoot(page, "sign-in");
	await signIn(window);
	await page.waitForSelector(".link.online");
	assert.equal(await page.locator("nav a").allTextContents(), ["Topics", "Hub"], "what this board has");
	const sensor = await asUser(board, "sensor");
	for (const value of ["20.5", "21", "20"]) await sensor.publish("kitchen/temperature", value, { qos: 1 });
	await page.fill("input[type=search]", "kitchen");
	await page.click(".leaf >> text=kitchen/temperature");
	await page.waitForSelector(".plot polyline");
	assert.is(await page.textContent(".value-of pre"), "20");
	await shoot(page, "topic");
	const heard = new Promise<string>((resolve) => {
		void sensor.subscribe("kitchen/temperature", (message) => {
			if (!message.retain) resolve(message.text);
		});
	});
	await page.fill(".publish textarea", "19");
	await page.click(".publish >> button");
	assert.is(await heard, "19");
	await page.click("nav >> text=Hub");
	await page.waitForSelector("text=of 16");
	await shoot(page, "hub");
	const statuses: number[] = [];
	page.on("response", (response) => {
		if (/\.(js|css)$/.test(response.url())) statuses.push(response.status());
	});
	await page.reload();
	await page.waitForSelector(".link.online");
	assert.equal(statuses, [304, 304]);
	await page.click("text=Sign out ann");
	await page.waitForSelector("text=User name");
	await page.reload();
	await page.waitForSelector("text=User name");
	await sensor.end();
	await close(window);
	await board.end();
});

inBrowser("a device is paired from the board's page, seen, and revoked", async () => {
	const board = await PageBoard.start({ pairing: 1 });
	const window = await open(board);
	const { page } = window;
	await signIn(window);
	await page.click("text=Pair a device");
	await page.fill("input[name=name]", "Desk lamp");
	await page.click("text=Show the code");
	const code = (await page.textContent(".code"))!.replace(/\D/g, "");
	assert.match((await page.textContent(".facts"))!, new RegExp(`at 127.0.0.1:${board.port}`));
	await shoot(page, "pairing");
	await pairWith(board.port, "lamp", code);
	await page.waitForSelector("text=lamp is paired.");
	await page.click("text=Done");
	await page.click(".card >> text=Desk lamp");
	await page.click("text=Revoke this device");
	await page.click("dialog >> text=Revoke, and clear");
	await page.waitForSelector("text=No devices yet");
	await shoot(page, "devices");
	await close(window);
	await board.end();
});

inBrowser("where everybody may come in, the page asks nobody who they are", async () => {
	const board = await PageBoard.start({ guests: 1 });
	const window = await open(board, "light", 1_200);
	await window.page.waitForSelector(".link.online");
	assert.is(await window.page.locator("text=Sign out").count(), 0);
	await close(window);
	await board.end({});
});

test.run();
