/** Stands for the SDK's module "instrumentation". */
export default {
	map: (name: string): string => name,
	get(name: string): number | undefined {
		if (name === "XS Slot Heap Used") return host.slots() * host.slotSize();
		if (name === "XS Chunk Heap Used") return host.chunks();
		return undefined;
	},
};
