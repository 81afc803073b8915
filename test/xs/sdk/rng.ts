/** Stands for the SDK's module "rng". */
export default {
	init(): void {},
	get(count: number): ArrayBuffer {
		const bytes = new Uint8Array(count);
		for (let i = 0; i < count; i++) bytes[i] = host.random();
		return bytes.buffer;
	},
};
