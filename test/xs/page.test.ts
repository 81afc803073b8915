/** The page of a board on XS: what it takes is what `hearth budget --page` says, and what strangers take they give
 *  back. */
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { boardHeaps, boardLimits } from "../../host-sim/boards.js";
import { budgetOf, devicesPart, pagePart } from "../../host-sim/budget.js";
import { connect } from "../../host-sim/client/index.js";
import { startOnXs, type XsBoard } from "../../scripts/xs.mjs";
import { assert, suite } from "../support/test.js";
import { whyNoXs } from "./support.js";

const test = suite("the page on XS");
const missing = await whyNoXs();
const onXs = test.if(missing === undefined, missing ?? "");

/** As many as there may be. */
const CONNECTIONS = 6;

onXs("what it takes when all its places are full is what the budget says", async () => {
	const heard = new Map<string, (line: string) => void>();
	const told = (name: string): Promise<Record<string, number>> =>
		new Promise((resolve) => heard.set(name, (line) => resolve(JSON.parse(line))));
	const listening = told("listening");
	const onLine = (line: string): void => heard.get(JSON.parse(line).name)?.(line);
	const { done } = await startOnXs("test/xs/page-costs.ts", { cpu: "x86", options: ["-r", "dist/page"], onLine });
	const { port } = await listening;
	const client = await connect({ port: port!, username: "ann", password: "secret" });
	const ask = async (name: string): Promise<Record<string, number>> => {
		const answer = told(name);
		await client.publish("tell", name);
		return answer;
	};
	const began = told("page");
	const waits = await ask("waits");
	const { port: pagePort } = await began;
	for (let i = 0; i < 5; i++) {
		const body = JSON.stringify({ userName: "ann", password: "secret" });
		const headers = { "content-type": "application/json" };
		const answer = await fetch(`http://127.0.0.1:${pagePort}/session`, { method: "POST", headers, body });
		assert.is(answer.status, 200);
		await answer.arrayBuffer();
	}
	for (const name of ["", "app.css", "app.js", "icon.svg"])
		await (await fetch(`http://127.0.0.1:${pagePort}/${name}`)).arrayBuffer();
	const signedIn = await ask("signed in");
	const half = `GET / HTTP/1.1\r\nHost: x\r\n${`X: ${"y".repeat(497)}\r\n`.repeat(4)}`;
	const sockets = [];
	for (let i = 0; i < CONNECTIONS; i++) {
		const socket = connectTcp(pagePort!, "127.0.0.1");
		await once(socket, "connect");
		socket.write(half);
		sockets.push(socket);
	}
	let full = await ask("full");
	// until all have come
	for (let more = await ask("full"); more.slots! > full.slots!; more = await ask("full")) full = more;
	const planned = pagePart();
	for (const heap of ["slots", "chunks"] as const)
		assert.ok(
			Math.abs(planned[heap] / full[heap]! - 1) < 0.1,
			`${heap}: ${planned[heap]} planned, ${full[heap]} taken`,
		);
	assert.ok(waits.slots! < 1_700 && waits.chunks! < 400, `${waits.slots}, ${waits.chunks} while nobody looks`);
	for (const socket of sockets) socket.destroy();
	let after = await ask("after");
	while (after.slots! > signedIn.slots!) after = await ask("after");
	assert.ok(after.chunks! <= signedIn.chunks! + 100, `${after.chunks} of ${signedIn.chunks} bytes`);
	await client.publish("tell", "end");
	await client.end();
	const result = await done;
	assert.is(result.errors, "");
	assert.is(result.statistics!.aliasesTouched, 0, "nothing that is in ROM was written to");
});

/** What stays free of both heaps with all tables full, devices, a pairing, and all places of the page. */
const FREE: Partial<Record<XsBoard, number>> = { esp32: 0.15, esp32s3: 0.2, esp32c3: 0.1 };

for (const [name, free] of Object.entries(FREE))
	test(`${name}: with devices, a pairing and the page ${free * 100} % stay free`, () => {
		const limits = boardLimits(name);
		const heaps = boardHeaps(name)!;
		const parts = [...budgetOf(limits), devicesPart(2 * limits.connections), pagePart()];
		for (const heap of ["slots", "chunks"] as const) {
			const all = parts.reduce((sum, part) => sum + part[heap], 0);
			assert.ok(all <= (1 - free) * heaps[heap], `${all} of ${heaps[heap]} bytes of ${heap}`);
		}
	});

test.run();
