/** Password files: Mosquitto's and our own hashes, what is malformed, and how a file is replaced. */
import {
	chmodSync,
	existsSync,
	lstatSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	realpathSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PasswordFile, SCRYPT_COST } from "../../host-sim/users/password-file.js";
import { HearthError } from "../../src/errors.js";
import { has, Running } from "../interop/support.js";
import { assert, suite } from "../support/test.js";

const test = suite("password files");
const folder = realpathSync(mkdtempSync(join(tmpdir(), "hearth-passwords-")));
const posix = process.platform !== "win32";
/** 16 KB and well under a millisecond */
const CHEAP = { ln: 4, r: 8, p: 1 };
let files = 0;

test.after(() => rmSync(folder, { recursive: true, force: true }));

/** A path where nothing is yet, in a folder of its own. */
function newPath(): string {
	const own = join(folder, `${++files}`);
	mkdirSync(own);
	return join(own, "users");
}

function parse(text: string): PasswordFile {
	const file = PasswordFile.parse(text, "users");
	file.cost = CHEAP;
	return file;
}

function bytes(text: string): Uint8Array {
	return Buffer.from(text);
}

/** The HearthError's message; it has one line. */
async function refusal(run: () => unknown, code: string): Promise<string> {
	let caught: unknown;
	try {
		await run();
	} catch (error) {
		caught = error;
	}
	if (!(caught instanceof HearthError)) throw new Error(`HearthError was expected, not ${caught}`);
	assert.is(caught.code, code);
	assert.not.match(caught.message, /\n/);
	return caught.message;
}

const unusable = (run: () => unknown) => refusal(run, "HEARTH_ERR_PASSWORD_FILE");

/** Replaces functions of a module of Node, for the code under test too, while `run` does. */
async function replacing(module: "node:fs" | "node:crypto", functions: object, run: () => unknown): Promise<void> {
	const target = process.getBuiltinModule(module);
	const originals = Object.fromEntries(Object.keys(functions).map((name) => [name, target[name as never]]));
	Object.assign(target, functions);
	syncBuiltinESMExports();
	try {
		await run();
	} finally {
		Object.assign(target, originals);
		syncBuiltinESMExports();
	}
}

// [origin, password, hash]; those without a name were computed with Python's hashlib
const VECTORS: [origin: string, password: string, hash: string][] = [
	[
		"$6$ of mosquitto_passwd 2.0.11",
		"secret",
		"$6$YVWOvp3juWcWfpJY$3UeJFLI0TrXDHdDYyLG1wME5MHIPwedWIKll+C+Lgwg11FnC1y/eMunE/3wlxQ9KizcbBNE64nd5s4kHdeQ7oQ==",
	],
	[
		"$6$",
		"pä ss",
		"$6$AAECAwQFBgcICQoL$koQV18qhSYVXaNeM+URZxznFgRbQjTKjTwB4unaISuPoNecCe2ISIy/scEBi+yFRxFuEXoy3aXDkqSEv9IuDaA==",
	],
	[
		"$7$ of mosquitto_passwd 2.0.11",
		"secret",
		"$7$101$T/PmKpW6nG7HASjA$Y7xB+h/NFBtQfF9+5aCCqR3h3pWmxjOT1Ha7dqMO02a0CsgivrCmtGLJmW0r3OkjZCUboaJL+Ms8NRy7YUQApQ==",
	],
	[
		"$7$ with 1000 iterations",
		"pä ss",
		"$7$1000$AAECAwQFBgcICQoL$X1gXUSecOZ8vMj1YaAqKIqsrbjtXLe6QOk80puE1278rupq89K7Uafru6hgJ0eq44+hhaZfzc1CfsftcArvHJA==",
	],
	[
		"scrypt of RFC 7914, 12, its second",
		"password",
		"$scrypt$ln=10,r=8,p=16$TmFDbA$" +
			"/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA",
	],
	[
		"scrypt of passlib's manual, 64 MiB",
		"password",
		"$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
	],
	[
		"scrypt, with padding",
		"pä ss",
		"$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw==$k53s98LUtP3NkwIo3qnR31Uo7ijzljDfTWT21if/RBo=",
	],
];
const [SHA512, PBKDF2, SCRYPT] = [VECTORS[1]![2], VECTORS[3]![2], VECTORS[6]![2]];

