/** What `hearth pub` does with messages, wherever they come from. */
import type { ClientPublishOptions, PayloadSource } from "../../../src/client/client-options.js";
import { PropertyId } from "../../../src/codec/packet-types.js";
import { Cause, causeName } from "../../../src/errors.js";
import { reasonName } from "../../../src/promises/client-error.js";
import { encodeGiven } from "./property-option.js";
import { Exit, type PubSubIo, Session } from "./session.js";
import type { PubSubSettings } from "./settings.js";

export abstract class Publisher extends Session {
	protected readonly topic: string;
	private readonly options: ClientPublishOptions;
	/** messages that are not done with */
	protected waiting = 0;
	/** a message was refused */
	private failed = false;

	constructor(settings: PubSubSettings, io: PubSubIo, reconnects: boolean) {
		super("pub", settings, io, reconnects);
		this.topic = settings.topics[0]!;
		this.options = { qos: settings.qos, retain: settings.retain };
		const given = settings.properties.publish;
		// the client gives Topic Aliases itself, wherever the broker takes them
		const properties = encodeGiven(given.filter(({ id }) => !OWN.includes(id)));
		const expiry = given.find(({ id }) => id === PropertyId.MessageExpiryInterval)?.value;
		if (properties !== undefined) this.options.properties = properties;
		if (typeof expiry === "number") this.options.expirySeconds = expiry;
	}

	/** A message is done with: there is room for others. */
	protected abstract done(): void;

	/** Publishes a message. @returns false: there is no room for it now; `done` or `writable` comes when there is */
	protected send(payload: Uint8Array | PayloadSource): boolean {
		const { client, topic, options } = this;
		const bytes = payload instanceof Uint8Array ? payload.length : payload.byteLength;
		const done = (cause: Cause, reason: number) => this.isDone(bytes, cause, reason);
		this.waiting++;
		if (this.settings.debug)
			this.debug(`sending PUBLISH (q${options.qos}, r${Number(options.retain)}, '${topic}', ... (${bytes} bytes))`);
		const result =
			payload instanceof Uint8Array
				? client.publish(topic, payload, options, done)
				: client.publishFrom(topic, payload, options, done);
		if (result > 0) return true;
		this.waiting--;
		if (result === -Cause.FullQueue || result === -Cause.FullStore) return false;
		if (result < 0) this.notSent(bytes, -result as Cause);
		return true;
	}

	private isDone(bytes: number, cause: Cause, reason: number): void {
		this.waiting--;
		if (cause === Cause.TransportClosed) return; // the loss of the connection is said
		if (cause !== Cause.None) this.notSent(bytes, cause);
		else if (reason >= 0x80) {
			this.failed = true;
			this.say(`${this.topic}: the broker refuses the message: ${reasonName(reason)}`);
		}
		this.done();
	}

	private notSent(bytes: number, cause: Cause): void {
		this.failed = true;
		this.say(`${this.topic}: a message of ${bytes.toLocaleString("en")} bytes is not sent: ${explain(cause)}`);
	}

	/** All is sent. */
	protected complete(): void {
		this.finish(this.failed ? Exit.Failed : Exit.Done);
	}
}

/** Properties that the client makes itself. */
const OWN: readonly PropertyId[] = [PropertyId.TopicAlias, PropertyId.MessageExpiryInterval];

function explain(cause: Cause): string {
	switch (cause) {
		case Cause.PacketTooLarge:
			return "it is larger than the broker takes; send it in parts";
		case Cause.QosNotSupported:
			return "the broker does not take this QoS; give a smaller -q";
		case Cause.RetainNotSupported:
			return "the broker keeps no messages; leave -r out";
		case Cause.MessageExpired:
			return "it expired before it could be sent; give it more seconds";
		default:
			return causeName(cause);
	}
}
