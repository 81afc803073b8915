/** A device's entry in Home Assistant's discovery: one retained JSON text that names its entities and their topics. For
 *  the hub, which announces devices, and for devices, which announce themselves. docs/home-assistant.md */
import { frozen } from "../frozen.js";

/** What may be announced, and which topics each has; more fields go along as they are. */
const PLATFORMS: Readonly<Record<string, { state?: true; command?: true; required?: readonly string[] }>> = frozen({
	binary_sensor: { state: true },
	button: { command: true },
	cover: { state: true, command: true },
	event: { state: true, required: ["event_types"] },
	fan: { state: true, command: true },
	light: { state: true, command: true },
	lock: { state: true, command: true },
	number: { state: true, command: true },
	scene: { command: true },
	select: { state: true, command: true, required: ["options"] },
	sensor: { state: true },
	siren: { state: true, command: true },
	switch: { state: true, command: true },
	text: { state: true, command: true },
	update: { state: true },
	valve: { state: true, command: true },
});

export interface Entity {
	/** 1 to 32 of A-Z a-z 0-9 - _; unique in its device; the last level of its topics */
	id: string;
	/** "sensor", "switch", …: the keys of PLATFORMS */
	platform: string;
	/** what people see. Absent: by its class, or the device's name */
	name?: string;
	/** "temperature", "motion", … */
	deviceClass?: string;
	/** of a sensor's values, such as "°C" */
	unit?: string;
	/** of numbers that are worth a history */
	stateClass?: "measurement" | "total" | "total_increasing" | "measurement_angle";
	/** where it stands on the device's page */
	category?: "config" | "diagnostic";
	/** of a select */
	options?: readonly string[];
	/** seconds after which a value that was not told again is unknown */
	expiresAfter?: number;
	/** other fields, by Home Assistant's own names */
	more?: Readonly<Record<string, unknown>>;
}

/** What is told of the device itself. */
export interface AnnouncedDevice {
	/** as in src/hub/device-record.ts */
	id: string;
	name?: string;
	room?: string;
	model?: string;
	manufacturer?: string;
	softwareVersion?: string;
	hardwareVersion?: string;
	serialNumber?: string;
	/** where its own page is */
	url?: string;
	/** the hub's identifier, for "connected via" */
	via?: string;
}

export interface DiscoveryOptions {
	/** the first level that Home Assistant listens below. Default: "homeassistant" */
	prefix?: string;
	/** Hearth's version, for whoever looks for the origin */
	version?: string;
}

const ID = /^[A-Za-z0-9_-]{1,32}$/;

/** @returns where the entry is retained */
export function discoveryTopic(id: string, prefix = "homeassistant"): string {
	return `${prefix}/device/${id}/config`;
}

/** @returns where an entity's value is told */
export function stateTopic(id: string, entity: string): string {
	return `devices/${id}/${entity}`;
}

/** @returns where an entity is told what to do */
export function commandTopic(id: string, entity: string): string {
	return `devices/${id}/${entity}/set`;
}

/** @returns where "online" and "offline" are retained, the latter by the device's Will Message */
export function availabilityTopic(id: string): string {
	return `devices/${id}/availability`;
}

/** @returns the JSON text to retain at `discoveryTopic`. Throws RangeError for what Home Assistant would not take. */
export function discoveryConfig(
	device: AnnouncedDevice,
	entities: readonly Entity[],
	options: DiscoveryOptions = {},
): string {
	if (!ID.test(device.id)) throw new RangeError(`announce: ${device.id}: give 1 to 32 of A-Z a-z 0-9 - _`);
	if (entities.length === 0) throw new RangeError(`announce: ${device.id}: give at least one entity`);
	// text after text: an entity's identifier as a property's name would take a device memory for good
	let components = "";
	for (let i = 0; i < entities.length; i++) {
		const entity = entities[i]!;
		const where = `announce: ${device.id}: ${entity.id}`;
		if (!ID.test(entity.id)) throw new RangeError(`${where}: give 1 to 32 of A-Z a-z 0-9 - _`);
		for (let j = 0; j < i; j++)
			if (entities[j]!.id === entity.id) throw new RangeError(`${where}: there are two of it`);
		const fields = JSON.stringify(component(device.id, entity, where));
		components += `${i === 0 ? "" : ","}"${entity.id}":${fields}`;
	}
	const about = JSON.stringify({
		dev: compact({
			ids: [device.id],
			name: device.name || device.id,
			mf: device.manufacturer,
			mdl: device.model || undefined,
			sw: device.softwareVersion,
			hw: device.hardwareVersion,
			sn: device.serialNumber,
			cu: device.url,
			sa: device.room || undefined,
			via_device: device.via,
		}),
		o: compact({ name: "Hearth", sw: options.version }),
		avty_t: availabilityTopic(device.id),
	});
	return `${about.slice(0, -1)},"cmps":{${components}}}`;
}

function component(id: string, entity: Entity, where: string): object {
	const platform = Object.hasOwn(PLATFORMS, entity.platform) ? PLATFORMS[entity.platform] : undefined;
	if (platform === undefined)
		throw new RangeError(`${where}: platform ${entity.platform}: give one of ${Object.keys(PLATFORMS).join(", ")}`);
	if (entity.stateClass !== undefined && entity.platform !== "sensor")
		throw new RangeError(`${where}: only a sensor has a stateClass`);
	const fields = compact({
		p: entity.platform,
		uniq_id: `${id}_${entity.id}`,
		name: entity.name,
		dev_cla: entity.deviceClass,
		unit_of_meas: entity.unit,
		stat_cla: entity.stateClass,
		ent_cat: entity.category,
		options: entity.options,
		exp_aft: entity.expiresAfter,
		stat_t: platform.state ? stateTopic(id, entity.id) : undefined,
		cmd_t: platform.command ? commandTopic(id, entity.id) : undefined,
		...entity.more,
	});
	const required = platform.required ?? [];
	for (let i = 0; i < required.length; i++)
		if (fields[required[i]!] === undefined) throw new RangeError(`${where}: a ${entity.platform} needs ${required[i]}`);
	return fields;
}

/** @returns the fields that have a value */
function compact(fields: Record<string, unknown>): Record<string, unknown> {
	const result: Record<string, unknown> = {};
	const names = Object.keys(fields);
	for (let i = 0; i < names.length; i++) {
		const value = fields[names[i]!];
		if (value !== undefined) result[names[i]!] = value;
	}
	return result;
}
