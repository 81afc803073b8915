/** What the package gives to others. */

export { Right, type Section, TopicRights, type TopicRule } from "./access/topic-rights.js";
export type { AuthenticationExchange, AuthenticationMethod } from "./auth/authentication-method.js";
export { type ScramCredentials, type ScramOptions, ScramSha256, scramCredentials } from "./auth/scram.js";
export { type ScramClientKeys, ScramSha256Client, scramSha256 } from "./auth/scram-client.js";
export type { AccessRules, Answer, Client } from "./broker/access.js";
export { Broker } from "./broker/broker.js";
export type { BrokerOptions } from "./broker/broker-options.js";
export { type Answer as ControllerAnswer, type Context, Controller, Refusal, type Reply } from "./broker/controller.js";
export type { BrokerEvents } from "./broker/events.js";
export type { Listener, ListenerLimits, ListenerOptions } from "./broker/listener.js";
export type { LocalSubscription, PublishOptions } from "./broker/local.js";
export type { Durability, PersistOptions } from "./broker/persist.js";
export type { ClientConnection, ClientSession, Server } from "./broker/server.js";
export type { LocalMessage, MessageHandler } from "./broker/session.js";
export type { View } from "./broker/view.js";
export type { ConnectView } from "./broker/view-connect.js";
export type { PublishView } from "./broker/view-publish.js";
export type { AckView, PingreqView, ReasonView, SubscribeView, UnsubscribeView } from "./broker/views.js";
export type { PacketProperties } from "./codec/packet-properties.js";
export { ReasonCode } from "./codec/packet-types.js";
export type {
	Auth,
	Connack,
	Connect,
	Disconnect,
	Pingreq,
	Pingresp,
	Puback,
	Pubcomp,
	Publish,
	Pubrec,
	Pubrel,
	ReceivedPublish,
	ServerControlPacket,
	ServerPacket,
	Suback,
	Subscribe,
	Subscription,
	Unsuback,
	Unsubscribe,
	Will,
} from "./codec/packets.js";
export {
	type ControlMessage,
	type FacePlatform,
	MqttClient,
	type MqttClientOptions,
	type ReadableOptions,
	type WriteOptions,
} from "./ecma419/mqtt-client.js";
export { Cause, causeName, HearthError } from "./errors.js";
export { AdminTopics } from "./hub/admin-topics.js";
export {
	type AnnouncedDevice,
	availabilityTopic,
	commandTopic,
	type DiscoveryOptions,
	discoveryConfig,
	discoveryTopic,
	type Entity,
	stateTopic,
} from "./hub/announce.js";
export { DeviceHub, type DeviceHubEvents, type DeviceHubOptions } from "./hub/device-hub.js";
export { DeviceKeyStore, type KeySlots } from "./hub/device-keys.js";
export type { Device } from "./hub/device-record.js";
export { DeviceRights, KINDS } from "./hub/device-rights.js";
export { HubDevices, type HubDevicesOptions, newHubId } from "./hub/hub-devices.js";
export { type Invitation, parseInvitation } from "./hub/invitation.js";
export { type DeviceKeys, Join, type JoinOptions } from "./hub/join.js";
export { JoinAuthentication } from "./hub/join-authentication.js";
export { KeyValueRecords } from "./hub/key-value-records.js";
export { type HubIdentity, Mover } from "./hub/mover.js";
export { type Answered, LOCAL_USER, type PageAnswer, PageApi, type PageApiOptions } from "./hub/page-api.js";
export { CONTENT_TYPES, type PageRequest, Refused, SECURITY_FIELDS } from "./hub/page-requests.js";
export { type Joined, PairedClient, type PairedClientOptions } from "./hub/paired-client.js";
export { Pairing, type PairingEvents, type PairingPlatform, type WindowOptions } from "./hub/pairing.js";
export { Devices, type HubRecords, type Records } from "./hub/registry.js";
export { StoredRecords } from "./hub/stored-records.js";
export { hostLimits, type Limits } from "./limits.js";
export type {
	Crypto,
	Flash,
	KeyValue,
	Platform,
	RecordVisitor,
	Storage,
	StorageTarget,
	Text,
	Transport,
	TransportTarget,
	Wear,
} from "./platform.js";
export * from "./promises/index.js";
export type { JournalCounters } from "./storage/counters.js";
export { Journal, type JournalOptions } from "./storage/journal.js";
export { type JournalLimits, journalLimits, journalMemory } from "./storage/journal-limits.js";
export { type KeyValueLimits, KeyValueStorage } from "./storage/key-value-storage.js";
