/** What a promise of the client rejects with: a name for programs, one line for people. */

import { type Cause, causeName, causeReason } from "../errors.js";
import { frozen } from "../frozen.js";
import type { Signal } from "./settings.js";

const REASONS: readonly (readonly [code: number, name: string])[] = frozen([
	[0x04, "disconnect-with-will"],
	[0x10, "no-matching-subscribers"],
	[0x11, "no-subscription-existed"],
	[0x80, "unspecified-error"],
	[0x81, "malformed-packet"],
	[0x82, "protocol-error"],
	[0x83, "implementation-specific-error"],
	[0x84, "unsupported-protocol-version"],
	[0x85, "client-identifier-not-valid"],
	[0x86, "bad-user-name-or-password"],
	[0x87, "not-authorized"],
	[0x88, "server-unavailable"],
	[0x89, "server-busy"],
	[0x8a, "banned"],
	[0x8b, "server-shutting-down"],
	[0x8c, "bad-authentication-method"],
	[0x8d, "keep-alive-timeout"],
	[0x8e, "session-taken-over"],
	[0x8f, "topic-filter-invalid"],
	[0x90, "topic-name-invalid"],
	[0x91, "packet-identifier-in-use"],
	[0x92, "packet-identifier-not-found"],
	[0x93, "receive-maximum-exceeded"],
	[0x94, "topic-alias-invalid"],
	[0x95, "packet-too-large"],
	[0x96, "message-rate-too-high"],
	[0x97, "quota-exceeded"],
	[0x98, "administrative-action"],
	[0x99, "payload-format-invalid"],
	[0x9a, "retain-not-supported"],
	[0x9b, "qos-not-supported"],
	[0x9c, "use-another-server"],
	[0x9d, "server-moved"],
	[0x9e, "shared-subscriptions-not-supported"],
	[0x9f, "connection-rate-exceeded"],
	[0xa0, "maximum-connect-time"],
	[0xa1, "subscription-identifiers-not-supported"],
	[0xa2, "wildcard-subscriptions-not-supported"],
]);

/** @returns a Reason Code's name, such as `not-authorized`; 0: `success`. Spec: 5.0, 2.4 */
export function reasonName(reason: number): string {
	for (const [code, name] of REASONS) if (code === reason) return name;
	return reason < 0x80 ? "success" : `reason-0x${reason.toString(16)}`;
}

export class ClientError extends Error {
	override name = "ClientError";
	/** @param code a Reason Code's name where the server refused, otherwise a Cause's, such as `full-queue`,
	 *  `transport-closed` or `connect-timeout`; `aborted` after an AbortSignal
	 *  @param reason the Reason Code of 5.0; before 5.0 the one that means the same */
	constructor(
		readonly code: string,
		message: string,
		readonly reason: number,
	) {
		super(message);
	}
}

/** @returns the error of something that this side gave up. @param what one word and its object, such as
 *  "publish room/lamp" */
export function causeError(what: string, cause: Cause): ClientError {
	const code = causeName(cause);
	return new ClientError(code, `${what}: ${REMEDIES[code] ?? code}`, causeReason(cause));
}

/** @returns the error of what the server refused with a Reason Code ≥ 0x80 @param told its Reason String */
export function reasonError(what: string, reason: number, told?: string): ClientError {
	const code = reasonName(reason);
	const more = told === undefined || told === "" ? "" : ` (${told})`;
	return new ClientError(code, `${what}: the server refuses: ${code}${more}`, reason);
}

const REMEDIES: Readonly<Record<string, string>> = frozen({
	"transport-closed": "there is no connection any more",
	"full-queue": "the queue is full; wait for the messages before, or raise its limits",
	"full-store": "the message store is full; wait for the messages before, or raise its limits",
	"full-subscriptions": "too many subscriptions; end some, or raise limits.subscriptions",
	"packet-too-large": "larger than the server takes",
	"qos-not-supported": "give a QoS of 0, 1 or 2 that the server supports",
	"retain-not-supported": "the server does not keep Retained Messages",
	"topic-empty": "the topic is empty",
	"topic-wildcard": "a Topic Name has no + and no #",
	"string-has-nul": "U+0000 is not allowed",
	"topic-too-long": "the topic is too long",
	"filter-invalid": "not a Topic Filter: + stands for a whole level, # for the last ones",
	"message-expired": "the message expired before it could be sent",
	"administrative-action": "ended by this program",
});

/** @returns the error of what a signal has ended */
export function abortError(what: string, signal: Signal): unknown {
	const { reason } = signal;
	return reason instanceof Error ? reason : new ClientError("aborted", `${what}: aborted`, 0);
}
