/** Topic Filters as section 4.7 and 5.0's 4.8.2 tell them, level by level. */

/** @returns whether the Topic Name matches the Topic Filter, both of them valid and not shared */
export function matches(filter: string, topic: string): boolean {
	if (topic.startsWith("$") && /^[+#]/.test(filter)) return false; // [5:MQTT-4.7.2-1]
	return matchLevels(filter.split("/"), topic.split("/"));
}

function matchLevels([wanted, ...filter]: string[], [given, ...topic]: string[]): boolean {
	if (wanted === "#") return true;
	if (wanted === undefined || given === undefined)
		// "a/#" matches "a", too
		return wanted === given;
	if (wanted !== "+" && wanted !== given) return false;
	if (topic.length === 0 && filter.length === 1 && filter[0] === "#") return true;
	return matchLevels(filter, topic);
}

/** @returns the Topic Filter of a Shared Subscription; undefined: it is none. Spec: 5.0, 4.8.2 */
export function sharedFilter(filter: string): string | undefined {
	return /^\$share\/[^/]+\/(.+)$/.exec(filter)?.[1];
}
