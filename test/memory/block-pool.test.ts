import { BlockPool } from "../../src/memory/block-pool.js";
import { MessageStore } from "../../src/memory/message-store.js";
import { assert, suite } from "../support/test.js";

const test = suite("block pool and message store");

const bytesOf = (length: number, first = 0) => Uint8Array.from({ length }, (_, i) => (first + i) & 255);

test("a chain of blocks is taken whole or not at all", () => {
	const pool = new BlockPool(new Uint8Array(320), 0, 32, 10);
	const first = pool.take(7);
	assert.ok(first > 0);
	assert.is(pool.take(4), 0, "only three are free");
	assert.is(pool.freeCount, 3);
	pool.giveBack(first);
	assert.is(pool.freeCount, 10);
	assert.is(pool.freeCountMin, 3, "the low water mark stays");
	assert.ok(pool.take(10) > 0);
});

test("every block is used once, at its own place", () => {
	const pool = new BlockPool(new Uint8Array(16 + 320), 16, 32, 10);
	const places = new Set<number>();
	for (let i = 0; i < 10; i++) places.add(pool.at(pool.take(1)));
	assert.is(places.size, 10);
	assert.is(Math.min(...places), 16);
	assert.is(Math.max(...places), 16 + 9 * 32);
});

test("what is appended in pieces of any size is read back at any offset", () => {
	for (let piece = 1; piece < 80; piece++) {
		const pool = new BlockPool(new Uint8Array(1024), 0, 32, 32);
		const first = pool.take(1);
		let last = first;
		let length = 0;
		while (length + piece <= 300) {
			const used = length % 32;
			last = pool.append(last, used === 0 && length > 0 ? 32 : used, bytesOf(piece, length), 0, piece);
			length += piece;
		}
		for (const offset of [0, 1, 31, 32, 33, length - 1]) {
			const target = new Uint8Array(400).fill(99);
			const end = pool.read(first, offset, length - offset, target, 10);
			assert.is(end, 10 + length - offset);
			assert.equal(target.slice(10, end), bytesOf(length - offset, offset), `pieces of ${piece} from ${offset}`);
			assert.is(target[9], 99);
			assert.is(target[end], 99);
		}
		pool.giveBack(first);
		assert.is(pool.freeCount, 32);
	}
});

test("chains keep their bytes, whether their blocks lie one behind the other or anywhere", () => {
	let state = 7;
	const random = (below: number): number => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return Math.floor((state / 2 ** 32) * below);
	};
	const pool = new BlockPool(new Uint8Array(64 * 32), 0, 32, 64);
	const chains: { first: number; bytes: Uint8Array }[] = [];
	for (let step = 0; step < 3_000; step++) {
		if (random(2) === 0) {
			const bytes = bytesOf(1 + random(300), step);
			const first = pool.take(Math.ceil(bytes.length / 32));
			if (first === 0) continue;
			const cut = random(bytes.length + 1);
			const used = cut % 32;
			const last = pool.write(first, 0, bytes, 0, cut);
			pool.write(last, used === 0 && cut > 0 ? 32 : used, bytes, cut, bytes.length);
			chains.push({ first, bytes });
		} else if (chains.length > 0) {
			const [chain] = chains.splice(random(chains.length), 1);
			const from = random(chain!.bytes.length);
			const target = new Uint8Array(310);
			const end = pool.read(chain!.first, from, chain!.bytes.length - from, target, 5);
			assert.equal(target.slice(5, end), chain!.bytes.slice(from));
			pool.giveBack(chain!.first);
		}
	}
});

test("a chain that cannot grow stays as it was", () => {
	const pool = new BlockPool(new Uint8Array(96), 0, 32, 3);
	const first = pool.take(1);
	assert.is(pool.append(first, 0, bytesOf(97), 0, 97), 0);
	assert.is(pool.freeCount, 2);
	assert.ok(pool.append(first, 0, bytesOf(96), 0, 96) > 0);
});

function add(store: MessageStore, topic: number, properties: number, payload: number): number {
	const source = bytesOf(2000);
	return store.add(1, 0, source, 0, topic, source, 100, 100 + properties, source, 300, 300 + payload);
}

test("a message of any size lies in one piece: topic, properties, payload", () => {
	const pool = new BlockPool(new Uint8Array(64 * 64), 0, 64, 64);
	const store = new MessageStore(pool, 10, 4096);
	for (const topic of [1, 63, 64, 65, 128])
		for (const properties of [0, 1, 64, 127])
			for (const payload of [0, 1, 63, 64, 500]) {
				const message = add(store, topic, properties, payload);
				assert.is(store.bytes(message), topic + properties + payload);
				const read = new Uint8Array(store.bytes(message));
				pool.read(message, 0, read.length, read, 0);
				assert.equal(read.slice(0, topic), bytesOf(topic));
				assert.equal(read.slice(topic, topic + properties), bytesOf(properties, 100));
				assert.equal(read.slice(topic + properties), bytesOf(payload, 300 & 255));
				assert.is(store.count, 1);
				store.release(message);
				assert.is(pool.freeCount, 64);
			}
});

test("a message goes when its last holder lets it go", () => {
	const pool = new BlockPool(new Uint8Array(64 * 4), 0, 64, 4);
	const store = new MessageStore(pool, 10, 4096);
	const message = add(store, 10, 0, 100);
	store.hold(message);
	store.release(message);
	assert.is(pool.freeCount, 2);
	store.release(message);
	assert.is(pool.freeCount, 4);
	assert.is(store.count, 0);
});

test("a message that does not fit is refused and takes nothing", () => {
	const pool = new BlockPool(new Uint8Array(64 * 4), 0, 64, 4);
	const store = new MessageStore(pool, 10, 4096);
	assert.is(add(store, 10, 0, 300), 0);
	assert.is(pool.freeCount, 4);
});

test("a message is over at its time and not before", () => {
	const store = new MessageStore(new BlockPool(new Uint8Array(64 * 4), 0, 64, 4), 10, 4096);
	const source = bytesOf(10);
	const message = store.add(0, 5000, source, 0, 1, source, 0, 0, source, 0, 1);
	assert.not(store.isExpired(message, 4999));
	assert.ok(store.isExpired(message, 5000));
	const forever = store.add(0, 0, source, 0, 1, source, 0, 0, source, 0, 1);
	assert.not(store.isExpired(forever, 1e15));
});

test.run();
