/** What Home Assistant publishes as the rules of its discovery, for what is announced. */

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

export interface Config {
	dev: Record<string, unknown>;
	o: Record<string, unknown>;
	avty_t: string;
	cmps: Record<string, Record<string, unknown>>;
}

/** @returns what is wrong with an entry in discovery */
export function wrong(topic: string, payload: string): string[] {
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
