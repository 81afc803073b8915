/** Plays a schedule: clients without sockets do what its steps say with the broker and with the model, and what the
 *  broker sends is held against the model after each step. */
import { generate, type IConnectPacket, type IPublishPacket, type Packet } from "mqtt-packet";
import { Fixture, type TestClient } from "../support/fixtures.js";
import { Model } from "./model.js";
import { fail, forwarded } from "./receiver.js";
import type { Connect, Draft, Schedule, Step, Subscription } from "./steps.js";

/** A client's side of its Session State, and its connection. */
class Client {
	link: TestClient | undefined;
	version: 4 | 5 = 4;
	eager = false;
	/** packets that came and are not read */
	inbox: Packet[] = [];
	/** acknowledgements that are due, in order */
	due: { cmd: "puback" | "pubrec" | "pubrel" | "pubcomp"; id: number }[] = [];
	/** what it published at QoS 1 and 2 and is not done, in order */
	readonly outgoing = new Map<number, { draft: Draft; released: boolean }>();
	/** Topic Aliases that it gave */
	readonly aliases = new Map<number, string>();
	private lastId = 0;

	constructor(readonly id: string) {}

	freeId(): number {
		do this.lastId = (this.lastId % 40) + 1;
		while (this.outgoing.has(this.lastId));
		return this.lastId;
	}

	/** Reads a packet. */
	read(packet: Packet): void {
		const id = packet.messageId!;
		if (packet.cmd === "publish" && packet.qos > 0) this.due.push({ cmd: packet.qos === 1 ? "puback" : "pubrec", id });
		else if (packet.cmd === "pubrel") this.due.push({ cmd: "pubcomp", id });
		else if (packet.cmd === "puback" || packet.cmd === "pubcomp") this.outgoing.delete(id);
		else if (packet.cmd === "pubrec") {
			this.outgoing.get(id)!.released = true;
			this.due.push({ cmd: "pubrel", id });
		}
	}

	/** Sends packets in one piece. */
	write(packets: Packet[]): void {
		const options = { protocolVersion: this.version };
		if (packets.length > 0) this.link!.raw(Buffer.concat(packets.map((packet) => generate(packet, options))));
	}
}

/** Where a schedule failed. */
export interface Failure {
	/** index of the step */
	at: number;
	error: Error;
	/** all went well, but something is left at the end */
	leftOver: boolean;
}

/** Packets take the short ways of a device, of Node, and the long way. */
const WAYS = [{ copiesWrites: true }, { copiesWrites: false }, { shortWays: false }];

class Player {
	private readonly fixture: Fixture;
	private readonly model: Model;
	private readonly clients: Client[];

	constructor(schedule: Schedule) {
		this.fixture = new Fixture({ limits: schedule.limits, logLevel: 0, ...WAYS[schedule.clients % 3] });
		this.model = new Model(schedule.limits.inFlight!);
		this.clients = Array.from({ length: schedule.clients }, (_, c) => new Client(`c${c}`));
	}

	play(step: Step): void {
		// No two steps at the same ms, and all intervals in seconds: no two things are ever due at once.
		this.fixture.now++;
		this.model.tick(this.fixture.now);
		if (step.op === "advance") this.advance(step.seconds * 1000);
		else this.act(this.clients[step.client]!, step);
		this.exchange();
		if (this.fixture.log.length > 0) fail(`the broker's log: ${this.fixture.log.join("; ")}`);
	}

	/** A step that the client's state does not allow does nothing, so that any part of a schedule is a schedule. */
	private act(client: Client, step: Step): void {
		const { model } = this;
		if (step.op === "connect") return this.connect(client, step);
		const { link, id } = client;
		if (link === undefined) return;
		const messageId = 100;
		if (step.op === "subscribe") {
			this.subscribe(client, step.subscriptions, step.identifier, messageId);
		} else if (step.op === "unsubscribe") {
			model.unsubscribe(id, step.filters, messageId);
			client.write([{ cmd: "unsubscribe", messageId, unsubscriptions: step.filters }]);
		} else if (step.op === "publish") {
			client.write(step.messages.map((draft) => this.publish(client, draft, client.freeId())));
			if (!step.unread) return;
			this.exchange(client);
			this.cut(client);
		} else if (step.op === "answer") this.answer(client, step.count, step.refuse);
		else if (step.op === "cut") this.cut(client);
		else if (step.op === "disconnect") this.disconnect(client, step);
	}

