/** The codec's properties: what is written is read, any cut of a stream gives the same packets, and no bytes whatever
 *  make it throw or look past the end. */
import fc from "fast-check";
import { Frame, Framer } from "../../src/codec/framer.js";
import { Version } from "../../src/codec/packet-types.js";
import { Cause, causeCount } from "../../src/errors.js";
import { anyPacket, VERSIONS } from "../support/arbitrary-packets.js";
import { decode, encode, type Fields } from "../support/codec.js";
import { assert, suite } from "../support/test.js";

const test = suite("codec");
const options = { seed: 9, includeErrorInReport: true };

/** @returns the packet's bytes */
function bytesOf(p: Fields, version: Version): Uint8Array {
	const target = new Uint8Array(4_096);
	return target.slice(0, encode(p, version, target, 0).end);
}

for (const version of VERSIONS) {
	test(`level ${version}: the size that is asked for is the size that is written, and not a byte beside it`, () => {
		fc.assert(
			fc.property(anyPacket(version), fc.nat(50), (p, at) => {
				const target = new Uint8Array(4_096).fill(0xa5);
				const { end, size } = encode(p, version, target, at);
				assert.is(end - at, size);
				assert.ok(
					target.subarray(0, at).every((byte) => byte === 0xa5),
					"before it",
				);
				assert.ok(
					target.subarray(end).every((byte) => byte === 0xa5),
					"after it",
				);
			}),
			{ ...options, numRuns: 500 },
		);
	});

	test(`level ${version}: any cut of a stream gives the same packets, whatever fits into the buffer`, () => {
		const stream = fc.array(anyPacket(version), { minLength: 1, maxLength: 6 });
		const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 10 });
		fc.assert(
			fc.property(stream, cuts, fc.integer({ min: 16, max: 80 }), (packets, pieces, capacity) => {
				const each = packets.map((p) => bytesOf(p, version));
				const all = Uint8Array.from(each.flatMap((bytes) => [...bytes]));
				const got = frames(all, pieces, capacity);
				assert.equal(
					got,
					each.map((bytes) => Buffer.from(bytes).toString("hex")),
				);
			}),
			{ ...options, numRuns: 500 },
		);
	});

	test(`level ${version}: mutated and random bytes give named causes, and never what lies beside them`, () => {
		const mutations = fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { minLength: 0, maxLength: 4 });
		const cut = fc.nat(10);
		fc.assert(
			fc.property(anyPacket(version), mutations, cut, fc.boolean(), (p, changes, shorter, cutIt) => {
				const whole = bytesOf(p, version);
				const bytes = cutIt ? whole.slice(0, Math.max(2, whole.length - shorter)) : whole;
				for (const [at, value] of changes) bytes[at % bytes.length] = value;
				hold(bytes, version);
			}),
			{ ...options, numRuns: 3_000 },
		);
		fc.assert(
			fc.property(fc.uint8Array({ minLength: 2, maxLength: 60 }), (bytes) => hold(bytes, version)),
			{ ...options, numRuns: 3_000 },
		);
	});
}

/** Frames a stream in pieces. @returns each packet as hex, with its fixed header */
function frames(all: Uint8Array, pieces: readonly number[], capacity: number): string[] {
	const framer = new Framer(new Uint8Array(capacity + 20), 10, capacity, 100_000);
	const got: string[] = [];
	let large: number[] = [];
	const whole = (body: Uint8Array | number[]): void => {
		const header = [framer.first];
		let rest = body.length;
		do {
			header.push(rest > 127 ? (rest & 127) | 128 : rest);
			rest >>= 7;
		} while (rest > 0);
		got.push(Buffer.from([...header, ...body]).toString("hex"));
	};
	for (let at = 0, n = 0; at < all.length; n++) {
		const end = Math.min(all.length, at + pieces[n % pieces.length]!);
		// as a transport does it: a piece lies anywhere, and what is beside it is nobody's
		const chunk = new Uint8Array(end - at + 20).fill(0x30);
		chunk.set(all.subarray(at, end), 10);
		for (let p = 10; p < 10 + end - at; ) {
			const frame = framer.next(chunk, p, 10 + end - at);
			p = framer.after;
			if (frame === Frame.Packet) whole(framer.bytes.slice(framer.start, framer.end));
			else if (frame === Frame.Large) large = [];
			else if (frame === Frame.Part || frame === Frame.LastPart) {
				large.push(...framer.bytes.slice(framer.start, framer.end));
				if (frame === Frame.LastPart) whole(large);
			} else if (frame === Frame.Malformed) throw new Error(`malformed: ${framer.cause}`);
		}
		at = end;
	}
	return got;
}

/** Decodes bytes twice, with other bytes around them: the same comes out, and nothing is thrown. */
function hold(bytes: Uint8Array, version: Version): void {
	const results = [0x00, 0xff].map((around) => {
		const place = new Uint8Array(bytes.length + 200).fill(around);
		place.set(bytes, 100);
		const framer = new Framer(new Uint8Array(128), 0, 128, 100_000);
		const end = 100 + bytes.length;
		const frame = framer.next(place, 100, end);
		if (frame !== Frame.Packet) return { frame, cause: framer.cause };
		assert.ok(framer.end <= end);
		const { cause, fields } = decode(framer.first, framer.bytes, framer.start, framer.end, version);
		assert.ok(cause >= 0 && cause < causeCount);
		return { frame, cause, fields };
	});
	assert.equal(results[0], results[1]);
}

