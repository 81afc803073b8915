/** `hearth data`: looks at, saves, moves and tidies what a hub keeps. */
import {
	closeSync,
	existsSync,
	fsyncSync,
	openSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	writeSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { HearthError } from "../../src/errors.js";
import { boardLimits, boardNames } from "../boards.js";
import { DATA_FILE, DataDirectory, ownerOfDirectory } from "../data/directory.js";
import { exportData } from "../data/export.js";
import { importData } from "../data/import.js";
import { openFile } from "../data/lmdb.js";
import { isSealed, SEAL_COST, seal, unseal } from "../data/sealed.js";

const HELP = `usage: hearth data COMMAND --data DIR [options]

  info                 what is kept there, and how much room it takes
  export               writes all of it as lines of JSON; the hub may run, and the lines are of one moment: a backup
  import               takes such lines into a directory that has no data yet
  compact              gives room back that is not needed any more; the hub must not run

  --data DIR           the hub's data (hearth hub --data)
  --space NAME         of this topic space (default: the one without a name)
  --file FILE          export: writes there; import: reads from there (default: standard output and input)
  --board NAME         import: for a hub with these limits: host, ${boardNames().join(", ")} (default host)
  --what-fits          import: leaves out what does not fit; else nothing is imported where something doesn't
  --identity           export: only who the hub is, and its devices: what a new board needs to take an old one's place
  --passphrase-file F  export: encrypts with the passphrase in F's first line; import: the one it was encrypted with
                       (the age format: \`age --decrypt\` reads it, too)`;

const OPTIONS = {
	data: { type: "string" },
	space: { type: "string", default: "" },
	file: { type: "string" },
	board: { type: "string", default: "host" },
	"what-fits": { type: "boolean", default: false },
	identity: { type: "boolean", default: false },
	"passphrase-file": { type: "string" },
	help: { type: "boolean", short: "h", default: false },
	verbose: { type: "boolean", default: false },
} as const;

/** An export can be tried offline, as often as one likes. */
const PASSPHRASE_LEAST = 12;

/** Runs a command on data. @param sealCost see SEAL_COST @returns the exit code. Throws HearthError for unusable
 *  arguments */
export async function data(args: string[], sealCost = SEAL_COST): Promise<number> {
	const { values, positionals } = parse(args);
	if (values.help) {
		console.log(HELP);
		return 0;
	}
	const [command, ...more] = positionals;
	if (command === undefined || more.length > 0 || !["info", "export", "import", "compact"].includes(command))
		throw new HearthError("HEARTH_ERR_OPTION", `data ${positionals.join(" ")}: give info, export, import or compact`);
	if (values.data === undefined) throw new HearthError("HEARTH_ERR_OPTION", `data ${command}: give --data DIR`);
	const directory = resolve(values.data);
	const path = join(directory, values.space === "" ? DATA_FILE : `space-${encodeURIComponent(values.space)}.mdb`);
	if (command === "import") return importFile(directory, path, values);
	if (!existsSync(path))
		throw new HearthError("HEARTH_ERR_DATA", `data ${command}: ${path}: there is none; give a hub's with --data`);
	if (command === "info") return info(directory, path);
	if (command === "compact") return compact(directory, path);
	return exportFile(path, values, sealCost);
}

function parse(args: string[]) {
	try {
		return parseArgs({ args, options: OPTIONS, allowPositionals: true, strict: true });
	} catch (error) {
		const message = error instanceof Error ? error.message.split(/[.\n]/)[0] : String(error);
		throw new HearthError("HEARTH_ERR_OPTION", `data: ${message}; hearth data --help lists the options`);
	}
}

async function info(directory: string, path: string): Promise<number> {
	const counts = new Map<string, number>();
	let bytes = 0;
	const count = (what: string, more = 1) => counts.set(what, (counts.get(what) ?? 0) + more);
	exportData(path, Date.now(), false, (line) => {
		bytes += JSON.stringify(line).length + 1;
		if (!("type" in line)) return;
		count(line.type);
		if (line.type !== "session") return;
		count("subscription", line.subscriptions.length);
		count("queued", line.queue.length);
	});
	const owner = await ownerOfDirectory(directory);
	const row = (name: string, value: string | number) =>
		console.log(`${name.padEnd(20)}${typeof value === "number" ? value.toLocaleString("en-US") : value}`);
	row("file", path);
	row("bytes", statSync(path).size);
	row("bytes as an export", bytes);
	row("sessions", counts.get("session") ?? 0);
	row("subscriptions", counts.get("subscription") ?? 0);
	row("Retained Messages", counts.get("retained") ?? 0);
	row("queued messages", counts.get("queued") ?? 0);
	row("stored messages", counts.get("message") ?? 0);
	row("the hub's records", counts.get("record") ?? 0);
	row("hub", owner === undefined ? "does not run" : `runs, process ${owner}`);
	return 0;
}

interface ExportValues {
	file?: string | undefined;
	identity: boolean;
	"passphrase-file"?: string | undefined;
}

async function exportFile(path: string, values: ExportValues, sealCost: number): Promise<number> {
	const { file, identity } = values;
	const passphrase = readPassphrase(values["passphrase-file"]);
	if (file === undefined) {
		await writeLines(path, identity, passphrase, sealCost, (bytes) => process.stdout.write(bytes));
		return 0;
	}
	const lines = (write: Write) => writeLines(path, identity, passphrase, sealCost, write);
	return writeFile("data export", file, passphrase, lines);
}

/** Writes a file that appears whole, or not at all, for its owner's eyes. @param make writes it and counts its lines
 *  @returns the exit code. Throws HearthError when it cannot be written */
export async function writeFile(
	command: string,
	file: string,
	passphrase: string | undefined,
	make: (write: Write) => Promise<number>,
): Promise<number> {
	const temporary = `${file}.${process.pid}`;
	try {
		const target = openSync(temporary, "wx", 0o600);
		const count = await make((bytes) => writeSync(target, bytes));
		fsyncSync(target);
		closeSync(target);
		renameSync(temporary, file);
		console.error(`hearth: ${file}: ${count.toLocaleString("en-US")} lines${passphrase ? ", encrypted" : ""}`);
		return 0;
	} catch (error) {
		rmSync(temporary, { force: true });
		if (error instanceof HearthError) throw error;
		const cause = (error as NodeJS.ErrnoException).code ?? String(error);
		throw new HearthError("HEARTH_ERR_WRITE", `${command}: ${file}: cannot be written (${cause}); give another`);
	}
}

type Write = (bytes: Uint8Array) => void;

/** Writes lines as they come, or all of them encrypted. @returns how many */
async function writeLines(
	path: string,
	identity: boolean,
	passphrase: string | undefined,
	sealCost: number,
	write: Write,
): Promise<number> {
	const held: Buffer[] = [];
	const count = exportData(path, Date.now(), identity, (line) => {
		const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
		if (passphrase === undefined) write(bytes);
		else held.push(bytes);
	});
	if (passphrase !== undefined) write(await seal(Buffer.concat(held), passphrase, sealCost));
	return count;
}

interface ImportValues {
	file?: string | undefined;
	board: string;
	"what-fits": boolean;
	"passphrase-file"?: string | undefined;
}

async function importFile(directory: string, path: string, values: ImportValues): Promise<number> {
	const limits = boardLimits(values.board);
	const lines = await readLines(values);
	const { records, left, sessions, retained, queued, own } = importData(lines, limits, Date.now());
	for (const line of left) console.error(`hearth: does not fit: ${line}`);
	if (left.length > 0 && !values["what-fits"]) {
		console.error(`hearth: data import: nothing is imported; --what-fits imports the rest, --board another board's`);
		return 1;
	}
	const owned = await DataDirectory.open(directory);
	try {
		const db = openFile(path, false);
		if (db.getCount() > 0)
			throw new HearthError("HEARTH_ERR_DATA", `data import: ${path}: has data already; give another directory`);
		db.transactionSync(() => {
			for (const [key, bytes] of records) db.putSync(key, Buffer.from(bytes));
		});
		await db.close();
	} finally {
		await owned.close();
	}
	const n = (count: number) => count.toLocaleString("en-US");
	const moved = `${n(retained)} Retained Messages, ${n(queued)} queued messages, ${n(own)} of the hub's records`;
	console.error(`hearth: ${n(sessions)} sessions, ${moved}`);
	return 0;
}

/** @returns the lines of an export, which may be encrypted. @param command for what is said of the file
 *  Throws HearthError when it cannot be read */
export async function readLines(
	values: Pick<ImportValues, "file" | "passphrase-file">,
	command = "data import",
): Promise<string[]> {
	const name = values.file ?? "standard input";
	const bytes = read(values.file ?? 0, name);
	const passphrase = readPassphrase(values["passphrase-file"]);
	if (!isSealed(bytes)) return bytes.toString().split("\n");
	if (passphrase === undefined)
		throw new HearthError("HEARTH_ERR_OPTION", `${command}: ${name}: is encrypted; give --passphrase-file`);
	const lines = await unseal(bytes, passphrase);
	if (lines === undefined)
		throw new HearthError(
			"HEARTH_ERR_READ",
			`${command}: ${name}: another passphrase, or damaged; nothing is imported`,
		);
	return lines.toString().split("\n");
}

/** @returns a file's first line; undefined: no file is given. Throws HearthError when it is too short */
export function readPassphrase(file: string | undefined): string | undefined {
	if (file === undefined) return undefined;
	const [passphrase = ""] = read(file, file).toString().split(/\r?\n/);
	if (passphrase.length >= PASSPHRASE_LEAST) return passphrase;
	throw new HearthError(
		"HEARTH_ERR_OPTION",
		`data: --passphrase-file ${file}: give at least ${PASSPHRASE_LEAST} characters on its first line`,
	);
}

function read(file: string | 0, name: string): Buffer {
	try {
		return readFileSync(file);
	} catch (error) {
		const cause = (error as NodeJS.ErrnoException).code ?? String(error);
		throw new HearthError("HEARTH_ERR_READ", `data: ${name}: cannot be read (${cause}); give another`);
	}
}

/** Writes the file anew without what is free in it, and puts the new one in the old one's place. */
async function compact(directory: string, path: string): Promise<number> {
	const owned = await DataDirectory.open(directory);
	try {
		const before = statSync(path).size;
		const temporary = `${path}.compact`;
		rmSync(temporary, { force: true });
		const db = openFile(path, true);
		await db.backup(temporary, true);
		await db.close();
		renameSync(temporary, path);
		rmSync(`${path}-lock`, { force: true });
		const n = (count: number) => count.toLocaleString("en-US");
		console.error(`hearth: ${path}: ${n(before)} bytes before, ${n(statSync(path).size)} now`);
		return 0;
	} finally {
		await owned.close();
	}
}
