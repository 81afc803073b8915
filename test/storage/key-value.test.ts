/** The table over a store of names and values: the power goes before and after each change of the store. */
import type { KeyValue } from "../../src/platform.js";
import { KeyValueStorage, NOTHING } from "../../src/storage/key-value-storage.js";
import { assert, suite } from "../support/test.js";
import { bytesOf, same, type Table, textOf } from "./harness.js";
import { Script } from "./script.js";

const test = suite("key-value storage");
const LIMITS = { records: 40, batchBytes: 512, bytesMax: 2_000 };

/** A store in memory, whose power goes after so many changes. */
class Store implements KeyValue {
	valueBytesMax = 4_000;
	left = Number.POSITIVE_INFINITY;
	fails = false;
	changes = 0;

	constructor(readonly values = new Map<string, Uint8Array>()) {}

	read(name: string, bytes: Uint8Array, start: number): number {
		const value = this.values.get(name);
		if (value === undefined) return -1;
		if (value.length <= bytes.length - start) bytes.set(value, start);
		return value.length;
	}

	write(name: string, bytes: Uint8Array, start: number, end: number): void {
		this.change();
		this.values.set(name, bytes.slice(start, end));
	}

	delete(name: string): void {
		this.change();
		this.values.delete(name);
	}

	each(visit: (name: string) => void): void {
		for (const name of this.values.keys()) visit(name);
	}

	private change(): void {
		if (this.left-- <= 0 || this.fails) throw new Error("no power");
		this.changes++;
	}
}

function tableOf(storage: KeyValueStorage): Table {
	const table: Table = new Map();
	storage.each(0, 0xffffffff, {
		visit: (key, bytes, start, end) => table.set(key, textOf(bytes.subarray(start, end))),
	});
	return table;
}

/** Plays batches; the table after each. @returns how many were durable, and how many committed, when the power went */
function play(store: Store, batches: number): { states: Table[]; durable: number; committed: number } {
	const script = new Script(5, 20, 100);
	const states: Table[] = [new Map()];
	const counts = { states, durable: 0, committed: 0 };
	const storage = new KeyValueStorage(store, LIMITS);
	storage.open({
		onDurable: (batch) => {
			counts.durable = batch;
		},
		onStorageError: () => {},
	});
	for (let i = 0; i < batches; i++) {
		const next = new Map(states.at(-1));
		let fits = true;
		for (const [key, value] of script.batch()) {
			const bytes = bytesOf(value ?? "");
			fits &&= value === undefined ? storage.delete(key) : storage.put(key, bytes, 0, bytes.length);
			if (value === undefined) next.delete(key);
			else next.set(key, value);
		}
		if (!fits) {
			storage.rollback();
			continue;
		}
		states.push(next);
		counts.committed = storage.commit();
		for (let step = 0; step < 20 && storage.step() === 0; step++);
		if (store.left < 0) return counts;
		assert.is(storage.step(), NOTHING);
		assert.ok(same(tableOf(storage), next));
		let bytes = 0;
		for (const value of next.values()) bytes += value.length;
		assert.is(storage.bytesUsed, bytes);
	}
	return counts;
}

test("cut after each change of the store, and again in the start: before a batch, or after it", () => {
	const day = new Store();
	play(day, 40);
	assert.ok(day.changes > 100);
	for (let cut = 0; cut < day.changes; cut++) {
		const store = new Store();
		store.left = cut;
		const { states, durable, committed } = play(store, 40);
		for (let again = 0; ; again++) {
			const next = new Store(new Map(store.values));
			next.left = again;
			try {
				new KeyValueStorage(next, LIMITS);
			} catch {
				// the power went during the start
			}
			const last = next.left >= 0;
			next.left = Number.POSITIVE_INFINITY;
			const table = tableOf(new KeyValueStorage(next, LIMITS));
			assert.ok(
				states.slice(durable, committed + 1).some((state) => same(state, table)),
				`cut ${cut}, then ${again}`,
			);
			if (last) break;
		}
	}
});

test("full, a long value, a large batch and too many records are answers", () => {
	const storage = new KeyValueStorage(new Store(), LIMITS);
	const bytes = new Uint8Array(600);
	assert.not(storage.put(1, bytes, 0, 600));
	assert.is(storage.valueBytesMax, 496);
	assert.ok(storage.put(1, bytes, 0, 496));
	assert.not(storage.put(2, bytes, 0, 1));
	storage.rollback();
	let key = 0;
	for (; storage.put(key, bytes, 0, 200); key++) {
		storage.commit();
		while (storage.step() === 0);
	}
	assert.is(key, 10);
	storage.rollback();
	for (; storage.put(key, bytes, 0, 0); key++) {
		storage.commit();
		while (storage.step() === 0);
	}
	assert.is(key, 40);
	assert.ok(storage.delete(3));
	assert.ok(storage.put(99, bytes, 0, 200), "what is deleted makes room");
	assert.ok(storage.delete(12_345), "there is none");
});

test("a store that fails loses the batch, says so, and is used again", () => {
	const store = new Store();
	const storage = new KeyValueStorage(store, LIMITS);
	const heard: string[] = [];
	storage.open({
		onDurable: (batch) => heard.push(`durable ${batch}`),
		onStorageError: (batch) => heard.push(`lost ${batch}`),
	});
	const put = (): number => {
		storage.put(1, bytesOf("one"), 0, 3);
		storage.put(2, bytesOf("two"), 0, 3);
		return storage.commit();
	};
	store.fails = true;
	put();
	while (storage.step() === 0);
	store.fails = false;
	assert.is(tableOf(storage).size, 0);
	put();
	while (storage.step() === 0);
	assert.equal(heard, ["lost 1", "durable 2"]);
	// the batch is written, and then the store fails
	put();
	storage.step();
	store.fails = true;
	assert.is(storage.step(), 1_000);
	store.fails = false;
	while (storage.step() === 0);
	assert.is(heard.at(-1), "durable 3");
});

test("a damaged value is left out and counted", () => {
	const store = new Store();
	const storage = new KeyValueStorage(store, LIMITS);
	storage.put(7, bytesOf("seven"), 0, 5);
	storage.commit();
	storage.close();
	assert.is(store.changes, 1, "one change needs no batch");
	store.values.get("r7")![9]! ^= 1;
	const next = new KeyValueStorage(store, LIMITS);
	assert.is(tableOf(next).size, 0);
	assert.is(next.lost, 1);
});

test.run();
