/** The broker's tables: with a storage, those that tell it what changes. At start. */
import { Outbox } from "../delivery/outbox.js";
import { ReceivedIds } from "../delivery/received-ids.js";
import { MessageStore } from "../memory/message-store.js";
import type { Broker } from "./broker.js";
import { Connection } from "./connection.js";
import { ControlledConnection } from "./controlled-connection.js";
import { DurableConnection } from "./durable-connection.js";
import type { Listener } from "./listener.js";
import { Retained } from "./retained.js";
import { Sessions } from "./session.js";
import { StoredMessages, StoredOutbox, StoredReceivedIds, StoredRetained } from "./stored-tables.js";

export function makeStore(broker: Broker): MessageStore {
	const limits = broker.limits;
	const holdersMax = limits.deliveries + 2;
	if (broker.persist !== undefined) return new StoredMessages(broker, holdersMax);
	return new MessageStore(broker.pool, holdersMax, limits.packetBytes);
}

export function makeReceivedIds(broker: Broker, sessions: number): ReceivedIds {
	if (broker.persist !== undefined) return new StoredReceivedIds(broker, broker.persist, sessions);
	return new ReceivedIds(broker.limits.received, sessions);
}

export function makeRetained(broker: Broker): Retained {
	if (broker.persist !== undefined) return new StoredRetained(broker, broker.persist);
	return new Retained(broker.store, broker.limits.retained, broker.limits.retainedTopicBytes);
}

export function makeSessions(broker: Broker, sessions: number): Sessions {
	const entries = broker.deliveries;
	if (broker.persist === undefined) return new Sessions(sessions, () => new Outbox(entries));
	return new Sessions(sessions, (index) => new StoredOutbox(entries, broker, index));
}

export function makeConnection(broker: Broker, index: number, listener: Listener): Connection {
	if (listener.isControlled) return new ControlledConnection(broker, index);
	return broker.persist === undefined ? new Connection(broker, index) : new DurableConnection(broker, index);
}
