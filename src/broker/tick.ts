/** What happens with time: Keep Alive, the time for CONNECT, Will Delay and Session Expiry. Once a second or more
 *  often. */
import { Cause } from "../errors.js";
import type { Broker } from "./broker.js";
import { endSession } from "./close.js";
import { refuseConnect } from "./connack.js";
import { ConnectionState } from "./connection.js";

/** Does what is due. Spec: [MQTT-3.1.2-24]; 5.0 [MQTT-3.1.2-22] [MQTT-4.1.0-2], 3.1.3.2.2 */
export function tick(broker: Broker): void {
	const now = broker.now;
	const used = broker.connectionsUsed;
	for (let i = 0; i < used; i++) {
		const connection = broker.connections[i]!;
		if (connection.heard && connection.keepAliveMs !== 0) broker.deadlines.set(i, now + connection.keepAliveMs);
		connection.heard = false;
	}
	for (let i = broker.deadlines.over(0, now); i >= 0; i = broker.deadlines.over(i + 1, now)) {
		broker.deadlines.clear(i);
		const connection = broker.connections[i]!;
		if (connection.session !== undefined) broker.close(connection, Cause.KeepAliveTimeout);
		else if (connection.state !== ConnectionState.Waiting) broker.close(connection, Cause.ConnectTimeout);
		else refuseConnect(broker, connection, Cause.LoginTimeout); // the rules' fault, not the client's
	}
	for (let i = 0; i < used; i++) broker.connections[i]!.check();
	const sessions = broker.sessions;
	for (let i = sessions.wills.over(0, now); i >= 0; i = sessions.wills.over(i + 1, now))
		broker.wills.add(sessions.at(i), i);
	for (let i = sessions.expiries.over(0, now); i >= 0; i = sessions.expiries.over(i + 1, now)) {
		sessions.expiries.clear(i);
		endSession(broker, sessions.at(i));
	}
	broker.persist?.tick();
	broker.sys?.tick();
}
