/** A hub's identity and devices move to another hub, whole or not at all, and to nobody who does not know the code. */
import type { IAuthPacket, IConnackPacket } from "mqtt-packet";
import { curve } from "../../host-sim/curve.js";
import { crypto } from "../../host-sim/platform.js";
import { text } from "../../host-sim/text.js";
import { DeviceHub } from "../../src/hub/device-hub.js";
import type { DeviceRights } from "../../src/hub/device-rights.js";
import { KeyValueRecords } from "../../src/hub/key-value-records.js";
import { MOVE_METHOD } from "../../src/hub/move.js";
import { type HubIdentity, Mover } from "../../src/hub/mover.js";
import type { PairingPlatform } from "../../src/hub/pairing.js";
import { PAIRING_METHOD } from "../../src/hub/pairing-keys.js";
import type { Platform } from "../../src/platform.js";
import { Fixture, type TestClient } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";
import { ValueStore } from "../support/value-store.js";

const test = suite("moving to another hub");
const SALT = new Uint8Array(16).fill(9);
const MAX = 40;

/** Points that were computed already: the random numbers of these tests are the same each time. */
const points = new Map<string, Uint8Array | undefined>();
const quickCurve = Object.fromEntries(
	(["multiply", "multiplyAdd"] as const).map((name) => [
		name,
		(...given: Uint8Array[]) => {
			const key = given.map((bytes) => Buffer.from(bytes).toString("hex")).join();
			if (!points.has(key))
				points.set(key, (curve[name] as (...args: Uint8Array[]) => Uint8Array | undefined)(...given));
			return points.get(key)?.slice();
		},
	]),
) as unknown as typeof curve;

class Board {
	readonly tasks: (() => void)[] = [];
	readonly moved: (string | undefined)[] = [];
	readonly fixture: Fixture;
	readonly hub: DeviceHub;
	readonly platform: Platform & PairingPlatform;
	readonly rights: DeviceRights;

	constructor(
		readonly store = new ValueStore(),
		bytesMax = 40_000,
	) {
		let seed = 1;
		this.platform = {
			text,
			crypto,
			curve: quickCurve,
			now: () => this.fixture?.now ?? 1,
			random: () => 7,
			wake: () => {},
			randomBytes: (bytes) => void bytes.fill(seed++),
			defer: (task) => this.tasks.push(task),
		};
		const records = new KeyValueRecords(store, MAX, bytesMax);
		const events = { moved: (hubId: string | undefined) => this.moved.push(hubId) };
		const hubId = records.hubId === undefined ? "OLDBOARD" : `${Buffer.from(records.hubId)}`;
		this.hub = new DeviceHub({ platform: this.platform, hubId, records, devicesMax: MAX, events });
		if (records.hubId === undefined) records.keepHubId(Buffer.from(hubId), () => {});
		this.rights = this.hub.rights;
		const { access, authentication } = this.hub;
		this.fixture = new Fixture({ access, authentication, limits: { authentications: 2, guesses: 0 } });
		this.hub.attach(this.fixture.broker);
	}

	get ids(): string[] {
		const ids: string[] = [];
		this.hub.devices.each(({ id }) => ids.push(id));
		return ids;
	}

	open(move = true): string {
		return this.hub.pairing.open({ openedBy: "topic", move }).code;
	}

	run(): void {
		for (let task = this.tasks.shift(); task !== undefined; task = this.tasks.shift()) {
			task();
			this.fixture.settle();
		}
	}
}

/** What a hub with so many devices is. */
function identity(devices: number): HubIdentity {
	const board = new Board();
	for (let i = 0; i < devices; i++) {
		const given = { id: `device-${i}`, name: `N${"ä".repeat(i % 30)}`, room: "Kitchen", kind: "device" };
		board.hub.devices.addPassword(given, `password ${i}`, SALT, () => {});
	}
	const records: Uint8Array[] = [];
	for (let number = 0; number < devices; number++) records.push(board.hub.devices.record(number)!);
	return { hubId: "HUBTHEOLD", records };
}

/** Who moves, over one connection. */
class Moving {
	readonly mover: Mover;
	client: TestClient | undefined;
	/** Authentication Data in both directions */
	readonly heard: Uint8Array[] = [];
	readonly said: Uint8Array[] = [];
	connack: IConnackPacket | undefined;
	method = MOVE_METHOD;
	/** changes what is said; undefined: the connection is cut in its place */
	says: (data: Uint8Array) => Uint8Array | undefined = (data) => data;

