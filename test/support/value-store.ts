/** A store of names and values in memory, as a board has one in flash: it may be full, and lose its power. */
import type { KeyValue } from "../../src/platform.js";

export class ValueStore implements KeyValue {
	readonly valueBytesMax = 1_000;
	readonly values = new Map<string, Uint8Array>();
	/** each change throws */
	full = false;
	/** changes until the power fails: from then on nothing happens any more */
	changesLeft = Number.POSITIVE_INFINITY;

	read(name: string, bytes: Uint8Array, start: number): number {
		const value = this.values.get(name);
		if (value !== undefined && value.length <= bytes.length - start) bytes.set(value, start);
		return value?.length ?? -1;
	}

	write(name: string, bytes: Uint8Array, start: number, end: number): void {
		if (this.may("no room")) this.values.set(name, bytes.slice(start, end));
	}

	delete(name: string): void {
		if (this.may("does not work")) this.values.delete(name);
	}

	each(visit: (name: string) => void): void {
		for (const name of this.values.keys()) visit(name);
	}

	private may(why: string): boolean {
		if (this.full) throw new Error(why);
		return this.changesLeft-- > 0;
	}
}