for (const [origin, password, hash] of VECTORS)
	test(`verifies ${origin}`, async () => {
		const file = parse(`ann:${hash}\n`);
		assert.is(await file.verify("ann", bytes(password)), true);
		assert.is(await file.verify("ann", bytes(`${password} `)), false);
		assert.is(await file.verify("Ann", bytes(password)), false);
	});

for (const [option, kind] of [
	["sha512", "$6$"],
	["sha512-pbkdf2", "$7$"],
] as const)
	test.if(has("mosquitto_passwd"), "mosquitto_passwd is not installed")(
		`verifies and keeps what mosquitto_passwd -H ${option} writes`,
		async () => {
			const path = newPath();
			for (const [i, user] of ["ann", "jörg w", "it-is_me@home"].entries()) {
				const args = ["-H", option, ...(i === 0 ? ["-c"] : []), "-b", path, user, `päss:${user}`];
				const finished = await new Running("mosquitto_passwd", args).finished;
				assert.is(finished.code, 0, finished.stderr);
			}
			const text = readFileSync(path, "utf8");
			assert.ok(text.startsWith(`ann:${kind}`));
			const file = PasswordFile.load(path);
			assert.equal(file.names, ["ann", "jörg w", "it-is_me@home"]);
			for (const user of file.names) {
				assert.is(await file.verify(user, bytes(`päss:${user}`)), true);
				assert.is(await file.verify(user, bytes("päss:")), false);
			}
			file.save(path);
			assert.is(readFileSync(path, "utf8"), text);
		},
	);

test("set, save, load and verify: names and passwords of every sort", async () => {
	const path = newPath();
	const file = parse("");
	const passwords: [string, Uint8Array][] = [
		["ann", bytes("secret")],
		["jörg müller 火", bytes("火:\n#$")],
		["__proto__", Buffer.of(0, 255, 128, 0)],
		["$6$", bytes("")],
		["n".repeat(65_535), Buffer.alloc(65_535, 1)],
	];
	for (const [name, password] of passwords) await file.set(name, password);
	file.save(path);
	const loaded = PasswordFile.load(path);
	assert.equal(
		loaded.names,
		passwords.map(([name]) => name),
	);
	for (const [name, password] of passwords) {
		assert.is(loaded.has(name), true);
		assert.is(await loaded.verify(name, password), true);
		assert.is(await loaded.verify(name, bytes("another")), false);
	}
	assert.is(loaded.has("bob"), false);
	assert.is(loaded.has("constructor"), false);
});

test("comments, empty lines, other users' lines and the order stay when a password changes or one goes", async () => {
	const text = `# the house\r\n\nann:${SHA512}\r\n  # old\nbob:${PBKDF2}  \ncy:${SCRYPT}`;
	const file = parse(text);
	assert.equal(file.names, ["ann", "bob", "cy"]);
	const path = newPath();
	file.save(path);
	assert.is(readFileSync(path, "utf8"), `${text}\n`);
	await file.set("bob", bytes("new"));
	assert.is(file.delete("ann"), true);
	assert.is(file.delete("ann"), false);
	await file.set("dan", bytes("newer"));
	file.save(path);
	const saved = readFileSync(path, "utf8").replace(/\$scrypt\$ln=4,r=8,p=1\$[\w+/]{22}\$[\w+/]{43}\n/g, "new\n");
	assert.is(saved, `# the house\r\n\n  # old\nbob:new\ncy:${SCRYPT}\ndan:new\n`);
	assert.is(await file.verify("ann", bytes("pä ss")), false);
	assert.is(await file.verify("bob", bytes("pä ss")), false);
	assert.is(await file.verify("bob", bytes("new")), true);
	assert.is(await file.verify("cy", bytes("pä ss")), true);
});

test("the same password twice gives two salts; the cost without tests is scrypt's 32 MiB", async () => {
	const path = newPath();
	const file = PasswordFile.parse("", "users");
	await Promise.all([file.set("ann", bytes("secret")), file.set("bob", bytes("secret"))]);
	file.save(path);
	const hashes = readFileSync(path, "utf8").match(/\$scrypt\$ln=15,r=8,p=1\$\S+/g);
	assert.is(new Set(hashes).size, 2);
	assert.is(await file.verify("bob", bytes("secret")), true);
});

