/** The storage of a hub on a PC. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataDirectory } from "../../host-sim/data/directory.js";
import { LmdbStorage } from "../../host-sim/data/lmdb.js";
import type { StorageTarget } from "../../src/platform.js";
import { assert, suite } from "../support/test.js";

const test = suite("lmdb");
const folder = mkdtempSync(join(tmpdir(), "hearth-lmdb-"));
test.after(() => rmSync(folder, { recursive: true }));

/** Waits for batches. */
class Target implements StorageTarget {
	readonly heard: string[] = [];
	private waiting: (() => void)[] = [];

	onDurable(batch: number): void {
		this.hear(`durable ${batch}`);
	}

	onStorageError(batch: number, error: unknown): void {
		this.hear(`${batch}: ${(error as Error).message}`);
	}

	private hear(what: string): void {
		this.heard.push(what);
		for (const resolve of this.waiting.splice(0)) resolve();
	}

	async wait(count: number): Promise<void> {
		while (this.heard.length < count)
			await new Promise<void>((resolve) => {
				this.waiting.push(resolve);
			});
	}
}

function records(storage: LmdbStorage, first = 0, last = 0xffffffff): string[] {
	const found: string[] = [];
	storage.each(first, last, {
		visit: (key, bytes, start, end) => found.push(`${key}=${Buffer.from(bytes.subarray(start, end))}`),
	});
	return found;
}

function put(storage: LmdbStorage, key: number, value: string): void {
	const bytes = Buffer.from(`..${value}..`);
	assert.ok(storage.put(key, bytes, 2, bytes.length - 2));
}

test("batches are written in their order, and are there when the file is opened again", async () => {
	const path = join(folder, "a.mdb");
	const storage = new LmdbStorage({ path });
	const target = new Target();
	storage.open(target);
	assert.equal(records(storage), []);
	put(storage, 1, "one");
	put(storage, 0xfffffff0, "high");
	assert.is(storage.commit(), 1);
	put(storage, 2, "forgotten");
	storage.rollback();
	put(storage, 3, "x".repeat(200_000));
	storage.delete(1);
	storage.delete(77);
	assert.is(storage.commit(), 2);
	await target.wait(2);
	put(storage, 3, "three");
	storage.commit();
	storage.close();
	await storage.closed;
	assert.equal(target.heard, ["durable 1", "durable 2"]);
	const again = new LmdbStorage({ path });
	again.open(new Target());
	assert.equal(records(again), ["3=three", "4294967280=high"]);
	assert.equal(records(again, 0, 3), ["3=three"]);
	again.close();
	await again.closed;
});

test("a batch beyond maximumBytes is lost as a whole, and there is room again when something was deleted", async () => {
	const storage = new LmdbStorage({ path: join(folder, "b.mdb"), maximumBytes: 10_000 });
	const target = new Target();
	storage.open(target);
	for (let i = 0; i < 8; i++) put(storage, i, "x".repeat(1_000));
	storage.commit();
	await target.wait(1);
	assert.is(storage.bytesUsed, 8 * 1_016);
	for (let i = 8; i < 12; i++) put(storage, i, "x".repeat(1_000));
	storage.delete(0);
	storage.commit();
	await target.wait(2);
	assert.match(target.heard[1]!, /2: the limit of 10000 bytes is reached/);
	assert.is(storage.bytesUsed, 8 * 1_016);
	for (let i = 0; i < 4; i++) storage.delete(i);
	storage.commit();
	for (let i = 8; i < 12; i++) put(storage, i, "x".repeat(1_000));
	storage.commit();
	await target.wait(4);
	assert.equal(target.heard.slice(2), ["durable 3", "durable 4"]);
	storage.close();
	await storage.closed;
});

test("a file that is none of LMDB's is one clear line", () => {
	const path = join(folder, "c.mdb");
	writeFileSync(path, "this is not a database".repeat(1_000));
	assert.throws(() => new LmdbStorage({ path }), /c\.mdb: cannot be opened \(it is no data of a hub\); give another/);
	truncateSync(join(folder, "a.mdb"), 4_096);
	assert.throws(() => new LmdbStorage({ path: join(folder, "a.mdb") }), /a\.mdb: cannot be opened \(it is cut short\)/);
});

test("a directory is one process's, until it lets it go", async () => {
	const directory = join(folder, "own", "er");
	const first = await DataDirectory.open(directory);
	let refused = "";
	await DataDirectory.open(directory).catch((error) => {
		refused = error.message;
	});
	assert.is(refused, `--data ${directory}: process ${process.pid} has it; end that, or give another directory`);
	await first.close();
	await (await DataDirectory.open(directory)).close();
});

test.run();
