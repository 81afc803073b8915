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

/** As small as the SDK's, whose methods are native. */
class Domain {
	constructor(private readonly path: string) {}

	read(name: string): ArrayBuffer | undefined {
		return domain(this.path).get(name);
	}

	write(name: string, bytes: Uint8Array): void {
		domain(this.path).set(name, bytes.slice().buffer);
	}

	delete(name: string): void {
		domain(this.path).delete(name);
	}

	[Symbol.iterator](): IterableIterator<string> {
		return domain(this.path).keys();
	}
}

export default { open: ({ path }: { path: string }): Domain => new Domain(path) };
