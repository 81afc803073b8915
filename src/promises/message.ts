/** An Application Message that is the program's own. */
import type { Text } from "../platform.js";
import type { PropertyRecord } from "./property-record.js";

export class Message {
	/** @internal */
	constructor(
		readonly topic: string,
		readonly payload: Uint8Array,
		readonly qos: number,
		readonly retain: boolean,
		readonly duplicate: boolean,
		/** of 5.0; undefined: none */
		readonly properties: PropertyRecord | undefined,
		private readonly platformText: Text,
	) {}

	/** the payload as text; bytes that are no UTF-8 throw TypeError */
	get text(): string {
		const text = this.platformText.decode(this.payload, 0, this.payload.length);
		if (text === undefined) throw new TypeError(`${this.topic}: the payload is not UTF-8`);
		return text;
	}

	/** @returns what the payload means as JSON. Throws SyntaxError or TypeError when it is none */
	json(): unknown {
		return JSON.parse(this.text);
	}
}
