/** Stands for the SDK's module "ecp". */
export default class ECPoint {
	readonly z: bigint;

	constructor(
		readonly x: bigint,
		readonly y: bigint,
		identity = false,
	) {
		this.z = identity ? 0n : 1n;
	}
}
