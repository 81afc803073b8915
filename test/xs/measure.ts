/** What code costs on XS: opcodes, slots and chunk bytes, exact and the same in every run.
 *  Runs on XS only (scripts/xs.mjs). */

/** Of one call. Opcodes include a few native steps of some built-ins. */
export interface Cost {
	opcodes: number;
	slots: number;
	/** with their headers of 8 bytes */
	chunkBytes: number;
}

/** What is known before a measurement, so that reading the counters costs nothing of what they count. */
let meter = 0;
let slots = 0;
let chunks = 0;
let collections = 0;

function begin(): void {
	collections = host.gcs();
	chunks = host.chunks();
	slots = host.slots();
	meter = host.meter();
}

function run(action: () => unknown, turns: number): Cost {
	let left = turns;
	begin();
	do action();
	while (--left);
	const opcodes = host.meter() - meter;
	const cost = { opcodes, slots: host.slots() - slots, chunkBytes: host.chunks() - chunks };
	if (host.gcs() !== collections) throw new Error("measure: garbage was collected meanwhile; take fewer turns");
	return cost;
}

/** Measures a call. `action` runs once before, so that what it does only the first time is not counted; the loop and
 *  the call of an empty function are taken away.
 *  @param turns over which the mean is taken; a whole number of each cost means that every turn costs the same.
 *  Throws when the garbage of so many turns doesn't fit the heaps */
export function costOf(action: () => unknown, turns = 100): Cost {
	action();
	host.gc();
	const loop = run(() => {}, turns);
	host.gc();
	const all = run(action, turns);
	return {
		opcodes: (all.opcodes - loop.opcodes) / turns,
		slots: (all.slots - loop.slots) / turns,
		chunkBytes: (all.chunkBytes - loop.chunkBytes) / turns,
	};
}

/** What stays of what `make` made. `opcodes` are those of making it, garbage collections apart. */
export interface Kept<T> extends Cost {
	/** slots × bytes of a slot + chunkBytes */
	bytes: number;
	value: T;
}

/** Measures what an object keeps: what is in use after garbage is gone, after and before. */
export function keptBy<T>(make: () => T): Kept<T> {
	host.gc();
	begin();
	const value = make();
	const opcodes = host.meter() - meter;
	host.gc();
	const keptSlots = host.slots() - slots;
	const chunkBytes = host.chunks() - chunks;
	return { opcodes, slots: keptSlots, chunkBytes, bytes: keptSlots * host.slotSize() + chunkBytes, value };
}

/** Prints one result as a line of JSON, which `runOnXs` (scripts/xs.mjs) gives as an object. */
export function report(name: string, values: object): void {
	host.print(JSON.stringify({ name, ...values }));
}
