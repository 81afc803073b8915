/** `hearth passwd`: what it asks, says and writes, and its exit codes. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { type PasswdIo, passwd } from "../../host-sim/cli/passwd.js";
import { PasswordFile } from "../../host-sim/users/password-file.js";
import { HearthError } from "../../src/errors.js";
import { has, Running } from "../interop/support.js";
import { assert, suite } from "../support/test.js";

const test = suite("hearth passwd");
const folder = mkdtempSync(join(tmpdir(), "hearth-passwd-"));
const COST = { ln: 4, r: 8, p: 1 };
let files = 0;

test.after(() => rmSync(folder, { recursive: true, force: true }));

/** A path where nothing is yet. */
function newPath(): string {
	const own = join(folder, `${++files}`);
	mkdirSync(own);
	return join(own, "users");
}

interface Done {
	code: number;
	out: string;
	err: string;
}

/** Runs the command with what standard input brings. */
async function run(args: string[], input: PasswdIo["input"] | string = ""): Promise<Done> {
	const done = { code: -1, out: "", err: "" };
	const io: PasswdIo = {
		input: typeof input === "string" ? Readable.from([Buffer.from(input)]) : input,
		out: (text) => {
			done.out += text;
		},
		err: (text) => {
			done.err += text;
		},
		cost: COST,
	};
	done.code = await passwd(args, io);
	return done;
}

/** A terminal at which each question is answered with the next of `keys`. */
async function atTerminal(args: string[], keys: string[]): Promise<Done & { raw: boolean[] }> {
	const raw: boolean[] = [];
	const input: PassThrough & { isTTY?: boolean } = Object.assign(new PassThrough(), {
		isTTY: true,
		setRawMode: (on: boolean) => raw.push(on),
	});
	let err = "";
	const answers = [...keys];
	const io: PasswdIo = {
		input,
		out: (text) => {
			out += text;
		},
		err: (text) => {
			err += text;
			if (text.endsWith(": ")) input.write(answers.shift() ?? "\x03");
		},
		cost: COST,
	};
	let out = "";
	const code = await passwd(args, io);
	return { code, out, err, raw };
}

/** Unusable arguments or file: one line, which main prints, with exit code 2. */
async function refuses(args: string[], pattern: RegExp, input = "secret\n"): Promise<void> {
	let caught: unknown;
	try {
		await run(args, input);
	} catch (error) {
		caught = error;
	}
	if (!(caught instanceof HearthError)) throw new Error(`passwd ${args.join(" ")}: not refused: ${caught}`);
	assert.match(caught.message, pattern);
	assert.not.match(caught.message, /\n/);
}

function verify(path: string, userName: string, password: string): Promise<boolean> {
	return PasswordFile.load(path).verify(userName, Buffer.from(password));
}

test("a line of standard input is the password, without its end; a missing file is made", async () => {
	const path = newPath();
	assert.equal(await run([path, "ann"], "secret\n"), { code: 0, out: `${path}: made\nann: added\n`, err: "" });
	assert.is(await verify(path, "ann", "secret"), true);
	assert.equal(await run([path, "bob"], " sp:ä ce \r\nmore\n"), { code: 0, out: "bob: added\n", err: "" });
	assert.is(await verify(path, "bob", " sp:ä ce "), true);
	assert.equal(await run([path, "ann"], "changed"), { code: 0, out: "ann: password changed\n", err: "" });
	assert.is(await verify(path, "ann", "changed"), true);
	assert.is(await verify(path, "ann", "secret"), false);
	assert.equal(await run(["--list", path]), { code: 0, out: "ann\nbob\n", err: "" });
});

test("no line, an empty and an endless one: nothing is written", async () => {
	const path = newPath();
	const none = await run([path, "ann"], Readable.from([]));
	assert.is(none.code, 1);
	assert.match(none.err, /^hearth: passwd: no password came.*\n$/);
	const empty = await run([path, "ann"], "\nsecret\n");
	assert.is(empty.code, 1);
	assert.match(empty.err, /^hearth: passwd: the password is empty.*\n$/);
	const zeros = Readable.from(
		(function* () {
			for (;;) yield Buffer.alloc(10_000);
		})(),
	);
	await run([path, "ann"], zeros).then(
		() => assert.unreachable(),
		(error) => assert.is(error.code, "HEARTH_ERR_PASSWORD"),
	);
	assert.is(statSync(path, { throwIfNoEntry: false }), undefined);
});

test("a terminal is asked twice and shows nothing", async () => {
	const path = newPath();
	const typed = await atTerminal([path, "ann"], ["sercet\x7f\x7f\x7f\x7fcret ü\r", "secret ü\r"]);
	assert.is(typed.code, 0);
	assert.is(typed.err, "Password for ann: \nThe same again: \n");
	assert.is(typed.out, `${path}: made\nann: added\n`);
	assert.equal(typed.raw, [true, false]);
	assert.is(await verify(path, "ann", "secret ü"), true);
});

test("a terminal: two answers that differ, an empty one, Ctrl-C and Ctrl-D change nothing", async () => {
	const path = newPath();
	const cases: [keys: string[], said: RegExp][] = [
		[["hunter2\r", "hunter3\r"], /not the same; nothing is changed/],
		[["\r"], /empty; nothing is changed/],
		[["secret\x03"], /ended; nothing is changed/],
		[["secret\r", "\x04"], /ended; nothing is changed/],
	];
	for (const [keys, said] of cases) {
		const { code, err, out, raw } = await atTerminal([path, "ann"], keys);
		assert.is(code, 1);
		assert.match(err, said);
		assert.not.match(err, /secret|hunter/);
		assert.is(out, "");
		assert.equal(raw, [true, false]);
	}
	assert.is(statSync(path, { throwIfNoEntry: false }), undefined);
});