test("the password's bytes may be written over while it is hashed", async () => {
	const file = parse(`bob:${PBKDF2}\ncy:${SCRYPT}`);
	const whileOverwritten = <T>(run: (password: Uint8Array) => Promise<T>): Promise<T> => {
		const password = bytes("pä ss");
		const running = run(password);
		password.fill(0);
		return running;
	};
	await whileOverwritten((password) => file.set("ann", password));
	for (const name of ["ann", "bob", "cy"])
		assert.is(await whileOverwritten((password) => file.verify(name, password)), true);
});

test("an unknown user is hashed as a known one, with the costs of the file's", async () => {
	const { scrypt, pbkdf2 } = process.getBuiltinModule("node:crypto");
	const ran: string[] = [];
	const counting = {
		scrypt: (...args: Parameters<typeof scrypt>) => {
			ran.push(`scrypt ${(args[3] as { N: number }).N}`);
			scrypt(...args);
		},
		pbkdf2: (...args: Parameters<typeof pbkdf2>) => {
			ran.push(`pbkdf2 ${args[2]}`);
			pbkdf2(...args);
		},
	};
	const costOf = async (file: PasswordFile, name: string) => {
		ran.length = 0;
		assert.is(await file.verify(name, bytes("wrong")), false);
		return ran.join();
	};
	await replacing("node:crypto", counting, async () => {
		const empty = PasswordFile.parse("", "users");
		assert.is(await costOf(empty, "nobody"), `scrypt ${2 ** SCRYPT_COST.ln}`);
		const one = parse(`ann:${PBKDF2}`);
		assert.is(await costOf(one, "ann"), "pbkdf2 1000");
		assert.is(await costOf(one, "nobody"), "pbkdf2 1000");
		assert.is(await costOf(one, "no:body"), "pbkdf2 1000");
		one.delete("ann");
		assert.is(await costOf(one, "nobody"), "scrypt 16");
		const mixed = parse(`ann:${PBKDF2}\nbob:${SCRYPT}`);
		const names = Array.from({ length: 64 }, (_, i) => `nobody-${i}`);
		const costs = new Map<string, string>();
		for (const name of names) costs.set(name, await costOf(mixed, name));
		assert.equal([...new Set(costs.values())].sort(), ["pbkdf2 1000", "scrypt 16"]);
		for (const name of names) assert.is(await costOf(mixed, name), costs.get(name));
	});
});

test("an unknown user's password is never right, not even the one whose hash is computed", async () => {
	assert.is(await parse(`ann:${SHA512}`).verify("bob", bytes("pä ss")), false);
});

