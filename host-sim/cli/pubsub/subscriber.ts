/** `hearth sub` as it runs: subscribes, prints what comes and is wanted, and knows when it is enough. */
import type { IncomingMessage } from "../../../src/client/incoming-message.js";
import { PacketType, SubscribeOption } from "../../../src/codec/packet-types.js";
import { sizeOfPacket } from "../../../src/codec/publish.js";
import { encodeSubscribe, type FilterEntry, type SubackPacket, sizeOfSubscribe } from "../../../src/codec/subscribe.js";
import { topicMatches } from "../../../src/codec/topic.js";
import { sendControl } from "../../../src/delivery/output.js";
import type { Cause } from "../../../src/errors.js";
import { reasonName } from "../../../src/promises/client-error.js";
import { text } from "../../text.js";
import { MessageFormat, type PrintedMessage } from "./message-format.js";
import { PrintStream } from "./print-stream.js";
import { encodeGiven } from "./property-option.js";
import { Exit, type PubSubIo, Session } from "./session.js";
import type { PubSubSettings } from "./settings.js";
import { wallClock } from "./wall-clock.js";

/** Retain Handling: send no Retained Messages at subscribing. Spec: 5.0, 3.8.3.1 */
const SEND_NO_RETAINED = 0x20;

export class Subscriber extends Session {
	private readonly print: PrintStream;
	private readonly format: MessageFormat;
	private readonly now = wallClock();
	private timer: NodeJS.Timeout | undefined;
	/** the payload of a message that comes in parts */
	private gathered: Buffer | undefined;
	/** tickets of messages that are acknowledged when what was printed has left */
	private unacknowledged: number[] = [];
	/** messages that -C counts */
	private counted = 0;
	/** what was printed could not be written */
	private lost = false;
	/** nothing more is wanted */
	private enough = false;
	/** Retained Messages whose removal the broker has not acknowledged */
	private removing = 0;
	/** Packet Identifier of the SUBSCRIBE that is waited for */
	private subscribeId = 0;

	constructor(settings: PubSubSettings, io: PubSubIo) {
		super("sub", settings, io, true);
		this.format = new MessageFormat(settings);
		this.print = new PrintStream(
			io.output,
			() => this.client.resume(),
			() => this.outputFailed(),
		);
	}

	override async run(): Promise<number> {
		const { timeoutMs } = this.settings;
		if (timeoutMs > 0) this.timer = setTimeout(() => this.timedOut(), timeoutMs);
		const code = await super.run();
		clearTimeout(this.timer);
		await this.print.end();
		return code === Exit.Done && this.lost ? Exit.Failed : code;
	}

	/** Nobody reads any more, as in `hearth sub | head -1`: that is no error. A full disk is one. */
	private outputFailed(): void {
		const code = this.print.error?.code;
		if (code !== "EPIPE") {
			this.lost = true;
			this.say(`standard output can't be written (${code ?? this.print.error})`);
		}
		this.finish(this.lost ? Exit.Failed : Exit.Done);
	}

	private timedOut(): void {
		this.turn();
		this.say("the time of -W is over");
		super.interrupted(Exit.TimedOut);
	}

	/** What was printed and not acknowledged comes again otherwise. */
	protected override interrupted(): void {
		this.turn();
		super.interrupted(Exit.Done);
	}

	protected override begin(): void {
		const { settings } = this;
		let options = settings.qos;
		if (settings.version === 5) {
			if (settings.retainAsPublished) options |= SubscribeOption.RetainAsPublished;
			if (settings.noRetained) options |= SEND_NO_RETAINED;
		}
		const { subscribe, unsubscribe } = settings.properties;
		const entries = settings.topics.map((filter) => ({ filter, options }));
		this.subscribeId = this.ask(PacketType.Subscribe, entries, encodeGiven(subscribe));
		for (const filter of settings.unsubscribe)
			this.ask(PacketType.Unsubscribe, [{ filter, options: 0 }], encodeGiven(unsubscribe));
	}

	override disconnected(cause: Cause, reason: number, told: string, againMs: number): void {
		// what was not acknowledged, or not whole, comes again
		this.gathered = undefined;
		this.unacknowledged = [];
		super.disconnected(cause, reason, told, againMs);
	}

