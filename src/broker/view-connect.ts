/** CONNECT as a controller sees it. */
import { type ConnectPacket, decodeConnect } from "../codec/connect.js";
import { readProperties } from "../codec/packet-properties.js";
import { ConnectFlag, Version } from "../codec/packet-types.js";
import type { Connect, Will } from "../codec/packets.js";
import type { Cause } from "../errors.js";
import type { Broker } from "./broker.js";
import type { Connection } from "./connection.js";
import { NO_PROPERTIES, View } from "./view.js";

export class ConnectView extends View {
	readonly type = "connect";

	constructor(
		broker: Broker,
		readonly parts: ConnectPacket,
	) {
		super(broker);
	}

	protected override decode(_c: Connection, _first: number, bytes: Uint8Array, start: number, end: number): Cause {
		const cause = decodeConnect(this.parts, bytes, start, end, this.broker.text);
		this.version = this.parts.version;
		return cause;
	}

	/** Protocol Level: 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0 */
	get protocolVersion(): number {
		this.check();
		return this.version;
	}

	/** "": it has none */
	get clientId(): string {
		return this.string(this.parts.bytes, this.parts.clientIdStart, this.parts.clientIdEnd);
	}

	get cleanStart(): boolean {
		this.check();
		return this.parts.cleanStart;
	}

	/** seconds; 0: none */
	get keepAlive(): number {
		this.check();
		return this.parts.keepAlive;
	}

	get userName(): string | undefined {
		this.check();
		const { bytes, userNameStart, userNameEnd } = this.parts;
		return userNameStart < 0 ? undefined : this.string(bytes, userNameStart, userNameEnd);
	}

	/** a copy; undefined: none */
	get password(): Uint8Array | undefined {
		this.check();
		const { bytes, passwordStart, passwordEnd } = this.parts;
		return passwordStart < 0 ? undefined : bytes.slice(passwordStart, passwordEnd);
	}

	/** a copy; undefined: none */
	get will(): Will | undefined {
		this.check();
		const packet = this.parts;
		if (!packet.hasWill) return undefined;
		return {
			topic: this.string(packet.bytes, packet.willTopicStart, packet.willTopicEnd),
			payload: packet.bytes.slice(packet.willPayloadStart, packet.willPayloadEnd),
			qos: (packet.flags & ConnectFlag.WillQos) >> 3,
			retain: (packet.flags & ConnectFlag.WillRetain) !== 0,
			properties: this.version === Version.V5 ? readProperties(packet.will, this.broker.text) : NO_PROPERTIES,
		};
	}

	copy(): Connect {
		return {
			type: "connect",
			version: this.protocolVersion,
			clientId: this.clientId,
			cleanStart: this.cleanStart,
			keepAlive: this.keepAlive,
			userName: this.userName,
			password: this.password,
			will: this.will,
			properties: this.properties,
		};
	}
}
