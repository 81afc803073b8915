/** WebSockets of a client on Node. */
import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { WebSocket } from "ws";
import { WebSocketTransport } from "../websocket.js";

/** Begins a WebSocket for MQTT. @param tls Node's options for wss @param failed hears why there will be none
 *  @param opened has the transport, the socket below, and what ends both without ceremony
 *  @returns ends the attempt: nobody hears of it then. Spec: section 6 */
export function openWebSocket(
	url: string,
	tls: ConnectionOptions,
	failed: (error: Error) => void,
	opened: (transport: WebSocketTransport, socket: Socket, terminate: () => void) => void,
): () => void {
	const ws = new WebSocket(url, ["mqtt"], { perMessageDeflate: false, maxPayload: 0, ...tls });
	const terminate = () => ws.terminate();
	ws.once("error", failed);
	ws.once("open", () => {
		ws.off("error", failed);
		const socket = (ws as unknown as { _socket: Socket })._socket;
		opened(new WebSocketTransport(ws, socket, { bytes: 0, most: Number.POSITIVE_INFINITY }), socket, terminate);
	});
	return () => {
		ws.off("error", failed);
		ws.on("error", () => {});
		terminate();
	};
}
