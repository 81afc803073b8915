/** A device's random bytes: each byte is drawn once, the source is asked again for each secret, and none gives none. */
import { entropy as none } from "../../boards/entropy.js";
import { RandomBytes } from "../../boards/random.js";
import { crypto } from "../../host-sim/platform.js";
import { assert, suite } from "../support/test.js";

const test = suite("boards: random bytes");

function hex(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("hex");
}

test("each secret is drawn anew from the board's source, and two boards with the same one have different ones", () => {
	let asked = 0;
	const constant = (bytes: Uint8Array) => {
		asked++;
		bytes.fill(7);
	};
	const a = new RandomBytes(crypto, constant);
	const first = new Uint8Array(32);
	const second = new Uint8Array(32);
	a.randomBytes(first);
	a.randomBytes(second);
	assert.is(asked, 2);
	assert.is.not(hex(first), hex(second), "a stuck source does not make a secret twice");
	let other = 8;
	const b = new RandomBytes(crypto, (bytes) => bytes.fill(other++));
	const third = new Uint8Array(32);
	b.randomBytes(third);
	assert.is.not(hex(first), hex(third));
});

test("nonces are whole numbers of 32 bits, no two alike, and ask the source once", () => {
	let asked = 0;
	const random = new RandomBytes(crypto, (bytes) => {
		asked++;
		bytes.fill(1);
	});
	const seen = new Set<number>();
	let high = 0;
	for (let i = 0; i < 1_000; i++) {
		const n = random.integer();
		assert.ok(Number.isInteger(n) && n >= 0 && n < 2 ** 32);
		if (n >= 2 ** 31) high++;
		seen.add(n);
	}
	assert.is(asked, 1);
	assert.is(seen.size, 1_000);
	assert.ok(high > 400 && high < 600, `${high} of 1,000 in the upper half`);
});

test("of a long row of bytes no value is missing, and a row is the same from a source that is the same", () => {
	const make = () => {
		const bytes = new Uint8Array(8_192);
		new RandomBytes(crypto, (drawn) => drawn.fill(3)).randomBytes(bytes);
		return bytes;
	};
	assert.is(new Set(make()).size, 256);
	assert.is(hex(make()), hex(make()));
});

test("a board without a source says so, in one line", () => {
	const random = new RandomBytes(crypto, none);
	assert.throws(() => random.randomBytes(new Uint8Array(1)), /^pairing: this board has no random numbers/);
	assert.throws(() => random.integer(), /add devices with passwords/);
});

test.run();
