/** What `hearth-mqtt/client` gives beside `connect`, on Node and in the browser. */
export type { ClientAuthentication } from "../auth/authentication-method.js";
export { Client } from "../client/client.js";
export { type ClientLimits, hostClientLimits } from "../client/client-limits.js";
export { ClientListener } from "../client/client-listener.js";
export type { ClientOptions, Connector, ConnectorTarget, PayloadSource } from "../client/client-options.js";
export type { IncomingMessage } from "../client/incoming-message.js";
export { HearthError } from "../errors.js";
export {
	AsyncClient,
	type EndOptions,
	type Handler,
	type PartHandler,
	type SubscribeOptions,
} from "./async-client.js";
export { ClientError, reasonName } from "./client-error.js";
export { Message } from "./message.js";
export type { MessageQueue } from "./message-queue.js";
export type { PropertyRecord } from "./property-record.js";
export type { PublishOptions, PublishResult } from "./publisher.js";
export type { Address, ConnectOptions, WillOptions } from "./settings.js";
export type { Subscription } from "./subscription.js";