test("a packet larger than what is taken is told as that, before its body is there", () => {
	const framer = new Framer(new Uint8Array(64), 0, 64, 1_000);
	assert.is(framer.next(Uint8Array.of(0x30, 0xe9, 0x07), 0, 3), Frame.Malformed);
	assert.is(framer.cause, Cause.PacketTooLarge);
	framer.reset();
	assert.is(framer.next(Uint8Array.of(0x30, 0xe5, 0x07), 0, 3), Frame.Large, "1,000 bytes in all");
	assert.is(framer.packetBytes, 1_000);
	assert.is(framer.first >> 4, 3);
});

test("a Remaining Length may be longer than it need be before 5.0, and not in 5.0 [5:MQTT-1.5.5-1]", () => {
	const framer = new Framer(new Uint8Array(64), 0, 64, 1_000);
	const bytes = Uint8Array.of(0x30, 0x83, 0x00, 0, 1, 0x61);
	assert.is(framer.next(bytes, 0, 6), Frame.Packet);
	assert.equal([framer.start, framer.end], [3, 6]);
	framer.version = Version.V5;
	assert.is(framer.next(bytes, 0, 6), Frame.Malformed);
	assert.is(framer.cause, Cause.RemainingLengthMalformed);
});

/** Bytes of a packet, the version, and the cause that the codec finds. */
const CAUSES: [string, Version, Cause][] = [
	["30 01 00", 4, Cause.PacketTooShort],
	["30 03 00 05 61", 4, Cause.StringPastEnd],
	["36 05 00 01 61 00 01", 4, Cause.PublishQos3],
	["38 03 00 01 61", 4, Cause.PublishDupQos0],
	["32 05 00 01 61 00 00", 4, Cause.PacketIdZero],
	["32 04 00 01 61 00", 4, Cause.PacketTooShort],
	["30 03 00 01 61", 5, Cause.PropertyLength],
	["30 05 00 01 61 05 01", 5, Cause.PropertyLength],
	["30 06 00 01 61 02 7f 00", 5, Cause.PropertyUnknown],
	["30 06 00 01 61 02 01 02", 5, Cause.PropertyValue],
	["30 08 00 01 61 04 01 00 01 00", 5, Cause.PropertyDuplicate],
	["30 09 00 01 61 05 11 00 00 00 01", 5, Cause.PropertyNotAllowed],
	["30 07 00 01 61 03 02 00 00", 5, Cause.StringPastEnd],
	["30 07 00 01 61 03 23 00 00", 5, Cause.TopicAliasInvalid],
	["30 08 00 01 61 04 03 00 01 ff", 5, Cause.StringIllFormed],
	["30 08 00 01 61 04 03 00 01 00", 5, Cause.StringHasNul],
	["30 09 00 01 61 05 26 00 01 61 00", 5, Cause.StringPastEnd],
	["82 02 00 01", 4, Cause.FilterListEmpty],
	["82 05 00 01 00 00 00", 4, Cause.FilterInvalid],
	["82 06 00 01 00 01 61 03", 4, Cause.SubscribeOptions],
	["82 09 00 01 02 0b 00 00 01 61 00", 5, Cause.PropertyValue],
	["82 0a 00 01 03 0b 80 00 00 01 61 00", 5, Cause.VariableByteInteger],
	["90 03 00 01 03", 4, Cause.ReasonCodeUnknown],
	["90 02 00 01", 4, Cause.PacketTooShort],
	["b0 03 00 01 00", 4, Cause.PacketTrailingBytes],
	["40 03 00 01 00", 4, Cause.PacketTrailingBytes],
	["40 03 00 01 05", 5, Cause.ReasonCodeUnknown],
	["62 03 00 01 10", 5, Cause.ReasonCodeUnknown],
	["20 02 02 00", 4, Cause.ConnectFlags],
	["20 02 00 06", 4, Cause.ReasonCodeUnknown],
	["e0 01 00", 4, Cause.PacketTrailingBytes],
	["10 0d 00 04 4d 51 54 55 04 02 00 00 00 01 63", 4, Cause.ProtocolName],
	["10 0d 00 04 4d 51 54 54 06 02 00 00 00 01 63", 4, Cause.ProtocolVersion],
	["10 0d 00 04 4d 51 54 54 04 03 00 00 00 01 63", 4, Cause.ConnectFlags],
	["10 0e 00 04 4d 51 54 54 04 02 00 00 00 01 63 00", 4, Cause.PacketTrailingBytes],
	["10 11 00 04 4d 51 54 54 05 02 00 00 03 21 00 00 00 01 63", 5, Cause.PropertyValue],
];

for (const [hex, version, cause] of CAUSES)
	test(`level ${version}: ${hex} is refused for its own cause`, () => {
		const bytes = Uint8Array.from(hex.split(" "), (byte) => Number.parseInt(byte, 16));
		assert.is(decode(bytes[0]!, bytes, 2, bytes.length, version).cause, cause);
	});

test.run();
