/** Stands for the SDK's module "timer" on the XS host, which has one timer. */

interface Entry {
	callback: () => void;
	due: number;
	/** ms; 0: once */
	repeat: number;
	active: boolean;
}

/** Modules are preloaded, so what changes hangs on the global object. */
interface Holder {
	timers?: Entry[];
}

function entries(): Entry[] {
	const holder = globalThis as Holder;
	holder.timers ??= [];
	globalThis.onTimer ??= fire;
	return holder.timers;
}

function arm(): void {
	const list = entries();
	let first = -1;
	for (let i = 0; i < list.length; i++) {
		const entry = list[i]!;
		if (entry.active && (first < 0 || entry.due < first)) first = entry.due;
	}
	host.setTimer(first < 0 ? -1 : Math.max(0, first - host.now()));
}

function fire(): void {
	const list = entries();
	const now = host.now();
	for (let i = 0; i < list.length; i++) {
		const entry = list[i]!;
		if (!entry.active || entry.due > now) continue;
		if (entry.repeat > 0) entry.due = now + entry.repeat;
		else Timer.clear(entry);
		entry.callback();
	}
	for (let i = list.length - 1; i >= 0; i--) if (!list[i]!.active) list.splice(i, 1);
	arm();
}

export default class Timer {
	static set(callback: () => void, ms = 0, repeatMs = 0): Entry {
		const entry = { callback, due: host.now() + ms, repeat: repeatMs, active: true };
		entries().push(entry);
		arm();
		return entry;
	}

	static repeat(callback: () => void, ms: number): Entry {
		return Timer.set(callback, ms, ms);
	}

	static schedule(entry: Entry, ms: number, repeatMs: number): void {
		entry.due = host.now() + ms;
		entry.repeat = repeatMs;
		arm();
	}

	static clear(entry: Entry | undefined): void {
		if (entry === undefined) return;
		entry.active = false;
		arm();
	}
}
