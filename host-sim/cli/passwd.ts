/** `hearth passwd`: users and their passwords in a file. */
import { statSync } from "node:fs";
import { createInterface } from "node:readline";
import { type Readable, Writable } from "node:stream";
import { parseArgs } from "node:util";
import { HearthError } from "../../src/errors.js";
import { checkUserName, PasswordFile, type ScryptCost } from "../users/password-file.js";

const HELP = `usage: hearth passwd [-c] FILE USER
       hearth passwd [-c] -b FILE USER PASSWORD
       hearth passwd -D FILE USER
       hearth passwd --list FILE

Adds a user or changes the password: asks for it twice without showing it, or reads one line from standard input when
that is no terminal. A FILE that is missing is made. Mosquitto's files can be used as they are; Mosquitto itself does
not know the hashes (scrypt) that this command writes.

  -c, --create     begin with an empty FILE: all users that are in it are lost
  -b, --batch      with the PASSWORD as an argument: other users of this machine can see it
  -D, --delete     delete the USER
      --list       print the names of FILE's users

What begins with - goes after --.
Exit codes: 0 done, 1 it failed (no such user to delete), 2 unusable arguments or FILE`;

const OPTIONS = {
	create: { type: "boolean", short: "c", default: false },
	batch: { type: "boolean", short: "b", default: false },
	delete: { type: "boolean", short: "D", default: false },
	list: { type: "boolean", default: false },
	help: { type: "boolean", short: "h", default: false },
	verbose: { type: "boolean", default: false },
} as const;

/** MQTT's longest. Spec: 3.1.1, 3.1.3.5 */
const PASSWORD_BYTES_MAX = 65_535;

/** What the command talks with; tests have their own. */
export interface PasswdIo {
	/** where passwords come from; a terminal is asked */
	input: Readable & { isTTY?: boolean };
	/** writes to standard output */
	out: (text: string) => void;
	/** writes to standard error: questions, warnings and failures */
	err: (text: string) => void;
	/** see PasswordFile.cost */
	cost?: ScryptCost;
}

const PROCESS: PasswdIo = {
	get input() {
		return process.stdin; // opened only when a password is read
	},
	out: (text) => process.stdout.write(text),
	err: (text) => process.stderr.write(text),
};

/** Changes or lists a password file. @returns the exit code: 0 done, 1 there is no such user to delete, or no
 *  password came. Throws HearthError for unusable arguments and files; the file is as it was then. */
export async function passwd(args: string[], io: PasswdIo = PROCESS): Promise<number> {
	const { values, positionals } = parse(args);
	if (values.help) {
		io.out(`${HELP}\n`);
		return 0;
	}
	const wanted = values.list ? ["FILE"] : values.batch ? ["FILE", "USER", "PASSWORD"] : ["FILE", "USER"];
	const [path = "", userName = "", password = ""] = positionals;
	if (positionals.length !== wanted.length || path === "")
		throw unusable(`give ${wanted.join(" ")}; hearth passwd --help shows how`);
	if (values.list) {
		for (const name of PasswordFile.load(path).names) io.out(`${name}\n`);
		return 0;
	}
	if (values.delete) return remove(path, userName, io);
	checkUserName(userName);
	open(path, values.create); // before anything is asked, and again when it is answered
	let bytes: Uint8Array | undefined = Buffer.from(password);
	if (values.batch)
		io.err("hearth: passwd: -b: other users of this machine can see the password; without -b it is asked for\n");
	else bytes = io.input.isTTY ? await askTwice(userName, io) : await readLine(io);
	if (bytes === undefined) return 1;
	if (bytes.length === 0) return failed(io, "the password is empty; nothing is changed");
	return write(path, values.create, userName, bytes, io);
}

function parse(args: string[]) {
	const parsed = parseStrictly(args);
	const { create, batch, delete: remove, list } = parsed.values;
	const clashes: [boolean, string][] = [
		[create && remove, "-c and -D"],
		[batch && remove, "-b and -D"],
		[list && (create || batch || remove), "--list and -c, -b or -D"],
	];
	for (const [clash, options] of clashes) if (clash) throw unusable(`${options} exclude each other; give one`);
	return parsed;
}

