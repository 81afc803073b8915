// Looks users up in a database, which takes time: node examples/controller/database.mjs [port]
import { setTimeout as sleep } from "node:timers/promises";
import { Hub, ReasonCode, Refusal } from "hearth-mqtt";

const users = new Map([["ann", { password: "secret", topics: ["garden/#"] }]]);

/** As a database does, it answers later. */
async function find(name) {
	await sleep(20);
	return users.get(name);
}

/** @type {import("hearth-mqtt").Controller} */
const controller = {
	async connect(_context, packet) {
		const user = await find(packet.userName);
		if (user === undefined || String(Buffer.from(packet.password ?? [])) !== user.password)
			throw new Refusal(ReasonCode.BadUserNameOrPassword);
		return { type: "connack" };
	},
	async subscribe({ connection, session }, packet) {
		const { topics } = await find(connection.userName);
		const reasonCodes = packet.subscriptions.map(({ filter, qos }) =>
			topics.includes(filter) ? session.subscribe(filter, qos) : ReasonCode.NotAuthorized,
		);
		return { type: "suback", reasonCodes };
	},
};
const hub = new Hub({ listeners: [{ mqtt: { port: Number(process.argv[2] ?? 1883), controller } }] });
for (const address of await hub.open()) console.log(`listening ${address}`);
