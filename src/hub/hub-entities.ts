/** The hub itself in Home Assistant's discovery: how many clients it has, how full it is, what it had to drop. After
 *  announce.ts, for hub-devices.ts. docs/home-assistant.md */
import type { Broker } from "../broker/broker.js";
import type { Cause } from "../errors.js";
import { frozen } from "../frozen.js";
import { availabilityTopic, type DiscoveryOptions, type Entity, stateTopic } from "./announce.js";
import type { DeviceHub } from "./device-hub.js";

/** How often values are told, ms. */
export const ENTITIES_MS = 60_000;

const MEASURED = { platform: "sensor", stateClass: "measurement", category: "diagnostic" } as const;

const ENTITIES: readonly (Entity & { value: (broker: Broker) => number })[] = frozen([
	{ ...MEASURED, id: "clients", name: "Clients", value: (b) => b.connectedCount },
	{
		...MEASURED,
		id: "memory",
		name: "Message store",
		unit: "%",
		value: (b) => Math.round(100 * (1 - b.pool.freeCount / b.pool.blockCount)),
	},
	{
		...MEASURED,
		id: "drops",
		name: "Dropped messages",
		stateClass: "total_increasing",
		value: ({ counters: c }) => c.dropsQueue + c.dropsStore + c.dropsTooLarge + c.dropsExpired,
	},
]);

export class HubEntities {
	/** when values are told next; ms on the platform's clock */
	private due = 0;

	constructor(
		private readonly hub: DeviceHub,
		private readonly broker: Broker,
		private readonly options: DiscoveryOptions = {},
	) {}

	/** Announces the hub; once. @returns Cause.None, or the budget that is used up */
	begin(): Cause {
		const entities = ENTITIES.map(({ value: _value, ...entity }) => entity);
		const device = { id: this.hub.hubId, name: `Hearth ${this.hub.hubId}`, model: "MQTT hub" };
		return this.hub.announce(device, entities, this.options);
	}

	/** Tells the values when they are due. @param now ms on the platform's clock */
	tick(now: number): void {
		if (now < this.due) return;
		this.due = now + ENTITIES_MS;
		for (let i = 0; i < ENTITIES.length; i++) {
			const { id, value } = ENTITIES[i]!;
			this.broker.publish(stateTopic(this.hub.hubId, id), `${value(this.broker)}`, { retain: true });
		}
	}

	/** The hub is about to end. */
	end(): void {
		this.broker.publish(availabilityTopic(this.hub.hubId), "offline", { qos: 1, retain: true });
	}
}
