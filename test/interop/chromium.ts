/** Debian's Chromium, and pages for it. */
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Browser, chromium } from "playwright-core";

const PATH = "/usr/bin/chromium";

/** Headless, and without a word to anybody but the pages that a test opens. */
const ARGUMENTS = [
	"--headless",
	"--no-sandbox",
	"--disable-gpu",
	"--disable-quic",
	"--no-first-run",
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-sync",
];

export const hasChromium = existsSync(PATH);

/** @returns a browser; the caller closes it */
export function startChromium(): Promise<Browser> {
	return chromium.launch({ executablePath: PATH, args: ARGUMENTS });
}

/** Serves files from memory on loopback. @param files by path, such as "/": what the path's type is goes by its end
 *  @returns their address and how to stop */
export async function serve(files: Record<string, string | Buffer>) {
	const server = createServer((request, response) => {
		const file = files[request.url ?? ""];
		const type = /\.m?js$/.test(request.url ?? "") ? "text/javascript" : "text/html; charset=utf-8";
		response.writeHead(file === undefined ? 404 : 200, { "content-type": type });
		response.end(file);
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const stop = () => {
		server.closeAllConnections();
		return new Promise((resolve) => server.close(resolve));
	};
	return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}
