/** Stands for the SDK's module "embedded:storage/key-value": kept for as long as the process lives. */
interface Holder {
	domains?: Map<string, Map<string, ArrayBuffer>>;
}

function domain(path: string): Map<string, ArrayBuffer> {
	const holder = globalThis as Holder;
	holder.domains ??= new Map();
	const values = holder.domains.get(path) ?? new Map<string, ArrayBuffer>();
	holder.domains.set(path, values);
	return values;
}

export default {
	open({ path }: { path: string }) {
		return {
			read: (name: string) => domain(path).get(name),
			write: (name: string, bytes: Uint8Array) => void domain(path).set(name, bytes.slice().buffer),
			delete: (name: string) => void domain(path).delete(name),
			[Symbol.iterator]: () => domain(path).keys(),
		};
	},
};
