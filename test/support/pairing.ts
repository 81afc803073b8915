/** Pairing in tests: a hub with a clock that stands still, and devices that do what the protocol says. */
import type { IAuthPacket, IConnackPacket } from "mqtt-packet";
import { curve } from "../../host-sim/curve.js";
import { crypto } from "../../host-sim/platform.js";
import { text } from "../../host-sim/text.js";
import { ScramSha256 } from "../../src/auth/scram.js";
import { ScramSha256Client } from "../../src/auth/scram-client.js";
import { type DeviceKeys, Join, type JoinOptions, type JoinStep } from "../../src/hub/join.js";
import { hexOf } from "../../src/hub/p256.js";
import { Pairing, type PairingPlatform } from "../../src/hub/pairing.js";
import { PAIRING_METHOD } from "../../src/hub/pairing-keys.js";
import { Devices, type Records } from "../../src/hub/registry.js";
import { StoredRecords } from "../../src/hub/stored-records.js";
import type { Curve } from "../../src/platform.js";
import { Fixture, type TestClient } from "./fixtures.js";

export const HUB = "K7Q2M9XD";

/** Points that were computed already: the random numbers of these tests are the same each time. */
const points = new Map<string, Uint8Array | undefined>();

function remembered(key: string, compute: () => Uint8Array | undefined): Uint8Array | undefined {
	if (!points.has(key)) points.set(key, compute());
	return points.get(key)?.slice();
}

const quickCurve: Curve = {
	multiply: (s, p) => remembered(hexOf(s) + hexOf(p), () => curve.multiply(s, p)),
	multiplyAdd: (s, p, t, q) =>
		remembered(hexOf(s) + hexOf(p) + hexOf(t) + hexOf(q), () => curve.multiplyAdd(s, p, t, q)),
};

/** Everything that pairing needs, with a clock that stands still and random bytes that are the same each time. */
export class PairingHouse {
	readonly tasks: (() => void)[] = [];
	readonly log: string[] = [];
	readonly devices: Devices;
	readonly pairing: Pairing;
	readonly fixture: Fixture;
	readonly platform: PairingPlatform;

	constructor(
		max = 4,
		readonly records: Records = new StoredRecords(),
		seed = 1,
		guesses = 0,
	) {
		this.platform = {
			text,
			crypto,
			curve: quickCurve,
			now: () => this.fixture.now,
			randomBytes: (bytes) => {
				for (let i = 0; i < bytes.length; i++) bytes[i] = this.fixture.random() >>> 24;
			},
			defer: (task) => this.tasks.push(task),
		};
		this.devices = new Devices(crypto, text, max, this.records);
		this.pairing = new Pairing(this.platform, HUB, this.devices, {
			changed: () => this.log.push(`window ${this.pairing.window === undefined ? this.pairing.lastEnd : "open"}`),
			failed: (id, address) => this.log.push(`failed ${id} from ${address}`),
			paired: (id, replaced) => this.log.push(`paired ${id}${replaced ? " again" : ""}`),
		});
		const scram = new ScramSha256(
			{ ...this.platform, random: () => 7, wake: () => {} },
			{ credentials: (userName, clientId) => this.devices.credentials(userName, clientId) },
		);
		this.fixture = new Fixture({
			authentication: [this.pairing, scram],
			limits: { authentications: 4, guesses },
			seed,
		});
	}

	/** Does one task that waits, a turn of its own. @returns false: there is none */
	step(): boolean {
		const task = this.tasks.shift();
		task?.();
		this.fixture.settle();
		return task !== undefined;
	}

	run(): void {
		while (this.step());
	}
}

/** A device at one end of a connection: it does what the protocol says, or what the test says. */
export class JoiningDevice {
	readonly steps: JoinStep[] = [];
	readonly kept: string[] = [];
	readonly join: Join;
	client: TestClient | undefined;
	connack: IConnackPacket | undefined;

	constructor(
		private readonly house: PairingHouse,
		readonly id: string,
		code: string,
		options: Partial<JoinOptions> = {},
	) {
		this.join = new Join(house.platform, {
			clientId: id,
			code,
			model: "lamp",
			keep: (keys, saved) => {
				this.kept.push(hexOf(keys.clientKey));
				saved(true);
			},
			told: (step) => {
				this.steps.push(step);
				if (step === "send") this.sendNow();
				if (step === "failed") this.client?.cut();
			},
			...options,
		});
	}

	/** Sends what the device has made. */
	sendNow(): void {
		const properties = { authenticationMethod: PAIRING_METHOD, authenticationData: Buffer.from(this.join.data!) };
		if (this.client === undefined) {
			this.client = this.house.fixture.open(5);
			const head = { cmd: "connect", clientId: this.id, protocolId: "MQTT", protocolVersion: 5 } as const;
			this.client.send({ ...head, clean: true, keepalive: 0, properties });
		} else this.client.send({ cmd: "auth", reasonCode: 0x18, properties });
	}

	/** Takes what the hub has sent. @returns whether there was something */
	hear(): boolean {
		const packet = this.client?.packets.shift();
		if (packet === undefined) return false;
		if (packet.cmd === "connack") this.connack = packet;
		const { properties } = packet as IAuthPacket | IConnackPacket;
		const data = properties?.authenticationData;
		if (data !== undefined) this.join.take(data, 0, data.length);
		return true;
	}

	/** Goes through all of it. */
	pair(): this {
		this.join.begin();
		do this.house.run();
		while (this.hear());
		return this;
	}
}

/** Logs in by SCRAM-SHA-256 with the keys of a pairing. @returns whether hub and device have believed one another */
export function logIn(house: PairingHouse, id: string, keys: DeviceKeys): boolean {
	const platform = { ...house.platform, random: () => 3, wake: () => {} };
	const scram = new ScramSha256Client(platform, id, keys);
	const client = house.fixture.open(5);
	const properties = (data: Uint8Array) => ({
		authenticationMethod: scram.name,
		authenticationData: Buffer.from(data),
	});
	const head = { cmd: "connect", clientId: id, protocolId: "MQTT", protocolVersion: 5 } as const;
	client.send({ ...head, clean: true, keepalive: 0, properties: properties(scram.begin()) });
	const first = client.packets.shift();
	if (first?.cmd !== "auth") return false;
	const asked = first.properties!.authenticationData!;
	const final = scram.take(asked, 0, asked.length)!;
	client.send({ cmd: "auth", reasonCode: 0x18, properties: properties(final) });
	const connack = client.packets.shift();
	if (connack?.cmd !== "connack" || connack.reasonCode !== 0) return false;
	const last = connack.properties!.authenticationData!;
	const believed = scram.finish(last, 0, last.length);
	client.send({ cmd: "disconnect" });
	return believed;
}