	constructor(
		private readonly board: Board,
		code: string,
		brought?: HubIdentity,
	) {
		const told = (step: string): void => {
			if (step === "send") this.send(this.mover.data!);
			else this.client?.cut();
		};
		this.mover = new Mover(board.platform, { clientId: "mover", code, told }, brought);
	}

	private send(made: Uint8Array): void {
		const data = this.says(made);
		if (data === undefined) return this.client?.cut();
		this.said.push(data);
		const properties = { authenticationMethod: this.method, authenticationData: Buffer.from(data) };
		if (this.client === undefined) {
			this.client = this.board.fixture.open(5);
			const head = { cmd: "connect", clientId: "mover", protocolId: "MQTT", protocolVersion: 5 } as const;
			this.client.send({ ...head, clean: true, keepalive: 0, properties });
		} else this.client.send({ cmd: "auth", reasonCode: 0x18, properties });
	}

	go(): this {
		this.mover.begin();
		do this.board.run();
		while (this.hear());
		return this;
	}

	private hear(): boolean {
		const packet = this.client?.packets.shift();
		if (packet === undefined) return false;
		if (packet.cmd === "connack") this.connack = packet;
		const data = (packet as IAuthPacket | IConnackPacket).properties?.authenticationData;
		if (data !== undefined) {
			this.heard.push(data);
			this.mover.take(data, 0, data.length);
		}
		return true;
	}
}

for (const devices of [0, 1, 7, MAX])
	test(`a new board is the hub that was exported, with its ${devices} devices, and is so after a restart`, () => {
		const brought = identity(devices);
		const board = new Board();
		const moving = new Moving(board, board.open(), brought).go();
		assert.ok(moving.mover.isConcluded, moving.mover.refusal);
		assert.is(moving.connack, undefined, "no session comes of it");
		assert.equal(board.moved, ["HUBTHEOLD"]);
		assert.is(board.hub.pairing.window, undefined);
		for (const now of [board, new Board(board.store)]) {
			assert.is(now.hub.hubId, "HUBTHEOLD");
			assert.is(now.hub.devices.count, devices);
			if (devices > 0) assert.ok(now.hub.devices.isPassword("device-0", Buffer.from("password 0")));
			assert.is(now.hub.devices.find(`device-${devices - 1}`)?.room, devices > 0 ? "Kitchen" : undefined);
		}
	});

test("what a board has is fetched as it was brought, and stays there", () => {
	const brought = identity(MAX);
	const board = new Board();
	new Moving(board, board.open(), brought).go();
	const fetching = new Moving(board, board.open()).go();
	assert.ok(fetching.mover.isConcluded);
	assert.equal(fetching.mover.fetched?.hubId, "HUBTHEOLD");
	assert.equal(
		fetching.mover.fetched?.records.map((record) => [...record]),
		brought.records.map((record) => [...record]),
	);
	assert.is(board.hub.devices.count, MAX);
	assert.equal(board.moved, ["HUBTHEOLD", undefined]);
	assert.is(board.hub.pairing.window, undefined, "the code is used up");
});

test("a loss of power at any write leaves the board as it was, or whole as the other hub", () => {
	const brought = identity(9);
	const outcomes = new Set<string>();
	for (let cut = 0; cut < 40; cut++) {
		const board = new Board();
		board.store.changesLeft = cut;
		new Moving(board, board.open(), brought).go();
		board.store.changesLeft = Number.POSITIVE_INFINITY;
		const after = new Board(board.store);
		outcomes.add(`${after.hub.hubId} ${after.ids.length}`);
		const devices = [...after.store.values.keys()].filter((name) => name !== "id");
		assert.is(devices.length, after.ids.length, "nothing is left that does not count");
	}
	assert.equal([...outcomes], ["OLDBOARD 0", "HUBTHEOLD 9"]);
});

test("a connection that is lost at any message leaves the board as it was", () => {
	const brought = identity(9);
	const whole = new Moving(new Board(), "");
	assert.is(whole.said.length, 0);
	for (let cut = 0; ; cut++) {
		const board = new Board();
		const moving = new Moving(board, board.open(), brought);
		moving.says = (data) => (moving.said.length === cut ? undefined : data);
		moving.go();
		if (moving.mover.isConcluded) {
			assert.ok(cut > 4);
			break;
		}
		assert.equal([board.hub.hubId, board.ids.length], ["OLDBOARD", 0]);
		board.fixture.now += 60_000; // what each try costs
		if (cut > 2) assert.ok(new Moving(board, board.hub.pairing.window!.code, brought).go().mover.isConcluded);
	}
});