test("-b takes the password as an argument, and says who sees it", async () => {
	const path = newPath();
	const batch = await run(["-b", path, "ann", "secret"]);
	assert.is(batch.code, 0);
	assert.match(batch.err, /^hearth: passwd: -b: other users of this machine can see.*\n$/);
	assert.is(await verify(path, "ann", "secret"), true);
	assert.is((await run(["-b", "--", path, "-bob", "--x"])).code, 0);
	assert.is(await verify(path, "-bob", "--x"), true);
	assert.is((await run(["-b", path, "cy", ""])).code, 1);
	assert.equal(PasswordFile.load(path).names, ["ann", "-bob"]);
});

test("-c begins with an empty file, even where the old one is unusable", async () => {
	const path = newPath();
	await run([path, "ann"], "secret\n");
	assert.is((await run(["-c", path, "bob"], "secret\n")).out, `${path}: begun anew\nbob: added\n`);
	assert.equal(PasswordFile.load(path).names, ["bob"]);
	writeFileSync(path, "nonsense\n");
	assert.is((await run(["-cb", path, "cy", "secret"])).code, 0);
	assert.equal(PasswordFile.load(path).names, ["cy"]);
	const fresh = newPath();
	assert.is((await run(["--create", fresh, "dan"], "secret\n")).out, `${fresh}: made\ndan: added\n`);
});

test("-D deletes a user; who is not there ends with 1", async () => {
	const path = newPath();
	await run([path, "ann"], "secret\n");
	await run([path, "bob"], "secret\n");
	assert.equal(await run(["-D", path, "ann"]), { code: 0, out: "ann: deleted\n", err: "" });
	const before = readFileSync(path, "utf8");
	const again = await run(["-D", path, "ann"]);
	assert.is(again.code, 1);
	assert.is(again.out, "");
	assert.match(again.err, /^hearth: passwd: .*users: no user has that name.*\n$/);
	assert.is(readFileSync(path, "utf8"), before);
	assert.equal((await run(["--list", path])).out, "bob\n");
});

test("--help prints how it is used", async () => {
	const help = await run(["--help"]);
	assert.is(help.code, 0);
	assert.match(help.out, /^usage: hearth passwd/);
	for (const option of ["-c", "-b", "-D", "--list"]) assert.ok(help.out.includes(option), option);
	for (const line of help.out.split("\n")) assert.ok(line.length <= 120, line);
});

test("unusable arguments: one line names them, and nothing is written", async () => {
	const path = newPath();
	const cases: [args: string[], said: RegExp][] = [
		[[], /passwd: give FILE USER; hearth passwd --help/],
		[[path], /give FILE USER/],
		[["", "ann"], /give FILE USER/],
		[[path, "ann", "secret"], /give FILE USER/],
		[["-b", path, "ann"], /give FILE USER PASSWORD/],
		[["--list"], /give FILE;/],
		[["--list", path, "ann"], /give FILE;/],
		[["-D", path], /give FILE USER/],
		[["-c", "-D", path, "ann"], /-c and -D exclude each other/],
		[["-b", "-D", path, "ann", "x"], /-b and -D/],
		[["--list", "-c", path], /--list and -c/],
		[["--nothing", path, "ann"], /--nothing.*--help/],
		[["-U", path], /-U/],
		[[path, "a:b"], /user name: .* no ':'/],
		[[path, ""], /user name: /],
		[[path, "#a"], /user name: .*#/],
	];
	for (const [args, said] of cases) await refuses(args, said);
	assert.is(statSync(path, { throwIfNoEntry: false }), undefined);
});

test("unusable files: one line names them, before a password is asked", async () => {
	const missing = newPath();
	await refuses(["--list", missing], /users: no such file/);
	await refuses(["-D", missing, "ann"], /users: no such file/);
	await refuses([join(missing, "in", "none"), "ann"], /none: cannot be written \(ENOENT\)/);
	writeFileSync(missing, "# plain\nann:hunter2\n");
	const unread = new PassThrough(); // would wait for ever
	await run([missing, "bob"], unread).then(
		() => assert.unreachable(),
		(error) => assert.match(error.message, /users:2: expected (?!.*hunter2)/),
	);
	assert.is(readFileSync(missing, "utf8"), "# plain\nann:hunter2\n");
});

test.if(process.platform !== "win32", "needs POSIX permissions")(
	"says when others lose the right to read",
	async () => {
		const path = newPath();
		writeFileSync(path, "", { mode: 0o644 });
		assert.match((await run([path, "ann"], "secret\n")).err, /its mode was 0644, now only its owner can read it/);
		assert.is(statSync(path).mode & 0o777, 0o600);
		assert.is((await run([path, "bob"], "secret\n")).err, "");
	},
);

test.if(has("mosquitto_passwd"), "mosquitto_passwd is not installed")(
	"changes a file of mosquitto_passwd, which changes ours",
	async () => {
		const path = newPath();
		const mosquitto = async (...args: string[]) => {
			const finished = await new Running("mosquitto_passwd", args).finished;
			assert.is(finished.code, 0, finished.stderr);
		};
		await mosquitto("-c", "-b", path, "ann", "one");
		assert.is((await run([path, "bob"], "two\n")).code, 0);
		await mosquitto("-b", path, "cy", "three");
		assert.equal((await run(["--list", path])).out, "ann\nbob\ncy\n");
		assert.is((await run([path, "ann"], "four\n")).code, 0);
		for (const [name, password] of [
			["ann", "four"],
			["bob", "two"],
			["cy", "three"],
		] as const)
			assert.is(await verify(path, name, password), true);
	},
);

test.run();
