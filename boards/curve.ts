/** Point arithmetic on P-256 on a device: the SDK's native one. A call takes an ESP32 a fifth of a second (estimated),
 *  and nothing else happens meanwhile: who calls makes one call a turn. */
import EC from "ec";
import ECPoint from "ecp";
import { bytesOf, numberOf, POINT_BYTES } from "../src/hub/p256.js";
import type { Curve } from "../src/platform.js";

/** FIPS 186-5; SEC 2, 2.4.2 */
const PRIME = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const A = PRIME - 3n;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

/** The group's neutral element has no coordinates. */
const IDENTITY_Z = 0n;

export class DeviceCurve implements Curve {
	multiply(s: Uint8Array, p: Uint8Array): Uint8Array | undefined {
		return bytesOfPoint(new EC(A, B, PRIME).mul(pointOf(p), numberOf(s)));
	}

	/** One call for both products, which costs a third more than one product. */
	multiplyAdd(s: Uint8Array, p: Uint8Array, t: Uint8Array, q: Uint8Array): Uint8Array | undefined {
		return bytesOfPoint(new EC(A, B, PRIME).mul2(pointOf(p), numberOf(s), pointOf(q), numberOf(t)));
	}
}

function pointOf(bytes: Uint8Array): ECPoint {
	return new ECPoint(numberOf(bytes.subarray(1, 33)), numberOf(bytes.subarray(33)));
}

function bytesOfPoint({ x, y, z }: ECPoint): Uint8Array | undefined {
	if (z === IDENTITY_Z) return undefined;
	const bytes = new Uint8Array(POINT_BYTES);
	bytes[0] = 4;
	bytes.set(bytesOf(x), 1);
	bytes.set(bytesOf(y), 33);
	return bytes;
}
