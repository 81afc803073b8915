/** Slows the guessing of passwords: after some failures from an address, or for a user name, the next login is judged
 *  only after a time that grows. Who came in from that address before does not wait for what others behind the same
 *  address did. Bounded: the entry that failed longest ago makes room. */

/** Failures that cost nothing: people mistype. */
const FREE = 3;
/** The first delay; each further failure doubles it. */
const FIRST_MS = 500;
/** An address waits at most so long. */
const ADDRESS_MAX_MS = 30_000;
/** A user name waits less: else anybody could keep its owner out. */
const USER_MAX_MS = 4_000;
/** Tables of this size and more remember who came in from where, too: a device has no memory for that, and few clients
 *  behind one address. */
const KNOWN_LEAST = 64;
/** After so long without a failure all is forgotten. */
const FORGET_MS = 600_000;

interface Entry {
	failures: number;
	/** the last failure, ms on the platform's clock */
	last: number;
	/** when a judgement last began; 0: since then a password was right */
	begun: number;
	/** a login waits for it now */
	waiting: boolean;
}

export class Guesses {
	/** logins that waited, and that were refused because one was waiting already */
	delayed = 0;
	refused = 0;
	private readonly entries: Map<string, Entry>;
	/** addresses with a user name that came in from there; the first one came in longest ago */
	private readonly known: Set<string> | undefined;

	/** @param max addresses and user names that are remembered; 0: nobody waits */
	constructor(private readonly max: number) {
		this.entries = new Map();
		this.known = max < KNOWN_LEAST ? undefined : new Set();
	}

	/** @param address with or without its port @returns ms that the login has to wait; -1: another one waits */
	delay(address: string, userName: string | undefined, now: number): number {
		const from = this.isKnown(address, userName) ? undefined : this.find(addressKey(address), now);
		const user = userName === undefined ? undefined : this.find(userKey(userName), now);
		if (from?.waiting || user?.waiting) {
			this.refused++;
			return -1;
		}
		const ms = Math.max(delayOf(from, now, ADDRESS_MAX_MS), delayOf(user, now, USER_MAX_MS));
		if (ms === 0) return 0;
		this.delayed++;
		if (from !== undefined) from.waiting = true;
		if (user !== undefined) user.waiting = true;
		return ms;
	}

	/** @param name the Client Identifier, which a device has for its user name
	 *  @returns whether a login from there would have to wait: one by a method, whose client is told to come again */
	blocks(address: string, name: string | undefined, now: number): boolean {
		const from = this.isKnown(address, name) ? undefined : this.find(addressKey(address), now);
		if (from === undefined || (!from.waiting && delayOf(from, now, ADDRESS_MAX_MS) === 0)) return false;
		this.refused++;
		return true;
	}

	/** A login that waited is judged, or its client has gone. */
	waited(address: string, userName: string | undefined): void {
		const from = this.entries.get(addressKey(address));
		const user = userName === undefined ? undefined : this.entries.get(userKey(userName));
		if (from !== undefined) from.waiting = false;
		if (user !== undefined) user.waiting = false;
	}

	/** A judgement begins that takes time: who tries often meanwhile must not get one each. */
	began(address: string, userName: string | undefined, now: number): void {
		const from = this.entries.get(addressKey(address));
		const user = userName === undefined ? undefined : this.entries.get(userKey(userName));
		if (from !== undefined && !this.isKnown(address, userName)) from.begun = now;
		if (user !== undefined) user.begun = now;
	}

	failed(address: string, userName: string | undefined, now: number): void {
		this.count(addressKey(address), now);
		if (userName === undefined) return;
		this.count(userKey(userName), now);
		// who mistypes is still known; who goes on is not
		if ((this.entries.get(userKey(userName))?.failures ?? 0) >= FREE) this.known?.delete(pairKey(address, userName));
	}

	/** The right password for a user name: its failures are forgotten, its address's are not. */
	succeeded(address: string, userName: string | undefined): void {
		const from = this.entries.get(addressKey(address));
		if (from !== undefined) from.begun = 0;
		if (userName === undefined) return;
		this.entries.delete(userKey(userName));
		const { known } = this;
		if (known === undefined) return;
		known.delete(pairKey(address, userName));
		if (known.size >= this.max) known.delete(known.values().next().value!);
		known.add(pairKey(address, userName));
	}

	/** Who has this name there may be another one: it waits as all others do, until it has come in again. */
	forget(address: string, name: string | undefined): void {
		if (name !== undefined) this.known?.delete(pairKey(address, name));
	}

	private isKnown(address: string, name: string | undefined): boolean {
		return name !== undefined && this.known?.has(pairKey(address, name)) === true;
	}

	private find(key: string, now: number): Entry | undefined {
		const entry = this.entries.get(key);
		if (entry === undefined || entry.waiting || now - entry.last < FORGET_MS) return entry;
		this.entries.delete(key);
		return undefined;
	}

	private count(key: string, now: number): void {
		if (this.max === 0) return;
		const entry = this.entries.get(key);
		this.entries.delete(key); // and behind all others again: the first one failed longest ago
		if (this.entries.size >= this.max) this.entries.delete(this.entries.keys().next().value!);
		const failures = entry === undefined || now - entry.last >= FORGET_MS ? 1 : entry.failures + 1;
		this.entries.set(key, { failures, last: now, begun: now, waiting: entry?.waiting ?? false });
	}
}

function delayOf(entry: Entry | undefined, now: number, max: number): number {
	if (entry === undefined || entry.failures < FREE) return 0;
	const whole = Math.min(max, FIRST_MS * 2 ** Math.min(20, entry.failures - FREE));
	return Math.max(0, Math.max(entry.last, entry.begun) + whole - now);
}

/** The port is another one each time. */
function addressKey(address: string): string {
	const colon = address.lastIndexOf(":");
	return `a ${colon < 0 ? address : address.slice(0, colon)}`;
}

function pairKey(address: string, userName: string): string {
	return `${addressKey(address)} ${userName}`;
}

function userKey(userName: string): string {
	return `u ${userName}`;
}