test("nobody reads or changes what moves: it is sealed, and each changed bit ends it", () => {
	const brought = identity(3);
	const board = new Board();
	const moving = new Moving(board, board.open(), brought).go();
	const air = Buffer.concat([...moving.said, ...moving.heard]).toString("latin1");
	for (const secret of ["device-0", "Kitchen", "HUBTHEOLD"]) assert.not(air.includes(secret), secret);
	for (const at of [1, 5, 17, 60]) {
		const other = new Board();
		const hostile = new Moving(other, other.open(), brought);
		hostile.says = (data) => {
			if (hostile.said.length === 3) data[at]! ^= 1;
			return data;
		};
		hostile.go();
		assert.not(hostile.mover.isConcluded);
		assert.is(hostile.connack?.reasonCode, 0x87);
		assert.equal([other.hub.hubId, other.ids.length], ["OLDBOARD", 0]);
	}
	const repeated = new Board();
	const again = new Moving(repeated, repeated.open(), brought);
	again.says = (data) => (again.said.length === 3 ? again.said[2] : data);
	again.go();
	assert.not(again.mover.isConcluded, "a piece that was heard is worth nothing again");
	assert.is(repeated.ids.length, 0);
});

test("a wrong code moves nothing, and counts as a guess", () => {
	const board = new Board();
	const code = board.open();
	const wrong = code === "00000000" ? "00000001" : "00000000";
	const moving = new Moving(board, wrong, identity(1)).go();
	assert.is(moving.mover.failure, "wrong-code");
	assert.is(board.hub.pairing.window?.attempts, 1);
	assert.equal([board.hub.hubId, board.ids.length], ["OLDBOARD", 0]);
});

test("a device's window moves nothing, and a window for moving pairs no device", () => {
	const board = new Board();
	const moving = new Moving(board, board.open(false), identity(1)).go();
	assert.is(moving.connack?.reasonCode, 0x87);
	const pairing = new Moving(board, board.open(true), identity(1));
	pairing.method = PAIRING_METHOD;
	pairing.go();
	assert.is(pairing.connack?.reasonCode, 0x87);
	assert.equal([board.hub.hubId, board.ids.length], ["OLDBOARD", 0]);
});

test("a board that has devices, has no room, or hears what is none of a hub's says so and stays as it was", () => {
	const refusals: [say: RegExp, make: () => Board, brought: HubIdentity][] = [
		[
			/devices of its own/,
			() => {
				const board = new Board();
				board.hub.devices.addPassword({ id: "mine", name: "", room: "", kind: "device" }, "p", SALT, () => {});
				return board;
			},
			identity(1),
		],
		[/so many devices/, () => new Board(), { hubId: "HUB", records: Array(MAX + 1).fill(identity(1).records[0]!) }],
		[/no room/, () => new Board(new ValueStore(), 500), identity(9)],
		[/no identity/, () => new Board(), { hubId: "HUB", records: [new Uint8Array(30)] }],
		[/no identity/, () => new Board(), { hubId: "a/b", records: identity(1).records }],
		[/no identity/, () => new Board(), { hubId: "", records: identity(1).records }],
	];
	for (const [say, make, brought] of refusals) {
		const board = make();
		const before = [board.hub.hubId, ...board.ids];
		const moving = new Moving(board, board.open(), brought).go();
		assert.not(moving.mover.isConcluded);
		assert.match(moving.mover.refusal, say);
		assert.equal([board.hub.hubId, ...board.ids], before);
		assert.equal([new Board(board.store).hub.hubId, ...new Board(board.store).ids], before);
	}
});

test("a device that is added while another hub's come is not lost: they are refused", () => {
	const board = new Board();
	const moving = new Moving(board, board.open(), identity(9));
	moving.says = (data) => {
		if (moving.said.length === 4)
			board.hub.devices.addPassword({ id: "mine", name: "", room: "", kind: "device" }, "p", SALT, () => {});
		return data;
	};
	moving.go();
	assert.match(moving.mover.refusal, /devices of its own/);
	for (const now of [board, new Board(board.store)]) assert.equal([now.hub.hubId, ...now.ids], ["OLDBOARD", "mine"]);
});

test.run();
