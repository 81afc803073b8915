/** The SDK has no types for this module of its own. */
declare module "rng" {
	const RNG: {
		/** @returns unpredictable bytes */
		get(count: number): ArrayBuffer;
	};
	export default RNG;
}
