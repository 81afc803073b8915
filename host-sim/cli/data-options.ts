/** What `hearth hub` keeps, and what it says of it. */
import type { Broker } from "../../src/broker/broker.js";
import { checkTopicFilter } from "../../src/codec/topic.js";
import { Cause, HearthError } from "../../src/errors.js";
import type { HubConfiguration } from "../configuration/hub-configuration.js";
import { DataDirectory } from "../data/directory.js";

/** Opens a configuration's data directory. @returns undefined: nothing is kept. Rejects with HearthError when it cannot
 *  be had */
export async function openData(
	configuration: HubConfiguration,
	progress: (line: string) => void,
): Promise<DataDirectory | undefined> {
	const { data, maximumBytes, neverStore = [] } = configuration;
	for (const filter of neverStore)
		if (checkTopicFilter(filter) !== Cause.None)
			throw new HearthError("HEARTH_ERR_OPTION", `hub: --never-store ${filter}: give a Topic Filter, such as +/state`);
	if (data === undefined) return undefined;
	return DataDirectory.open(data, { progress, ...(maximumBytes === undefined ? {} : { maximumBytes }) });
}

/** @returns what was found in a data directory, in a line */
export function summaryOf(broker: Broker, path: string): string {
	const n = (count: number, what: string) => `${count.toLocaleString("en-US")} ${what}${count === 1 ? "" : "s"}`;
	const queued = broker.limits.deliveries - broker.deliveries.freeCount;
	const found = [n(broker.clientSessions, "session"), n(broker.retained.count, "Retained Message")];
	return `${path}: ${[...found, n(queued, "queued message")].join(", ")}`;
}
