/** On XS: what joining and logging in cost each side, beside native work, which is counted: opcodes, SHA-256s, calls of
 *  point arithmetic, turns. */
import { DeviceCrypto } from "../../boards/crypto.js";
import { DeviceText } from "../../boards/text.js";
import { ScramSha256 } from "../../src/auth/scram.js";
import { ScramSha256Client } from "../../src/auth/scram-client.js";
import { type DeviceKeys, Join } from "../../src/hub/join.js";
import { Pairing } from "../../src/hub/pairing.js";
import { Devices } from "../../src/hub/registry.js";
import { StoredRecords } from "../../src/hub/stored-records.js";
import type { Crypto, Curve } from "../../src/platform.js";
import { bigintCurve } from "../support/bigint-curve.js";
import { report } from "./measure.js";

const text = new DeviceText();
const native = new DeviceCrypto();
let points = 0;
let hashes = 0;
/** opcodes of what stands for native code here */
let standIn = 0;

/** Of a HMAC the two hashes are counted; what is around them is JavaScript on a device, too. */
class CountedCrypto implements Crypto {
	sha256(data: Uint8Array): Uint8Array {
		hashes++;
		return native.sha256(data);
	}

	hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
		hashes += 2;
		return native.hmacSha256(key, data);
	}
}

function counted(point: () => Uint8Array | undefined): Uint8Array | undefined {
	points++;
	const before = host.meter();
	const result = point();
	standIn += host.meter() - before;
	return result;
}

const curve: Curve = {
	multiply: (s, p) => counted(() => bigintCurve.multiply(s, p)),
	multiplyAdd: (s, p, t, q) => counted(() => bigintCurve.multiplyAdd(s, p, t, q)),
};

const tasks: (() => void)[] = [];
const platform = {
	text,
	crypto: new CountedCrypto(),
	curve,
	now: () => 1,
	random: () => host.random(),
	wake: () => {},
	randomBytes(bytes: Uint8Array): void {
		for (let i = 0; i < bytes.length; i++) bytes[i] = host.random();
	},
	defer: (task: () => void) => tasks.push(task),
};

/** What one step costs. `turns`: how many turns it takes; the longest of them, without native work */
class Sum {
	opcodes = 0;
	hashes = 0;
	points = 0;
	turns = 0;
	longest = 0;

	add(action: () => void): void {
		standIn = points = hashes = 0;
		const before = host.meter();
		action();
		const own = host.meter() - before - standIn;
		this.opcodes += own;
		this.hashes += hashes;
		this.points += points;
		this.turns++;
		if (own > this.longest) this.longest = own;
	}

	/** An action, and each turn that it asks for. */
	run(action: () => void): void {
		this.add(action);
		for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) this.add(task);
	}
}

const hub = new Sum();
const device = new Sum();
const devices = new Devices(platform.crypto, text, 4, new StoredRecords());
const pairing = new Pairing(platform, "K7Q2M9XD", devices);
const opening = new Sum();
opening.run(() => pairing.open({ openedBy: "test" }));
report("open a window", opening);

let keys!: DeviceKeys;
const keep = (made: DeviceKeys, saved: (ok: boolean) => void): void => {
	keys = made;
	saved(true);
};
const join = new Join(platform, { clientId: "sensor-1", code: pairing.window!.code, keep, told: () => {} });
device.run(() => join.begin());
let exchange = pairing.begin("sensor-1", undefined, "10.0.0.2", () => {});
hub.run(() => exchange.take(join.data!, 0, join.data!.length));
device.run(() => join.take(exchange.data!, 0, exchange.data!.length));
hub.run(() => exchange.take(join.data!, 0, join.data!.length));
device.run(() => join.take(exchange.data!, 0, exchange.data!.length));
report("join: the device", device);
report("join: the hub", hub);

const scram = new ScramSha256(platform, {
	credentials: (userName, clientId) => devices.credentials(userName, clientId),
});
const client = new ScramSha256Client(platform, "sensor-1", keys);
const login = new Sum();
const asked = new Sum();
let data!: Uint8Array;
asked.run(() => {
	data = client.begin();
});
login.run(() => {
	exchange = scram.begin("sensor-1");
	exchange.take(data, 0, data.length);
});
asked.run(() => {
	data = client.take(exchange.data!, 0, exchange.data!.length)!;
});
login.run(() => exchange.take(data, 0, data.length));
let believed = false;
asked.run(() => {
	believed = client.finish(exchange.data!, 0, exchange.data!.length);
});
report("login: the device", asked);
report("login: the hub", login);

const password = new Sum();
devices.addPassword({ id: "lamp", name: "", room: "", kind: "device" }, "secret", new Uint8Array(16), () => {});
const secret = new Uint8Array(6);
text.encode("secret", secret, 0);
password.run(() => devices.isPassword("lamp", secret));
report("login with a machine's password: the hub", password);
report("believed", { believed, paired: pairing.lastPaired });
host.exit(0);
