/** The numbers of the MQTT specification: Control Packet types, property identifiers, Reason Codes.
 *  All are `const enum`: inlined where they are used, nothing of them exists at run time. */

/** Control Packet type, bits 7-4 of the fixed header's first byte. Spec: 5.0 and 3.1.1, section 2.1.2 */
export const enum PacketType {
	Connect = 1,
	Connack = 2,
	Publish = 3,
	Puback = 4,
	Pubrec = 5,
	Pubrel = 6,
	Pubcomp = 7,
	Subscribe = 8,
	Suback = 9,
	Unsubscribe = 10,
	Unsuback = 11,
	Pingreq = 12,
	Pingresp = 13,
	Disconnect = 14,
	Auth = 15,
}

/** Protocol Level of CONNECT. Spec: 3.1.2.2; 3.1: "MQIsdp" 3 */
export const enum Version {
	V31 = 3,
	V311 = 4,
	V5 = 5,
}

/** Bits of a PUBLISH's fixed header. Spec: 3.3.1 */
export const enum PublishFlag {
	Retain = 1,
	Qos = 6,
	Dup = 8,
}

/** Connect Flags. Spec: 3.1.2.3 */
export const enum ConnectFlag {
	Reserved = 1,
	CleanStart = 2,
	Will = 4,
	WillQos = 0x18,
	WillRetain = 0x20,
	Password = 0x40,
	UserName = 0x80,
}

/** Subscription Options. Spec: 5.0, 3.8.3.1 */
export const enum SubscribeOption {
	Qos = 3,
	NoLocal = 4,
	RetainAsPublished = 8,
	RetainHandling = 0x30,
	Reserved = 0xc0,
}

/** CONNACK return codes of 3.1 and 3.1.1. Spec: 3.1.1, table 3.1 */
export const enum ReturnCode {
	Accepted = 0,
	UnacceptableProtocolVersion = 1,
	IdentifierRejected = 2,
	ServerUnavailable = 3,
	BadUserNameOrPassword = 4,
	NotAuthorized = 5,
}

/** Property identifiers. Spec: 5.0, table 2-4 */
export const enum PropertyId {
	PayloadFormatIndicator = 1,
	MessageExpiryInterval = 2,
	ContentType = 3,
	ResponseTopic = 8,
	CorrelationData = 9,
	SubscriptionIdentifier = 11,
	SessionExpiryInterval = 17,
	AssignedClientIdentifier = 18,
	ServerKeepAlive = 19,
	AuthenticationMethod = 21,
	AuthenticationData = 22,
	RequestProblemInformation = 23,
	WillDelayInterval = 24,
	RequestResponseInformation = 25,
	ResponseInformation = 26,
	ServerReference = 28,
	ReasonString = 31,
	ReceiveMaximum = 33,
	TopicAliasMaximum = 34,
	TopicAlias = 35,
	MaximumQos = 36,
	RetainAvailable = 37,
	UserProperty = 38,
	MaximumPacketSize = 39,
	WildcardSubscriptionAvailable = 40,
	SubscriptionIdentifierAvailable = 41,
	SharedSubscriptionAvailable = 42,
}

/** Reason Codes. Spec: 5.0, table 2-6 */
export const enum ReasonCode {
	Success = 0x00,
	GrantedQos1 = 0x01,
	GrantedQos2 = 0x02,
	DisconnectWithWill = 0x04,
	NoMatchingSubscribers = 0x10,
	NoSubscriptionExisted = 0x11,
	ContinueAuthentication = 0x18,
	ReAuthenticate = 0x19,
	UnspecifiedError = 0x80,
	MalformedPacket = 0x81,
	ProtocolError = 0x82,
	ImplementationSpecificError = 0x83,
	UnsupportedProtocolVersion = 0x84,
	ClientIdentifierNotValid = 0x85,
	BadUserNameOrPassword = 0x86,
	NotAuthorized = 0x87,
	ServerUnavailable = 0x88,
	ServerBusy = 0x89,
	Banned = 0x8a,
	ServerShuttingDown = 0x8b,
	BadAuthenticationMethod = 0x8c,
	KeepAliveTimeout = 0x8d,
	SessionTakenOver = 0x8e,
	TopicFilterInvalid = 0x8f,
	TopicNameInvalid = 0x90,
	PacketIdentifierInUse = 0x91,
	PacketIdentifierNotFound = 0x92,
	ReceiveMaximumExceeded = 0x93,
	TopicAliasInvalid = 0x94,
	PacketTooLarge = 0x95,
	MessageRateTooHigh = 0x96,
	QuotaExceeded = 0x97,
	AdministrativeAction = 0x98,
	PayloadFormatInvalid = 0x99,
	RetainNotSupported = 0x9a,
	QosNotSupported = 0x9b,
	UseAnotherServer = 0x9c,
	ServerMoved = 0x9d,
	SharedSubscriptionsNotSupported = 0x9e,
	ConnectionRateExceeded = 0x9f,
	MaximumConnectTime = 0xa0,
	SubscriptionIdentifiersNotSupported = 0xa1,
	WildcardSubscriptionsNotSupported = 0xa2,
}
