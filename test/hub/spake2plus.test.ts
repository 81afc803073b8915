/** SPAKE2+ by the vector of RFC 9383, appendix C, and by what must fail. */
import { curve } from "../../host-sim/curve.js";
import { crypto } from "../../host-sim/platform.js";
import { text } from "../../host-sim/text.js";
import { bytesOf, bytesOfHex, GENERATOR, hexOf, isPoint, negateScalar, scalarOf } from "../../src/hub/p256.js";
import { type Parties, Spake2Plus } from "../../src/hub/spake2plus.js";
import { assert, suite } from "../support/test.js";

const test = suite("SPAKE2+");

/** P256-SHA256-HKDF-SHA256-HMAC-SHA256 */
const VECTOR = {
	w0: "bb8e1bbcf3c48f62c08db243652ae55d3e5586053fca77102994f23ad95491b3",
	w1: "7e945f34d78785b8a3ef44d0df5a1a97d6b3b460409a345ca7830387a74b1dba",
	l:
		"04eb7c9db3d9a9eb1f8adab81b5794c1f13ae3e225efbe91ea487425854c7fc00f" +
		"00bfedcbd09b2400142d40a14f2064ef31dfaa903b91d1faea7093d835966efd",
	x: "d1232c8e8693d02368976c174e2088851b8365d0d79a9eee709c6a05a2fad539",
	shareP:
		"04ef3bd051bf78a2234ec0df197f7828060fe9856503579bb1733009042c15c0c1" +
		"de127727f418b5966afadfdd95a6e4591d171056b333dab97a79c7193e341727",
	y: "717a72348a182085109c8d3917d6c43d59b224dc6a7fc4f0483232fa6516d8b3",
	shareV:
		"04c0f65da0d11927bdf5d560c69e1d7d939a05b0e88291887d679fcadea75810fb" +
		"5cc1ca7494db39e82ff2f50665255d76173e09986ab46742c798a9a68437b048",
	z:
		"04bbfce7dd7f277819c8da21544afb7964705569bdf12fb92aa388059408d50091" +
		"a0c5f1d3127f56813b5337f9e4e67e2ca633117a4fbd559946ab474356c41839",
	v:
		"0458bf27c6bca011c9ce1930e8984a797a3419797b936629a5a937cf2f11c8b951" +
		"4b82b993da8a46e664f23db7c01edc87faa530db01c2ee405230b18997f16b68",
	confirmP: "926cc713504b9b4d76c9162ded04b5493e89109f6d89462cd33adc46fda27527",
	confirmV: "9747bcc4f8fe9f63defee53ac9b07876d907d55047e6ff2def2e7529089d3e68",
	shared: "0c5f8ccd1413423a54f6c1fb26ff01534a87f893779c6e68666d772bfd91f3e7",
};
const PARTIES: Parties = {
	context: "SPAKE2+-P256-SHA256-HKDF-SHA256-HMAC-SHA256 Test Vectors",
	prover: "client",
	verifier: "server",
};

function side(secret: string, w0 = VECTOR.w0, w1 = VECTOR.w1): Spake2Plus {
	return new Spake2Plus(crypto, curve, text, bytesOfHex(w0), bytesOfHex(w1), bytesOfHex(secret));
}

test("the vector of RFC 9383, from both sides", () => {
	const prover = side(VECTOR.x);
	const verifier = side(VECTOR.y);
	const shareP = prover.proverShare()!;
	const shareV = verifier.verifierShare()!;
	assert.is(hexOf(shareP), VECTOR.shareP);
	assert.is(hexOf(shareV), VECTOR.shareV);
	assert.is(hexOf(curve.multiply(bytesOfHex(VECTOR.w1), GENERATOR)!), VECTOR.l);
	for (const [z, v] of [
		[prover.proverZ(shareV)!, prover.proverV(shareV)!],
		[verifier.verifierZ(shareP)!, verifier.verifierV()!],
	] as const) {
		assert.is(hexOf(z), VECTOR.z);
		assert.is(hexOf(v), VECTOR.v);
		const keys = prover.keys(PARTIES, shareP, shareV, z, v);
		assert.is(hexOf(keys.confirmProver), VECTOR.confirmP);
		assert.is(hexOf(keys.confirmVerifier), VECTOR.confirmV);
		assert.is(hexOf(keys.shared), VECTOR.shared);
	}
});

test("identities that are absent count as empty ones", () => {
	const prover = side(VECTOR.x);
	const at = (hex: string) => bytesOfHex(hex);
	const keys = (p: string, v: string) =>
		prover.keys(
			{ ...PARTIES, prover: p, verifier: v },
			at(VECTOR.shareP),
			at(VECTOR.shareV),
			at(VECTOR.z),
			at(VECTOR.v),
		);
	assert.is(
		hexOf(keys("", "server").confirmProver),
		"ff3712ee7ef9f4ec62e4845133452689409790a8a979c09ebc7f7c62deb79d1a",
	);
	assert.is(
		hexOf(keys("client", "").confirmVerifier),
		"33e614f6acde5c84743d3cdc3aa9f3cd6300fece0bde00bfa096b5508f08e658",
	);
	assert.is(hexOf(keys("", "").shared), "418c8ae7e47a95c09bda81b8b9257beda8bfff4f710f1940c113a187c6a3b585");
});

test("another code, or another identity, gives other confirmations on both sides", () => {
	const prover = side(VECTOR.x);
	const other = side(VECTOR.y, bytesOfHexPlusOne(VECTOR.w0));
	const shareP = prover.proverShare()!;
	const shareV = other.verifierShare()!;
	const mine = prover.keys(PARTIES, shareP, shareV, prover.proverZ(shareV)!, prover.proverV(shareV)!);
	const theirs = other.keys(PARTIES, shareP, shareV, other.verifierZ(shareP)!, other.verifierV()!);
	assert.not.equal(mine.confirmProver, theirs.confirmProver);
	assert.not.equal(mine.confirmVerifier, theirs.confirmVerifier);
	assert.not.equal(mine.shared, theirs.shared);
});

function bytesOfHexPlusOne(hex: string): string {
	return hexOf(bytesOf(BigInt(`0x${hex}`) + 1n));
}

test("a share is a point of the curve in its only form, or refused", () => {
	const good = bytesOfHex(VECTOR.shareP);
	assert.ok(isPoint(good));
	assert.ok(isPoint(GENERATOR));
	const changed = (at: number, value: number) => {
		const bytes = good.slice();
		bytes[at] = value;
		return bytes;
	};
	assert.not(isPoint(good.subarray(0, 64)));
	assert.not(isPoint(new Uint8Array(65)));
	assert.not(isPoint(changed(0, 2)));
	assert.not(isPoint(changed(0, 0)));
	for (let at = 1; at < 65; at++) assert.not(isPoint(changed(at, good[at]! ^ 1)), `byte ${at}`);
	const prime = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";
	// x = 0 is on the curve, and so would x = p be if it were not taken for what it is
	const y = "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4";
	assert.ok(isPoint(bytesOfHex(`04${"00".repeat(32)}${y}`)));
	assert.not(isPoint(bytesOfHex(`04${prime}${y}`)));
});

test("what comes out as the identity is no key", () => {
	const one = bytesOf(1n);
	assert.is(curve.multiplyAdd(one, GENERATOR, negateScalar(one), GENERATOR), undefined);
	assert.is(scalarOf(bytesOfHex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")), undefined);
});

test.run();
