/** Stands for the SDK's module "ec", of which only P-256 is asked. */
import { bytesOf, numberOf } from "../../../src/hub/p256.js";
import { bigintCurve } from "../../support/bigint-curve.js";
import ECPoint from "./ecp.js";

export default class EC {
	mul(point: ECPoint, k: bigint): ECPoint {
		return pointOf(bigintCurve.multiply(bytesOf(k), bytesOfPoint(point)));
	}

	mul2(point1: ECPoint, k1: bigint, point2: ECPoint, k2: bigint): ECPoint {
		return pointOf(bigintCurve.multiplyAdd(bytesOf(k1), bytesOfPoint(point1), bytesOf(k2), bytesOfPoint(point2)));
	}
}

function bytesOfPoint({ x, y }: ECPoint): Uint8Array {
	const bytes = new Uint8Array(65);
	bytes[0] = 4;
	bytes.set(bytesOf(x), 1);
	bytes.set(bytesOf(y), 33);
	return bytes;
}

function pointOf(bytes: Uint8Array | undefined): ECPoint {
	if (bytes === undefined) return new ECPoint(0n, 0n, true);
	return new ECPoint(numberOf(bytes.subarray(1, 33)), numberOf(bytes.subarray(33)));
}