	private connect(client: Client, step: Connect): void {
		const old = client.link;
		client.version = step.version;
		client.eager = step.eager;
		client.due = [];
		client.aliases.clear();
		client.link = this.fixture.open(step.version);
		const present = this.model.connect(client.id, step);
		const connack = client.link.connect(client.id, connectOptions(step));
		if (connack.sessionPresent !== present) fail(`Session Present ${connack.sessionPresent} [5:MQTT-3.2.2-3]`);
		if (old !== undefined) takenOver(old);
		if (!present) client.outgoing.clear();
		client.write(
			[...client.outgoing].map(([id, { draft, released }]) => {
				if (!released) return this.publish(client, { ...draft, short: false }, id, true);
				this.model.release(client.id, id);
				return { cmd: "pubrel", messageId: id };
			}),
		);
	}

	/** What 3.1.1 cannot say is left out: where steps are left out, another version may be spoken than was thought of. */
	private subscribe(client: Client, list: Subscription[], given: number | undefined, messageId: number): void {
		const v5 = client.version === 5;
		const plain = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
		const asked = v5 ? list : list.map((one) => ({ ...one, ...plain }));
		const identifier = v5 ? given : undefined;
		this.model.subscribe(client.id, asked, identifier, messageId);
		const subscriptions = asked.map(
			({ filter: topic, qos, noLocal: nl, retainAsPublished: rap, retainHandling: rh }) =>
				v5 ? { topic, qos, nl, rap, rh } : { topic, qos },
		);
		const properties = identifier === undefined ? {} : { subscriptionIdentifier: identifier };
		client.write([{ cmd: "subscribe", messageId, subscriptions, properties }]);
	}

	/** @returns the PUBLISH, of which the model knows */
	private publish(client: Client, given: Draft, id: number, dup = false): Packet {
		const v5 = client.version === 5;
		const { alias, short, expiry, properties, ...plain } = given;
		// a session that began with 5.0 may go on with 3.1.1
		const draft: Draft = v5 ? given : { ...plain, properties: {} };
		if (plain.qos > 0) client.outgoing.set(id, { draft: given, released: false });
		this.model.publish(client.id, draft, id);
		const { topic, payload, qos, retain } = draft;
		const packet: IPublishPacket = { cmd: "publish", topic, payload, qos, dup, retain };
		if (qos > 0) packet.messageId = id;
		if (!v5) return packet;
		packet.properties = forwarded(properties);
		if (expiry !== undefined) packet.properties.messageExpiryInterval = expiry;
		if (alias === undefined || dup) return packet;
		packet.properties.topicAlias = alias;
		if (short && client.aliases.get(alias) === topic) packet.topic = "";
		else client.aliases.set(alias, topic);
		return packet;
	}

	/** Acknowledges the next of what is due, one by one: what comes upon one comes before the next is sent. */
	private answer(client: Client, count: number, refuse: boolean): void {
		for (const { cmd, id } of client.due.splice(0, count)) {
			const refused = refuse && client.version === 5 && (cmd === "puback" || cmd === "pubrec");
			refuse = false;
			if (cmd === "pubrel") this.model.release(client.id, id);
			else this.model.acknowledge(client.id, cmd, id, refused);
			client.write([refused ? { cmd, messageId: id, reasonCode: 0x83 } : { cmd, messageId: id }]);
			this.pull(client);
		}
	}

	private cut(client: Client): void {
		this.model.disconnect(client.id);
		client.link!.cut();
		client.link = undefined;
		client.inbox = [];
	}

	private disconnect(client: Client, { reason, expiry }: { reason: number; expiry?: number }): void {
		this.model.disconnect(client.id, expiry === undefined ? { reason } : { reason, expiry });
		const properties = expiry === undefined ? {} : { sessionExpiryInterval: expiry };
		client.write([
			client.version === 5 ? { cmd: "disconnect", reasonCode: reason, properties } : { cmd: "disconnect" },
		]);
		if (!client.link!.closed) fail("DISCONNECT did not end the connection");
		client.link = undefined;
	}

