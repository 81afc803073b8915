/** Home Assistant's discovery: what is announced is held against the published rules. */
import { discoveryConfig, discoveryTopic, type Entity } from "../../src/hub/announce.js";
import { type Config, wrong } from "../support/discovery.js";
import { assert, suite } from "../support/test.js";

const test = suite("Home Assistant's discovery");

const ENTITIES: Entity[] = [
	{ id: "temperature", platform: "sensor", deviceClass: "temperature", unit: "°C", stateClass: "measurement" },
	{ id: "battery", platform: "sensor", deviceClass: "battery", unit: "%", category: "diagnostic", expiresAfter: 3_600 },
	{ id: "motion", platform: "binary_sensor", deviceClass: "motion" },
	{ id: "relay", platform: "switch", name: "Relay", more: { ic: "mdi:fan" } },
	{ id: "mode", platform: "select", options: ["off", "eco", "on"] },
	{ id: "level", platform: "number", more: { min: 0, max: 10, step: 0.5 } },
	{ id: "restart", platform: "button", deviceClass: "restart", category: "config" },
	{ id: "press", platform: "event", more: { event_types: ["single", "double"] } },
	...["light", "cover", "fan", "lock", "scene", "siren", "text", "update", "valve"].map((platform) => ({
		id: `a_${platform}`,
		platform,
	})),
];

test("every platform is announced as the published rules want it", () => {
	const device = {
		id: "kitchen-1",
		name: "Kitchen",
		room: "Kitchen",
		model: "H1",
		manufacturer: "Me",
		softwareVersion: "1.2",
		via: "K7Q2M9XD",
	};
	const config = discoveryConfig(device, ENTITIES, { version: "0.1.0" });
	assert.equal(wrong(discoveryTopic("kitchen-1"), config), []);
	const { dev, cmps, avty_t } = JSON.parse(config) as Config;
	assert.equal(dev, {
		ids: ["kitchen-1"],
		name: "Kitchen",
		mf: "Me",
		mdl: "H1",
		sw: "1.2",
		sa: "Kitchen",
		via_device: "K7Q2M9XD",
	});
	assert.is(avty_t, "devices/kitchen-1/availability");
	assert.equal(cmps["relay"], {
		p: "switch",
		uniq_id: "kitchen-1_relay",
		name: "Relay",
		stat_t: "devices/kitchen-1/relay",
		cmd_t: "devices/kitchen-1/relay/set",
		ic: "mdi:fan",
	});
});

test("the judge of these tests sees what is wrong", () => {
	const good = discoveryConfig({ id: "a" }, [{ id: "t", platform: "sensor" }]);
	assert.equal(wrong(discoveryTopic("a"), good), []);
	const spoilt = (change: (config: Config) => void) => {
		const config = JSON.parse(good) as Config;
		change(config);
		return wrong(discoveryTopic("a"), JSON.stringify(config)).length;
	};
	assert.ok(spoilt((c) => delete c.dev["ids"]));
	assert.ok(spoilt((c) => delete c.o["name"]));
	assert.ok(spoilt((c) => delete c.cmps["t"]!["stat_t"]));
	assert.ok(spoilt((c) => Object.assign(c.cmps["t"]!, { p: "toaster" })));
	assert.ok(spoilt((c) => Object.assign(c.cmps["t"]!, { obj_id: "x" })));
	assert.ok(spoilt((c) => Object.assign(c, { cmps: {} })));
});

test("what Home Assistant would not take is refused with the reason", () => {
	const cases: [string, Entity[], RegExp][] = [
		["a b", ENTITIES, /^announce: a b: give 1 to 32/],
		["a", [], /give at least one entity/],
		["a", [{ id: "x/y", platform: "sensor" }], /x\/y: give 1 to 32/],
		["a", [ENTITIES[0]!, ENTITIES[0]!], /temperature: there are two of it/],
		["a", [{ id: "t", platform: "toaster" }], /platform toaster: give one of binary_sensor/],
		["a", [{ id: "t", platform: "toString" }], /platform toString: give one of/],
		["a", [{ id: "t", platform: "select" }], /a select needs options/],
		["a", [{ id: "t", platform: "switch", stateClass: "measurement" }], /only a sensor has a stateClass/],
	];
	for (const [id, entities, error] of cases)
		try {
			discoveryConfig({ id }, entities);
			assert.unreachable(`${error}`);
		} catch (thrown) {
			assert.match((thrown as Error).message, error);
		}
});

test.run();
