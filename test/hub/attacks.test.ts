/** Who should not get in by pairing, and does not: who repeats, relays, guesses on and on, or has another's secret.
 *  SECURITY.md, "Who may be there" */
import type { IConnackPacket } from "mqtt-packet";
import { ATTEMPTS_MAX } from "../../src/hub/pairing.js";
import { PAIRING_METHOD } from "../../src/hub/pairing-keys.js";
import type { TestClient } from "../support/fixtures.js";
import { JoiningDevice as Device, PairingHouse as House, logIn } from "../support/pairing.js";
import { assert, suite } from "../support/test.js";

const test = suite("attacks on pairing");

/** Somebody's connection, which says what it is given. */
class Stranger {
	private client: TestClient | undefined;

	constructor(
		private readonly house: House,
		private readonly clientId: string,
	) {}

	/** @returns the hub's answer: data, or the reason of its refusal */
	say(data: Uint8Array): Uint8Array | number {
		const properties = { authenticationMethod: PAIRING_METHOD, authenticationData: Buffer.from(data) };
		if (this.client === undefined) {
			this.client = this.house.fixture.open(5);
			const head = { cmd: "connect", clientId: this.clientId, protocolId: "MQTT", protocolVersion: 5 } as const;
			this.client.send({ ...head, clean: true, keepalive: 0, properties });
		} else this.client.send({ cmd: "auth", reasonCode: 0x18, properties });
		this.house.run();
		const packet = this.client.packets.shift() as IConnackPacket | undefined;
		return packet?.properties?.authenticationData ?? packet?.reasonCode ?? -1;
	}

	cut(): void {
		this.client?.cut();
	}
}

/** A device that hears its hub through somebody. */
class Relayed {
	readonly said: Uint8Array[] = [];
	readonly heard: Uint8Array[] = [];
	readonly device: Device;

	constructor(house: House, id: string, code: string, through: (data: Uint8Array) => Uint8Array | number) {
		let answer: Uint8Array | number = -1;
		this.device = new Device(house, id, code, {
			told: (step) => {
				this.device.steps.push(step);
				if (step !== "send") return;
				this.said.push(this.device.join.data!.slice());
				answer = through(this.device.join.data!);
			},
		});
		this.device.join.begin();
		for (house.run(); typeof answer !== "number"; house.run()) {
			const data: Uint8Array = answer;
			answer = -1;
			this.heard.push(data.slice());
			this.device.join.take(data, 0, data.length);
		}
	}
}

test("what was overheard of a pairing is worth nothing, neither in the same window nor in another one", () => {
	const house = new House();
	const { code } = house.pairing.open({ openedBy: "test" });
	const real = new Stranger(house, "lamp");
	const overheard = new Relayed(house, "lamp", code, (data) => real.say(data));
	assert.is(overheard.device.steps.at(-1), "paired");
	const record = house.devices.credentials("lamp", "lamp")!;
	assert.is(new Stranger(house, "lamp").say(overheard.said[0]!), 0x87, "the window is closed");
	house.pairing.open({ openedBy: "test" });
	const again = new Stranger(house, "lamp");
	assert.is.not(typeof again.say(overheard.said[0]!), "number");
	assert.is(again.say(overheard.said[1]!), 0x87);
	assert.is(house.pairing.window?.attempts, 1, "it was a guess");
	assert.equal(house.devices.credentials("lamp", "lamp")!.storedKey, record.storedKey);
});

