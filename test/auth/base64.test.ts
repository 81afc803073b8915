import fc from "fast-check";
import { decodeBase64, encodeBase64 } from "../../src/auth/base64.js";
import { assert, suite } from "../support/test.js";

const test = suite("Base64");

test("it is what Node makes of the same bytes, and back", () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
			const text = Buffer.from(bytes).toString("base64");
			assert.is(encodeBase64(bytes), text);
			assert.equal(decodeBase64(text), new Uint8Array(bytes));
		}),
		{ seed: 1 },
	);
});

test("what is not the one form of some bytes is refused", () => {
	for (const text of [
		"A",
		"AA",
		"AAA",
		"A===",
		"AA=A",
		"=AAA",
		"AB==",
		"AAB=",
		"AA\n=",
		"AAA-",
		"AA==AA==",
		"\u00c1AAA",
	])
		assert.is(decodeBase64(text), undefined, text);
});

test.run();
