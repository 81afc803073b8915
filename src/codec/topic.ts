/** Topic Names and Topic Filters: what is allowed, what matches what, and shared filters. Spec: section 4.7, 5.0
 *  4.8.2 */
import { Cause } from "../errors.js";

/** Checks a Topic Name. Its UTF-8 is known to be good. Spec: [MQTT-3.3.2-2] [MQTT-4.7.1-1] [MQTT-4.7.3-1]
 *  [MQTT-4.7.3-2] */
export function checkTopicName(topic: string): Cause {
	if (topic === "") return Cause.TopicEmpty;
	if (topic.indexOf("\0") >= 0) return Cause.StringHasNul;
	return hasWildcard(topic) ? Cause.TopicWildcard : Cause.None;
}

/** Checks a Topic Filter (without its `$share/name/`). Spec: [MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-4.7.3-1] */
export function checkTopicFilter(filter: string): Cause {
	if (filter === "") return Cause.FilterInvalid;
	if (filter.indexOf("\0") >= 0) return Cause.StringHasNul;
	if (!hasWildcard(filter)) return Cause.None;
	const levels = filter.split("/");
	const last = levels.length - 1;
	for (let i = 0; i <= last; i++) {
		const level = levels[i]!;
		if (level === "+" || (level === "#" && i === last)) continue;
		if (hasWildcard(level)) return Cause.FilterInvalid;
	}
	return Cause.None;
}

export function hasWildcard(filter: string): boolean {
	return filter.indexOf("+") >= 0 || filter.indexOf("#") >= 0;
}

/** @returns whether a Topic Name or Filter has more than `levelsMax` levels: a search costs some look-ups a level */
export function tooDeep(topic: string, levelsMax: number): boolean {
	let at = -1;
	for (let levels = 1; levels <= levelsMax; levels++) {
		at = topic.indexOf("/", at + 1);
		if (at < 0) return false;
	}
	return true;
}

/** @returns whether a Topic Name matches a Topic Filter, both valid. Spec: section 4.7, [MQTT-4.7.2-1] */
export function topicMatches(filter: string, topic: string): boolean {
	if (!hasWildcard(filter)) return filter === topic;
	const wanted = filter.split("/");
	const given = topic.split("/");
	if (given[0]!.startsWith("$") && wanted[0] !== given[0]) return false;
	const count = wanted.length;
	for (let i = 0; i < count; i++) {
		const level = wanted[i]!;
		if (level === "#") return true; // at i = given.length it is the parent's level: "a/#" matches "a"
		if (i >= given.length) return false;
		if (level !== "+" && level !== given[i]) return false;
	}
	return given.length === count;
}

/** The beginning of a Shared Subscription's filter. Spec: 5.0, 4.8.2 */
export const SHARE_PREFIX = "$share/";

/** @returns index of the Topic Filter within `$share/{name}/{filter}`; 0: not shared; -1: shared and malformed.
 *  Spec: [MQTT-4.8.2-1] [MQTT-4.8.2-2] */
export function sharedFilterAt(filter: string): number {
	if (!filter.startsWith(SHARE_PREFIX)) return 0;
	const slash = filter.indexOf("/", 7);
	if (slash < 8 || slash + 1 >= filter.length) return -1;
	return hasWildcard(filter.slice(7, slash)) ? -1 : slash + 1;
}
