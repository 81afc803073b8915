/** What the package gives to others. */

export type { AuthenticationExchange, AuthenticationMethod } from "./auth/authentication-method.js";
export { type ScramCredentials, type ScramOptions, ScramSha256, scramCredentials } from "./auth/scram.js";
export type { AccessRules, Answer, Client } from "./broker/access.js";
export { Broker, type BrokerEvents, type BrokerOptions } from "./broker/broker.js";
export type { LocalSubscription, PublishOptions } from "./broker/local.js";
export type { LocalMessage, MessageHandler } from "./broker/session.js";
export { Cause, causeName, HearthError } from "./errors.js";
export { hostLimits, type Limits } from "./limits.js";
export type { Crypto, Platform, Text, Transport, TransportTarget } from "./platform.js";