const A64 = `${"A".repeat(85)}Q==`;
// [what, third line, what the error expects]; "hunter2" stands for all that must not be shown
const MALFORMED: [what: string, line: string, expected: RegExp][] = [
	["no colon", "hunter2", /NAME:HASH/],
	["no name", ":hunter2", /a character or more/],
	["a control character in the name", "an\tn:hunter2", /control/],
	["DEL in the name", "ann\x7f:hunter2", /control/],
	["a C1 control character in the name", "ann\u0085:hunter2", /control/],
	["a space before the name", ` bob:${SHA512}`, /space/],
	["a name of 65,536 bytes", `${"ü".repeat(32_768)}:${SHA512}`, /65535 bytes/],
	["the same user twice", `ann:${SHA512}`, /line 2/],
	["no hash", "bob:", /begins with \$scrypt\$/],
	["plain text", "bob:hunter2", /plain-text/],
	["plain text with $", "bob:hunter2$7$1$AA==$AA==", /plain-text/],
	["another hash", "bob:$2b$10$hunter2", /begins with/],
	["Mosquitto 2.1's argon2id", "bob:$argon2id$v=19$m=47104,t=1,p=1$hunter2$hunter2", /argon2id/],
	["$6$ without a key", "bob:$6$hunter2A", /\$6\$SALT\$KEY/],
	["$6$ with a key that is short", "bob:$6$AAAA$hunter2A", /64 bytes/],
	["$6$ with one part more", `bob:${SHA512}$hunter2`, /\$6\$SALT\$KEY/],
	["$6$ with what is no base64", `bob:$6$hunter2*$${A64}`, /base64/],
	["$6$ with no salt", `bob:$6$$${A64}`, /salt/],
	["$7$ without iterations", `bob:$7$hunter2A$${A64}`, /ITERATIONS/],
	["$7$ with 0 iterations", `bob:$7$0$AAAA$${A64}`, /1 to 1000000/],
	["$7$ with 1,000,001 iterations", `bob:$7$1000001$AAAA$${A64}`, /1 to 1000000/],
	["$7$ with hexadecimal iterations", `bob:$7$0x10$AAAA$${A64}`, /1 to 1000000/],
	["scrypt with 16 GiB", `bob:$scrypt$ln=24,r=8,p=1$AAAA$${A64}`, /2\^20/],
	["scrypt with 256 MiB", `bob:$scrypt$ln=18,r=8,p=1$AAAA$${A64}`, /2\^20/],
	["scrypt with much work", `bob:$scrypt$ln=15,r=8,p=16$AAAA$${A64}`, /2\^20/],
	["scrypt with p of 17", `bob:$scrypt$ln=1,r=1,p=17$AAAA$${A64}`, /p to 16/],
	["scrypt with ln too great for r", `bob:$scrypt$ln=16,r=1,p=1$AAAA$${A64}`, /below 16 times r/],
	["scrypt with ln of 0", `bob:$scrypt$ln=0,r=8,p=1$AAAA$${A64}`, /ln=N/],
	["scrypt with ln of 1e3", `bob:$scrypt$ln=1e3,r=8,p=1$AAAA$${A64}`, /ln=N/],
	["scrypt without p", `bob:$scrypt$ln=4,r=8$AAAA$${A64}`, /p=N/],
	["scrypt with a short key", "bob:$scrypt$ln=4,r=8,p=1$AAAA$hunter2A", /base64/],
	["scrypt without a key", "bob:$scrypt$ln=4,r=8,p=1$hunter2A", /base64/],
];

for (const [what, line, expected] of MALFORMED)
	test(`malformed: ${what}: an error names the line and shows nothing of it`, async () => {
		const text = `# users\nann:${SHA512}\n${line}\n`;
		const message = await unusable(() => PasswordFile.parse(text, "etc/users"));
		assert.match(message, /^etc\/users:3: expected .+; .+$/);
		assert.match(message, expected);
		assert.not.match(message, /hunter2/);
		assert.ok(message.length < 250, message);
	});

test("a file that is missing, no file, or not UTF-8: an error names it and the line", async () => {
	const path = newPath();
	assert.ok(
		(await unusable(() => PasswordFile.load(path))).startsWith(`${path}: no such file; hearth passwd ${path} `),
	);
	assert.match(await unusable(() => PasswordFile.load(folder)), /is not a file; give/);
	writeFileSync(path, Buffer.concat([bytes(`# ü\nann:${SHA512}\nb`), Buffer.of(0xfc), bytes(`b:${SHA512}\n`)]));
	assert.ok((await unusable(() => PasswordFile.load(path))).startsWith(`${path}:3: expected UTF-8; `));
	writeFileSync(path, Buffer.concat([bytes(`\uFEFFann:${SHA512}\r\n`)]));
	assert.equal(PasswordFile.load(path).names, ["ann"]);
});

test("set refuses names and passwords that the file or MQTT cannot hold, and costs out of bounds", async () => {
	const file = parse("");
	for (const name of ["", "a:b", "a\nb", "a\0", "a\u009f", "#a", " a", "a ", "ü".repeat(32_768), "a\ud800"])
		await refusal(() => file.set(name, bytes("secret")), "HEARTH_ERR_USER_NAME");
	await refusal(() => file.set("ann", Buffer.alloc(65_536)), "HEARTH_ERR_PASSWORD");
	for (const cost of [
		{ ...CHEAP, ln: 30 },
		{ ...CHEAP, r: 33 },
		{ ...CHEAP, p: 0 },
		{ ...CHEAP, ln: Number.NaN },
	]) {
		file.cost = cost;
		await refusal(() => file.set("ann", bytes("secret")), "HEARTH_ERR_PASSWORD_COST");
	}
	assert.equal(file.names, []);
});

