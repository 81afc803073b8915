/** The named causes of every refusal, and what each is on the wire. Four sorts of errors exist (ARCHITECTURE.md):
 *  a peer's and a budget's are a `Cause`, returned and never thrown; a person's is a `HearthError`; ours is
 *  `assert`. */

import { ReasonCode } from "./codec/packet-types.js";
import { frozen } from "./frozen.js";

/** One cause for each check. The order is the order of `CAUSES`, which a test holds. */
export const enum Cause {
	None = 0,
	// A peer's bytes are not a packet of MQTT.
	RemainingLengthMalformed,
	PacketTypeReserved,
	FixedHeaderFlags,
	PacketTooShort,
	PacketTrailingBytes,
	StringPastEnd,
	StringIllFormed,
	StringHasNul,
	VariableByteInteger,
	PropertyLength,
	PropertyUnknown,
	PropertyDuplicate,
	PropertyNotAllowed,
	PropertyValue,
	PacketIdZero,
	ReasonCodeUnknown,
	// CONNECT
	ProtocolName,
	ProtocolVersion,
	ConnectFlags,
	ConnectTwice,
	ConnectMissing,
	ConnectTimeout,
	LoginTimeout,
	ClientIdRejected,
	// PUBLISH
	PublishQos3,
	PublishDupQos0,
	TopicEmpty,
	TopicWildcard,
	TopicTooLong,
	TopicAliasInvalid,
	SubscriptionIdentifierFromClient,
	PacketIdUnknown,
	// SUBSCRIBE and UNSUBSCRIBE
	FilterInvalid,
	FilterListEmpty,
	SubscribeOptions,
	NoLocalShared,
	FilterTooLong,
	// a packet that this side never accepts, or not in this version or state
	PacketNotAllowed,
	SessionExpiryRaised,
	AuthenticationMethodMissing,
	AuthenticationMethodUnknown,
	AuthenticationMethodChanged,
	AuthenticationFailed,
	PairingClosed,
	PairingBusy,
	PairingFailed,
	// rights
	BadUserNameOrPassword,
	NotAuthorized,
	RetainNotSupported,
	QosNotSupported,
	WildcardsNotSupported,
	IdentifiersNotSupported,
	SharedNotSupported,
	// a budget is used up
	PacketTooLarge,
	FullConnections,
	FullSessions,
	FullSubscriptions,
	FullRetained,
	FullStore,
	FullQueue,
	FullReceived,
	FullAuthentications,
	FullDevices,
	FullStorage,
	ReceiveMaximumExceeded,
	MessageExpired,
	// ends that are nobody's fault
	KeepAliveTimeout,
	SessionTakenOver,
	ServerShuttingDown,
	AdministrativeAction,
	TransportClosed,
	SlowReceiver,
	InternalError,
	ControllerRefused,
}

/** Cause by number: its name (counters, log lines) and the Reason Code of 5.0 that tells a peer. Spec: 5.0, 2.4
 *  and 4.13 */
