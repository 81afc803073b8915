/** A button's bouncing contacts, on a virtual clock. */
import { Debounce, STILL_MS } from "../../boards/debounce.js";
import { assert, suite } from "../support/test.js";

const test = suite("boards: a button");

/** A pin and one timer. */
class Contacts {
	now = 0;
	presses: number[] = [];
	private down: boolean;
	private due = Number.POSITIVE_INFINITY;
	private readonly debounce: Debounce;

	constructor(down = false) {
		this.down = down;
		this.debounce = new Debounce(this, () => this.presses.push(this.now));
	}

	isDown(): boolean {
		return this.down;
	}

	later(ms: number): void {
		this.due = this.now + ms;
	}

	/** Time passes, and then the contacts change. */
	move(ms: number, down: boolean): void {
		this.wait(ms);
		this.down = down;
		this.debounce.changed();
	}

	wait(ms: number): void {
		const end = this.now + ms;
		if (this.due <= end) {
			this.now = this.due;
			this.due = Number.POSITIVE_INFINITY;
			this.debounce.still();
		}
		this.now = end;
	}
}

test("contacts that bounce, at the press and when it is let go, are one press", () => {
	const contacts = new Contacts();
	for (const [ms, down] of [
		[100, true],
		[1, false],
		[2, true],
		[7, false],
		[3, true],
	] as const)
		contacts.move(ms, down);
	contacts.wait(200);
	for (const [ms, down] of [
		[0, false],
		[2, true],
		[5, false],
	] as const)
		contacts.move(ms, down);
	contacts.wait(500);
	assert.equal(contacts.presses, [113 + STILL_MS]);
});

test("a spark is no press, and two presses are two", () => {
	const contacts = new Contacts();
	contacts.move(100, true);
	contacts.move(STILL_MS - 1, false);
	contacts.wait(500);
	assert.equal(contacts.presses, []);
	for (let i = 0; i < 2; i++) {
		contacts.move(100, true);
		contacts.move(100, false);
	}
	contacts.wait(500);
	assert.is(contacts.presses.length, 2);
});

test("a button that is held is one press, and one that is held at the start is none until it is let go", () => {
	const contacts = new Contacts();
	contacts.move(10, true);
	contacts.wait(60_000);
	assert.is(contacts.presses.length, 1);
	const held = new Contacts(true);
	held.move(5, false);
	held.move(5, true);
	held.wait(1_000);
	assert.is(held.presses.length, 0);
	held.move(0, false);
	held.wait(100);
	held.move(0, true);
	held.wait(100);
	assert.is(held.presses.length, 1);
});

test("whatever the contacts do, between two presses they were open and still", () => {
	let seed = 7;
	const random = (most: number): number => {
		seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
		return seed % most;
	};
	for (let round = 0; round < 200; round++) {
		const contacts = new Contacts();
		let openFor = 0;
		let longestOpen = 0;
		let down = false;
		for (let i = 0; i < 60; i++) {
			const before = contacts.presses.length;
			const ms = random(60);
			openFor = down ? openFor : openFor + ms;
			longestOpen = Math.max(longestOpen, openFor);
			contacts.move(ms, !down);
			down = !down;
			if (down) openFor = 0;
			if (contacts.presses.length > before) {
				assert.ok(before === 0 || longestOpen >= STILL_MS, `round ${round}`);
				longestOpen = 0;
			}
		}
	}
});

test.run();
