/** What a promise of the client rejects with: a name for programs, one line for people. */

import { type Cause, causeName, causeReason } from "../errors.js";
import { frozen } from "../frozen.js";
import type { Signal } from "./settings.js";

/** From 0x80 on. Spec: 5.0, table 2-6 */
const REFUSALS: readonly string[] = frozen(
	(
		"unspecified-error malformed-packet protocol-error implementation-specific-error unsupported-protocol-version " +
		"client-identifier-not-valid bad-user-name-or-password not-authorized server-unavailable server-busy banned " +
		"server-shutting-down bad-authentication-method keep-alive-timeout session-taken-over topic-filter-invalid " +
		"topic-name-invalid packet-identifier-in-use packet-identifier-not-found receive-maximum-exceeded " +
		"topic-alias-invalid packet-too-large message-rate-too-high quota-exceeded administrative-action " +
		"payload-format-invalid retain-not-supported qos-not-supported use-another-server server-moved " +
		"shared-subscriptions-not-supported connection-rate-exceeded maximum-connect-time " +
		"subscription-identifiers-not-supported wildcard-subscriptions-not-supported"
	).split(" "),
);

const SUCCESSES: Readonly<Record<number, string>> = frozen({
	4: "disconnect-with-will",
	16: "no-matching-subscribers",
	17: "no-subscription-existed",
});

/** @returns a Reason Code's name, such as `not-authorized`; 0: `success`. Spec: 5.0, 2.4 */
export function reasonName(reason: number): string {
	if (reason < 0x80) return SUCCESSES[reason] ?? "success";
	return REFUSALS[reason - 0x80] ?? `reason-0x${reason.toString(16)}`;
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
	return new ClientError(code, `${what}: ${REMEDIES[code] ?? code.replace(/-/g, " ")}`, causeReason(cause));
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
	"topic-wildcard": "a Topic Name has no + and no #",
	"string-has-nul": "U+0000 is not allowed",
	"filter-invalid": "not a Topic Filter: + stands for a whole level, # for the last ones",
	"administrative-action": "ended by this program",
});

/** @returns the error of what a signal has ended */
export function abortError(what: string, signal: Signal): unknown {
	const { reason } = signal;
	return reason instanceof Error ? reason : new ClientError("aborted", `${what}: aborted`, 0);
}

/** @returns a promise that a signal may end: it rejects then.
 *  @param start begins what is waited for, and settles the promise; what it returns is called when the signal ends
 *  it */
export function abortable<T>(
	what: string,
	signal: Signal | undefined,
	start: (resolve: (value: T) => void, reject: (error: unknown) => void) => (() => unknown) | undefined,
): Promise<T> {
	return new Promise((resolve, reject) => {
		if (signal?.aborted) return reject(abortError(what, signal));
		let undo: (() => unknown) | undefined;
		const abort = () => {
			reject(abortError(what, signal!));
			undo?.();
		};
		const settled = () => signal?.removeEventListener("abort", abort);
		signal?.addEventListener("abort", abort, { once: true });
		undo = start(
			(value) => {
				settled();
				resolve(value);
			},
			(error) => {
				settled();
				reject(error);
			},
		);
	});
}
