/** Stands for the native module "hearth-mqtt/flash" (boards/flash-pico): 64 KB that last as long as the process. */
const BYTES = 65_536;
const SECTOR_BYTES = 4_096;

/** Modules are preloaded, so what changes hangs on the global object. */
interface Holder {
	flash?: Uint8Array;
}

function part(): Uint8Array {
	const holder = globalThis as Holder;
	holder.flash ??= new Uint8Array(BYTES).fill(0xff);
	return holder.flash;
}

export function bytes(): number {
	return BYTES;
}

export function read(at: number, into: Uint8Array): void {
	into.set(part().subarray(at, at + into.length));
}

export function program(at: number, from: Uint8Array): void {
	const flash = part();
	for (let i = 0; i < from.length; i++) {
		if ((from[i]! & ~flash[at + i]!) !== 0) throw new Error("flash: a bit would be set");
		flash[at + i] = from[i]!;
	}
}

export function erase(sector: number): void {
	part().fill(0xff, sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
}
