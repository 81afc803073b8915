/** UTF-8 on Node: what is ill-formed is told, whatever array it lies in. */
import { text } from "../../host-sim/text.js";
import { assert, suite } from "../support/test.js";

const test = suite("UTF-8 on Node");

/** @returns what decode makes of the bytes, within a larger array of the kind */
function decoded(bytes: number[], kind: "buffer" | "array"): string | undefined {
	const all = Uint8Array.from([120, ...bytes, 120]);
	return text.decode(kind === "buffer" ? Buffer.from(all) : all, 1, bytes.length + 1);
}

for (const kind of ["buffer", "array"] as const)
	test(`${kind}: what is no UTF-8 is undefined, and U+FFFD itself is a character [MQTT-1.5.3-1]`, () => {
		const good = ["", "room/1", "Küche/🌡", "\ufffd", "a\ufffdb", "\u0000", "\ufeff"];
		for (const value of good) assert.is(decoded([...Buffer.from(value)], kind), value);
		const bad = [[0x80], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x61, 0xff]];
		for (const bytes of bad) assert.is(decoded(bytes, kind), undefined, `${bytes}`);
		assert.is(decoded([0xef, 0xbf, 0xbd, 0xff], kind), undefined, "one that is there, and one that stands for a fault");
	});

test("arrays that take turns are not mistaken for one another", () => {
	const arrays = ["one", "two", "three", "four"].map((value) => Uint8Array.from(Buffer.from(value)));
	for (let round = 0; round < 3; round++)
		assert.equal(
			arrays.map((bytes) => text.decode(bytes, 0, bytes.length)),
			["one", "two", "three", "four"],
		);
	const shared = Uint8Array.from(Buffer.from("abcdef"));
	assert.is(text.key(shared, 0, 3), "abc");
	assert.is(text.key(shared.subarray(3), 0, 3), "def");
});

test.run();
