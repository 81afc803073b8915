/** The SDK has no types for these modules of its own. */
declare module "rng" {
	const RNG: {
		/** @returns bytes of a generator that was keyed once, from the platform's own random numbers */
		get(count: number): ArrayBuffer;
		/** Keys it again from those: 16 bytes. */
		init(): void;
	};
	export default RNG;
}

declare module "ecp" {
	/** A point; z = 0: the identity */
	export default class ECPoint {
		constructor(x: bigint, y: bigint);
		readonly x: bigint;
		readonly y: bigint;
		readonly z: bigint;
	}
}

declare module "ec" {
	import type ECPoint from "ecp";
	/** y² = x³ + a·x + b modulo m */
	export default class EC {
		constructor(a: bigint, b: bigint, m: bigint);
		mul(point: ECPoint, k: bigint): ECPoint;
		mul2(point1: ECPoint, k1: bigint, point2: ECPoint, k2: bigint): ECPoint;
	}
}

/** Random bytes of the board's own source: boards/chance. */
declare module "hearth-mqtt/chance" {
	/** Fills the array. */
	export default function fill(bytes: ArrayBuffer): void;
}

/** The storage partition of a Pico's flash: boards/flash-pico. Each throws where the flash does not do it. */
declare module "hearth-mqtt/flash" {
	/** @returns its bytes; 0: there is none */
	export function bytes(): number;
	/** Fills the array from address `at` on. */
	export function read(at: number, into: Uint8Array): void;
	/** Bits go from 1 to 0. */
	export function program(at: number, from: Uint8Array): void;
	/** Sets all bits of a sector of 4,096 bytes to 1. */
	export function erase(sector: number): void;
}
