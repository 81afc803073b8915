/** The hub itself in Home Assistant's discovery. */
import { curve } from "../../host-sim/curve.js";
import { crypto } from "../../host-sim/platform.js";
import { text } from "../../host-sim/text.js";
import { HubDevices } from "../../src/hub/hub-devices.js";
import { ENTITIES_MS } from "../../src/hub/hub-entities.js";
import { StoredRecords } from "../../src/hub/stored-records.js";
import { Fixture } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("the hub's own entities");
const HUB = "K7Q2M9XD";

function start(announceHub: boolean) {
	let fixture: Fixture;
	const devices = new HubDevices({
		platform: {
			text,
			crypto,
			curve,
			now: () => fixture.now,
			random: () => 7,
			randomBytes: (bytes) => void bytes.fill(1),
			defer: (task) => task(),
			wake: () => {},
		},
		hubId: HUB,
		records: new StoredRecords(),
		devicesMax: 4,
		rules: { allowAnonymous: true },
		isAdmin: () => false,
		announceHub,
		log: () => {},
	});
	fixture = new Fixture({ access: devices.hub.access, authentication: devices.hub.authentication });
	devices.attach(fixture.broker);
	return { devices, fixture };
}

/** What is retained, by topic. */
function retainedBy(fixture: Fixture): Map<string, string> {
	const client = fixture.connect("looks");
	client.subscribe("#");
	const found = new Map<string, string>();
	for (const packet of client.packets) if (packet.cmd === "publish") found.set(packet.topic, `${packet.payload}`);
	client.send({ cmd: "disconnect" });
	return found;
}

test("the hub announces itself with entities whose topics it tells, and is offline when it ends", () => {
	const { devices, fixture } = start(true);
	devices.tick();
	fixture.settle();
	const retained = retainedBy(fixture);
	const config = JSON.parse(retained.get(`homeassistant/device/${HUB}/config`)!);
	assert.equal(config.dev.ids, [HUB]);
	assert.is(config.dev.via_device, undefined, "it is not connected via itself");
	assert.is(retained.get(config.avty_t), "online");
	const values = Object.values(config.cmps as Record<string, { stat_t: string; p: string }>);
	assert.is(values.length, 3);
	for (const { stat_t, p } of values) {
		assert.is(p, "sensor");
		assert.match(retained.get(stat_t)!, /^\d+$/);
	}
	fixture.connect("one");
	fixture.now += ENTITIES_MS;
	devices.tick();
	fixture.settle();
	assert.is(retainedBy(fixture).get(`devices/${HUB}/clients`), "1");
	devices.end();
	fixture.settle();
	assert.is(retainedBy(fixture).get(`devices/${HUB}/availability`), "offline");
});

test("without being asked it announces nothing", () => {
	const { devices, fixture } = start(false);
	devices.tick();
	devices.end();
	fixture.settle();
	assert.equal([...retainedBy(fixture).keys()], []);
});

test.run();