	private advance(ms: number): void {
		const { fixture, model } = this;
		const end = fixture.now + ms;
		while (fixture.now < end) {
			const next = Math.min(end, model.nextDue());
			fixture.advance(next - fixture.now);
			model.tick(next);
			this.exchange();
		}
	}

	/** Hands packets to the clients until none comes. @param mute one that does not read what comes */
	private exchange(mute?: Client): void {
		for (let more = true; more; ) {
			more = false;
			for (const client of this.clients) {
				this.pull(client);
				if (client === mute) continue;
				for (const packet of client.inbox.splice(0)) {
					client.read(packet);
					more = true;
				}
				if (client.link !== undefined && client.eager) this.answer(client, client.due.length, false);
			}
		}
		this.model.settle();
	}

	/** Holds what came against the model, before the client reads any of it. */
	private pull(client: Client): void {
		const { link } = client;
		if (link === undefined) return;
		for (const packet of link.packets.splice(0)) {
			this.observe(client, packet);
			client.inbox.push(packet);
		}
		if (link.closed) fail(`${client.id}: the broker ended the connection`);
	}

	private observe(client: Client, packet: Packet): void {
		try {
			this.model.observe(client.id, packet);
		} catch (error) {
			const shown = packet.cmd === "publish" ? { ...packet, payload: packet.payload.toString() } : packet;
			throw new Error(`${client.id} gets ${JSON.stringify(shown)}: ${(error as Error).message}`);
		}
	}

	/** After a whole schedule, nothing is left of it. */
	checkEmpty(): void {
		const { store, deliveries, received, pool, limits, sessions, table } = this.fixture.broker;
		if (sessions.count + table.count > 0) fail(`${sessions.count} sessions and ${table.count} subscriptions are left`);
		if (store.count > 0) fail(`${store.count} messages are left`);
		if (deliveries.freeCount < limits.deliveries) fail(`${limits.deliveries - deliveries.freeCount} entries are left`);
		if (pool.freeCount < limits.blocks) fail(`${limits.blocks - pool.freeCount} blocks are left`);
		if (received.count > 0) fail(`${received.count} QoS 2 identifiers are left`);
	}
}

function connectOptions(step: Connect): Partial<IConnectPacket> {
	const { clean, expiry, receiveMaximum, packetBytesMax, aliasMaximum, will } = step;
	const v5 = step.version === 5;
	const options: Partial<IConnectPacket> = { clean };
	if (will !== undefined) {
		const { topic, payload, qos, retain, delay, properties } = will;
		options.will = { topic, payload: Buffer.from(payload), qos, retain };
		if (v5) options.will.properties = { ...forwarded(properties), willDelayInterval: delay };
		if (v5 && will.expiry !== undefined) options.will.properties!.messageExpiryInterval = will.expiry;
	}
	if (!v5) return options;
	options.properties = { sessionExpiryInterval: expiry };
	if (receiveMaximum !== undefined) options.properties.receiveMaximum = receiveMaximum;
	if (packetBytesMax !== undefined) options.properties.maximumPacketSize = packetBytesMax;
	if (aliasMaximum !== undefined) options.properties.topicAliasMaximum = aliasMaximum;
	return options;
}

/** Spec: [5:MQTT-3.1.4-3] */
function takenOver(old: TestClient): void {
	if (!old.closed) fail("the older connection goes on [5:MQTT-3.1.4-3]");
	const told = old.packets.map((packet) => ("reasonCode" in packet ? packet.reasonCode : packet.cmd));
	if (`${told}` !== (old.version === 5 ? `${0x8e}` : "")) fail(`the older connection is told ${told}`);
}

/** Plays a schedule on a new broker.
 *  @param whole all steps are there: then nothing may be left at the end @returns undefined: all is as it should be */
export function play(schedule: Schedule, whole = true): Failure | undefined {
	const player = new Player(schedule);
	const { steps } = schedule;
	let at = 0;
	try {
		for (; at < steps.length; at++) player.play(steps[at]!);
		if (whole) player.checkEmpty();
		return undefined;
	} catch (error) {
		const leftOver = at === steps.length;
		return { at: leftOver ? at - 1 : at, error: error as Error, leftOver };
	}
}
