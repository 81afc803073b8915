/** Users and their passwords' hashes in a file, a line each: `name:hash`. Mosquitto's files are read as they are. */
import { isUtf8 } from "node:buffer";
import { createHash, createHmac, pbkdf2, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import {
	closeSync,
	fchmodSync,
	fchownSync,
	fsyncSync,
	lstatSync,
	openSync,
	readFileSync,
	readlinkSync,
	realpathSync,
	renameSync,
	rmSync,
	statSync,
	writeSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { HearthError } from "../../src/errors.js";
import { fromEnvironment } from "../environment.js";

/** What scrypt costs: 2^ln · r · 128 bytes of memory, and p times the work for it. Source: RFC 7914, 2 */
export interface ScryptCost {
	/** 1 to 20; with r = 1 to 15 */
	ln: number;
	/** 1 to 32 */
	r: number;
	/** 1 to 16 */
	p: number;
}

/** 32 MiB, and some 80 ms on a PC. */
export const SCRYPT_COST: Readonly<ScryptCost> = { ln: 15, r: 8, p: 1 };

/** 2^ln · r · p of a hash is no more: 128 MiB, four times the work of SCRYPT_COST. A file can't demand gigabytes. */
const SCRYPT_WORK_MAX = 2 ** 20;
const COST_BOUNDS = "r to 32, p to 16, ln below 16 times r, and 2^ln times r times p to 2^20";
/** Mosquitto takes 101 by default; a million take half a second. */
const PBKDF2_ITERATIONS_MAX = 1_000_000;
const SALT_BYTES = 16;
const SALT_BYTES_MAX = 128;
const SCRYPT_KEY_BYTES = 32;
const SHA512_BYTES = 64;
/** MQTT carries no longer user names and passwords. Spec: 3.1.1, 3.1.3.4 and 3.1.3.5 */
const MQTT_BYTES_MAX = 65_535;
/** As many symbolic links after each other as Linux follows. */
const LINKS_MAX = 40;

const AGAIN = "delete the line and set the password again with hearth passwd";

interface Hash {
	readonly key: Uint8Array;
	/** @returns what `key` is when the password is right. Has taken the password's bytes when it returns. */
	derive(password: Uint8Array): Promise<Uint8Array>;
}

interface User {
	readonly userName: string;
	readonly hash: Hash;
	/** the line, as it was read */
	readonly text: string;
}

/** The users of one file. It is read and written as a whole; between, it is in memory. */
export class PasswordFile {
	/** What new passwords cost; tests take less. */
	cost: Readonly<ScryptCost> = SCRYPT_COST;
	/** The lines in the file's order; those that are strings are comments and empty ones. */
	private lines: (User | string)[] = [];
	private readonly users = new Map<string, User>();
	/** What is hashed for user names that are unknown; undefined: to be collected anew */
	private decoys: Hash[] | undefined;
	private readonly decoyKey = randomBytes(32);

	private constructor() {}

	/** Reads a file, or a variable of the environment (`env:NAME`). Throws HearthError HEARTH_ERR_PASSWORD_FILE with one
	 *  line: the file, the line's number where one is to blame, what was expected, and the remedy; never with what the
	 *  line says. */
	static load(path: string): PasswordFile {
		const text = fromEnvironment(path);
		if (text !== undefined) return PasswordFile.parse(text, path);
		let bytes: Buffer;
		try {
			if (!statSync(path).isFile()) throw unusable(path, "is not a file; give a password file's path");
			bytes = readFileSync(path);
		} catch (error) {
			if (error instanceof HearthError) throw error;
			const code = codeOf(error);
			const what = code === "ENOENT" ? "no such file" : `cannot be read (${code})`;
			throw unusable(path, `${what}; hearth passwd ${path} USER makes one, where it may`);
		}
		if (!isUtf8(bytes)) throw unusable(`${path}:${illFormedLine(bytes)}`, "expected UTF-8; save the file as UTF-8");
		return PasswordFile.parse(bytes.toString(), path);
	}

	/** @param text the lines `name:hash`, `#` comments and empty ones; "" has no user. A line may end with CR LF.
	 *  @param name what errors call the file. Throws as `load` does. */
	static parse(text: string, name: string): PasswordFile {
		const file = new PasswordFile();
		const lines = text.replace(/^\uFEFF/, "").split("\n");
		if (lines.at(-1) === "") lines.pop();
		const lineOf = new Map<string, number>();
		for (const [i, line] of lines.entries()) {
			if (/^\s*(#|$)/.test(line)) {
				file.lines.push(line);
				continue;
			}
			const fail = (what: string) => unusable(`${name}:${i + 1}`, what);
			const colon = line.indexOf(":");
			if (colon < 0) throw fail("expected NAME:HASH; delete the line, or begin it with # to keep it as a comment");
			const userName = line.slice(0, colon);
			const flaw = flawOfName(userName);
			if (flaw !== undefined) throw fail(`expected a user name that ${flaw}; ${AGAIN}`);
			const first = lineOf.get(userName);
			if (first !== undefined) throw fail(`expected another user than line ${first} has; delete one of the two`);
			const hash = readHash(line.slice(colon + 1).trimEnd());
			if (typeof hash === "string") throw fail(`expected ${hash}; ${AGAIN}`);
			lineOf.set(userName, i + 1);
			file.put({ userName, hash, text: line });
		}
		return file;
	}

	/** The user names in the file's order. */
	get names(): string[] {
		return this.lines.filter((line) => typeof line !== "string").map((user) => user.userName);
	}

	has(userName: string): boolean {
		return this.users.has(userName);
	}

	/** @returns whether the user exists and this is the password. Hashes on a thread of the pool: other connections go
	 *  on. The password's bytes are copied: they may change once this has returned. A user that does not exist costs
	 *  what a wrong password of another costs. Rejects when memory is missing. */
	async verify(userName: string, password: Uint8Array): Promise<boolean> {
		// chosen even where it is not needed, so that it tells nothing
		const decoy = this.decoyFor(userName);
		const user = this.users.get(userName);
		const hash = user?.hash ?? decoy;
		const key = await hash.derive(password);
		return timingSafeEqual(key, hash.key) && user !== undefined;
	}

	/** Adds a user at the end, or changes the password at its place; with scrypt. Copies as `verify` does. Rejects with
	 *  HearthError: HEARTH_ERR_USER_NAME, see checkUserName; HEARTH_ERR_PASSWORD for more bytes than MQTT carries;
	 *  HEARTH_ERR_PASSWORD_COST for a `cost` out of its bounds. */
	async set(userName: string, password: Uint8Array): Promise<void> {
		checkUserName(userName);
		if (password.length > MQTT_BYTES_MAX)
			throw new HearthError("HEARTH_ERR_PASSWORD", `password: give one of at most ${MQTT_BYTES_MAX} bytes`);
		const { ln, r, p } = this.cost;
		if (!mayCost(this.cost)) throw new HearthError("HEARTH_ERR_PASSWORD_COST", `scrypt: expected ${COST_BOUNDS}`);
		const salt = randomBytes(SALT_BYTES);
		const key = await scryptKey(password, salt, SCRYPT_KEY_BYTES, this.cost);
		const text = `${userName}:$scrypt$ln=${ln},r=${r},p=${p}$${unpadded(salt)}$${unpadded(key)}`;
		this.put({ userName, hash: scryptHash(key, salt, { ln, r, p }), text });
	}

	/** @returns whether there was such a user */
	delete(userName: string): boolean {
		const user = this.users.get(userName);
		if (user === undefined) return false;
		this.users.delete(userName);
		this.lines = this.lines.filter((line) => line !== user);
		this.decoys = undefined;
		return true;
	}

	/** Writes the file, at once and whole: who reads it meanwhile, or after a crash, sees the old one or the new one.
	 *  Its mode is 0600 and its owner stays; a symbolic link stays one, and what it leads to is replaced. Throws
	 *  HearthError HEARTH_ERR_PASSWORD_FILE; the old file is as it was then. */
	save(path: string): void {
		const text = this.lines.map((line) => `${typeof line === "string" ? line : line.text}\n`).join("");
		try {
			replaceFile(targetOf(path), text);
		} catch (error) {
			if (error instanceof HearthError) throw error;
			throw unusable(path, `cannot be written (${codeOf(error)}); run as the file's owner, or give another path`);
		}
	}

	private put(user: User): void {
		const old = this.users.get(user.userName);
		if (old === undefined) this.lines.push(user);
		else this.lines[this.lines.indexOf(old)] = user;
		this.users.set(user.userName, user);
		this.decoys = undefined;
	}

	/** The same name gets the same user's hash each time, as if it had been set the same way: in a file with hashes of
	 *  several kinds, always taking one kind would tell the others' users. */
	private decoyFor(userName: string): Hash {
		this.decoys ??= [...this.users.values()].map((user) => user.hash);
		const number = createHmac("sha256", this.decoyKey).update(userName).digest().readUInt32LE(0);
		return this.decoys[number % this.decoys.length] ?? scryptHash(this.decoyKey, this.decoyKey, this.cost);
	}
}

function unusable(where: string, what: string): HearthError {
	return new HearthError("HEARTH_ERR_PASSWORD_FILE", `${where}: ${what}`);
}

function codeOf(error: unknown): string {
	return (error as NodeJS.ErrnoException).code ?? String(error);
}

/** Throws HearthError HEARTH_ERR_USER_NAME for a name that the file cannot hold: empty, with ':' or control characters,
 *  beginning with '#', with a space at an end, longer than 65,535 bytes, or not well-formed. */
export function checkUserName(userName: string): void {
	const flaw = flawOfName(userName);
	if (flaw !== undefined) throw new HearthError("HEARTH_ERR_USER_NAME", `user name: give one that ${flaw}`);
}

/** @returns nothing, or what a usable name does */
function flawOfName(userName: string): string | undefined {
	if (userName === "") return "has a character or more";
	if (userName.includes(":")) return "has no ':'";
	if (/[\u0000-\u001f\u007f-\u009f]/.test(userName)) return "has no control characters";
	if (userName.startsWith("#")) return "does not begin with #, as comments do";
	// Mosquitto takes them away: the same file would mean another user
	if (userName.trim() !== userName) return "does not begin or end with a space";
	const bytes = Buffer.from(userName);
	if (bytes.length > MQTT_BYTES_MAX) return `has at most ${MQTT_BYTES_MAX} bytes`;
	if (bytes.toString() !== userName) return "is well-formed Unicode";
	return undefined;
}

/** @returns the hash, or what was expected */
function readHash(text: string): Hash | string {
	const [before, kind, ...parts] = text.split("$");
	if (before === "")
		switch (kind) {
			case "scrypt":
				return readScrypt(parts);
			case "7":
				return readPbkdf2(parts);
			case "6":
				return readSha512(parts);
			case "argon2id":
				return "a hash $scrypt$, $7$ or $6$, not argon2id's, which this version does not know";
		}
	return "a hash that begins with $scrypt$, $7$ or $6$, neither a plain-text password nor another's hash";
}

/** `$scrypt$ln=15,r=8,p=1$salt$key`, the form that passlib writes too: base64 without padding. */
function readScrypt(parts: string[]): Hash | string {
	const numbers = /^ln=([1-9]\d?),r=([1-9]\d?),p=([1-9]\d?)$/.exec(parts[0] ?? "")?.slice(1) ?? [];
	const [ln = 0, r = 0, p = 0] = numbers.map(Number);
	const salt = readBase64(parts[1], 1, SALT_BYTES_MAX);
	const key = readBase64(parts[2], SALT_BYTES, SHA512_BYTES);
	if (parts.length !== 3 || ln === 0 || salt === undefined || key === undefined)
		return "$scrypt$ln=N,r=N,p=N$SALT$KEY with salt and key in base64";
	if (!mayCost({ ln, r, p })) return `$scrypt$ with ${COST_BOUNDS}`;
	return scryptHash(key, salt, { ln, r, p });
}

/** Mosquitto's since 2.0: `$7$iterations$salt$key`, PBKDF2 with HMAC-SHA-512. */
function readPbkdf2(parts: string[]): Hash | string {
	const iterations = /^[1-9]\d{0,6}$/.test(parts[0] ?? "") ? Number(parts[0]) : 0;
	const salt = readBase64(parts[1], 1, SALT_BYTES_MAX);
	const key = readBase64(parts[2], SHA512_BYTES, SHA512_BYTES);
	if (parts.length !== 3 || salt === undefined || key === undefined)
		return "$7$ITERATIONS$SALT$KEY with salt and key of 64 bytes in base64";
	if (iterations < 1 || iterations > PBKDF2_ITERATIONS_MAX) return `$7$ with 1 to ${PBKDF2_ITERATIONS_MAX} iterations`;
	const derive = (password: Uint8Array) =>
		new Promise<Uint8Array>((done, fail) => {
			pbkdf2(password, salt, iterations, key.length, "sha512", (error, made) => (error ? fail(error) : done(made)));
		});
	return { key, derive };
}

/** Mosquitto's up to 1.6: `$6$salt$key`, SHA-512 of password and salt; too quick to need a thread. */
function readSha512(parts: string[]): Hash | string {
	const salt = readBase64(parts[0], 1, SALT_BYTES_MAX);
	const key = readBase64(parts[1], SHA512_BYTES, SHA512_BYTES);
	if (parts.length !== 2 || salt === undefined || key === undefined)
		return "$6$SALT$KEY with salt and key of 64 bytes in base64";
	return { key, derive: async (password) => createHash("sha512").update(password).update(salt).digest() };
}

function mayCost({ ln, r, p }: ScryptCost): boolean {
	// RFC 7914, 2: 2^ln is less than 2^(128 * r / 8)
	if (!(ln >= 1 && ln < 16 * r && r >= 1 && r <= 32 && p >= 1 && p <= 16)) return false;
	return 2 ** ln * r * p <= SCRYPT_WORK_MAX;
}

function scryptHash(key: Uint8Array, salt: Uint8Array, cost: Readonly<ScryptCost>): Hash {
	return { key, derive: (password) => scryptKey(password, salt, key.length, cost) };
}

function scryptKey(password: Uint8Array, salt: Uint8Array, keyBytes: number, cost: Readonly<ScryptCost>) {
	const { ln, r, p } = cost;
	// OpenSSL's sum of all it takes; Node's default would refuse SCRYPT_COST
	const maxmem = 128 * r * (2 ** ln + p + 2);
	return new Promise<Uint8Array>((done, fail) => {
		scrypt(password, salt, keyBytes, { N: 2 ** ln, r, p, maxmem }, (error, made) => (error ? fail(error) : done(made)));
	});
}

/** @returns the bytes, with padding or without; undefined when it is no base64 or their number is not in the range */
function readBase64(text: string | undefined, min: number, max: number): Uint8Array | undefined {
	const digits = (text ?? "").replace(/={1,2}$/, "");
	const bytes = Buffer.from(digits, "base64");
	// Buffer skips what it does not understand
	return bytes.length >= min && bytes.length <= max && unpadded(bytes) === digits ? bytes : undefined;
}

function unpadded(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}

/** @returns the number of the first line that is not UTF-8 */
function illFormedLine(bytes: Buffer): number {
	let line = 1;
	for (let start = 0; ; line++) {
		const end = bytes.indexOf(0x0a, start);
		if (end < 0 || !isUtf8(bytes.subarray(start, end))) return line;
		start = end + 1;
	}
}

/** @returns where symbolic links lead to, even when nothing is there yet */
function targetOf(path: string): string {
	let target = path;
	for (let i = 0; i < LINKS_MAX; i++) {
		const folder = realpathSync(dirname(target));
		target = join(folder, basename(target));
		if (lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return target;
		target = resolve(folder, readlinkSync(target));
	}
	throw unusable(path, "leads through too many symbolic links; give a file's path");
}

function replaceFile(target: string, text: string): void {
	const old = statSync(target, { throwIfNoEntry: false });
	// renamed to, a device would be gone
	if (old?.isFile() === false) throw unusable(target, "is not a file; give a password file's path");
	const temporary = join(dirname(target), `.hearth-passwd-${randomBytes(8).toString("hex")}`);
	const file = openSync(temporary, "wx", 0o600);
	try {
		try {
			const bytes = Buffer.from(text);
			for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
			fchmodSync(file, 0o600);
			// root sets a password for a hub that runs as another user, which must be able to read it still
			const uid = process.getuid?.() ?? old?.uid;
			if (old !== undefined && old.uid !== uid) fchownSync(file, old.uid, old.gid);
			fsyncSync(file);
		} finally {
			closeSync(file);
		}
		renameSync(temporary, target);
	} catch (error) {
		rmSync(temporary, { force: true });
		throw error;
	}
	syncFolder(dirname(target));
}

/** The new name is on the disk then too. Not every system can; the file is whole either way. */
function syncFolder(folder: string): void {
	try {
		const handle = openSync(folder, "r");
		try {
			fsyncSync(handle);
		} finally {
			closeSync(handle);
		}
	} catch {
		// the new file is in place, which is what the caller must know
	}
}
