/** Point arithmetic on P-256 for Node, by @noble/curves. */
import { p256 } from "@noble/curves/nist.js";
import type { Curve } from "../src/platform.js";

const { Point } = p256;
type PointOnCurve = InstanceType<typeof Point>;

function scalarOf(bytes: Uint8Array): bigint {
	return BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}

function bytesOf(point: PointOnCurve): Uint8Array | undefined {
	return point.is0() ? undefined : point.toBytes(false);
}

export const curve: Curve = {
	multiply: (s, p) => bytesOf(Point.fromBytes(p).multiply(scalarOf(s))),
	multiplyAdd: (s, p, t, q) =>
		bytesOf(
			Point.fromBytes(p)
				.multiply(scalarOf(s))
				.add(Point.fromBytes(q).multiply(scalarOf(t))),
		),
};
