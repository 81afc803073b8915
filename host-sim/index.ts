/** What the package gives to programs on Node: all that it gives to others, and listeners. */

export * from "../src/index.js";
export { Hub, type HubOptions } from "./hub.js";
export type { HubListener, HubListenerOptions } from "./listeners.js";
export { type NodePlatform, nodePlatform } from "./platform.js";
export { listenTcp } from "./tcp.js";
export { type CertificateFiles, listenTls, type TlsControl, type TlsOptions } from "./tls.js";
export { listenWebSocket, type WebSocketOptions } from "./websocket.js";
