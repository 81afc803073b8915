/** The host itself: it must fail as a device fails, and count exactly, or all that is measured on it means nothing. */

import { EventEmitter, once } from "node:events";
import { connect } from "node:net";
import { startOnXs, type XsResult } from "../../scripts/xs.mjs";
import { assert, suite } from "../support/test.js";
import { runScript, whyNoXs } from "./support.js";

const test = suite("XS host");
const missing = await whyNoXs();
const onXs = test.if(missing === undefined, missing ?? "");

function ok(result: XsResult): void {
	assert.is(result.errors, "");
	assert.is(result.status, 0);
}

onXs("an empty program takes 28 slots and no chunks, of an ESP32's heaps", async () => {
	const result = await runScript("");
	ok(result);
	const { slotBytes, bootSlots, bootChunks, maxSlots, maxChunks, stackSlots } = result.statistics!;
	assert.equal({ slotBytes, bootSlots, bootChunks }, { slotBytes: 16, bootSlots: 28, bootChunks: 0 });
	assert.equal({ maxSlots, maxChunks, stackSlots }, { maxSlots: 4409, maxChunks: 87_136, stackSlots: 576 });
});

onXs("full memory ends the program, uncatchably", async () => {
	const slots = await runScript("const a = []; try { for (;;) a.push({ x: 1 }); } catch {} print('caught');");
	assert.is(slots.status, 11);
	assert.match(slots.errors, /memory full/);
	assert.not(slots.lines.includes("caught"));
	const chunks = await runScript("const a = []; try { for (;;) a.push(new Uint8Array(1000)); } catch {}");
	assert.is(chunks.status, 11);
});

onXs("a smaller board is full earlier", async () => {
	const source = "const a = []; for (;;) { a.push(new Uint8Array(1000)); if (a.length % 10 === 0) print(a.length); }";
	const counts = [];
	for (const board of ["esp8266", "esp32", "esp32s3"] as const) {
		const result = await runScript(source, undefined, { board });
		assert.is(result.status, 11);
		counts.push(Number(result.lines.filter((line) => /^\d+$/.test(line)).at(-1)));
	}
	assert.ok(counts[0]! < counts[1]! && counts[1]! < counts[2]!, String(counts));
});

onXs("a deep call ends the program, uncatchably", async () => {
	const result = await runScript("function f(n) { return f(n + 1) + 1; } try { f(0); } catch {} print('caught');");
	assert.is(result.status, 12);
	assert.match(result.errors, /stack overflow/);
	assert.not(result.lines.includes("caught"));
});

onXs("an exception that nobody catches ends the program", async () => {
	const result = await runScript("throw new RangeError('too far');");
	assert.is(result.status, 15);
	assert.match(result.errors, /RangeError: too far/);
});

onXs("a rejection that nobody handles ends the program", async () => {
	assert.is((await runScript("Promise.reject(new Error('no'));")).status, 18);
});

onXs("names of properties run out", async () => {
	const source = "const o = {}; for (let i = 0; i < 200; i++) o['n' + i] = i;";
	assert.is((await runScript(source, undefined, { options: ["-K", "64"] })).status, 16);
});

onXs("a syntax error is an unhandled exception; an unusable option has an exit status of its own", async () => {
	const result = await runScript("let 1;");
	assert.is(result.status, 15);
	assert.match(result.errors, /SyntaxError/);
	assert.is((await runScript("", undefined, { options: ["-Q"] })).status, 2);
});

onXs("built-ins are frozen", async () => {
	const result = await runScript(`
		const failed = (what, f) => { try { f(); print(what + ": no error"); } catch (e) { print(what + ": " + e); } };
		failed("prototype", () => { Array.prototype.sum = 1; });
		failed("global function", () => { Math.max = 1; });
		failed("override", () => { ({}).toString = () => "x"; });
		failed("error name", () => { class E extends Error { constructor() { super(); this.name = "E"; } } new E(); });
		class F extends Error { name = "F"; }
		print(String(new F("m")));
	`);
	ok(result);
	assert.equal(result.lines, [
		"prototype: TypeError: set sum: not extensible",
		"global function: TypeError: set max: not writable",
		"override: TypeError: set toString: not writable",
		"error name: TypeError: set name: not writable",
		"F: m",
	]);
});

onXs(
	"preloaded objects lie in ROM: some are read-only, the others are copied at the first write and counted",
	async () => {
		const preload = `
		class Thing { static count = 0; }
		globalThis.rom = { Thing, bytes: new Uint8Array(4), map: new Map(), list: [1, 2], text: "x".repeat(10) };
	`;
		const main = `
		const failed = (what, f) => { try { f(); print(what + ": no error"); } catch (e) { print(what + ": " + e); } };
		failed("static", () => { rom.Thing.count++; });
		failed("bytes", () => { rom.bytes[0] = 1; });
		failed("map", () => { rom.map.set(1, 1); });
		print(host.touched(), rom.list[0], rom.text.length);
		rom.list[0] = 5;
		print(host.touched(), rom.list[0]);
	`;
		const result = await runScript(main, preload);
		ok(result);
		assert.equal(result.lines, [
			"static: TypeError: set count: not writable",
			"bytes: TypeError: read-only buffer",
			"map: TypeError: Map instance is read-only",
			"0 1 10",
			"1 5",
		]);
		assert.is(result.statistics!.aliasesTouched, 1);
	},
);

