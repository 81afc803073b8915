/** `hearth pair`: opens the hub's window for one device, and shows the code. */
import { setTimeout as sleep } from "node:timers/promises";
import { renderUnicodeCompact } from "uqr";
import { HearthError } from "../../src/errors.js";
import { parseOptions } from "./options.js";
import { HUB_HELP, HUB_OPTIONS, PageClient } from "./page-client.js";

const HELP = `usage: hearth pair [options]

Opens the hub's window for one device and shows the code that it needs, as digits and as a QR code; ends when the device
is paired, or the time is over.

      --name NAME      what the device is called
      --room ROOM      where it is
      --kind KIND      what it may do: device, controller, viewer, admin (default device)
      --for TIME       how long: 90, 90s or 2m, at most 15m (default 120s)
      --close          close a window that is open
      --json           the answer for programs; doesn't wait
${HUB_HELP}

Exit codes: 0 paired (with --close or --json: done), 1 not paired or refused, 2 unusable arguments`;

const OPTIONS = {
	...HUB_OPTIONS,
	name: { type: "string", default: "" },
	room: { type: "string", default: "" },
	kind: { type: "string", default: "device" },
	for: { type: "string", default: "120s" },
	close: { type: "boolean", default: false },
	json: { type: "boolean", default: false },
} as const;

/** How often the hub is asked, ms. */
const POLL_MS = 500;

/** @returns the exit code */
export async function pair(args: string[]): Promise<number> {
	const values = parseOptions("pair", args, OPTIONS);
	if (values.help) {
		console.log(HELP);
		return 0;
	}
	const seconds = secondsOf(values.for);
	const page = await PageClient.open("pair", values);
	if (values.close) {
		await page.ask("DELETE", "/pairing");
		console.log("the window is closed");
		return 0;
	}
	const { name, room, kind } = values;
	const window = await page.ask("POST", "/pairing", { name, room, kind, seconds });
	if (values.json) {
		console.log(JSON.stringify(window));
		return 0;
	}
	show(window);
	// Ctrl-C closes the window: nobody looks at the code any more
	const stop = new AbortController();
	process.once("SIGINT", () => stop.abort());
	const code = await wait(page, `${window["code"]}`, stop.signal);
	if (stop.signal.aborted) await page.ask("DELETE", "/pairing");
	return code;
}

/** @returns seconds of "90", "90s" or "2m". Throws HearthError */
function secondsOf(text: string): number {
	const found = /^(\d+)(s|m)?$/.exec(text);
	const seconds = found === null ? Number.NaN : Number(found[1]) * (found[2] === "m" ? 60 : 1);
	if (seconds >= 1 && seconds <= 900) return seconds;
	throw new HearthError("HEARTH_ERR_OPTION", `pair: --for ${text}: give 1s to 15m`);
}

function show(window: Record<string, unknown>): void {
	const code = `${window["code"]}`;
	const digits = `${code.slice(0, 4)} ${code.slice(4)}`;
	console.log(`\n${renderUnicodeCompact(`${window["qr"]}`, { border: 2 })}\n`);
	console.log(`  code   ${digits}`);
	console.log(`  hub    ${window["hubId"]} at ${window["host"]}:${window["port"]}\n`);
	console.log(`On the device: hearth join ${code} --host ${window["host"]} --port ${window["port"]}\n`);
}

/** @returns the exit code, when the window is closed */
async function wait(page: PageClient, code: string, signal: AbortSignal): Promise<number> {
	const { stderr } = process;
	for (;;) {
		const state = await page.ask("GET", "/pairing");
		if (state["open"] !== true || state["code"] !== code) {
			if (stderr.isTTY) stderr.write("\r\x1b[K");
			if (state["end"] === "paired") {
				console.log(`paired: ${state["device"]}`);
				return 0;
			}
			const why = { time: "the time is over", attempts: "there were too many wrong tries" }[`${state["end"]}`];
			console.error(`hearth: pair: not paired: ${why ?? "the window was closed"}`);
			return 1;
		}
		if (stderr.isTTY)
			stderr.write(`\r\x1b[K  waiting, ${state["secondsLeft"]} s left, ${state["attemptsLeft"]} tries left`);
		await sleep(POLL_MS, undefined, { signal }).catch(() => {});
		if (signal.aborted) {
			console.error("\nhearth: pair: stopped; the window is closed");
			return 1;
		}
	}
}
