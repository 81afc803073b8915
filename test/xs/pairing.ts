/** On XS: the vector of RFC 9383 from both sides, and what a login made of a code is; with a device's memory. The point
 *  arithmetic is a stand-in for the SDK's. */

import { DeviceCrypto } from "../../boards/crypto.js";
import { DeviceText } from "../../boards/text.js";
import { bytesOfText } from "../../src/auth/bytes.js";
import { Pbkdf2 } from "../../src/auth/key-derivation.js";
import { scramCredentialsOf } from "../../src/auth/scram.js";
import { bytesOfHex, hexOf, isPoint } from "../../src/hub/p256.js";
import { deviceSecret, scalarsOfCode } from "../../src/hub/pairing-keys.js";
import { Spake2Plus } from "../../src/hub/spake2plus.js";
import { bigintCurve } from "../support/bigint-curve.js";
import { report } from "./measure.js";

const text = new DeviceText();
const crypto = new DeviceCrypto();
const W0 = "bb8e1bbcf3c48f62c08db243652ae55d3e5586053fca77102994f23ad95491b3";
const W1 = "7e945f34d78785b8a3ef44d0df5a1a97d6b3b460409a345ca7830387a74b1dba";
const X = "d1232c8e8693d02368976c174e2088851b8365d0d79a9eee709c6a05a2fad539";
const Y = "717a72348a182085109c8d3917d6c43d59b224dc6a7fc4f0483232fa6516d8b3";
const PARTIES = {
	context: "SPAKE2+-P256-SHA256-HKDF-SHA256-HMAC-SHA256 Test Vectors",
	prover: "client",
	verifier: "server",
};

function side(secret: string): Spake2Plus {
	return new Spake2Plus(crypto, bigintCurve, text, bytesOfHex(W0), bytesOfHex(W1), bytesOfHex(secret));
}

const prover = side(X);
const verifier = side(Y);
const shareP = prover.proverShare()!;
const shareV = verifier.verifierShare()!;
const mine = prover.keys(PARTIES, shareP, shareV, prover.proverZ(shareV)!, prover.proverV(shareV)!);
const theirs = verifier.keys(PARTIES, shareP, shareV, verifier.verifierZ(shareP)!, verifier.verifierV()!);
report("spake2plus", {
	confirmP: hexOf(mine.confirmProver),
	confirmV: hexOf(mine.confirmVerifier),
	shared: hexOf(mine.shared),
	same: hexOf(theirs.confirmProver) === hexOf(mine.confirmProver) && hexOf(theirs.shared) === hexOf(mine.shared),
	isPoint: isPoint(shareV),
});

const w = scalarsOfCode(crypto, text, "48213907")!;
const { password, salt } = deviceSecret(
	crypto,
	text,
	bytesOfHex("f44d9de84062ba01ddcebabee6d50e63d439e32bf7988e9632c4ae5be49f9291"),
);
const derivation = new Pbkdf2(crypto, bytesOfText(text, password), salt, 4_096);
while (!derivation.step(128));
const { storedKey, serverKey } = scramCredentialsOf(crypto, text, derivation.key, salt, 4_096);
report("keys", {
	w0: hexOf(w.w0),
	w1: hexOf(w.w1),
	password,
	storedKey: hexOf(storedKey),
	serverKey: hexOf(serverKey),
});

/** @returns opcodes of a call; garbage may be collected meanwhile */
function opcodesOf(action: () => unknown): number {
	const before = host.meter();
	action();
	return host.meter() - before;
}

const z = prover.proverZ(shareV)!;
report("costs", {
	schedule: opcodesOf(() => prover.keys(PARTIES, shareP, shareV, z, z)),
	isPoint: opcodesOf(() => isPoint(shareV)),
	slice: opcodesOf(() => new Pbkdf2(crypto, salt, salt, 128).step(128)),
});
