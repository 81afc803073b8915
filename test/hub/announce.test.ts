/** Home Assistant's discovery: what is announced is held against the published rules. */
import { discoveryConfig, discoveryTopic, type Entity } from "../../src/hub/announce.js";
import { assert, suite } from "../support/test.js";

const test = suite("Home Assistant's discovery");

/** The rules of https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload, as far as they go. */
const DEVICE_FIELDS = /^(ids|cns|name|mf|mdl|mdl_id|sw|hw|sn|cu|sa|via_device)$/;
const COMPONENT_FIELDS =
	/^(p|uniq_id|name|dev_cla|unit_of_meas|stat_cla|ent_cat|options|exp_aft|stat_t|cmd_t|ic|min|max|step|event_types)$/;
const NEEDS: Record<string, readonly string[]> = {
	sensor: ["stat_t"],
	binary_sensor: ["stat_t"],
	switch: ["cmd_t"],
	light: ["cmd_t"],
	number: ["cmd_t"],
	button: ["cmd_t"],
	select: ["cmd_t", "options"],
	event: ["stat_t", "event_types"],
	text: ["cmd_t"],
	fan: ["cmd_t"],
	siren: ["cmd_t"],
	scene: ["cmd_t"],
	lock: ["cmd_t"],
	cover: [],
	valve: [],
	update: [],
};

interface Config {
	dev: Record<string, unknown>;
	o: Record<string, unknown>;
	avty_t: string;
	cmps: Record<string, Record<string, unknown>>;
}

/** @returns what is wrong with an entry in discovery */
function wrong(topic: string, payload: string): string[] {
	const found: string[] = [];
	const say = (holds: boolean, what: string) => holds || found.push(what);
	say(/^[^/#+]+\/device\/[a-zA-Z0-9_-]+\/config$/.test(topic), `topic ${topic}`);
	const config = JSON.parse(payload) as Config;
	say(Array.isArray(config.dev.ids) && config.dev.ids.length > 0, "dev.ids");
	for (const field of Object.keys(config.dev)) say(DEVICE_FIELDS.test(field), `dev.${field}`);
	say(typeof config.o.name === "string" && config.o.name !== "", "o.name");
	say(/^[^#+]+$/.test(config.avty_t), "avty_t");
	say(Object.keys(config.cmps).length > 0, "cmps");
	const ids = new Set<unknown>();
	for (const [id, fields] of Object.entries(config.cmps)) {
		const platform = `${fields["p"]}`;
		say(platform in NEEDS, `${id}.p ${platform}`);
		say(typeof fields["uniq_id"] === "string" && !ids.has(fields["uniq_id"]), `${id}.uniq_id`);
		ids.add(fields["uniq_id"]);
		for (const field of Object.keys(fields)) say(COMPONENT_FIELDS.test(field), `${id}.${field}`);
		for (const field of NEEDS[platform] ?? []) say(fields[field] !== undefined, `${id} without ${field}`);
		for (const field of ["stat_t", "cmd_t"])
			if (fields[field] !== undefined) say(/^[^#+]+$/.test(`${fields[field]}`), `${id}.${field}`);
		say(fields["stat_cla"] === undefined || platform === "sensor", `${id}.stat_cla`);
		// what stopped working in 2026.4
		say(fields["obj_id"] === undefined && fields["object_id"] === undefined, `${id}.obj_id`);
	}
	return found;
}

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