test("saving writes a file beside it, takes it to the disk, and then renames it", async () => {
	const path = newPath();
	const { fsyncSync, renameSync } = process.getBuiltinModule("node:fs");
	const steps: string[] = [];
	const noting = {
		fsyncSync: (file: number) => {
			steps.push("fsync");
			fsyncSync(file);
		},
		renameSync: (from: string, to: string) => {
			steps.push("rename");
			assert.is(join(from, ".."), join(path, ".."));
			assert.is(readFileSync(from, "utf8"), `ann:${SHA512}\n`);
			renameSync(from, to);
		},
	};
	await replacing("node:fs", noting, () => parse(`ann:${SHA512}`).save(path));
	assert.equal(steps.slice(0, 2), ["fsync", "rename"]);
	assert.equal(readdirSync(join(path, "..")), ["users"]);
});

test("what fails before the rename leaves the old file, and nothing beside it", async () => {
	const path = newPath();
	writeFileSync(path, "# old\n");
	const fail = () => {
		throw Object.assign(new Error("no"), { code: "EIO" });
	};
	for (const step of ["renameSync", "fsyncSync", "writeSync"])
		await replacing("node:fs", { [step]: fail }, async () => {
			const message = await unusable(() => parse(`ann:${SHA512}`).save(path));
			assert.ok(message.startsWith(`${path}: cannot be written (EIO); `), message);
		});
	assert.is(readFileSync(path, "utf8"), "# old\n");
	assert.equal(readdirSync(join(path, "..")), ["users"]);
	// a crash cannot clear up: the next save does not stumble over what is left
	await replacing("node:fs", { renameSync: fail, rmSync: () => {} }, () =>
		unusable(() => parse(`ann:${SHA512}`).save(path)),
	);
	assert.is(readFileSync(path, "utf8"), "# old\n");
	assert.is(readdirSync(join(path, "..")).length, 2);
	parse(`ann:${SHA512}`).save(path);
	assert.equal(PasswordFile.load(path).names, ["ann"]);
});

test("saving where there is no folder, or onto a folder, is refused", async () => {
	const file = parse("");
	assert.match(await unusable(() => file.save(join(folder, "none", "users"))), /cannot be written \(ENOENT\)/);
	assert.match(await unusable(() => file.save(folder)), /is not a file/);
});

test.if(posix, "needs POSIX permissions")("a saved file is its owner's alone, whatever it was before", () => {
	const path = newPath();
	const umask = process.umask(0);
	try {
		parse("").save(path);
		assert.is(statSync(path).mode & 0o7777, 0o600);
		chmodSync(path, 0o644);
		parse("").save(path);
		assert.is(statSync(path).mode & 0o7777, 0o600);
		process.umask(0o777);
		parse("").save(path);
		assert.is(statSync(path).mode & 0o7777, 0o600);
	} finally {
		process.umask(umask);
	}
});

const root = process.getuid?.() === 0;
test.if(root, "needs root")("a file of another user stays that user's", () => {
	const path = newPath();
	parse("").save(path);
	process.getBuiltinModule("node:fs").chownSync(path, 12_345, 12_346);
	parse(`ann:${SHA512}`).save(path);
	assert.equal([statSync(path).uid, statSync(path).gid], [12_345, 12_346]);
});

test.if(posix, "needs symbolic links")(
	"links stay, and what they lead to is replaced, even when nothing is there",
	async () => {
		const [path, link] = [newPath(), newPath()];
		symlinkSync(path, join(link, "..", "second"));
		symlinkSync("second", link);
		for (const names of [["ann"], ["bob"]]) {
			parse(`${names[0]}:${SHA512}`).save(link);
			assert.ok(lstatSync(link).isSymbolicLink() && lstatSync(join(link, "..", "second")).isSymbolicLink());
			assert.ok(lstatSync(path).isFile());
			assert.equal(PasswordFile.load(path).names, names);
			assert.equal(PasswordFile.load(link).names, names);
		}
		const loop = newPath();
		symlinkSync(loop, loop);
		assert.match(await unusable(() => parse("").save(loop)), /too many symbolic links/);
		assert.ok(!existsSync(loop) && lstatSync(loop).isSymbolicLink());
	},
);

test.run();
