/** A hub's data directory: who has it, and the files in it. */
import { createHash } from "node:crypto";
import { mkdirSync, statSync, unlinkSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { HearthError } from "../../src/errors.js";
import { LmdbStorage } from "./lmdb.js";

/** The file of the topic space "". */
export const DATA_FILE = "hearth.mdb";

export interface DataOptions {
	/** see LmdbOptions */
	maximumBytes?: number;
	progress?: (line: string) => void;
}

/** A directory that this process has until `close`. */
export class DataDirectory {
	private readonly storages: LmdbStorage[] = [];

	private constructor(
		readonly path: string,
		private readonly lock: Server,
		private readonly options: DataOptions,
	) {}

	/** Makes the directory where it is not there, and takes it. Rejects with HearthError when it cannot be made, or
	 *  another process has it. */
	static async open(directory: string, options: DataOptions = {}): Promise<DataDirectory> {
		const path = resolve(directory);
		const fault = make(path);
		if (fault !== "")
			throw new HearthError("HEARTH_ERR_DATA", `--data ${directory}: cannot be made (${fault}); give another`);
		return new DataDirectory(path, await take(path), options);
	}

	/** @param space a topic space's name @returns its storage. Throws HearthError when it cannot be opened */
	storage(space: string): LmdbStorage {
		const file = space === "" ? DATA_FILE : `space-${encodeURIComponent(space)}.mdb`;
		const { maximumBytes, progress } = this.options;
		const storage = new LmdbStorage({
			path: join(this.path, file),
			...(maximumBytes === undefined ? {} : { maximumBytes }),
			progress: (percent) => progress?.(`reading ${this.path}: ${percent} %`),
		});
		this.storages.push(storage);
		return storage;
	}

	/** why what changed last is not on disk, after `close`; "": it is */
	get fault(): string {
		return this.storages.find(({ fault }) => fault !== "")?.fault ?? "";
	}

	/** Waits until all is written that the brokers gave when they were stopped, and lets the directory go. */
	async close(): Promise<void> {
		for (const storage of this.storages) storage.close();
		await Promise.all(this.storages.map((storage) => storage.closed));
		await new Promise<void>((done) => this.lock.close(() => done()));
	}
}

/** Makes a directory, and those that it is in: Node's own way hides why it cannot, or never ends.
 *  @returns why not; "": it is there */
function make(path: string): string {
	for (let attempt = 0; ; attempt++) {
		try {
			mkdirSync(path, { mode: 0o700 });
			return "";
		} catch (error) {
			const code = codeOf(error);
			if (code === "EEXIST" && statSync(path).isDirectory()) return "";
			if (code !== "ENOENT" || attempt > 0 || dirname(path) === path) return code;
			const fault = make(dirname(path));
			if (fault !== "") return fault;
		}
	}
}

function codeOf(error: unknown): string {
	return (error as NodeJS.ErrnoException).code ?? String(error);
}

/** A name that only one process can listen to, and that is free when the process ends, however it does. */
function lockName(path: string): string {
	const { dev, ino } = statSync(path, { bigint: true });
	const id = createHash("sha256").update(`${dev} ${ino} ${path}`).digest("hex").slice(0, 32);
	if (process.platform === "linux") return `\0hearth-data-${id}`;
	if (process.platform === "win32") return `\\\\.\\pipe\\hearth-data-${id}`;
	return join(tmpdir(), `hearth-data-${id}`);
}

/** @returns the process that has a directory; undefined: none has */
export function ownerOfDirectory(path: string): Promise<string | undefined> {
	return ownerOf(lockName(resolve(path)));
}

/** Takes a directory. */
async function take(path: string): Promise<Server> {
	const name = lockName(path);
	const server = createServer((socket) => {
		socket.on("error", () => {});
		socket.end(`${process.pid}`);
	});
	server.unref();
	for (let attempt = 0; ; attempt++) {
		const error = await new Promise<unknown>((done) => {
			server.once("error", done);
			server.listen(name, () => done(undefined));
		});
		if (error === undefined) return server;
		if (codeOf(error) !== "EADDRINUSE")
			throw new HearthError("HEARTH_ERR_DATA", `--data ${path}: cannot be taken (${codeOf(error)}); give another`);
		const owner = await ownerOf(name);
		if (owner !== undefined || attempt > 0)
			throw new HearthError(
				"HEARTH_ERR_DATA_IN_USE",
				`--data ${path}: process ${owner ?? "?"} has it; end that, or give another directory`,
			);
		if (!name.startsWith("\0") && !name.startsWith("\\")) unlinkSync(name); // of a process that was killed
	}
}

/** @returns the process that listens to the name; undefined: none does */
function ownerOf(name: string): Promise<string | undefined> {
	return new Promise((done) => {
		const socket = connect(name);
		let pid = "";
		socket.setTimeout(2_000, () => socket.destroy());
		socket.on("data", (chunk) => {
			pid += chunk;
		});
		socket.on("error", () => done(undefined));
		socket.on("close", () => done(pid === "" ? undefined : pid));
	});
}