const CAUSES: readonly (readonly [name: string, reason: ReasonCode])[] = frozen([
	["none", ReasonCode.Success],
	["remaining-length-malformed", ReasonCode.MalformedPacket],
	["packet-type-reserved", ReasonCode.MalformedPacket],
	["fixed-header-flags", ReasonCode.MalformedPacket],
	["packet-too-short", ReasonCode.MalformedPacket],
	["packet-trailing-bytes", ReasonCode.MalformedPacket],
	["string-past-end", ReasonCode.MalformedPacket],
	["string-ill-formed", ReasonCode.MalformedPacket],
	["string-has-nul", ReasonCode.MalformedPacket],
	["variable-byte-integer", ReasonCode.MalformedPacket],
	["property-length", ReasonCode.MalformedPacket],
	["property-unknown", ReasonCode.MalformedPacket],
	["property-duplicate", ReasonCode.ProtocolError],
	["property-not-allowed", ReasonCode.MalformedPacket],
	["property-value", ReasonCode.ProtocolError],
	["packet-id-zero", ReasonCode.ProtocolError],
	["reason-code-unknown", ReasonCode.ProtocolError],
	["protocol-name", ReasonCode.UnsupportedProtocolVersion],
	["protocol-version", ReasonCode.UnsupportedProtocolVersion],
	["connect-flags", ReasonCode.MalformedPacket],
	["connect-twice", ReasonCode.ProtocolError],
	["connect-missing", ReasonCode.ProtocolError],
	["connect-timeout", ReasonCode.MaximumConnectTime],
	["login-timeout", ReasonCode.ServerUnavailable],
	["client-id-rejected", ReasonCode.ClientIdentifierNotValid],
	["publish-qos-3", ReasonCode.MalformedPacket],
	["publish-dup-qos-0", ReasonCode.MalformedPacket],
	["topic-empty", ReasonCode.ProtocolError],
	["topic-wildcard", ReasonCode.TopicNameInvalid],
	["topic-too-long", ReasonCode.TopicNameInvalid],
	["topic-alias-invalid", ReasonCode.TopicAliasInvalid],
	["subscription-identifier-from-client", ReasonCode.ProtocolError],
	["packet-id-unknown", ReasonCode.PacketIdentifierNotFound],
	["filter-invalid", ReasonCode.MalformedPacket],
	["filter-list-empty", ReasonCode.ProtocolError],
	["subscribe-options", ReasonCode.MalformedPacket],
	["no-local-shared", ReasonCode.ProtocolError],
	["filter-too-long", ReasonCode.QuotaExceeded],
	["packet-not-allowed", ReasonCode.ProtocolError],
	["session-expiry-raised", ReasonCode.ProtocolError],
	["authentication-method-missing", ReasonCode.ProtocolError],
	["authentication-method-unknown", ReasonCode.BadAuthenticationMethod],
	["authentication-method-changed", ReasonCode.ProtocolError],
	["authentication-failed", ReasonCode.NotAuthorized],
	["pairing-closed", ReasonCode.NotAuthorized],
	["pairing-busy", ReasonCode.ServerBusy],
	["pairing-failed", ReasonCode.NotAuthorized],
	["bad-user-name-or-password", ReasonCode.BadUserNameOrPassword],
	["not-authorized", ReasonCode.NotAuthorized],
	["retain-not-supported", ReasonCode.RetainNotSupported],
	["qos-not-supported", ReasonCode.QosNotSupported],
	["wildcards-not-supported", ReasonCode.WildcardSubscriptionsNotSupported],
	["identifiers-not-supported", ReasonCode.SubscriptionIdentifiersNotSupported],
	["shared-not-supported", ReasonCode.SharedSubscriptionsNotSupported],
	["packet-too-large", ReasonCode.PacketTooLarge],
	["full-connections", ReasonCode.QuotaExceeded],
	["full-sessions", ReasonCode.QuotaExceeded],
	["full-subscriptions", ReasonCode.QuotaExceeded],
	["full-retained", ReasonCode.QuotaExceeded],
	["full-store", ReasonCode.QuotaExceeded],
	["full-queue", ReasonCode.QuotaExceeded],
	["full-received", ReasonCode.QuotaExceeded],
	["full-authentications", ReasonCode.ServerBusy],
	["full-devices", ReasonCode.QuotaExceeded],
	["full-storage", ReasonCode.QuotaExceeded],
	["receive-maximum-exceeded", ReasonCode.ReceiveMaximumExceeded],
	["message-expired", ReasonCode.UnspecifiedError],
	["keep-alive-timeout", ReasonCode.KeepAliveTimeout],
	["session-taken-over", ReasonCode.SessionTakenOver],
	["server-shutting-down", ReasonCode.ServerShuttingDown],
	["administrative-action", ReasonCode.AdministrativeAction],
	["transport-closed", ReasonCode.UnspecifiedError],
	["slow-receiver", ReasonCode.QuotaExceeded],
	["internal-error", ReasonCode.ImplementationSpecificError],
	["controller-refused", ReasonCode.UnspecifiedError],
]);

/** Number of causes, for tables of counters. */
export const causeCount: number = Cause.ControllerRefused + 1;

/** The cause's name as counters and log lines show it, such as `keep-alive-timeout`. */
export function causeName(cause: Cause): string {
	return CAUSES[cause]?.[0] ?? "unknown";
}

/** The Reason Code of 5.0 that tells a peer of this cause. Spec: 5.0, 2.4 */
export function causeReason(cause: Cause): ReasonCode {
	return CAUSES[cause]?.[1] ?? ReasonCode.UnspecifiedError;
}

/** An unusable option, file or port: one line that says what, where and what to do. */
export class HearthError extends Error {
	override name = "HearthError";
	/** @param code stable and documented, such as `HEARTH_ERR_LIMITS_RELATION` */
	constructor(
		readonly code: string,
		message: string,
	) {
		super(message);
	}
}

/** An invariant of our own. Throws; on a device the connection at whose edge it is caught is closed and counted. */
export function assert(condition: boolean, invariant: string): void {
	if (!condition) throw new HearthError("HEARTH_ERR_INVARIANT", `invariant does not hold: ${invariant}`);
}