onXs("strings are UTF-8: a character beyond the first 65,536 counts once", async () => {
	const result = await runScript('print("\\u{1F600}".length, "\\u{1F600}".charCodeAt(0), "a\\0b".length);');
	ok(result);
	assert.equal(result.lines, ["1 128512 3"]);
});

onXs("counts are exact: the same program costs the same, and known things cost what they cost", async () => {
	const runs = [await startOnXs("test/xs/measured.ts"), await startOnXs("test/xs/measured.ts")];
	const [first, second] = await Promise.all(runs.map((run) => run.done));
	ok(first!);
	assert.equal(first!.results, second!.results);
	assert.equal(first!.results, [
		{ name: "nothing", opcodes: 0, slots: 0, chunkBytes: 0 },
		{ name: "{}", opcodes: 5, slots: 1, chunkBytes: 0 },
		{ name: "new Uint8Array(64)", opcodes: 19, slots: 7, chunkBytes: 72 },
		{ name: "keeps 10 objects", slots: 12, chunkBytes: 168, bytes: 360 },
	]);
});

onXs("the event loop ends when there is nothing to wait for; the timer comes once", async () => {
	const result = await runScript(`
		let n = 0;
		globalThis.onTimer = () => { print("timer", ++n); if (n < 2) host.setTimer(1); };
		host.setTimer(1);
		Promise.resolve().then(() => print("job"));
	`);
	ok(result);
	assert.equal(result.lines, ["job", "timer 1", "timer 2"]);
});

/** Starts a script that prints `port N`, and connects. `says` is when it has printed a line that begins so. */
async function serve(source: string, options: string[] = []) {
	const lines = new EventEmitter();
	const printed: string[] = [];
	const onLine = (line: string): void => {
		printed.push(line);
		lines.emit("line");
	};
	const running = runScript(source, undefined, { options, onLine });
	let ended = false;
	running.finally(() => {
		ended = true;
		lines.emit("line");
	});
	const says = async (beginning: string): Promise<string> => {
		for (;;) {
			const found = printed.find((line) => line.startsWith(beginning));
			if (found !== undefined) return found;
			if (ended) throw new Error(`it ended before "${beginning}": ${(await running).errors}`);
			await once(lines, "line");
		}
	};
	const port = Number((await says("port ")).slice(5));
	const socket = connect(port, "127.0.0.1");
	await once(socket, "connect");
	return { socket, running, says };
}

const LISTEN = "const l = host.listen(0); host.watch(l, 1); print('port ' + host.port(l)); let c = -1;";

onXs("bytes come and go; what was written counts until the next turn", async () => {
	const { socket, running } = await serve(`${LISTEN}
		const bytes = new Uint8Array(100);
		globalThis.onIo = (fd, events) => {
			if (fd === l) { c = host.accept(l); host.watch(c, 1); print(host.writable(c)); return; }
			if (events & 4) print("writable", host.writable(c));
			if (!(events & 1)) return;
			const n = host.read(c, bytes, 10, 90);
			if (n > 0) print("left", host.write(c, bytes, 10, 10 + n));
			else { print("end", n); host.close(c); host.close(l); }
		};
	`);
	socket.write("grüß");
	const [echo] = (await once(socket, "data")) as [Buffer];
	assert.is(echo.toString(), "grüß");
	socket.end();
	const result = await running;
	ok(result);
	assert.equal(result.lines.slice(1).sort(), ["5744", "left 5738", "writable 5744", "end 0"].sort());
});

onXs("a peer that does not read fills the send buffer, and drains it when it reads", async () => {
	const { socket, running, says } = await serve(
		`${LISTEN}
		const bytes = new Uint8Array(5744).fill(7);
		let total = 0, full = 0;
		globalThis.onTimer = () => { print("full"); };
		globalThis.onIo = (fd, events) => {
			if (fd === l) { c = host.accept(l); host.setTimer(200); }
			let free = host.writable(c);
			while (free > 0 && total < 20000000) { total += free; free = host.write(c, bytes, 0, free); }
			if (total < 20000000) { host.setTimer(200); return; }
			try { host.write(c, bytes, 0, 5744); print("taken"); } catch (e) { print(String(e)); }
			host.setTimer(-1); host.close(c); host.close(l); print("total", total);
		};
	`,
		["-w", "8192"],
	);
	socket.pause();
	let got = 0;
	await says("full");
	socket.on("data", (chunk: Buffer) => {
		got += chunk.length;
	});
	const ended = once(socket, "end");
	socket.resume();
	await ended;
	const result = await running;
	ok(result);
	assert.is(got, Number(result.lines.at(-1)!.slice(6)), "what was written before close() arrives");
});

onXs("a broken connection is told to who does not read", async () => {
	const { socket, running, says } = await serve(`${LISTEN}
		globalThis.onIo = (fd, events) => {
			if (fd === l) { c = host.accept(l); print("accepted"); host.setTimer(10000); return; }
			print("events", events);
			host.setTimer(-1); host.close(c); host.close(l);
		};
	`);
	socket.on("error", () => {});
	await says("accepted");
	socket.resetAndDestroy();
	const result = await running;
	ok(result);
	assert.equal(result.lines.slice(1), ["accepted", "events 8"]);
});

test.run();
