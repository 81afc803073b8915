/** What `import … from "hearth-mqtt/boards"` gives in a project that mcpack builds: the SDK's sockets for broker and
 *  client, and each board's limits. */
export { TcpConnector } from "./connector.js";
export { limits as esp32 } from "./esp32/limits.js";
export { limits as esp32c3 } from "./esp32c3/limits.js";
export { limits as esp32s3 } from "./esp32s3/limits.js";
export { limits as esp8266 } from "./esp8266/limits.js";
export { limits as picoW } from "./pico_w/limits.js";
export { DevicePlatform } from "./platform.js";
export { TcpListener } from "./tcp.js";
export { WebSocketListener } from "./websocket.js";
