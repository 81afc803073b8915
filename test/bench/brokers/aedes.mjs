// Aedes as its documentation starts it: node aedes.mjs mqtt | ws | mqtts CERT KEY. Prints where it listens.
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { Aedes } from "aedes";
import { createWebSocketStream, WebSocketServer } from "ws";

const [scheme, cert, key] = process.argv.slice(2);
const broker = await Aedes.createBroker();
const server = {
	mqtt: () => createServer(broker.handle),
	mqtts: () => createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, broker.handle),
	ws() {
		const http = createHttpServer();
		const webSockets = new WebSocketServer({ server: http });
		webSockets.on("connection", (socket, request) => broker.handle(createWebSocketStream(socket), request));
		return http;
	},
}[scheme]();
server.listen({ port: 0, host: "127.0.0.1", backlog: 1024 }, () => {
	console.log(`listening ${scheme}://127.0.0.1:${server.address().port}`);
});
process.on("SIGTERM", () => process.exit());