	/** Sends SUBSCRIBE or UNSUBSCRIBE. @returns its Packet Identifier */
	private ask(
		type: PacketType.Subscribe | PacketType.Unsubscribe,
		entries: FilterEntry[],
		properties: Uint8Array | undefined,
	): number {
		const { client } = this;
		const { version } = client;
		const size = sizeOfPacket(sizeOfSubscribe(type, version, entries, properties?.length ?? 0, text));
		const bytes = new Uint8Array(size);
		const id = client.takeId();
		const end = encodeSubscribe(bytes, 0, type, version, id, entries, properties, text);
		client.touch();
		const name = type === PacketType.Subscribe ? "SUBSCRIBE" : "UNSUBSCRIBE";
		for (const { filter, options } of entries)
			this.debug(
				`sending ${name} (Mid: ${id}, Topic: ${filter}, QoS: ${options & 3}, Options: 0x${hex(options & ~3)})`,
			);
		if (!sendControl(client.link.output, bytes, 0, end))
			this.fail(`${name} is too large (${size} bytes); give fewer topics`);
		return id;
	}

	override subscribeAck(packet: SubackPacket): void {
		super.subscribeAck(packet);
		if (packet.packetId !== this.subscribeId) return;
		const codes = packet.bytes.slice(packet.codesStart, packet.codesEnd);
		this.debug(`subscribed (Mid: ${packet.packetId}): ${codes.join(", ")}`);
		const { topics, exitAfterSubscribe } = this.settings;
		for (const [i, code] of codes.entries())
			if (code >= 0x80) this.say(`${topics[i]}: the broker refuses the subscription: ${reasonName(code)}`);
		if (codes.every((code) => code >= 0x80)) this.finish(Exit.Failed);
		else if (exitAfterSubscribe) this.finish(Exit.Done);
	}

	override publish(message: IncomingMessage): void {
		super.publish(message);
		const { payloadStart, payloadEnd, offset, left } = message;
		let payload = message.bytes.subarray(payloadStart, payloadEnd);
		if (message.qos > 0) message.deferred = true;
		if (offset > 0 || left > 0) {
			// half a message is never printed: the connection may be lost before the rest comes
			this.gathered ??= Buffer.allocUnsafe(message.byteLength);
			this.gathered.set(payload, offset);
			if (left > 0) return;
			payload = this.gathered;
			this.gathered = undefined;
		}
		if (this.enough || this.ending) return;
		this.client.touch(); // `turn` writes what is printed
		if (message.qos > 0) this.unacknowledged.push(message.ticket);
		const { properties } = message;
		const has = this.client.version === 5 && properties.end > properties.start;
		this.take({
			topic: message.topic,
			payload,
			qos: message.qos,
			retain: message.retain,
			packetId: message.qos > 0 ? message.packetId : 0,
			properties: has ? properties : undefined,
		});
	}

	private take(message: PrintedMessage): void {
		const { settings, print } = this;
		if (settings.retainedOnly && !message.retain) {
			this.enough = true;
			return;
		}
		if (message.retain && settings.noRetained) return;
		if (settings.filtersOut.some((filter) => topicMatches(filter, message.topic))) return;
		if (message.retain && settings.removeRetained) this.remove(message.topic);
		if (settings.randomPercent === 100 || Math.random() * 100 < settings.randomPercent)
			this.format.print(message, print, this.now, (what) => this.say(what));
		if (settings.count > 0 && ++this.counted === settings.count) this.enough = true;
		if (print.full) this.client.pause();
	}

	private remove(topic: string): void {
		const removed = this.client.publish(topic, "", { qos: 1, retain: true }, (_cause, reason) => {
			this.removing--;
			this.client.touch();
			if (reason >= 0x80) this.say(`${topic}: the broker does not remove the Retained Message: ${reasonName(reason)}`);
		});
		if (removed > 0) this.removing++;
		else this.say(`${topic}: the Retained Message is not removed: too many at once`);
	}

	/** What was printed leaves, and then the acknowledgements. */
	protected override turn(): void {
		this.print.flush();
		for (const ticket of this.unacknowledged) this.client.acknowledge(ticket);
		this.unacknowledged = [];
		if (this.enough && this.removing === 0) this.finish(Exit.Done);
	}
}

function hex(options: number): string {
	return options.toString(16).padStart(2, "0");
}
