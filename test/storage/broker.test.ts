/** A broker whose storage is a journal on a virtual flash: the power goes, and what was acknowledged is there. */
import { ERASE_STEPS, PowerCut, VirtualFlash } from "../../host-sim/sim/flash.js";
import { Journal } from "../../src/storage/journal.js";
import type { JournalLimits } from "../../src/storage/journal-limits.js";
import { Fixture, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("broker on flash");
Error.stackTraceLimit = 0; // a cut is an error, and there are many

const LIMITS: JournalLimits = {
	records: 540,
	recordBytes: 512,
	pendingBytes: 1_024,
	valueBytes: 8_192,
	intervalMs: 0,
	bytesPerDay: 0,
	intervalMaxMs: 0,
	endurance: 100_000,
};

/** A journal that works whenever a fixture comes to rest. */
class Medium extends Journal {
	readonly isPrompt = true;

	constructor(
		readonly flash: VirtualFlash,
		private readonly clock = { now: 0 },
	) {
		super({ flash, limits: LIMITS, now: () => clock.now, random: () => 1 });
	}

	finish(): boolean {
		this.clock.now += 100;
		return this.step() === 0 && !this.flash.dark;
	}
}

/** What a day's clients know: what they sent, and what was acknowledged. */
class Day {
	fixture: Fixture;
	publisher: TestClient;
	subscriber: TestClient | undefined;
	count = 0;
	/** by number: sent, and acknowledged by the broker; and what the subscriber acknowledged */
	readonly sent: { qos: 1 | 2; retained: boolean; acknowledged: boolean }[] = [];
	readonly received = new Set<number>();
	/** QoS 2 messages whose PUBREL came: none of them may come again */
	readonly released = new Set<number>();
	/** the session is promised */
	subscribed = false;

	constructor(flash: VirtualFlash) {
		this.fixture = new Fixture({ medium: new Medium(flash) });
		this.publisher = this.fixture.connect("publisher");
	}

	/** Publishes the next message. */
	publish(qos: 1 | 2, retained: boolean): void {
		const number = this.sent.length;
		const message = { qos, retained, acknowledged: false };
		this.sent.push(message);
		const topic = retained ? `state/${number % 3}` : "queue/a";
		this.publisher.publish(topic, `${number}`, qos, { messageId: 1 + (number & 0xff), retain: retained });
		const answer = this.publisher.packets.shift();
		if (qos === 2 && answer?.cmd === "pubrec") {
			this.publisher.send({ cmd: "pubrel", messageId: 1 + (number & 0xff) });
			message.acknowledged = this.publisher.packets.shift()?.cmd === "pubcomp";
		} else message.acknowledged = answer?.cmd === "puback";
	}

	/** The subscriber comes, takes so many messages, and is gone. */
	visit(takes: number): void {
		const client = this.fixture.connect("subscriber", { clean: false });
		if (!this.subscribed) this.subscribed = client.subscribe("queue/#", 2)[0] === 2;
		for (let i = 0; i < takes; i++) take(client, this.received, this.released);
		client.cut();
	}
}

/** Takes a message and acknowledges it. @returns its number; -1: there is none */
function take(client: TestClient, received: Set<number>, released?: Set<number>): number {
	let packet = client.packets.shift();
	// a QoS 2 message that was half through before
	for (; packet?.cmd === "pubrel"; packet = client.packets.shift())
		client.send({ cmd: "pubcomp", messageId: packet.messageId! });
	if (packet?.cmd !== "publish") return -1;
	const number = Number(packet.payload.toString());
	received.add(number);
	const messageId = packet.messageId!;
	if (packet.qos === 1) client.send({ cmd: "puback", messageId });
	else {
		client.send({ cmd: "pubrec", messageId });
		const at = client.packets.findIndex((p) => p.cmd === "pubrel");
		if (at >= 0) {
			client.packets.splice(at, 1);
			released?.add(number);
		}
		client.send({ cmd: "pubcomp", messageId });
	}
	return number;
}

/** Starts a broker with what the cut left, and asks what it has. */
function check(flash: VirtualFlash, day: Day, where: string): void {
	const fixture = new Fixture({ medium: new Medium(flash) });
	// retained: the last acknowledged, or one sent later
	const reader = fixture.connect("reader");
	reader.subscribe("state/#", 0);
	const states = new Map(reader.messages().map((line) => line.split(" ").slice(0, 2) as [string, string]));
	for (let k = 0; k < 3; k++) {
		const numbers = day.sent.map((_, i) => i).filter((i) => day.sent[i]!.retained && i % 3 === k);
		const last = numbers.filter((i) => day.sent[i]!.acknowledged).at(-1) ?? -1;
		const value = Number(states.get(`state/${k}`) ?? -1);
		assert.ok(value >= last && (value === -1 || numbers.includes(value)), `${where}: state/${k} is ${value}, ${last}`);
	}
	if (!day.subscribed) return;
	const client = fixture.connect("subscriber", { clean: false });
	assert.ok(client.sessionPresent, `${where}: the session`);
	const again = new Set<number>();
	const order: number[] = [];
	for (let number = take(client, again); number >= 0; number = take(client, again)) {
		assert.ok(!order.includes(number), `${where}: ${number} twice in one connection`);
		order.push(number);
	}
	for (const [i, message] of day.sent.entries()) {
		if (message.retained || !message.acknowledged || i < day.count) continue;
		assert.ok(day.received.has(i) || again.has(i), `${where}: ${i} was acknowledged and is lost`);
	}
	for (const number of day.released) assert.not(again.has(number), `${where}: ${number} comes a second time`);
	assert.equal(
		order,
		[...order].sort((a, b) => a - b),
		`${where}: their order`,
	);
}

test("the power goes at each tenth byte of a day: nothing that was acknowledged is lost, nothing comes twice", () => {
	const flash = new VirtualFlash({ sectors: 16 });
	let cuts = 0;
	let writes = 0;
	let day: Day | undefined;
	let failure: unknown;
	const cutEach = (redo: (other: VirtualFlash) => void, bytes: number): void => {
		if (day === undefined) return;
		writes++;
		for (let cut = writes % 10; cut < bytes; cut += 10) {
			const other = flash.clone();
			other.cutAfter(cut, cuts++ % 2 === 0 ? "clean" : "smeared");
			try {
				redo(other);
			} catch (error) {
				if (!(error instanceof PowerCut)) throw error;
			}
			other.restore();
			try {
				check(other, day, `write ${writes}, byte ${cut} of ${bytes}`);
			} catch (error) {
				failure ??= error; // the journal would take it for the flash's
			}
		}
	};
	flash.beforeProgram = (at, bytes, start, end) =>
		cutEach((other) => other.program(at, bytes.slice(start, end), 0, end - start), end - start);
	flash.beforeErase = (sector) => cutEach((other) => other.erase(sector), ERASE_STEPS);
	day = new Day(flash);
	// messages before the subscription are nobody's
	for (let i = 0; i < 2; i++) day.publish(1, i === 1);
	day.count = day.sent.length;
	day.visit(0);
	for (let i = 0; i < 24; i++) {
		day.publish(i % 3 === 2 ? 2 : 1, i % 4 === 3);
		if (i % 8 === 5) day.visit(i % 3);
	}
	if (failure !== undefined) throw failure;
	assert.ok(cuts > 300, `${cuts} cuts`);
	assert.ok(day.sent.every((message) => message.acknowledged));
});

test("a house's day on 64 KB: the hub starts again with all that it had", () => {
	const flash = new VirtualFlash({ sectors: 16 });
	const medium = new Medium(flash);
	const fixture = new Fixture({ medium, sysInterval: 60, persist: { durability: "interval", intervalMs: 60_000 } });
	const device = fixture.connect("device");
	fixture.connect("panel", { clean: false }).subscribe("home/+/set", 1);
	for (let i = 0; i < 20; i++) device.publish(`config/${i}`, "c".repeat(200), 0, { retain: true });
	for (let minute = 0; minute < 24 * 60; minute++) {
		for (let i = 0; i < 40; i++) device.publish(`home/${i}`, `${minute}`, 0, { retain: true });
		fixture.advance(60_000);
	}
	const watcher = fixture.connect("watcher");
	watcher.subscribe("$SYS/broker/hearth/storage/flash/#", 0);
	const wear = watcher.messages().map((line) => line.replace(/.*flash\//, ""));
	assert.is(wear.length, 6);
	assert.ok(
		wear.some((line) => /^life \d+\.\d years/.test(line)),
		`${wear}`,
	);
	assert.ok(wear.includes("damaged 0 0 retain"), `${wear}`);
	fixture.broker.stop();
	assert.is(medium.counters.damaged, 0);
	const perDay = medium.counters.bytesWritten;
	const erases = Math.max(...flash.erases);
	assert.ok(erases - Math.min(...flash.erases) <= 1);
	const next = new Fixture({ medium: new Medium(flash) });
	const reader = next.connect("reader");
	reader.subscribe("#", 0);
	const values = reader.messages();
	assert.is(values.length, 60, `${perDay}`);
	assert.ok(values.includes("home/7 1439 0 retain"), values[0]);
	assert.ok(next.connect("panel", { clean: false }).sessionPresent);
});

test.run();