test("who relays a pairing gets nothing: not under another name, not for another hub, not afterwards", () => {
	const house = new House();
	const { code } = house.pairing.open({ openedBy: "test" });
	const thief = new Stranger(house, "thief");
	const first = new Relayed(house, "lamp", code, (data) => thief.say(data));
	assert.is(first.device.join.failure, "wrong-code", "the names are in the proof");
	assert.is(house.devices.count, 0);
	thief.cut();
	house.fixture.now += 10_000;

	// the hub that the device hears of is another one's name
	const other = new Stranger(house, "lamp");
	const second = new Relayed(house, "lamp", code, (data) => {
		const answer = other.say(data);
		if (typeof answer !== "number" && answer[0] === 2) answer[2]! ^= 1;
		return answer;
	});
	assert.is(second.device.join.failure, "wrong-code");
	other.cut();
	house.fixture.now += 10_000;

	// all is passed on as it is: the device is paired, and the one between has heard everything
	const between = new Stranger(house, "lamp");
	const third = new Relayed(house, "lamp", code, (data) => between.say(data));
	assert.is(third.device.steps.at(-1), "paired");
	const air = Buffer.concat([...third.said, ...third.heard]).toString("hex");
	const { clientKey, serverKey } = third.device.join.keys!;
	for (const key of [clientKey, serverKey, house.devices.credentials("lamp", "lamp")!.storedKey])
		assert.not(air.includes(Buffer.from(key).toString("hex")));
});

test("10,000 tries against a window are five guesses: it closes, no device is there, and the hub is as before", () => {
	const house = new House();
	const { code } = house.pairing.open({ openedBy: "test" });
	const wrong = code === "00000000" ? "00000001" : "00000000";
	// one guess, made well, and repeated in every way that costs nothing
	const share = new Device(house, "thief", wrong);
	share.join.begin();
	while (share.join.data === undefined) house.tasks.shift()!();
	const data = share.join.data.slice();
	share.client?.cut();
	const reasons = new Map<number, number>();
	let guesses = 0;
	for (let i = 0; i < 10_000; i++) {
		const stranger = new Stranger(house, `thief-${i % 50}`);
		const answer = stranger.say(data);
		if (typeof answer !== "number") guesses++;
		else reasons.set(answer, (reasons.get(answer) ?? 0) + 1);
		if (typeof answer !== "number" && i % 2 === 0)
			assert.is(stranger.say(new Uint8Array(33).fill(3)), 0x87, "its guess is wrong");
		stranger.cut();
		house.fixture.now += 10;
	}
	assert.is(guesses, ATTEMPTS_MAX);
	assert.equal([...reasons.keys()].sort(), [0x87, 0x89]);
	assert.is(house.pairing.lastEnd, "attempts");
	assert.is(house.devices.count, 0);
	assert.equal([house.fixture.broker.authenticating, house.fixture.broker.connectedCount], [0, 0]);
	const { broker } = house.fixture;
	assert.is(broker.pool.freeCount, broker.pool.blockCount, "nothing is held");
	const next = house.pairing.open({ openedBy: "test" });
	assert.is(new Device(house, "lamp", next.code).pair().steps.at(-1), "paired");
});

test("a device's secret is good for no other device, also not for one that was paired in the same minute", () => {
	const house = new House();
	const keys = ["lamp", "door"].map((id) => {
		const device = new Device(house, id, house.pairing.open({ openedBy: "test" }).code).pair();
		device.client!.send({ cmd: "disconnect" });
		return device.join.keys!;
	});
	assert.ok(logIn(house, "lamp", keys[0]!));
	assert.ok(logIn(house, "door", keys[1]!));
	assert.not(logIn(house, "lamp", keys[1]!));
	assert.not(logIn(house, "door", keys[0]!));
});

test("who fails again and again holds up nobody who is known at that address; posing as one helps once", () => {
	const house = new House(4, undefined, 1, 64);
	const keys = ["lamp", "door"].map((id) => {
		const device = new Device(house, id, house.pairing.open({ openedBy: "test" }).code).pair();
		device.client!.send({ cmd: "disconnect" });
		return device.join.keys!;
	});
	assert.ok(logIn(house, "door", keys[1]!));
	for (let i = 0; i < 4; i++) assert.not(logIn(house, "broken", keys[0]!));
	assert.ok(logIn(house, "door", keys[1]!), "it came in from there before");
	assert.not(logIn(house, "lamp", keys[1]!), "a guess by a known name");
	assert.not(logIn(house, "lamp", keys[0]!), "which waits as all others do from now on");
	house.fixture.now += 60_000;
	assert.ok(logIn(house, "lamp", keys[0]!));
});

test.run();