function parseStrictly(args: string[]) {
	try {
		return parseArgs({ args, options: OPTIONS, allowPositionals: true, strict: true });
	} catch (error) {
		const message = error instanceof Error ? error.message.split(/[.\n]/)[0] : String(error);
		throw unusable(`${message}; hearth passwd --help lists the options`);
	}
}

function unusable(what: string): HearthError {
	return new HearthError("HEARTH_ERR_OPTION", `passwd: ${what}`);
}

/** @returns the exit code */
function failed(io: PasswdIo, what: string): number {
	io.err(`hearth: passwd: ${what}\n`);
	return 1;
}

/** @returns the file's users; none where it is missing or begins anew */
function open(path: string, create: boolean): PasswordFile {
	return create || modeOf(path) === undefined ? PasswordFile.parse("", path) : PasswordFile.load(path);
}

/** @returns the file's permissions; undefined when it is missing */
function modeOf(path: string): number | undefined {
	try {
		const mode = statSync(path, { throwIfNoEntry: false })?.mode;
		return mode === undefined ? undefined : mode & 0o777;
	} catch {
		return 0; // reading or writing it says why
	}
}

async function write(path: string, create: boolean, userName: string, password: Uint8Array, io: PasswdIo) {
	const file = open(path, create);
	if (io.cost !== undefined) file.cost = io.cost;
	const known = file.has(userName);
	await file.set(userName, password);
	const missing = modeOf(path) === undefined;
	save(file, path, io);
	if (missing || create) io.out(`${path}: ${missing ? "made" : "begun anew"}\n`);
	io.out(`${userName}: ${known ? "password changed" : "added"}\n`);
	return 0;
}

function remove(path: string, userName: string, io: PasswdIo): number {
	const file = PasswordFile.load(path);
	if (!file.delete(userName)) return failed(io, `${path}: no user has that name; --list prints them`);
	save(file, path, io);
	io.out(`${userName}: deleted\n`);
	return 0;
}

function save(file: PasswordFile, path: string, io: PasswdIo): void {
	const mode = modeOf(path) ?? 0;
	file.save(path);
	// a hub that runs as another user could read it until now
	if ((mode & 0o077) !== 0 && process.platform !== "win32")
		io.err(`hearth: passwd: ${path}: its mode was 0${mode.toString(8)}, now only its owner can read it (0600)\n`);
}

/** Asks without echo. @returns undefined when no password came, and why is said */
async function askTwice(userName: string, io: PasswdIo): Promise<Uint8Array | undefined> {
	// what is typed is edited as everywhere, and shown nowhere
	const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
	const terminal = createInterface({ input: io.input, output: nowhere, terminal: true, historySize: 0 });
	terminal.on("SIGINT", () => terminal.close());
	const lines = terminal[Symbol.asyncIterator]();
	const ask = async (question: string): Promise<string | undefined> => {
		io.err(question);
		const { value, done } = await lines.next();
		io.err("\n");
		return done ? undefined : value;
	};
	try {
		const first = await ask(`Password for ${userName}: `);
		const second = first === undefined || first === "" ? first : await ask("The same again: ");
		if (first !== undefined && second !== undefined && first === second) return Buffer.from(first);
		failed(io, second === undefined ? "ended; nothing is changed" : "the two are not the same; nothing is changed");
		return undefined;
	} finally {
		terminal.close();
	}
}

/** One line, without its end. @returns undefined when none came, and why is said */
async function readLine(io: PasswdIo): Promise<Uint8Array | undefined> {
	const chunks: Buffer[] = [];
	let length = 0;
	for await (const chunk of io.input) {
		const bytes = Buffer.from(chunk);
		chunks.push(bytes);
		length += bytes.length;
		if (bytes.includes(0x0a) || length > PASSWORD_BYTES_MAX + 2) break;
	}
	const all = Buffer.concat(chunks);
	const end = all.indexOf(0x0a);
	const line = end < 0 ? all : all.subarray(0, end);
	if (all.length > 0) return line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
	failed(io, "no password came on standard input; nothing is changed");
	return undefined;
}
