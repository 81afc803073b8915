/** Point arithmetic on P-256 with BigInt alone, slow and simple: a stand-in for an SDK's native one where a test runs
 *  on the bare engine, and a second opinion on the library's. */
import { bytesOf, numberOf } from "../../src/hub/p256.js";
import type { Curve } from "../../src/platform.js";

const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;

/** x / z², y / z³; z = 0: the identity */
interface Jacobian {
	x: bigint;
	y: bigint;
	z: bigint;
}

function modulo(a: bigint): bigint {
	const rest = a % P;
	return rest < 0n ? rest + P : rest;
}

function double({ x, y, z }: Jacobian): Jacobian {
	if (z === 0n || y === 0n) return { x: 1n, y: 1n, z: 0n };
	const yy = modulo(y * y);
	const s = modulo(4n * x * yy);
	const zz = modulo(z * z);
	const m = modulo(3n * (x - zz) * (x + zz));
	const newX = modulo(m * m - 2n * s);
	return { x: newX, y: modulo(m * (s - newX) - 8n * yy * yy), z: modulo(2n * y * z) };
}

function add(a: Jacobian, b: Jacobian): Jacobian {
	if (a.z === 0n) return b;
	if (b.z === 0n) return a;
	const aa = modulo(a.z * a.z);
	const bb = modulo(b.z * b.z);
	const u = modulo(a.x * bb);
	const s = modulo(a.y * bb * b.z);
	const h = modulo(b.x * aa - u);
	const r = modulo(b.y * aa * a.z - s);
	if (h === 0n) return r === 0n ? double(a) : { x: 1n, y: 1n, z: 0n };
	const hh = modulo(h * h);
	const hhh = modulo(h * hh);
	const v = modulo(u * hh);
	const x = modulo(r * r - hhh - 2n * v);
	return { x, y: modulo(r * (v - x) - s * hhh), z: modulo(h * a.z * b.z) };
}

function multiply(scalar: bigint, point: Jacobian): Jacobian {
	let result: Jacobian = { x: 1n, y: 1n, z: 0n };
	for (let bit = 255n; bit >= 0n; bit--) {
		result = double(result);
		if (((scalar >> bit) & 1n) === 1n) result = add(result, point);
	}
	return result;
}

function inverse(a: bigint): bigint {
	let result = 1n;
	let base = a;
	for (let exponent = P - 2n; exponent > 0n; exponent >>= 1n) {
		if ((exponent & 1n) === 1n) result = modulo(result * base);
		base = modulo(base * base);
	}
	return result;
}

function pointOf(bytes: Uint8Array): Jacobian {
	return { x: numberOf(bytes.subarray(1, 33)), y: numberOf(bytes.subarray(33)), z: 1n };
}

function bytesOfPoint({ x, y, z }: Jacobian): Uint8Array | undefined {
	if (z === 0n) return undefined;
	const i = inverse(z);
	const ii = modulo(i * i);
	const bytes = new Uint8Array(65);
	bytes[0] = 4;
	bytes.set(bytesOf(modulo(x * ii)), 1);
	bytes.set(bytesOf(modulo(y * ii * i)), 33);
	return bytes;
}

export const bigintCurve: Curve = {
	multiply: (s, p) => bytesOfPoint(multiply(numberOf(s), pointOf(p))),
	multiplyAdd: (s, p, t, q) => bytesOfPoint(add(multiply(numberOf(s), pointOf(p)), multiply(numberOf(t), pointOf(q)))),
};
