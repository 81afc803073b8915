/** Topic Names, Topic Filters and URLs among the arguments of `hearth pub` and `hearth sub`. */
import { checkTopicFilter, checkTopicName, sharedFilterAt } from "../../../src/codec/topic.js";
import { Cause } from "../../../src/errors.js";
import type { Arguments } from "./arguments.js";
import type { PubSubSettings, Scheme } from "./settings.js";

/** Bytes of the longest UTF-8 string. Spec: 5.0, 1.5.4 */
const TOPIC_BYTES_MAX = 65_535;

/** Takes what the command works with: pub's last Topic Name counts, sub has many Topic Filters. */
export function takeTopic(settings: PubSubSettings, args: Arguments): void {
	if (args.command === "sub") settings.topics.push(takeFilter(args));
	else settings.topics = [takeName(args)];
}

export function takeName(args: Arguments): string {
	return checkedName(args.utf8("TOPIC"), args);
}

export function takeFilter(args: Arguments): string {
	return checkedFilter(args.utf8("FILTER"), args);
}

function checkedName(topic: string, args: Arguments): string {
	if (checkTopicName(topic) === Cause.None && Buffer.byteLength(topic) <= TOPIC_BYTES_MAX) return topic;
	throw args.unusable(`${args.flag} ${topic}: is no Topic Name: give 1 to 65,535 bytes without + and #`);
}

function checkedFilter(filter: string, args: Arguments): string {
	const at = sharedFilterAt(filter);
	const good = at >= 0 && checkTopicFilter(filter.slice(at)) === Cause.None;
	if (good && Buffer.byteLength(filter) <= TOPIC_BYTES_MAX) return filter;
	throw args.unusable(`${args.flag} ${filter}: is no Topic Filter: + stands alone in its level, # alone in the last`);
}

const URL_FORM = /^(mqtts?|wss?):\/\/(?:([^/]*)@)?(\[[^\]/]*\]|[^/:[\]]*)(?::(\d+))?\/(.*)$/is;

/** Takes `mqtt://[user[:password]@]host[:port]/topic`. Nothing in it is percent-decoded, as in Mosquitto. */
export function takeUrl(settings: PubSubSettings, args: Arguments): void {
	const url = args.utf8("URL");
	const found = URL_FORM.exec(url);
	if (found === null) throw args.unusable(`${args.flag} ${url}: give mqtt://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC`);
	const [, scheme = "", login, host = "", port, topic = ""] = found;
	settings.scheme = scheme.toLowerCase() as Scheme;
	settings.host = host.replace(/^\[(.*)\]$/, "$1") || "localhost";
	settings.tls.wanted = settings.scheme === "mqtts" || settings.scheme === "wss";
	if (port === undefined) delete settings.port;
	else settings.port = args.parse(port, 1, 65_535);
	if (args.command === "sub") settings.topics.push(checkedFilter(topic, args));
	else settings.topics = [checkedName(topic, args)];
	if (login === undefined) return;
	const colon = login.indexOf(":");
	settings.username = colon < 0 ? login : login.slice(0, colon);
	if (colon >= 0) settings.password = Buffer.from(login.slice(colon + 1));
}
