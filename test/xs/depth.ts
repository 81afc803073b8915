/** On XS: the deepest calls that a peer can cause. The engine's stack is fixed, and its overflow is the end of the
 *  process. */
import { limits } from "hearth-mqtt/limits";
import type { AuthenticationMethod } from "../../src/auth/authentication-method.js";
import { Broker } from "../../src/broker/broker.js";
import type { Connection } from "../../src/broker/connection.js";
import { Feeder, packet, text } from "./clients.js";
import { report } from "./measure.js";
import { XsPlatform } from "./platform.js";

const platform = new XsPlatform();
/** Asks once, and lets everybody in. */
const asking: AuthenticationMethod = {
	name: "ASK",
	begin() {
		let asked = false;
		return {
			data: undefined,
			userName: "u",
			take() {
				if (asked) return "success";
				asked = true;
				return "continue";
			},
		};
	},
};
const broker = new Broker({ limits, platform, logLevel: 2, authentication: [asking] });
const feeder = new Feeder(broker);

/** A CONNECT of 5.0 with a Will Message of QoS 2 that is retained and has properties. */
function connectWithWill(clientId: string, method: number[] = []): number[] {
	const properties = [0x03, 0, 1, 0x63, 0x26, 0, 1, 0x61, 0, 1, 0x62, 0x02, 0, 0, 0, 9];
	const body = [0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 0x36, 0, 60, method.length].concat(method, text(clientId));
	return packet(
		0x10,
		body.concat([properties.length], properties, text("will/topic"), [1, 44], new Array(300).fill(0x41)),
	);
}

/** Subscribes by 5.0, with a Subscription Identifier. */
function subscribe(clientId: string, filter: string): void {
	const connection = broker.accept(feeder.sink, 5_744)!;
	feeder.feed(connection, packet(0x10, [0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 2, 0, 60, 0].concat(text(clientId))));
	feeder.feed(connection, packet(0x82, [0, 1, 3, 0x0b, 0x80, 1].concat(text(filter), [2])));
}

for (let i = 0; i < 4; i++) subscribe(`receiver-${i}`, i % 2 === 0 ? "will/+" : "$share/g/will/#");
// cut in pieces, so that it comes through the store; then a takeover, whose will goes to all of them
for (let round = 0; round < 3; round++) {
	const connection = broker.accept(feeder.sink, 5_744)!;
	const bytes = connectWithWill("deep");
	for (let at = 0; at < bytes.length; at += 50) feeder.feed(connection, bytes.slice(at, at + 50));
	report("connected", { round, clients: broker.connectedCount, wills: broker.counters.willsPublished });
}

/** A large PUBLISH of 5.0, QoS 2, retained, with a Topic Alias and other properties, cut in pieces. */
function publish(): void {
	const connection = broker.accept(feeder.sink, 5_744)!;
	feeder.feed(connection, packet(0x10, [0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 2, 0, 60, 0].concat(text("publisher"))));
	const properties = [0x23, 0, 1, 0x02, 0, 0, 0, 9, 0x26, 0, 1, 0x61, 0, 1, 0x62, 0x08, 0, 1, 0x72, 0x0b].slice(0, -1);
	const payload = new Uint8Array(100).fill(0x42);
	for (let id = 1; id <= 3; id++) {
		const topic = id === 1 ? text("will/large") : [0, 0];
		const head = topic.concat([0, id, properties.length], properties);
		const pieces = id === 3 ? 20 : 5;
		const length = head.length + pieces * payload.length;
		feeder.feed(connection, [0x35, (length & 127) | 128, length >> 7].concat(head));
		for (let i = 0; i < pieces; i++) feeder.feed(connection, payload);
	}
	report("published", { received: broker.counters.publishesReceived, sent: broker.counters.publishesSent });
	// what is retained goes to a new subscription, also what is larger than the output buffer
	subscribe("late", "will/#");
	report("retained", { sent: broker.counters.publishesSent });
}

publish();

/** A CONNECT that waited for its authentication takes over a session with a Will; then it authenticates again. */
function authenticate(): void {
	const method = [0x15].concat(text("ASK"));
	const auth = (reason: number) => packet(0xf0, [reason, method.length].concat(method));
	for (let round = 0; round < 3; round++) {
		const connection = broker.accept(feeder.sink, 5_744)!;
		const bytes = connectWithWill("deep", method);
		for (let at = 0; at < bytes.length; at += 50) feeder.feed(connection, bytes.slice(at, at + 50));
		feeder.feed(connection, auth(0x18));
		feeder.feed(connection, auth(0x19));
		feeder.feed(connection, auth(0x18));
	}
	report("authenticated", { clients: broker.connectedCount, exchanges: broker.authenticating });
}

authenticate();

/** Members of a group are lost one after the other, while none of them acknowledges. */
function share(): void {
	const members: Connection[] = [];
	for (let i = 0; i < 3; i++) {
		const connection = broker.accept(feeder.sink, 5_744)!;
		feeder.feed(connection, packet(0x10, [0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 2, 0, 60, 0].concat(text(`member-${i}`))));
		feeder.feed(connection, packet(0x82, [0, 1, 2, 0x0b, 7].concat(text("$share/work/jobs/+"), [1])));
		members.push(connection);
	}
	const publisher = broker.accept(feeder.sink, 5_744)!;
	feeder.feed(publisher, packet(0x10, [0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 2, 0, 60, 0].concat(text("boss"))));
	for (let id = 1; id <= 12; id++) {
		const body = text(`jobs/${id % 3}`).concat([0, id, 0], new Array(20).fill(0x43));
		feeder.feed(publisher, packet(0x32, body));
	}
	const before = broker.counters.publishesSent;
	members[0]!.onError();
	broker.endTurn();
	feeder.feed(members[1]!, [0x10, 0]); // forbidden: the broker ends it
	report("shared", { again: broker.counters.publishesSent - before });
}

share();
host.exit(0);
